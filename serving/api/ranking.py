"""The published ranking, page by page."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from serving.answers import ranking_answer
from serving.api.versioned import v1_router
from serving.schemas import RankingAnswer
from serving.service import PublishedStore, as_json

_PAGE = 100
_MAX_PAGE = 1_000
Limit = Annotated[int, Query(ge=1, le=_MAX_PAGE, description="Customers on a page.")]
After = Annotated[str | None, Query(max_length=64, description="`next` of the last page, or a rank.")]

router = v1_router(tag="ranking")


@router.get("/ranking", response_model=RankingAnswer)
def ranking(store: PublishedStore, limit: Limit = _PAGE, after: After = None) -> Response:
    """Return one page of the published ranking, best customers first."""
    return as_json(ranking_answer(store, limit=limit, after=after))
