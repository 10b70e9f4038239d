"""The server process: uvicorn with the limits and the manner of stopping that this API needs.

Told to stop, it says so to load balancers (not ready, `Connection: close` on every answer), still takes what comes for
a moment, answers all that is at work, and ends with exit code 0.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from contracts.errors import ArtifactError
from serving.guarding.guard import guard_of
from serving.problems import MEDIA_TYPE, Problem

logger = logging.getLogger("repurchase.serving")

_KEEP_ALIVE_S = 15
_SHUTDOWN_S = 20
_DRAIN_S = 0.5
_HEADER_S = 10.0
_HEADER_BYTES = 16 * 2**10
_MAX_CONNECTIONS = 2_000
_STOPS = (signal.SIGINT, signal.SIGTERM)

Application = FastAPI  # for the front door, which knows no FastAPI


def require_free(host: str, port: int) -> None:
    """Raise ArtifactError if nothing can listen on this address, before a server is started for it."""
    listening(host, port).close()


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket; ArtifactError if nothing can listen on this address."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2_048)
    except OSError as error:
        raise ArtifactError(
            f"cannot listen on {host}:{port} ({error.strerror}). Give another --port."
        ) from None


def server(app: FastAPI, *, host: str, port: int) -> Server:
    """Return a server that is ready to run; requests in flight are answered when it is told to stop.

    uvicorn's own access log is off: its lines hold paths, and paths hold customer ids. Its logging is left as it is:
    see serving.guarding.logs.
    """
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=Connection,
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=_HEADER_BYTES,
            limit_concurrency=_MAX_CONNECTIONS,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_SHUTDOWN_S,
        )
    )


class Server(uvicorn.Server):
    """uvicorn, ending well."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then answer what is at work and close."""
        app: Any = self.config.app
        guard_of(app).draining = True
        self.server_state.default_headers.append((b"connection", b"close"))
        await asyncio.sleep(_DRAIN_S)
        await super().shutdown(sockets=sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGINT and SIGTERM, and do not die of them afterwards: the exit code is 0."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {one: signal.signal(one, self.handle_exit) for one in _STOPS}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


class Connection(H11Protocol):
    """A connection that must bring a request's whole header within seconds, and gets problems as other answers do."""

    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a header."""
        super().connection_made(transport)
        self._wait_for_header()

    def handle_events(self) -> None:
        """Stop waiting once a request has come."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._stop_waiting()

    def data_received(self, data: bytes) -> None:
        """Wait for the rest of the header that has begun on a connection that was kept."""
        super().data_received(data)
        if self._waits is None and (self.cycle is None or self.cycle.response_complete):
            self._wait_for_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with a problem document."""
        import h11

        problem = Problem(400, "This is no HTTP/1.1 request, or its header is too long.").response()
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(problem.body)).encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"connection", b"close"),
        ]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(problem.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait_for_header(self) -> None:
        self._waits = self.loop.call_later(_HEADER_S, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def _too_slow(self) -> None:
        self._waits = None
        if not self.transport.is_closing():
            self.transport.close()
