"""The outermost layer: a limit on bodies, one log line per request, and no exception that gets out.

Log lines name the route, never the path: paths hold customer ids. An exception is logged by its type and the
lines it passed; its message may quote a customer and is left out.
"""

from __future__ import annotations

import logging
import time
import traceback

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.problems import Problem

logger = logging.getLogger("repurchase.serving")

_HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class Gate:
    """Guard an application (ASGI middleware)."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on and answer for it, whatever happens."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        started = time.perf_counter()
        try:
            await self._guarded(scope, receive, answer)
        except ClientDisconnect:
            answer.status = answer.status or 499
        except Exception as error:
            _log_failure(error)
            if answer.status:
                raise RuntimeError("the answer was cut short") from None
            await Problem(500).response()(scope, receive, answer)
        finally:
            took_ms = 1000 * (time.perf_counter() - started)
            logger.info("%s %s %d %.1f ms", scope["method"], _route(scope), answer.status, took_ms)

    async def _guarded(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self.max_body_bytes:
            await self._too_large().response()(scope, receive, answer)
            return
        seen = 0

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self.max_body_bytes:
                raise self._too_large()
            return message

        await self.app(scope, counted, answer)

    def _too_large(self) -> Problem:
        limit = f"A request may hold {self.max_body_bytes:,} bytes."
        return Problem(413, limit, headers={"connection": "close"})


class _Answer:
    """Sends an answer on and remembers its status (0: not begun)."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *_HEADERS]}
        await self._send(message)


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "(no route)"))


def _log_failure(error: Exception) -> None:
    passed = "".join(traceback.format_tb(error.__traceback__))
    logger.error("unhandled %s (message left out)\n%s", type(error).__name__, passed)
