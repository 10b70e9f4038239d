"""The server process: uvicorn with the settings that this API needs."""

from __future__ import annotations

import socket

import uvicorn
from fastapi import FastAPI

from contracts.errors import ArtifactError

_KEEP_ALIVE_S = 15
_SHUTDOWN_S = 20


def require_free(host: str, port: int) -> None:
    """Raise ArtifactError if nothing can listen on this address, before a server is started for it."""
    try:
        with socket.create_server((host, port)):
            return
    except OSError as error:
        raise ArtifactError(
            f"cannot listen on {host}:{port} ({error.strerror}). Give another --port."
        ) from None


def server(app: FastAPI, *, host: str, port: int) -> uvicorn.Server:
    """Return a server that is ready to run; requests in flight are answered when it is told to stop.

    uvicorn's own access log is off: its lines hold paths, and paths hold customer ids.
    """
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            access_log=False,
            log_level="info",
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_SHUTDOWN_S,
        )
    )
