"""The server process: uvicorn with the settings that this API needs."""

from __future__ import annotations

import uvicorn
from fastapi import FastAPI

_KEEP_ALIVE_S = 15
_SHUTDOWN_S = 20


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
