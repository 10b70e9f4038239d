"""A service that does nothing, behind everything that stands before the real one: what a request costs at least.

    python -m serving.noop --port 8001 --keys keys.json

GET /v1/noop and POST /v1/noop (which reads its body) pass the same server, gate, keys and dependencies as the real
endpoints, and answer a few bytes. experiments/bench_api.py measures against it.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NoReturn, cast

from fastapi import FastAPI
from pydantic import BaseModel
from starlette.responses import Response

from contracts.days import utc_now
from contracts.errors import ContractError
from serving.api.score import JsonBody
from serving.api.versioned import v1_router
from serving.guarding.gate import Gate
from serving.guarding.keys import KeyRing
from serving.live import Scorer
from serving.problems import add_handlers
from serving.server import server
from serving.service import Current, CurrentDep, Service, as_json
from serving.settings import ServiceSettings
from serving.shapes.posted import MAX_BODY_BYTES

router = v1_router(tag="noop")


class Nothing(BaseModel):
    """What is answered: how many bytes were sent."""

    seen: int


@router.get("/noop", response_model=Nothing)
async def nothing(current: CurrentDep) -> Response:
    """Answer nothing."""
    return as_json(Nothing(seen=0))


@router.post("/noop", response_model=Nothing)
async def read(current: CurrentDep, body: JsonBody) -> Response:
    """Read the body and answer nothing."""
    return as_json(Nothing(seen=len(body)))


def noop_app(*, keys: KeyRing | None, clock: Callable[[], datetime]) -> FastAPI:
    """Return the application."""
    app = FastAPI(title="Nothing", redirect_slashes=False, docs_url=None, openapi_url=None, redoc_url=None)
    app.state.service = Service(Current(None, cast(Scorer, _NoModel())), keys, clock, ServiceSettings())
    app.include_router(router)
    app.add_middleware(Gate, max_body_bytes=MAX_BODY_BYTES)
    add_handlers(app)
    return app


class _NoModel:
    """No model: nothing here may ask for one."""

    def __getattribute__(self, name: str) -> NoReturn:
        raise ContractError("the service that does nothing has no model")


def main(arguments: list[str] | None = None) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="serving.noop", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--keys", type=Path, help="The key file; without it everybody is answered.")
    asked = parser.parse_args(arguments)
    ring = KeyRing.load(asked.keys) if asked.keys else None
    server(noop_app(keys=ring, clock=utc_now), host=asked.host, port=asked.port).run()


if __name__ == "__main__":
    main()
