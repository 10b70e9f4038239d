"""What the endpoints answer about customers: rows of scores put into their shapes.

Rows of the published ranking are written as they come: their shapes (serving.shapes) stand in the OpenAPI document, and
tests hold the two together; to validate fifty fields again would cost more than to look a customer up.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic_core import to_json
from starlette.responses import Response

from contracts.days import to_date
from contracts.tables import CURVE_KNOTS
from serving.curve import chance_within
from serving.live import LiveScores, Scorer, reason_not_scored, score_live
from serving.problems import Problem, refused
from serving.service import Current
from serving.shapes.posted import ScoreRequest
from serving.store import Store
from serving.stored.lookup import Row
from serving.stored.where import Where

PROVENANCE = ("model_version", "as_of", "scored_at", "valid_until", "currency")
_CURSOR = re.compile(r"(?:([0-9a-f]{12})-(?:([0-9a-f]{8})-)?)?([0-9]{1,18})")
_RECENT = 20
_KEY = ("customer_id", "rank")
_NO_DETAILS = "The ranking was published without this customer's orders. Rank again to have them."


def written(answer: Mapping[str, Any], status: int = 200, **headers: str) -> Response:
    """Return plain values as a JSON answer."""
    return Response(
        to_json(answer, inf_nan_mode="null"), status, headers=headers, media_type="application/json"
    )


def provenance(store: Store) -> Row:
    """Return what every answer carries, of a published ranking."""
    scored_at = datetime.fromisoformat(store.manifest["scored_at"])
    return {name: store.manifest[name] for name in PROVENANCE} | {"scored_at": scored_at}


# ---------------------------------------------------------------- one customer
def customer_answer(store: Store, customer_id: str, horizons: Sequence[int] = ()) -> Row:
    """Return one customer (schemas.CustomerAnswer); other horizons come from the curve. Problem 404 or 422."""
    row = store.customer(customer_id)
    if row is None:
        raise Problem(404, "The published ranking has no such customer.")
    knots, chances = store.curve_knots, row["curve"]
    row["curve"] = {"days": knots, "p_repurchase": chances}
    for days in horizons:
        if days > knots[-1] and f"p_repurchase_{days}d" not in row:
            raise refused(("query", "horizon"), "horizon", f"The longest horizon is {knots[-1]} days.")
        row.setdefault(f"p_repurchase_{days}d", chance_within(min(days, knots[-1]), knots, chances))
    row["history"] = {
        "order_days": row["frequency"] + 1,
        "last_order": row["as_of"] - timedelta(days=row["recency_days"]),
        "amount_per_order_day": row["monetary_value"],
    }
    return row


def history_details(store: Store, row: Row) -> Row:
    """Return what is known of a customer's orders beyond the scores (part of schemas.HistorySummary)."""
    details = store.details(row["customer_id"])
    if details is None or not details.order_days:
        return {"missing": _NO_DETAILS}
    days, amounts = details.order_days, details.order_amounts
    latest = list(zip(days, amounts, strict=True))[-_RECENT:][::-1]
    recent = [{"day": day, "amount": amount} for day, amount in latest]
    if len(days) <= row["frequency"]:
        return {"recent": recent, "missing": f"Only the last {len(days):,} order days are kept."}
    gaps = len(days) - 1
    return {
        "first_order": days[0],
        "amount": sum(amounts),
        "mean_gap_days": (days[-1] - days[0]).days / gaps if gaps else None,
        "recent": recent,
    }


def reasons_answer(current: Current, store: Store, customer_id: str) -> Row:
    """Return why a customer's chance is what it is (schemas.Reasons), or why that cannot be told."""
    from serving.answering.explain import (  # LightGBM: loaded with a model, not with the application
        explain,
        why_not,
    )

    found = explain(current, customer_id)
    if found is None:
        missing = why_not(current, customer_id) or "The ranking has no customers to compare with. Rank again."
        return {
            "horizon_days": store.horizon,
            "usual_probability": None,
            "items": [],
            "missing": missing,
        }
    items = [one.to_dict() for one in found.reasons]
    return {"horizon_days": store.horizon, "usual_probability": found.usual_p, "items": items}


