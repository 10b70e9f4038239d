"""The model's card."""

from __future__ import annotations

from starlette.responses import Response

from serving.answers import model_answer
from serving.api.versioned import v1_router
from serving.schemas import ModelAnswer
from serving.service import CurrentDep, as_json

router = v1_router(tag="model")


@router.get("/model", response_model=ModelAnswer)
async def model(current: CurrentDep) -> Response:
    """Return the model's card and the published ranking in short."""
    return as_json(model_answer(current.scorer, current.store))
