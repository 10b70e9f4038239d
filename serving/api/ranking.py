"""The published ranking, page by page."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import Response

from serving.answering.answers import ranking_answer, written
from serving.api.versioned import problems, v1_router
from serving.service import PublishedStore
from serving.shapes.asked import FilterQuery, Words, chosen_columns, score_columns, where_of
from serving.shapes.schemas import RankingAnswer

_PAGE = 100
_MAX_PAGE = 1_000

router = v1_router(tag="ranking")


class RankingQuery(FilterQuery):
    """Which customers, and how many of them at once."""

    limit: Annotated[int, Field(ge=1, le=_MAX_PAGE, description="Customers on a page.")] = _PAGE
    after: Annotated[
        str | None, Field(max_length=64, description="`next` of the last page (same filter), or a rank.")
    ] = None
    count: Annotated[bool, Field(description="Also count the customers that meet the filter.")] = False
    columns: Words = Field(
        default_factory=list,
        description="Only these beside customer_id and rank; repeatable; none: all but the curve.",
    )


Asked = Annotated[RankingQuery, Query()]


@router.get("/ranking", response_model=RankingAnswer, operation_id="list_ranking", responses=problems(410))
def ranking(request: Request, store: PublishedStore, asked: Asked) -> Response:
    """Return one page of the published ranking, best customers first; only those who meet the filter."""
    answer = ranking_answer(
        store,
        where_of(asked, store),
        limit=asked.limit,
        after=asked.after,
        columns=chosen_columns(asked.columns or None, score_columns(store), at=("query", "columns")),
        count=asked.count,
    )
    request.scope["state"]["rows"] = len(answer["items"])
    return written(answer)