# ---------------------------------------------------------------- many customers
def lookup_answer(store: Store, customer_ids: Sequence[str], columns: Sequence[str] | None) -> Row:
    """Return many customers in the order asked, and the positions of those who are not there (LookupAnswer)."""
    rows = store.customers(customer_ids)
    return {
        **provenance(store),
        "items": [_item(row, columns) for row in rows if row is not None],
        "not_found": [place for place, row in enumerate(rows) if row is None],
    }


def ranking_answer(
    store: Store,
    where: Where,
    *,
    limit: int,
    after: str | None,
    columns: Sequence[str] | None,
    count: bool,
) -> Row:
    """Return one page (schemas.RankingAnswer); Problem 422 or 410 if `after` does not belong to it."""
    rows = store.ranking(limit=limit + 1, after_rank=_rank_of(store, where, after), where=where)
    more = len(rows) > limit
    answer: Row = {
        **provenance(store),
        "customers": store.count,
        "items": [_item(row, columns) for row in rows[:limit]],
        "next": _cursor(store, where, int(rows[limit - 1]["rank"])) if more else None,
    }
    if count:
        answer["count"] = store.count_of(where)
    return answer


def _item(row: Row, columns: Sequence[str] | None) -> Row:
    """Return one row of a list: all scores but those of the whole answer and the curve, or the chosen columns."""
    if columns is not None:
        return {name: row[name] for name in dict.fromkeys((*_KEY, *columns))}
    for name in (*PROVENANCE, "curve"):
        del row[name]
    return row


# ---------------------------------------------------------------- cursors
def _cursor(store: Store, where: Where, rank: int) -> str:
    return f"{store.version}-{rank}" if where.is_all else f"{store.version}-{_mark(where)}-{rank}"


def _mark(where: Where) -> str:
    """Return eight digits that tell one filter from another."""
    return hashlib.sha256(repr(where).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _rank_of(store: Store, where: Where, after: str | None) -> int:
    if after is None:
        return 0
    match = _CURSOR.fullmatch(after)
    if match is None:
        raise refused(("query", "after"), "cursor", "Use `next` of the last page, or a rank.")
    if match[1] not in (None, store.version):
        raise Problem(410, "A newer ranking was published. Start again at the first page.")
    if match[1] is not None and match[2] != (None if where.is_all else _mark(where)):
        raise refused(("query", "after"), "cursor", "It belongs to another filter. Start again without it.")
    return int(match[3])


# ---------------------------------------------------------------- live scores
def score_answer(asked: ScoreRequest, *, scorer: Scorer, zone: ZoneInfo, now: datetime) -> Row:
    """Score posted histories (schemas.ScoreAnswer); nobody who was posted is missing from the answer."""
    return live_answer(asked, score_live(asked, scorer=scorer, zone=zone, now=now), scorer=scorer, now=now)


def live_answer(asked: ScoreRequest, live: LiveScores, *, scorer: Scorer, now: datetime) -> Row:
    """Return the answer to posted histories that have been scored (schemas.ScoreAnswer)."""
    rows = live.rows
    found = {row["customer_id"]: row for row in rows}
    reason = reason_not_scored(live.as_of)
    posted = [history.customer_id for history in asked.customers]
    return {
        "model_version": scorer.model_version,
        "as_of": to_date(live.as_of),
        "scored_at": rows[0]["scored_at"] if rows else now,
        "valid_until": min((row["valid_until"] for row in rows), default=None),
        "currency": scorer.currency,
        "as_of_from": live.as_of_from,
        "horizons": live.horizons,
        "scores": [_live_score(found[each]) for each in posted if each in found],
        "not_scored": [{"customer_id": each, "reason": reason} for each in posted if each not in found],
    }


def _live_score(row: Row) -> Row:
    left_out = ("rank", "percentile", "curve", *PROVENANCE)
    score = {name: value for name, value in row.items() if name not in left_out}
    score["curve"] = {"days": CURVE_KNOTS, "p_repurchase": row["curve"]}
    return score
