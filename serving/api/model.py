"""The model's card."""

from __future__ import annotations

from starlette.responses import Response

from serving.answering.card import model_answer
from serving.api.versioned import NoParameters, v1_router
from serving.service import CurrentDep, ServiceDep, as_json
from serving.shapes.schemas import ModelAnswer

router = v1_router(tag="model")


@router.get("/model", response_model=ModelAnswer, operation_id="get_model")
async def model(service: ServiceDep, current: CurrentDep, _: NoParameters) -> Response:
    """Return the model's card, how good it was out of time, how old it is, and the published ranking in short."""
    return as_json(model_answer(current, now=service.clock()))
