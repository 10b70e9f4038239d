"""Errors of pages as pages: the same status as the API's problem, in plain words."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from contracts.errors import ArtifactError, DataError
from serving.pages.visit import SignInNeeded, answer, session_of, sign_in_address
from serving.problems import Problem

logger = logging.getLogger("repurchase.serving")

Handler = Callable[[Request, Any], Response | Awaitable[Response]]
_EXPECTED = (Problem, SignInNeeded, HTTPException, RequestValidationError, ArtifactError, DataError)
_PROGRAMS = ("/v1/", "/v2/", "/health", "/metrics", "/openapi", "/docs", "/invocations", "/ping", "/version")


class PageRoute(APIRoute):
    """A page: a bug in it is told as a page as well."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the endpoint: the log gets the lines that a bug passed, not its message, which may quote a customer."""
        inner = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                return await inner(request)
            except _EXPECTED:
                raise
            except Exception as error:
                passed = "".join(traceback.format_tb(error.__traceback__))
                logger.error("unhandled %s (message left out)\n%s", type(error).__name__, passed)
                raise Problem(500) from None

        return guarded


def add_error_pages(app: FastAPI) -> None:
    """Let people see pages where programs get problem documents; call it after the problems' own handlers are there."""
    for kind, handler in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _for_people(handler))
    app.add_exception_handler(SignInNeeded, _sign_in)


def _for_people(handler: Handler) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def told(request: Request, error: Exception) -> Response:
        found = handler(request, error)
        response = found if isinstance(found, Response) else await found
        return _as_page(request, response) if _is_person(request) else response

    return told


def _is_person(request: Request) -> bool:
    """Tell whether a browser shows the answer: it asks for HTML, or a script of our page does."""
    if request.url.path.startswith(_PROGRAMS):
        return False
    return isinstance(request.scope.get("route"), PageRoute) or "text/html" in request.headers.get(
        "accept", ""
    )


def _as_page(request: Request, response: Response) -> Response:
    try:
        problem = json.loads(bytes(response.body))
        status, title = int(problem["status"]), str(problem["title"])
    except (ValueError, KeyError, TypeError):
        return response
    context = {"title": title, "status": status, "detail": problem.get("detail"), "entries": []}
    context["entries"] = [str(one.get("msg", "")) for one in problem.get("errors", ())]
    kept = ("retry-after", "ratelimit", "ratelimit-policy", "allow")
    headers = {name: value for name, value in response.headers.items() if name in kept}
    piece = "hx-request" in request.headers and "hx-history-restore-request" not in request.headers
    template = "problem_piece.html" if piece else "problem.html"
    session = session_of(request, request.app.state.service)
    csrf = session.csrf if session else None
    context |= {"here": request.url.path, "csrf": csrf, "strip": [], "again": _again(request)}
    return answer(template, context, status=status, headers=headers)


def _again(request: Request) -> str:
    """Return the same page without its filter: a fresh start for who is stuck."""
    return request.url.path if request.url.query else "/customers"


async def _sign_in(request: Request, error: Exception) -> Response:
    where = sign_in_address(request)
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"hx-redirect": "/signin"})
    return RedirectResponse(where, 303, headers={"cache-control": "no-store"})
