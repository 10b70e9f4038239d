"""The protocols of other model servers over the same core: Open Inference (KServe v2) and MLflow's scoring server."""

from __future__ import annotations

from typing import Any, Literal

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from contracts.days import to_date
from serving.answering.inference import (
    COLUMNS,
    MODEL_NAME,
    InferAnswer,
    InferRequest,
    InvocationAnswer,
    InvocationRequest,
    asked_by_invocation,
    asked_by_tensors,
    datatype_of,
    infer_answer,
    output_kinds,
    predictions,
)
from serving.api.health import standing
from serving.api.score import JsonBody, at_work, note_scored
from serving.api.versioned import body_of, problems, router_of
from serving.guarding.access import SCORE_READ
from serving.guarding.guard import guard_of
from serving.live import LiveScores, score_live
from serving.problems import Problem
from serving.service import Current, CurrentDep, Service, ServiceDep, as_json
from serving.shapes.posted import ScoreRequest, read_posted

_OF_A_MODEL: dict[str, Any] = {"responses": problems(404)}
_TEXT: dict[int | str, dict[str, Any]] = {200: {"content": {"text/plain": {}}}}


class ServerLive(BaseModel):
    """The server answers."""

    live: Literal[True] = True


class ServerReady(BaseModel):
    """Whether the server wants requests."""

    ready: bool


class ServerMetadata(BaseModel):
    """The server."""

    name: str
    version: str
    extensions: list[str]


class ModelReady(BaseModel):
    """Whether a model wants requests."""

    name: str
    ready: bool


class TensorMetadata(BaseModel):
    """A tensor; -1 is any length."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """A model, what it takes and what it answers."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


open_router = router_of(tag="inference", scope=None)
router = router_of(tag="inference", scope=SCORE_READ)


@open_router.get("/v2/health/live")
async def server_live() -> ServerLive:
    """Tell that the server answers (Open Inference)."""
    return ServerLive()


@open_router.get("/v2/health/ready", response_model=ServerReady, responses={503: {"model": ServerReady}})
async def server_ready(request: Request, service: ServiceDep, current: CurrentDep) -> Response:
    """Tell whether the server wants requests (Open Inference)."""
    ready = _is_ready(request, service, current)
    return Response(ServerReady(ready=ready).model_dump_json(), _status(ready), media_type="application/json")


@open_router.get("/v2")
async def server_metadata(current: CurrentDep) -> ServerMetadata:
    """Return the server's name and the version of its protocol's answers (Open Inference)."""
    return ServerMetadata(name="repurchase", version="1", extensions=[])


@open_router.get(
    "/v2/models/{name}/ready",
    response_model=ModelReady,
    responses={**problems(404), 503: {"model": ModelReady}},
)
async def model_ready(name: str, request: Request, service: ServiceDep, current: CurrentDep) -> Response:
    """Tell whether the model wants requests (Open Inference)."""
    _require_model(name, current)
    ready = _is_ready(request, service, current)
    answer = ModelReady(name=MODEL_NAME, ready=ready)
    return Response(answer.model_dump_json(), _status(ready), media_type="application/json")


@open_router.get("/ping", response_class=Response, responses=_TEXT)
async def ping(request: Request, service: ServiceDep, current: CurrentDep) -> Response:
    """Tell whether the server wants requests (MLflow)."""
    return Response("\n", _status(_is_ready(request, service, current)), media_type="text/plain")


@open_router.get("/version", response_class=Response, responses=_TEXT)
async def version(current: CurrentDep) -> Response:
    """Return the model's version (where MLflow's server returns its own)."""
    return Response(current.scorer.model_version, media_type="text/plain")


