"""A plan preview: who to contact, and how much that would bring."""

from __future__ import annotations

from anyio import to_thread
from starlette.responses import Response

from serving.answering.answers import written
from serving.answering.previews import plan_answer
from serving.api.document import takes
from serving.api.score import JsonBody
from serving.api.versioned import v1_router
from serving.service import PublishedStore, ServiceDep
from serving.shapes.asked import PlanRequest
from serving.shapes.posted import read_posted
from serving.shapes.schemas_plan import PlanAnswer
from serving.store import Store

router = v1_router(tag="plan")


@router.post(
    "/plan/preview",
    response_model=PlanAnswer,
    operation_id="preview_plan",
    openapi_extra=takes(PlanRequest),
)
async def preview_plan(service: ServiceDep, store: PublishedStore, body: JsonBody) -> Response:
    """Return whom to contact within a budget or a number, what that is expected to bring, and a curve over the number.

    By the scores alone and by assumptions, which the answer names; `repurchase plan` makes the plan itself.
    """
    return await to_thread.run_sync(_previewed, store, body, limiter=service.bulk)


def _previewed(store: Store, body: bytes) -> Response:
    return written(plan_answer(store, read_posted(body, PlanRequest)))
