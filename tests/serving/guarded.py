"""The whole application with its guard, for tests: every router that the service has, on the small test shop."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import FastAPI

from serving.api import exports, inference, metrics, plan
from serving.app import create_app
from serving.guarding.guard import Guard, guard_of
from serving.guarding.keys import KeyRing
from serving.live import Scorer
from serving.settings import ServiceSettings
from serving.store import Store
from tests.serving.shop import NOW, CountingScorer

_MORE = {
    "/metrics": (metrics.router,),
    "/v2": (inference.open_router, inference.router),
    "/v1/plan/preview": (plan.router,),
    "/v1/exports": (exports.router,),
}


def guarded(
    store: Store | None = None,
    *,
    keys: KeyRing | None = None,
    scorer: Scorer | None = None,
    now: datetime = NOW,
    **settings: Any,
) -> FastAPI:
    """Return the application."""
    app = create_app(
        store=store,
        scorer=scorer or CountingScorer(),
        keys=keys,
        clock=lambda: now,
        settings=ServiceSettings(**settings),
    )
    there = set(app.openapi()["paths"])
    app.openapi_schema = None
    for path, routers in _MORE.items():
        if path not in there:
            for router in routers:
                app.include_router(router)
    return app


def guard(app: FastAPI) -> Guard:
    """Return the guard of an application."""
    return guard_of(app)
