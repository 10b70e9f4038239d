"""The ranked table, filtered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from serving.pages import words
from serving.pages.exports import offered
from serving.pages.filters import CHOICES, Pairs, address, crossed, pairs_of, where_of
from serving.pages.guard import PageRoute
from serving.pages.visit import Visit, VisitDep
from serving.store import Store
from serving.stored.where import Where

router = APIRouter(include_in_schema=False, route_class=PageRoute)

PAGE = 50
PATH = "/customers"
_ORDER = (
    "focus", "cultivate", "reduce",
    "new", "growing", "mature", "declining", "churning", "lost",
    "champions", "loyal", "active", "promising", "needs attention", "at risk", "almost lost", "previously loyal",
    "dormant", "high", "medium", "low",
)  # fmt: skip


@dataclass(frozen=True)
class Listed:
    """One line of the table, written out. part: the chance as a share of a bar of 100."""

    rank: str
    customer_id: str
    chance: str
    part: float
    orders: str
    value: str
    next_order: str
    tier: str | None
    segment: str | None
    lifecycle: str | None
    last_order: str
    confidence: str
    confidence_reason: str


@router.get("/")
async def front() -> Response:
    """Lead to the first page."""
    return RedirectResponse(PATH, 303)


@router.get(PATH)
def customers(visit: VisitDep) -> Response:
    """Show one page of the ranking that the filter lets through."""
    store, asked = visit.store, visit.request.query_params
    where = where_of(asked.multi_items(), store.values())
    after, newer = _after(store, asked.get("after", ""))
    newer = newer or visit.newer
    here = address(PATH, where, after=asked.get("after") or None)
    if visit.piecewise:
        shown = _results(visit, where, after=after, newer=newer)
        return visit.piece("customers_results.html", headers={"hx-replace-url": here}, **shown)
    if str(visit.request.url.query) and _untidy(asked.multi_items()):
        return RedirectResponse(here, 303)
    shown = _results(visit, where, after=after, newer=newer)
    return visit.page("customers.html", title="Customers", **shown, **_form(store, where))


def _untidy(asked: list[tuple[str, str]]) -> bool:
    return any(not value.strip() for _, value in asked)


def _after(store: Store, cursor: str) -> tuple[int, bool]:
    """Return the rank after which the page begins, and whether the cursor is of an older ranking."""
    version, _, rank = cursor.rpartition("-")
    if not rank.isdecimal() or len(rank) > 18:
        return 0, False
    return (int(rank), False) if version == store.version else (0, True)


def _results(visit: Visit, where: Where, *, after: int, newer: bool) -> dict[str, Any]:
    store = visit.store
    rows = store.ranking(limit=PAGE + 1, after_rank=after, where=where)
    more, rows = len(rows) > PAGE, rows[:PAGE]
    passed = store.ranks_until(after, where).tolist() if after else []
    found = store.count if where.is_all else store.count_of(where)
    return {
        "rows": list(_listed(store, rows)),
        "found": found,
        "shown": f"{words.count(len(passed) + 1)}–{words.count(len(passed) + len(rows))} of {words.count(found)}",
        "everybody": store.count,
        "horizon": store.horizon,
        "currency": store.currency,
        "is_all": where.is_all,
        "crossed": crossed(where),
        "newer": newer,
        "first": address(PATH, where) if after else None,
        "previous": _page_after(store, where, passed[-PAGE - 1]) if len(passed) > PAGE else None,
        "following": _page_after(store, where, rows[-1]["rank"]) if more else None,
        "exports": offered(visit, where),
        "suppresses": visit.service.settings.suppressed is not None,
        "contact": address("/contact", where),
    }


def _page_after(store: Store, where: Where, rank: int) -> str:
    """Return the address of the page that begins after a rank."""
    return address(PATH, where, after=f"{store.version}-{rank}")


def _listed(store: Store, rows: list[dict[str, Any]]) -> Iterator[Listed]:
    h = store.horizon
    largest = [max((abs(row[f"expected_value_{h}d"]) for row in rows), default=0.0)]
    for row in rows:
        p, recency = row[f"p_repurchase_{h}d"], int(row["recency_days"])
        yield Listed(
            rank=words.count(row["rank"]),
            customer_id=row["customer_id"],
            chance=words.percent(p),
            part=round(100 * p, 1),
            orders=f"{row[f'expected_orders_{h}d']:.2f}",
            value=words.amount(row[f"expected_value_{h}d"], beside=largest),
            next_order=words.day(row["next_order_p50"]),
            tier=row["tier"],
            segment=row["segment"],
            lifecycle=row["lifecycle"],
            last_order=words.day(row["as_of"] - timedelta(days=recency)),
            confidence=row["confidence"],
            confidence_reason=row["confidence_reason"],
        )


def _form(store: Store, where: Where) -> dict[str, Any]:
    """Return what the form of the filter shows: its fields as they stand, and what can be chosen."""
    known = store.values()
    return {
        "where": where,
        "choices": [(name, _in_order(known.get(name, [])), set(getattr(where, name))) for name in CHOICES],
        "kept": kept(where),
        "reset": PATH,
        "version": store.version,
    }


def _in_order(values: list[str]) -> list[str]:
    """Return labels in the order that they mean, those of the shop's own after ours."""
    places = {one: place for place, one in enumerate(_ORDER)}
    return sorted(values, key=lambda one: (places.get(one, len(places)), one))


def kept(where: Where) -> Pairs:
    """Return the parts of a filter that no field of the form shows, so that they are not lost."""
    return [(name, value) for name, value in pairs_of(where) if name in ("p_min", "p_max")]
