"""Posted histories, scored now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Request
from starlette.responses import Response

from serving.answering.answers import live_answer, score_answer, written
from serving.api.versioned import v1_router
from serving.guarding.guard import guard_of
from serving.problems import Problem
from serving.service import SMALL_BYTES, Current, CurrentDep, Service, ServiceDep
from serving.shapes.posted import read_score_request
from serving.shapes.schemas import ScoreAnswer

router = v1_router(tag="live")


async def json_body(request: Request) -> bytes:
    """Return the body of a request that says it is plain JSON; Problem 415 for others."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, "Send the body as application/json, not compressed.")
    return await request.body()


JsonBody = Annotated[bytes, Depends(json_body)]


@router.post("/score", response_model=ScoreAnswer)
async def score(request: Request, service: ServiceDep, current: CurrentDep, body: JsonBody) -> Response:
    """Score the posted order histories now, as the nightly ranking would.

    Orders after as_of are ignored. Without as_of it is the last day of the model's data, or the last posted
    order day if that is later and not in the future.
    """
    if len(body) > SMALL_BYTES:
        return await at_work(service, body, lambda: _scored(request, service, current, body))
    asked, now, scorer = read_score_request(body), service.clock(), current.scorer
    live = await service.together.score(asked, scorer=scorer, zone=current.zone, now=now)
    note_scored(request, len(asked.customers))
    return written(live_answer(asked, live, scorer=scorer, now=now))


async def at_work(service: Service, body: bytes, work: Callable[[], Response]) -> Response:
    """Answer a small body at once, and a large one in a thread when its turn comes."""
    if len(body) <= SMALL_BYTES:
        return work()
    return await to_thread.run_sync(work, limiter=service.bulk)


def note_scored(request: Request, customers: int) -> None:
    """Count the customers of a live score, for the metrics and the audit log."""
    request.scope["state"]["rows"] = customers
    guard_of(request.app).metrics.scored.inc(customers)


def _scored(request: Request, service: Service, current: Current, body: bytes) -> Response:
    asked = read_score_request(body)
    answer = score_answer(asked, scorer=current.scorer, zone=current.zone, now=service.clock())
    note_scored(request, len(asked.customers))
    return written(answer)
