"""Customers of the published ranking: one by its id, or many."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import Path, Query, Request
from starlette.responses import Response

from serving.answering.answers import customer_answer, history_details, lookup_answer, reasons_answer, written
from serving.api.document import takes
from serving.api.score import JsonBody, at_work
from serving.api.versioned import problems, v1_router
from serving.paths import CUSTOMER_ID
from serving.service import Current, CurrentDep, PublishedStore, ServiceDep
from serving.shapes.asked import CustomerQuery, LookupRequest, chosen_columns, score_columns
from serving.shapes.posted import MAX_ID, read_posted
from serving.shapes.schemas import CustomerAnswer, LookupAnswer
from serving.store import Store
from serving.stored.lookup import Row

Asked = Annotated[CustomerQuery, Query()]
AskedId = Annotated[str, Path(max_length=MAX_ID)]

router = v1_router(tag="ranking")


@router.get(
    f"/customers/{CUSTOMER_ID}",
    response_model=CustomerAnswer,
    operation_id="get_customer",
    responses=problems(404, 410),
)
async def customer(
    customer_id: AskedId,
    service: ServiceDep,
    current: CurrentDep,
    store: PublishedStore,
    asked: Asked,
) -> Response:
    """Return one customer of the published ranking; the id may hold slashes, line breaks and any Unicode."""
    answer = customer_answer(store, customer_id, asked.horizon)
    if asked.history or asked.reasons:
        wanted = asked.history, asked.reasons
        await to_thread.run_sync(_told, answer, current, store, wanted, limiter=service.bulk)
    return written(answer)


def _told(answer: Row, current: Current, store: Store, wanted: tuple[bool, bool]) -> None:
    """Add what is read from the details: slower than the look-up itself."""
    history, reasons = wanted
    if history:
        answer["history"] |= history_details(store, answer)
    if reasons:
        answer["reasons"] = reasons_answer(current, store, answer["customer_id"])


@router.post(
    "/customers:lookup",
    response_model=LookupAnswer,
    operation_id="lookup_customers",
    openapi_extra=takes(LookupRequest),
)
async def lookup(request: Request, service: ServiceDep, store: PublishedStore, body: JsonBody) -> Response:
    """Return up to 1,000 customers of the published ranking by their ids, in the order asked."""
    return await at_work(service, body, lambda: _found(request, store, body))


def _found(request: Request, store: Store, body: bytes) -> Response:
    asked = read_posted(body, LookupRequest)
    columns = chosen_columns(asked.columns, score_columns(store), at=("body", "columns"))
    answer = lookup_answer(store, asked.customer_ids, columns)
    request.scope["state"]["rows"] = len(answer["items"])
    return written(answer)
