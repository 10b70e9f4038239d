"""What all routers of /v1 share: the key, and the problems that any of them may answer."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends

from serving.access import SCORE_READ, require
from serving.problems import MEDIA_TYPE

_PROBLEMS = {401: "No valid API key", 403: "The key lacks a scope", 422: "The request is not valid"}


def v1_router(*, tag: str, scope: str = SCORE_READ) -> APIRouter:
    """Return a router under /v1 whose endpoints need a key with a scope."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": what, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, what in _PROBLEMS.items()
    }
    return APIRouter(prefix="/v1", tags=[tag], dependencies=[Depends(require(scope))], responses=responses)
