"""The service: one application over a published ranking and a live model.

`create_app` wires it; nothing here reads a clock, a file or the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import FastAPI

from serving.api import (
    customers,
    exports,
    health,
    inference,
    metrics,
    model,
    plan,
    ranking,
    reference,
    score,
)
from serving.api.document import document_of
from serving.guarding.gate import Gate
from serving.guarding.keys import KeyRing
from serving.live import Scorer
from serving.pages.routes import add_pages
from serving.problems import add_handlers
from serving.service import Current, Service
from serving.settings import ServiceSettings
from serving.store import Store

_ROUTERS = (
    health.router,
    model.router,
    customers.router,
    ranking.router,
    plan.router,
    exports.router,
    score.router,
    inference.open_router,
    inference.router,
    metrics.router,
)
_PLAIN = ServiceSettings()


def create_app(
    *,
    store: Store | None,
    scorer: Scorer,
    keys: KeyRing | None,
    clock: Callable[[], datetime],
    settings: ServiceSettings = _PLAIN,
) -> FastAPI:
    """Return the service; `keys=None` leaves it open to everybody."""
    app = FastAPI(
        title="Repurchase",
        version="1",
        description="Who will buy again, how much, and when.",
        redirect_slashes=False,
        docs_url=None,
        openapi_url="/openapi.json" if settings.docs else None,
        redoc_url=None,
    )
    app.state.service = Service(Current(store, scorer), keys, clock, settings)
    for router in _ROUTERS:
        app.include_router(router)
    if settings.docs:
        app.include_router(reference.router)
    app.add_middleware(Gate)
    add_handlers(app)
    if settings.pages:
        add_pages(app)
    app.openapi = lambda: document_of(app)  # type: ignore[method-assign]
    return app
