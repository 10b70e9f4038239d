"""All pages of a service, and how they are put into its application."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from serving.pages import (
    assets,
    contact,
    customers,
    diagnosis,
    exports,
    model,
    one_customer,
    plan,
    segments,
    signin,
)
from serving.pages.guard import add_error_pages
from serving.pages.sessions import Sessions
from serving.service import Service

_PAGES = (customers, contact, segments, model, one_customer, diagnosis, plan, exports, signin, assets)

router = APIRouter()
for _page in _PAGES:
    router.include_router(_page.router)


def add_pages(app: FastAPI) -> None:
    """Add the pages to an application that has its service and its error handlers already."""
    service: Service = app.state.service
    app.state.sessions = Sessions(service.clock)
    app.include_router(router)
    add_error_pages(app)
