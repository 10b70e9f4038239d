"""The outermost layer: limits on body, time and requests at work; headers, metrics, audit and one log line per request.

No exception gets out of it. HEAD is answered as GET is (RFC 9110, 9.1), without the body. Log lines name the route,
never the path: paths hold customer ids. An exception is logged by its type and the lines it passed; its message may
quote a customer and is left out.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import time
import traceback
from datetime import UTC
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.guarding.guard import Guard, guard_of
from serving.guarding.logs import REQUEST_ID
from serving.problems import Problem

logger = logging.getLogger("repurchase.serving")

# Only ids of this form are taken over, so that nobody's name gets into the log by way of a header.
_UUID = re.compile(rb"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_CLOSE = (b"connection", b"close")
_WITHOUT_BODY = frozenset((b"", b"0"))
_NOT_ALLOWED, _HUNG_UP = 405, 499
_NO_ROUTE = "(no route)"


class Gate:
    """Guard an application (ASGI middleware). max_body_bytes: taken from the guard if left out."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int | None = None) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on and answer for it, whatever happens."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        guard = guard_of(scope["app"])
        visit = _Visit(scope, receive, send, guard, self.max_body_bytes or guard.max_body_bytes)
        traces = guard.traces
        span = traces.begin(scope) if traces else None
        token = REQUEST_ID.set(visit.request_id)
        guard.at_work += 1
        try:
            await self._answered(visit)
        finally:
            guard.at_work -= 1
            _note(visit, guard)
            REQUEST_ID.reset(token)
            if traces:
                traces.end(span, method=scope["method"], route=_route(scope), status=visit.status)

    async def _answered(self, visit: _Visit) -> None:
        try:
            async with asyncio.timeout(visit.guard.max_seconds) as visit.deadline:
                refused = visit.refused()
                if refused is None:
                    await self._passed_on(visit)
                else:
                    await refused.response()(visit.scope, visit.receive, visit.send)
        except ClientDisconnect:
            visit.status = visit.status or _HUNG_UP
        except Exception as error:
            problem, visit.deadline = _problem_of(error, visit), None
            if visit.status:
                raise RuntimeError("the answer was cut short") from None
            await problem.response()(visit.scope, visit.receive, visit.send)

    async def _passed_on(self, visit: _Visit) -> None:
        """Have the application answer; HEAD as GET, whose body is left out on the way back."""
        scope = {**visit.scope, "method": "GET"} if visit.is_head else visit.scope
        try:
            await self.app(scope, visit.receive, visit.send)
        finally:
            if visit.is_head and "route" in scope:
                visit.scope["route"] = scope["route"]


