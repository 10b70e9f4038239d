"""Segment, tier and lifecycle cards: how many customers, what share of the value, how likely they order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

import pyarrow.compute as pc
from fastapi import APIRouter
from starlette.responses import Response

from serving.pages.guard import PageRoute
from serving.pages.kept import Kept
from serving.pages.visit import VisitDep
from serving.store import Store

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_KINDS = (
    ("tier", "Tiers", "Whom to focus on, whom to cultivate, and on whom to spend less: by expected value."),
    ("lifecycle", "Lifecycle stages", "Where customers stand in their own rhythm: from new to lost."),
    ("segment", "Segments", "By how recently, how often and for how much they bought (RFM)."),
)
_MEANING = {
    "focus": "worth more than the mean of those above the mean",
    "cultivate": "between the two",
    "reduce": "those who together bring the last 5 % of the value, or less than their contacts cost",
    "new": "had their first order a short while ago",
    "growing": "order more and more often",
    "mature": "order steadily",
    "declining": "order more and more seldom",
    "churning": "silent for longer than usual for them",
    "lost": "hardly to be expected again",
}


_KEPT: Kept[list[Card]] = Kept(most=len(_KINDS))


@dataclass(frozen=True)
class Card:
    """One group. share, value_share: of all customers and of their expected value; p: the mean chance."""

    name: str | None
    meaning: str
    customers: int
    share: float
    value: float
    value_share: float
    p: float
    link: str | None


@router.get("/segments")
def segments(visit: VisitDep) -> Response:
    """Show the groups of the ranking, each with a link to its customers."""
    store = visit.store
    groups = [
        (key, title, says, _KEPT.of(store, key, partial(_cards, store, key))) for key, title, says in _KINDS
    ]
    return visit.page(
        "segments.html", title="Segments", groups=groups, horizon=store.horizon, currency=store.currency
    )


def _cards(store: Store, column: str) -> list[Card]:
    """Return the groups of a column, those with most value first; empty where the ranking has none."""
    value, p = f"expected_value_{store.horizon}d", f"p_repurchase_{store.horizon}d"
    table = store.table(columns=[column, value, p])
    if not table.num_rows or table[column].null_count == table.num_rows:
        return []
    summed = table.group_by(column).aggregate([(value, "sum"), (p, "mean"), (value, "count")])
    whole = pc.sum(table[value]).as_py() or 1.0
    rows = sorted(summed.to_pylist(), key=lambda row: -row[f"{value}_sum"])
    return [_card(column, row, value=value, p=p, whole=whole, everybody=table.num_rows) for row in rows]


def _card(column: str, row: dict[str, object], *, value: str, p: str, whole: float, everybody: int) -> Card:
    name, customers, worth = row[column], row[f"{value}_count"], row[f"{value}_sum"]
    assert isinstance(customers, int) and isinstance(worth, float)
    label = None if name is None else str(name)
    return Card(
        label,
        _MEANING.get(label or "", "") if column != "segment" else "",
        customers,
        customers / everybody,
        worth,
        worth / whole,
        float(str(row[f"{p}_mean"])),
        None if label is None else f"/customers?{urlencode([(column, label)])}",
    )
