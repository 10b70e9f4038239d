"""Segment, tier and lifecycle cards: how many customers, what share of the value, how likely they order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from urllib.parse import urlencode

import pyarrow.compute as pc
from fastapi import APIRouter
from starlette.responses import Response

from campaigns.lifecycle import NAMES as STAGES
from campaigns.lifecycle import read_stages
from campaigns.rfm import read_groups
from serving.pages.guard import PageRoute
from serving.pages.kept import Kept
from serving.pages.visit import VisitDep
from serving.store import Store

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_KINDS = (
    ("tier", "Tiers", "Whom to focus on, whom to cultivate, and on whom to spend less: by expected value."),
    (
        "lifecycle",
        "Lifecycle stages",
        "Where customers stand in their own rhythm, from new to lost. “Gap” is the usual time between two orders of "
        "theirs, drawn towards the shop's where they have ordered seldom.",
    ),
    (
        "segment",
        "Segments",
        "How recently, how often and for how much they bought, beside all others: the base in fifths (RFM). A segment "
        "is no stage: “new” is a word of both views, and holds other customers in each.",
    ),
)
_TIERS = {
    "focus": "Worth more than the mean of those above the mean.",
    "cultivate": "Worth less than those to focus on, and more than those to spend less on.",
    "reduce": "Those who together bring the last 5 % of the value, or bring less than their contacts cost.",
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
    """Return the groups of a column in the order that they mean; empty where the ranking has none."""
    value, p = f"expected_value_{store.horizon}d", f"p_repurchase_{store.horizon}d"
    table = store.table(columns=[column, value, p])
    if not table.num_rows or table[column].null_count == table.num_rows:
        return []
    summed = table.group_by(column).aggregate([(value, "sum"), (p, "mean"), (value, "count")])
    whole = pc.sum(table[value]).as_py() or 1.0
    places = {name: place for place, name in enumerate(_meanings()[column])}
    rows = sorted(
        summed.to_pylist(), key=lambda row: (places.get(row[column], len(places)), -row[f"{value}_sum"])
    )
    return [_card(column, row, value=value, p=p, whole=whole, everybody=table.num_rows) for row in rows]


@cache
def _meanings() -> Mapping[str, Mapping[str, str]]:
    """Return what each group of a column means, in the order of reports; a shop's own groups are not among them."""
    stages = read_stages()
    groups = read_groups()
    return {
        "tier": _TIERS,
        "lifecycle": {name: stages[name].says for name in STAGES},
        "segment": {name: one.says for name, one in groups.items()},
    }


def _card(column: str, row: dict[str, object], *, value: str, p: str, whole: float, everybody: int) -> Card:
    name, customers, worth = row[column], row[f"{value}_count"], row[f"{value}_sum"]
    assert isinstance(customers, int) and isinstance(worth, float)
    label = None if name is None else str(name)
    return Card(
        label,
        _meanings()[column].get(label or "", ""),
        customers,
        customers / everybody,
        worth,
        worth / whole,
        float(str(row[f"{p}_mean"])),
        None if label is None else f"/customers?{urlencode([(column, label)])}",
    )