@router.get("/v2/models/{name}", **_OF_A_MODEL)
async def model_metadata(name: str, current: CurrentDep) -> ModelMetadata:
    """Return what the model takes and answers (Open Inference). Its name is `repurchase`."""
    _require_model(name, current)
    outputs = output_kinds(current.scorer.horizons)
    return ModelMetadata(
        name=MODEL_NAME,
        versions=[current.scorer.model_version],
        platform="repurchase",
        inputs=[TensorMetadata(name=each, datatype=datatype_of(each), shape=[-1]) for each in COLUMNS],
        outputs=[TensorMetadata(name=each, datatype=kind, shape=[-1]) for each, kind in outputs.items()],
    )


@router.post(
    "/v2/models/{name}/infer",
    response_model=InferAnswer,
    openapi_extra=body_of(InferRequest),
    **_OF_A_MODEL,
)
async def infer(
    name: str, request: Request, service: ServiceDep, current: CurrentDep, body: JsonBody
) -> Response:
    """Score order lines that are posted as flat tensors, a row per line (Open Inference).

    customer_id, ordered_at and amount are needed. Outputs have a value per customer, in the order in which each first
    stood; who cannot be scored is absent, and `parameters.not_scored` counts them. The caps are those of /v1/score.
    """
    _require_model(name, current)

    def work() -> Response:
        posted = read_posted(body, InferRequest)
        asked = asked_by_tensors(posted)
        live = _scored(request, service, current, asked)
        told: dict[str, str | int] = {**_told(live, current, service)}
        told["not_scored"] = _not_scored(asked, live)
        answer = infer_answer(posted, asked, live, version=current.scorer.model_version, told=told)
        return Response(answer.model_dump_json(exclude_none=True), media_type="application/json")

    return await at_work(service, body, work)


@router.post("/invocations", response_model=InvocationAnswer, openapi_extra=body_of(InvocationRequest))
async def invocations(request: Request, service: ServiceDep, current: CurrentDep, body: JsonBody) -> Response:
    """Score order lines as MLflow's scoring server takes them: a row per line, JSON only.

    customer_id, ordered_at and amount are needed; `params` may hold as_of and horizons. A prediction per customer, in
    the order in which each first stood; who cannot be scored is absent and counted in `not_scored`.
    """

    def work() -> Response:
        asked = asked_by_invocation(read_posted(body, InvocationRequest))
        live = _scored(request, service, current, asked)
        told = _told(live, current, service)
        return as_json(
            InvocationAnswer(
                predictions=predictions(asked, live),
                model_version=current.scorer.model_version,
                as_of=to_date(live.as_of),
                scored_at=told["scored_at"],
                valid_until=_valid_until(live),
                currency=current.scorer.currency,
                not_scored=_not_scored(asked, live),
            )
        )

    return await at_work(service, body, work)


def _scored(request: Request, service: Service, current: Current, asked: ScoreRequest) -> LiveScores:
    live = score_live(asked, scorer=current.scorer, zone=current.zone, now=service.clock())
    note_scored(request, len(asked.customers))
    return live


def _told(live: LiveScores, current: Current, service: Service) -> dict[str, str]:
    valid_until = _valid_until(live)
    return {
        "as_of": to_date(live.as_of).isoformat(),
        "as_of_from": live.as_of_from,
        "scored_at": service.clock().isoformat(),
        "valid_until": "" if valid_until is None else valid_until.isoformat(),
        "currency": current.scorer.currency,
    }


def _valid_until(live: LiveScores) -> Any:
    return None if live.table is None else min(live.table["valid_until"].to_pylist())


def _not_scored(asked: ScoreRequest, live: LiveScores) -> int:
    return len(asked.customers) - (0 if live.table is None else live.table.num_rows)


def _require_model(name: str, current: Current) -> None:
    if name != MODEL_NAME:
        raise Problem(404, f"The model's name is {MODEL_NAME}.")


def _is_ready(request: Request, service: Service, current: Current) -> bool:
    return standing(current, guard_of(request.app), now=service.clock()).status == "ready"


def _status(ready: bool) -> int:
    return 200 if ready else 503
