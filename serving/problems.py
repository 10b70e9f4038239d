"""Errors as RFC 9457 problem documents. They name places and rules, never a value that was sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.responses import Response

from contracts.errors import ArtifactError, DataError, nearest

logger = logging.getLogger("repurchase.serving")

MEDIA_TYPE = "application/problem+json"
MAX_ENTRIES = 20
_COUNTED_ERRORS = 1_000
_UNKNOWN = "(unknown field)"
_TITLES = {
    400: "The request cannot be read",
    401: "A valid API key is needed",
    403: "Not allowed with this key",
    404: "Not found",
    405: "Method not allowed",
    408: "The request took too long to come",
    409: "In conflict with an earlier request",
    410: "Gone",
    413: "Content too large",
    415: "Unsupported media type",
    422: "The request is not valid",
    429: "Too many requests",
    500: "Something broke on our side",
    503: "Not available just now",
    504: "The answer took too long",
}

Entry = dict[str, Any]
Loc = Sequence[str | int]
Place = Callable[[Loc], Loc]


def as_it_is(loc: Loc) -> Loc:
    """Return a place as it was found."""
    return loc


class ProblemEntry(BaseModel):
    """One thing that is wrong: where, which rule, in words."""

    loc: list[str | int]
    type: str
    msg: str


class ProblemDocument(BaseModel):
    """An RFC 9457 problem."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[ProblemEntry] | None = None
    errors_left_out: int | None = None


class Problem(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self,
        status: int,
        detail: str | None = None,
        *,
        errors: Sequence[Entry] = (),
        left_out: int = 0,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = list(errors)
        self.left_out = left_out
        self.headers = headers

    def response(self) -> Response:
        """Return the problem as an answer."""
        document: dict[str, Any] = {
            "type": f"urn:repurchase:problem:{self.status}",
            "title": _TITLES.get(self.status, "The request failed"),
            "status": self.status,
        }
        if self.detail:
            document["detail"] = self.detail
        if self.errors:
            document["errors"] = self.errors
        if self.left_out:
            document["errors_left_out"] = self.left_out
        return Response(to_json(document), self.status, headers=self.headers, media_type=MEDIA_TYPE)


def refused(loc: Sequence[str | int], kind: str, message: str) -> Problem:
    """Return the 422 problem for one place in the request."""
    return Problem(422, errors=[{"loc": list(loc), "type": kind, "msg": message}])


def refused_body(error: ValidationError, known: frozenset[str], *, place: Place = as_it_is) -> Problem:
    """Return the 422 problem for a body that does not fit; `known` are the names it may show.

    place: where something stands in the body that was sent, if another one was made of it to be checked.
    """
    count = error.error_count()
    if count > _COUNTED_ERRORS:
        return refused(("body",), "too_many_errors", f"More than {_COUNTED_ERRORS:,} things are wrong.")
    found = error.errors(include_input=False, include_url=False, include_context=False)
    entries = [
        _entry(("body", *place(each["loc"])), each["type"], each["msg"], known)
        for each in found[:MAX_ENTRIES]
    ]
    return Problem(422, errors=entries, left_out=count - len(entries))


def _entry(loc: Sequence[str | int], kind: str, message: str, known: frozenset[str]) -> Entry:
    """Return one entry; a name that is not ours may hold personal data and is not shown."""
    if kind == "extra_forbidden":
        message = f"This field is not known{nearest(str(loc[-1]), known) or '.'}"
    shown = [part if isinstance(part, int) or part in known else _UNKNOWN for part in loc]
    return {"loc": shown, "type": kind, "msg": message}


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _on_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return Problem(error.status_code, headers=error.headers).response()


async def _on_bad_parameter(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    entries = [
        _entry(each["loc"], each["type"], each["msg"], _declared(each)) for each in found[:MAX_ENTRIES]
    ]
    return Problem(422, errors=entries, left_out=len(found) - len(entries)).response()


def _declared(found: Entry) -> frozenset[str]:
    """Return the names of one place that are ours: a parameter's, unless it is one that nobody declared."""
    ours = found["loc"][:1] if found["type"] == "extra_forbidden" else found["loc"][:2]
    return frozenset(part for part in ours if isinstance(part, str))


async def _on_artifact_error(_: Request, error: Exception) -> Response:
    logger.error("an artifact cannot be used: %s", error)
    return Problem(503, "The model or the published ranking cannot be read just now.").response()


async def _on_data_error(_: Request, error: Exception) -> Response:
    # The message may quote what was sent.
    return Problem(422, "The histories cannot be scored.").response()


def add_handlers(app: FastAPI) -> None:
    """Make every error of an application a problem document."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_bad_parameter)
    app.add_exception_handler(ArtifactError, _on_artifact_error)
    app.add_exception_handler(DataError, _on_data_error)