class _Visit:
    """One request on its way: counts the body, adds headers to the answer and remembers its status (0: not begun)."""

    __slots__ = (
        "_bodied", "_headers", "_max_body_bytes", "_receive", "_seen", "_send", "_whole",
        "deadline", "guard", "request_id", "scope", "started", "status",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send, guard: Guard, max_body_bytes: int) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self.guard, self._max_body_bytes = guard, max_body_bytes
        self.started = time.perf_counter()
        self.deadline: asyncio.Timeout | None = None
        self.status = 0
        self._headers: dict[bytes, bytes] = dict(scope["headers"])
        self._bodied = (
            self._headers.get(b"content-length", b"") not in _WITHOUT_BODY
            or b"transfer-encoding" in self._headers
        )
        self._whole = not self._bodied
        self._seen = 0
        sent = self._headers.get(b"x-request-id", b"")
        self.request_id = sent.decode() if _UUID.fullmatch(sent) else os.urandom(16).hex()
        scope.setdefault("state", {})["request_id"] = self.request_id

    def refused(self) -> Problem | None:
        """Return the problem of a request that is refused before anybody looks at it."""
        if self.guard.at_work > self.guard.max_at_work and not self.scope["path"].startswith("/health/"):
            self.guard.metrics.turned_away.labels("busy").inc()
            return Problem(503, "Too many requests are at work. Try again.", headers={"retry-after": "1"})
        if not self._bodied:
            return None
        declared = self._headers.get(b"content-length", b"0")
        if not declared.isdigit() or int(declared) > self._max_body_bytes:
            return self._too_large()
        kind = self._headers.get(b"content-type", b"").lstrip().lower()
        coded = self._headers.get(b"content-encoding", b"identity").strip().lower()
        if kind.startswith(b"multipart/") or coded != b"identity":
            return Problem(415, "Send the body in one part and not compressed.")
        return None

    async def receive(self) -> Message:
        """Pass on a piece of the body; Problem 413 once it is too large."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._seen > self._max_body_bytes:
                raise self._too_large()
        return message

    async def send(self, message: Message) -> None:
        """Pass on a piece of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            if self.status == _NOT_ALLOWED:
                headers = [_with_head(*each) for each in headers]
            message["headers"] = self._with_headers(headers)
            if self.deadline is not None:
                longer = asyncio.get_running_loop().time() + self.guard.max_answer_seconds
                self.deadline.reschedule(longer)
        elif self.is_head:
            message = {**message, "body": b""}
        await self._send(message)

    @property
    def is_head(self) -> bool:
        """Whether only the headers of an answer are asked for."""
        return bool(self.scope["method"] == "HEAD")

    @property
    def waits_for_body(self) -> bool:
        """Whether a part of the body has not come yet."""
        return not self._whole

    def _with_headers(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        set_by_the_answer = {name for name, _ in headers}
        headers += [each for each in _HEADERS if each[0] not in set_by_the_answer]
        headers.append((b"x-request-id", self.request_id.encode()))
        allowance = self.scope["state"].get("allowance")
        if allowance is not None:
            headers += allowance.headers
        # What nobody read would be swallowed without end: the connection goes with the answer.
        if not self._whole and b"connection" not in set_by_the_answer:
            headers.append(_CLOSE)
        return headers

    def _too_large(self) -> Problem:
        limit = f"A request may hold {self._max_body_bytes:,} bytes."
        return Problem(413, limit, headers={"connection": "close"})


def _with_head(name: bytes, value: bytes) -> tuple[bytes, bytes]:
    """Return a header of a 405: what may be got may be asked for by HEAD."""
    methods = value.split(b", ") if name == b"allow" else []
    return (name, value + b", HEAD") if b"GET" in methods and b"HEAD" not in methods else (name, value)


def _problem_of(error: Exception, visit: _Visit) -> Problem:
    if isinstance(error, TimeoutError) and visit.deadline is not None and visit.deadline.expired():
        return _too_late(visit)
    if isinstance(error, Problem):
        return error
    passed = "".join(traceback.format_tb(error.__traceback__))
    logger.error("unhandled %s (message left out)\n%s", type(error).__name__, passed)
    return Problem(500)


def _too_late(visit: _Visit) -> Problem:
    visit.guard.metrics.turned_away.labels("late").inc()
    seconds = f"{visit.guard.max_seconds:g} s"
    if visit.waits_for_body:
        return Problem(408, f"The body did not come within {seconds}.", headers={"connection": "close"})
    return Problem(504, f"There was no answer within {seconds}. Ask for less at once, or try again.")


def _note(visit: _Visit, guard: Guard) -> None:
    """Count, log and note a request that was answered."""
    seconds = time.perf_counter() - visit.started
    scope, status = visit.scope, visit.status or _HUNG_UP
    route, method = _route(scope), scope["method"]
    guard.metrics.answered(route, method, status, seconds)
    if guard.audit is not None and not route.startswith(("/health", "/v2/health")):
        guard.audit.note(_audited(visit, guard, route, status, seconds))
    if logger.isEnabledFor(logging.INFO):
        fields = {"method": method, "route": route, "status": status, "ms": round(1000 * seconds, 1)}
        logger.info("%s %s %d %.1f ms", method, route, status, 1000 * seconds, extra={"fields": fields})


def _audited(visit: _Visit, guard: Guard, route: str, status: int, seconds: float) -> dict[str, Any]:
    state = visit.scope["state"]
    key = state.get("key")
    return {
        "time": guard.clock().astimezone(UTC).isoformat(timespec="milliseconds"),
        "key": None if key is None else key.name,
        "method": visit.scope["method"],
        "route": route,
        "status": status,
        "rows": state.get("rows"),
        "request_id": visit.request_id,
        "ms": round(1000 * seconds, 1),
    }


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", _NO_ROUTE))
