"""One customer of the published ranking."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from serving.answers import customer_answer
from serving.api.versioned import v1_router
from serving.posted import HorizonDays
from serving.schemas import CustomerAnswer
from serving.service import PublishedStore, as_json

_MAX_HORIZONS = 20
Horizons = Annotated[
    list[HorizonDays] | None,
    Query(max_length=_MAX_HORIZONS, description="Days; repeatable. Adds p_repurchase_{h}d."),
]

router = v1_router(tag="ranking")


@router.get("/customers/{customer_id:path}", response_model=CustomerAnswer)
async def customer(customer_id: str, store: PublishedStore, horizon: Horizons = None) -> Response:
    """Return one customer of the published ranking; the id may hold slashes and any Unicode."""
    return as_json(customer_answer(store, customer_id, horizon or ()))
