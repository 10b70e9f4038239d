"""The API: one application over a published ranking and a live model.

`create_app` wires it; nothing here reads a clock, a file or the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.responses import Response

from serving.answers import customer_answer, model_answer, ranking_answer, score_answer
from serving.gate import Gate
from serving.keys import KeyRing
from serving.live import Scorer
from serving.posted import MAX_BODY_BYTES, HorizonDays, ScoreRequest, read_score_request
from serving.problems import MEDIA_TYPE, Problem, ProblemDocument, add_handlers
from serving.schemas import (
    CustomerAnswer,
    ModelAnswer,
    RankingAnswer,
    ScoreAnswer,
)
from serving.store import Store

_PAGE = 100
_MAX_PAGE = 1_000
_MAX_HORIZONS = 20
# A small body is scored at once (a thread costs 0.2 ms); larger ones wait for one of a few threads, so that
# neither the event loop nor the memory (up to 350 MB for a hostile 8 MiB) is theirs.
_SMALL_BYTES = 32 * 2**10
_BULK_THREADS = 2
_COMPONENTS = "#/components/schemas/{model}"
_PROBLEM = _COMPONENTS.format(model="ProblemDocument")
# Read by _require_key itself: FastAPI's own security classes cost 0.1 ms per request.
_SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
}


@dataclass(frozen=True)
class Service:
    """What the endpoints answer from; a newer one takes over by one assignment to `app.state.service`."""

    store: Store | None
    scorer: Scorer
    keys: KeyRing | None
    clock: Callable[[], datetime]
    zone: ZoneInfo
    bulk: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(_BULK_THREADS))


async def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


ServiceDep = Annotated[Service, Depends(_service)]


async def _require_key(request: Request, service: ServiceDep) -> None:
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    key = bearer.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    if service.keys is not None and not service.keys.accepts(key):
        wanted = "Send a valid API key as `Authorization: Bearer …` or `X-API-Key: …`."
        raise Problem(401, wanted, headers={"www-authenticate": "Bearer"})


async def _published(service: ServiceDep) -> Store:
    if service.store is None:
        raise Problem(503, "No ranking is published. Run `repurchase rank` and start the server with it.")
    return service.store


async def _json_body(request: Request) -> bytes:
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if kind != "application/json" or encoding != "identity":
        raise Problem(415, "Send the body as application/json, not compressed.")
    return await request.body()


PublishedStore = Annotated[Store, Depends(_published)]
JsonBody = Annotated[bytes, Depends(_json_body)]
Horizons = Annotated[
    list[HorizonDays] | None,
    Query(
        max_length=_MAX_HORIZONS,
        description="Days; repeatable. Adds p_repurchase_{h}d.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=_MAX_PAGE, description="Customers on a page.")]
After = Annotated[str | None, Query(max_length=64, description="`next` of the last page, or a rank.")]

health = APIRouter(prefix="/health", tags=["health"])
v1 = APIRouter(
    prefix="/v1",
    dependencies=[Depends(_require_key)],
    responses={
        status: {"description": what, "content": {MEDIA_TYPE: {"schema": {"$ref": _PROBLEM}}}}
        for status, what in ((401, "No valid API key"), (422, "The request is not valid"))
    },
)


@health.get("/live")
async def live() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "live"}


@health.get("/ready")
async def ready(service: ServiceDep) -> dict[str, str | bool]:
    """Tell that the model is loaded, and whether a ranking is."""
    return {"status": "ready", "ranking": service.store is not None}


@v1.get("/model", response_model=ModelAnswer, tags=["model"])
async def model(service: ServiceDep) -> Response:
    """Return the model's card and the published ranking in short."""
    return _json(model_answer(service.scorer, service.store))


@v1.get("/customers/{customer_id:path}", response_model=CustomerAnswer, tags=["ranking"])
async def customer(customer_id: str, store: PublishedStore, horizon: Horizons = None) -> Response:
    """Return one customer of the published ranking; the id may hold slashes and any Unicode."""
    return _json(customer_answer(store, customer_id, horizon or ()))


@v1.get("/ranking", response_model=RankingAnswer, tags=["ranking"])
def ranking(store: PublishedStore, limit: Limit = _PAGE, after: After = None) -> Response:
    """Return one page of the published ranking, best customers first."""
    return _json(ranking_answer(store, limit=limit, after=after))


@v1.post("/score", response_model=ScoreAnswer, tags=["live"])
async def score(service: ServiceDep, body: JsonBody) -> Response:
    """Score the posted order histories now, as the nightly ranking would.

    Orders after as_of are ignored. Without as_of it is the last day of the model's data, or the last posted
    order day if that is later and not in the future.
    """
    if len(body) <= _SMALL_BYTES:
        return _scored(service, body)
    return await to_thread.run_sync(_scored, service, body, limiter=service.bulk)


def _scored(service: Service, body: bytes) -> Response:
    asked = read_score_request(body)
    return _json(score_answer(asked, scorer=service.scorer, zone=service.zone, now=service.clock()))


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type="application/json")


def create_app(
    *, store: Store | None, scorer: Scorer, keys: KeyRing | None, clock: Callable[[], datetime]
) -> FastAPI:
    """Return the API; `keys=None` leaves it open to everybody."""
    app = FastAPI(
        title="Repurchase",
        version="1",
        description="Who will buy again, how much, and when.",
        redirect_slashes=False,
        redoc_url=None,
    )
    app.state.service = Service(store, scorer, keys, clock, ZoneInfo(scorer.timezone))
    app.include_router(health)
    app.include_router(v1)
    app.add_middleware(Gate, max_body_bytes=MAX_BODY_BYTES)
    add_handlers(app)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with the shapes that FastAPI does not see: our body and our problems."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        for shape in (ScoreRequest, ProblemDocument):
            schema = shape.model_json_schema(ref_template=_COMPONENTS)
            document["components"]["schemas"] |= {**schema.pop("$defs"), shape.__name__: schema}
        document["paths"]["/v1/score"]["post"]["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": _COMPONENTS.format(model="ScoreRequest")}}},
        }
        document["components"]["securitySchemes"] = _SECURITY
        document["security"] = [{name: []} for name in _SECURITY]
        app.openapi_schema = document
    return app.openapi_schema
