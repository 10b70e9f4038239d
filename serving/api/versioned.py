"""What the routers share: the key, the problems that any endpoint may answer, and the scope in each description."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.routing import APIRoute
from pydantic import BaseModel

from serving.guarding.access import SCORE_READ, Require, require
from serving.problems import MEDIA_TYPE
from serving.shapes.asked import NoQuery

Responses = dict[int | str, dict[str, Any]]

NoParameters = Annotated[NoQuery, Query()]  # of a GET that takes none: others are refused

_WORDS = {
    400: "The body is no JSON, or a name stands twice in it",
    401: "No valid API key",
    403: "The key lacks a scope",
    404: "There is nothing under this name",
    408: "The body did not come in time",
    409: "In conflict with an earlier request",
    410: "A newer one has taken its place",
    413: "The body is too large",
    415: "The body is not plain JSON",
    422: "The request is not valid",
    429: "The key has used up its requests; see Retry-After",
    503: "There is nothing to answer from, or too much is being asked at once",
    504: "The answer took too long",
}
_OF_ANY = (413, 415, 422, 503, 504)
_OF_KEYS = (401, 403, 429)
_OF_BODIES = (400, 408)


def problems(*statuses: int) -> Responses:
    """Return the OpenAPI responses for these problems."""
    schema = {"$ref": "#/components/schemas/ProblemDocument"}
    return {
        status: {"description": _WORDS[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted(statuses)
    }


def body_of(shape: type[BaseModel]) -> dict[str, Any]:
    """Return the OpenAPI request body of a shape that an endpoint reads itself; its parts stand in it, not beside."""
    schema = shape.model_json_schema()
    parts = schema.pop("$defs", {})
    content = {"application/json": {"schema": _with_parts(schema, parts)}}
    return {"requestBody": {"required": True, "content": content}}


def _with_parts(schema: Any, parts: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        return [_with_parts(each, parts) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _with_parts(parts[schema["$ref"].removeprefix("#/$defs/")], parts)
    return {name: _with_parts(each, parts) for name, each in schema.items()}


class ScopedRoute(APIRoute):
    """An endpoint whose description names the scopes that it needs."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
        super().__init__(path, endpoint, **more)
        needed = [one.dependency.scope for one in self.dependencies if isinstance(one.dependency, Require)]
        scopes = " and ".join(f"`{scope}`" for scope in dict.fromkeys(needed))
        told = f"Needs a key with the scope {scopes}." if scopes else "Needs no key."
        if told not in self.description:
            self.description = f"{self.description}\n\n{told}".strip()
        if not scopes:
            self.openapi_extra = {"security": [], **(self.openapi_extra or {})}
        if "POST" in (self.methods or ()):
            self.responses = {**problems(*_OF_BODIES), **self.responses}


def router_of(*, tag: str, scope: str | None, prefix: str = "") -> APIRouter:
    """Return a router whose endpoints need a key with a scope; None: no key."""
    return APIRouter(
        prefix=prefix,
        tags=[tag],
        dependencies=[] if scope is None else [Depends(require(scope))],
        responses=problems(*_OF_ANY, *(() if scope is None else _OF_KEYS)),
        route_class=ScopedRoute,
    )


def v1_router(*, tag: str, scope: str = SCORE_READ) -> APIRouter:
    """Return a router under /v1 whose endpoints need a key with a scope."""
    return router_of(tag=tag, scope=scope, prefix="/v1")
