"""Whether the process lives, and whether it is ready to answer. Neither asks for a key."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from fastapi import Request
from pydantic import BaseModel
from starlette.responses import Response

from serving.api.versioned import router_of
from serving.guarding.guard import Guard, guard_of
from serving.guarding.metrics import age_seconds, is_stale
from serving.service import Current, CurrentDep, ServiceDep

router = router_of(tag="health", scope=None, prefix="/health")


class Live(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Ready(BaseModel):
    """What the server would answer from. ranking: whether there is one; stale: its last day of validity is over."""

    status: Literal["ready", "no ranking", "stopping"]
    ranking: bool
    model_version: str
    ranking_version: str | None = None
    as_of: date | None = None
    ranking_age_seconds: int | None = None
    stale: bool | None = None


@router.get("/live")
async def live() -> Live:
    """Tell that the process answers."""
    return Live()


@router.get("/ready", response_model=Ready, responses={503: {"model": Ready}})
async def ready(request: Request, service: ServiceDep, current: CurrentDep) -> Response:
    """Tell whether requests should be sent here, and what they are answered from.

    503 while the server stops, or before the first ranking where it was told to serve one. A stale ranking is still
    answered from: that is for the operator to know, not for the load balancer.
    """
    found = standing(current, guard_of(request.app), now=service.clock())
    status = 200 if found.status == "ready" else 503
    return Response(found.model_dump_json(), status, media_type="application/json")


def standing(current: Current, guard: Guard, *, now: datetime) -> Ready:
    """Return how ready a server is."""
    store = current.store
    status: Literal["ready", "no ranking", "stopping"] = "ready"
    if guard.draining:
        status = "stopping"
    elif store is None and guard.needs_ranking:
        status = "no ranking"
    told = Ready(status=status, ranking=store is not None, model_version=current.scorer.model_version)
    if store is None:
        return told
    manifest = store.manifest
    return told.model_copy(
        update={
            "ranking_version": store.version,
            "as_of": date.fromisoformat(str(manifest["as_of"])),
            "ranking_age_seconds": int(age_seconds(manifest["scored_at"], now)),
            "stale": is_stale(manifest["valid_until"], now.astimezone(current.zone)),
        }
    )
