"""What the endpoints answer: rows of scores put into their shapes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.days import to_date
from contracts.tables import CURVE_KNOTS
from serving.curve import chance_within
from serving.live import Scorer, reason_not_scored, score_live
from serving.posted import ScoreRequest
from serving.problems import Problem, refused
from serving.schemas import (
    Curve,
    CustomerAnswer,
    LiveScore,
    ModelAnswer,
    NotScored,
    PublishedRanking,
    RankedScore,
    RankingAnswer,
    ScoreAnswer,
)
from serving.store import Store

_PROVENANCE = ("model_version", "as_of", "scored_at", "valid_until", "currency")
_CURSOR = re.compile(r"(?:([0-9a-f]{12})-)?([0-9]{1,18})")


def customer_answer(store: Store, customer_id: str, horizons: Sequence[int]) -> CustomerAnswer:
    """Answer with one customer; other horizons come from the curve. Problem 404 or 422."""
    row = store.customer(customer_id)
    if row is None:
        raise Problem(404, "The published ranking has no such customer.")
    knots, chances = store.curve_knots, row["curve"]
    row["curve"] = Curve(days=list(knots), p_repurchase=chances)
    for days in horizons:
        if days > knots[-1] and f"p_repurchase_{days}d" not in row:
            raise refused(("query", "horizon"), "horizon", f"The longest horizon is {knots[-1]} days.")
        row.setdefault(f"p_repurchase_{days}d", chance_within(min(days, knots[-1]), knots, chances))
    return CustomerAnswer(**row)


def ranking_answer(store: Store, *, limit: int, after: str | None) -> RankingAnswer:
    """Answer with one page of the ranking; Problem 422 or 410 if `after` does not belong to it."""
    rows = store.ranking(limit=limit, after_rank=_rank_of(store, after))
    last = int(rows[-1]["rank"]) if rows else store.count
    return RankingAnswer(
        **_provenance(store.manifest),
        customers=store.count,
        items=[RankedScore(**_without(row, "curve", *_PROVENANCE)) for row in rows],
        next=f"{store.version}-{last}" if last < store.count else None,
    )


def _rank_of(store: Store, after: str | None) -> int:
    if after is None:
        return 0
    match = _CURSOR.fullmatch(after)
    if match is None:
        raise refused(("query", "after"), "cursor", "Use `next` of the last page, or a rank.")
    if match[1] not in (None, store.version):
        raise Problem(410, "A newer ranking was published. Start again at the first page.")
    return int(match[2])


def score_answer(asked: ScoreRequest, *, scorer: Scorer, zone: ZoneInfo, now: datetime) -> ScoreAnswer:
    """Score posted histories; nobody who was posted is missing from the answer."""
    live = score_live(asked, scorer=scorer, zone=zone, now=now)
    rows = [] if live.table is None else live.table.to_pylist()
    found = {row["customer_id"]: row for row in rows}
    reason = reason_not_scored(live.as_of)
    posted = [history.customer_id for history in asked.customers]
    return ScoreAnswer(
        model_version=scorer.model_version,
        as_of=to_date(live.as_of),
        scored_at=rows[0]["scored_at"] if rows else now,
        valid_until=min((row["valid_until"] for row in rows), default=None),
        currency=scorer.currency,
        as_of_from=live.as_of_from,
        horizons=list(live.horizons),
        scores=[_live_score(found[each]) for each in posted if each in found],
        not_scored=[NotScored(customer_id=each, reason=reason) for each in posted if each not in found],
    )


def _live_score(row: dict[str, Any]) -> LiveScore:
    curve = Curve(days=list(CURVE_KNOTS), p_repurchase=row["curve"])
    return LiveScore(**{**_without(row, "rank", "percentile", *_PROVENANCE), "curve": curve})


def model_answer(scorer: Scorer, store: Store | None) -> ModelAnswer:
    """Answer with the model's card and the published ranking in short."""
    ranking = None if store is None else _published(store)
    return ModelAnswer(
        model_version=scorer.model_version,
        as_of=to_date(scorer.default_as_of),
        scored_at=ranking.scored_at if ranking else None,
        valid_until=ranking.valid_until if ranking else None,
        currency=scorer.currency,
        timezone=scorer.timezone,
        horizons=list(scorer.horizons),
        card=scorer.card(),
        ranking=ranking,
    )


def _published(store: Store) -> PublishedRanking:
    return PublishedRanking(
        **_provenance(store.manifest), customers=store.count, horizons=store.manifest["horizons"]
    )


def _provenance(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in _PROVENANCE}


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
