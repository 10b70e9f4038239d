"""Posted histories, scored now."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import Depends, Request
from starlette.responses import Response

from serving.answers import score_answer
from serving.api.versioned import v1_router
from serving.posted import read_score_request
from serving.problems import Problem
from serving.schemas import ScoreAnswer
from serving.service import SMALL_BYTES, Current, CurrentDep, Service, ServiceDep, as_json

router = v1_router(tag="live")


async def json_body(request: Request) -> bytes:
    """Return the body of a request that says it is plain JSON; Problem 415 for others."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if kind != "application/json" or encoding != "identity":
        raise Problem(415, "Send the body as application/json, not compressed.")
    return await request.body()


JsonBody = Annotated[bytes, Depends(json_body)]


@router.post("/score", response_model=ScoreAnswer)
async def score(service: ServiceDep, current: CurrentDep, body: JsonBody) -> Response:
    """Score the posted order histories now, as the nightly ranking would.

    Orders after as_of are ignored. Without as_of it is the last day of the model's data, or the last posted
    order day if that is later and not in the future.
    """
    if len(body) <= SMALL_BYTES:
        return _scored(service, current, body)
    return await to_thread.run_sync(_scored, service, current, body, limiter=service.bulk)


def _scored(service: Service, current: Current, body: bytes) -> Response:
    asked = read_score_request(body)
    return as_json(score_answer(asked, scorer=current.scorer, zone=current.zone, now=service.clock()))
