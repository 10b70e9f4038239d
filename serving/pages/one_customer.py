"""One customer: orders so far, the chance over the next year, value, next order, and reasons in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import Response

from pages.svg import svg
from serving.curve import chance_within
from serving.pages.customers import PATH
from serving.pages.guard import PageRoute
from serving.pages.pictures import chance_chart, for_both, orders_chart
from serving.pages.visit import VisitDep
from serving.pages.worth import Worth, terms_words
from serving.paths import CUSTOMER_ID
from serving.problems import Problem
from serving.service import Current
from serving.store import Store
from serving.stored.details import Details

router = APIRouter(include_in_schema=False, route_class=PageRoute)

_LAST = 12  # order days that the table lists
_STRENGTH = {"strong": "strongly", "some": "moderately", "slight": "slightly"}
_WITHIN = (7, 30, 90, 180, 365)
_CERTAIN = 0.999


@router.get(f"/customers/{CUSTOMER_ID}")
def customer(visit: VisitDep, customer_id: str) -> Response:
    """Show one customer; a 404 page if the ranking does not hold the id.

    An id of dots alone stands in the query instead, ?id=…: in a path, browsers take it for a way upwards.
    """
    store, customer_id = visit.store, customer_id or visit.request.query_params.get("id", "")
    row = store.customer(customer_id)
    if row is None:
        raise Problem(
            404, "This ranking has no customer of this id. Ids are text, exactly as the shop writes them."
        )
    shown = {
        "row": row,
        "horizon": store.horizon,
        "currency": store.currency,
        "everybody": store.count,
        "worth": _worth(store, row)[store.horizon],
        "values": list(_worth(store, row).items()),
        "alive": _alive(row),
        "came_from": _came_from(visit.request),
        "last_order": row["as_of"] - timedelta(days=int(row["recency_days"])),
        **_orders(store, row),
        **_chance(store, row),
        **_lifetime(store, row),
        **_reasons(visit.current, customer_id),
    }
    return visit.page("one_customer.html", title=f"Customer {customer_id}", **shown)


def _came_from(request: Request) -> str:
    """Return the table with the filter and the page that the visitor comes from, else the whole one."""
    before = urlsplit(request.headers.get("referer", ""))
    return f"{PATH}?{before.query}" if before.path == PATH and before.query else PATH


def _worth(store: Store, row: dict[str, Any]) -> dict[int, Worth]:
    """Return the chance, the value and its bounds within each span of days."""
    names = ("p_repurchase", "expected_value", "value_lower", "value_upper")
    return {h: Worth(*(row[f"{name}_{h}d"] for name in names)) for h in sorted(store.horizons)}


def _alive(row: dict[str, Any]) -> float | None:
    """Return the chance of still being a customer; None where it is no finding.

    BG/NBD lets nobody leave before the second order, so that it is 1 for everybody with one order day.
    """
    p: float = row["p_alive"]
    return None if row["frequency"] == 0 and p >= _CERTAIN else p


def _lifetime(store: Store, row: dict[str, Any]) -> dict[str, Any]:
    """Return what the lifetime value counts, and where it lies in 8 of 10 cases."""
    terms = store.manifest.get("clv")
    reach = min(int(terms["days"]), store.curve_knots[-1]) if terms else store.curve_knots[-1]
    p = chance_within(reach, store.curve_knots, row["curve"])
    found = Worth(p, row["clv"], row["clv_lower"], row["clv_upper"])
    return {
        "clv_terms": terms_words(terms) if terms else None,
        "clv_range": found.range_words(store.currency),
    }


def _orders(store: Store, row: dict[str, Any]) -> dict[str, Any]:
    found: Details | None = store.details(row["customer_id"])
    if found is None or not found.order_days:
        return {"orders": None}
    chart = orders_chart(found.order_days, found.order_amounts, as_of=row["as_of"], currency=store.currency)
    listed = list(zip(found.order_days, found.order_amounts, strict=True))[::-1]
    return {
        "orders": listed[:_LAST],
        "order_days": len(listed),
        "more_orders": max(len(listed) - _LAST, 0),
        "orders_pictures": for_both(chart),
        "orders_title": chart.title,
        "orders_sum": sum(found.order_amounts),
    }


def _chance(store: Store, row: dict[str, Any]) -> dict[str, Any]:
    chart = chance_chart(store.curve_knots, row["curve"])
    within = [one for one in _WITHIN if one <= store.curve_knots[-1]]
    return {
        "chance_picture": svg(chart),
        "chance_title": chart.title,
        "chances": [(one, chance_within(one, store.curve_knots, row["curve"])) for one in within],
    }


def _reasons(current: Current, customer_id: str) -> dict[str, Any]:
    """Return the reasons in words, or the sentence that says why there are none."""
    from serving.answering.explain import (  # LightGBM: loaded with a model, not with the application
        REFERENCE_CUSTOMERS,
        explain,
        why_not,
    )

    found = explain(current, customer_id)
    if found is None:
        return {
            "reasons": None,
            "no_reasons": why_not(current, customer_id) or "There are no reasons to tell.",
        }
    reasons = [(one.text, one.reason.direction, _STRENGTH[one.reason.strength]) for one in found.reasons]
    return {"reasons": reasons, "usual": found.usual_p, "explained": found.p, "compared": REFERENCE_CUSTOMERS}
