"""How many shall I contact? A slider over customers or money, and what it is expected to bring."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.responses import Response

from campaigns.offers import Offer, read_offers
from campaigns.plan.terms import ASSUMED_MARGIN
from campaigns.preview import PLAIN, Point, Preview, PreviewTerms, columns_of, needed, preview
from contracts.errors import DeclarationError
from contracts.tables import scores_schema
from pages.svg import legend
from serving.pages import words
from serving.pages.filters import address, pairs_of, told, where_of
from serving.pages.guard import PageRoute
from serving.pages.kept import Kept
from serving.pages.pictures import for_both, profit_chart
from serving.pages.visit import VisitDep, answer
from serving.problems import Problem
from serving.store import Store
from serving.stored.where import Where

router = APIRouter(include_in_schema=False, route_class=PageRoute)

PATH = "/contact"
BY_CUSTOMERS, BY_BUDGET = "customers", "budget"
DAYS = (14, 30, 60, 90)
_ROWS = 10
# One preview of a million customers holds some 70 MB.
_KEPT: Kept[Preview] = Kept(most=1)


@dataclass(frozen=True)
class Asked:
    """What the form says. amount: customers or money, None: what earns most."""

    by: str
    amount: float | None
    terms: PreviewTerms

    @property
    def key(self) -> tuple[float | str, ...]:
        """What one answer is kept under."""
        terms = self.terms
        return terms.contact_cost, terms.margin, terms.response_days, terms.choices[0].name


@router.get(PATH)
def contact(visit: VisitDep) -> Response:
    """Show what contacting so many customers would bring, with the form to change it."""
    store, query = visit.store, visit.request.query_params
    where = where_of(query.multi_items(), store.values())
    asked = _asked(query, store)
    found = _KEPT.of(store, (where, asked.key), lambda: _previewed(store, where, asked.terms))
    if not len(found):
        return visit.page("contact_nobody.html", title="How many to contact", told=told(where), reset=PATH)
    number = _number(found, asked)
    shown = _shown(found, number, asked, store.currency)
    if visit.piecewise:
        here = address(PATH, where, **_canonical(asked, shown["amount"]))
        return answer("contact_results.html", shown, headers={"hx-replace-url": here})
    return visit.page(
        "contact.html", title="How many to contact", **shown, **_form(store, where, asked), told=told(where)
    )


@cache
def _offers() -> Mapping[str, Offer]:
    return read_offers()


def offers_for(store: Store) -> dict[str, Offer]:
    """Return the offers of our catalogue whose rules ask for nothing that the scores lack."""
    known = set(scores_schema(store.horizons).names)
    return {
        name: one for name, one in _offers().items() if one.rule is None or set(one.rule.columns) <= known
    }


def _asked(query: Mapping[str, str], store: Store) -> Asked:
    offers, by = offers_for(store), query.get("by") or BY_CUSTOMERS
    offer = query.get("offer") or PLAIN
    if by not in (BY_CUSTOMERS, BY_BUDGET) or offer not in offers:
        raise Problem(422, "Choose one of the ways and offers that the form shows.")
    days = int(_given(query, "days", 30.0, "the number of days"))
    try:
        terms = PreviewTerms(
            contact_cost=_given(query, "cost", 0.0, "the cost of a contact"),
            margin=_given(query, "margin", 100.0 * usual_margin(store), "the margin") / 100.0,
            response_days=days,
            offers=(offers[offer],),
        )
    except DeclarationError as error:
        raise Problem(422, str(error)) from None
    return Asked(by, _amount(query, by), terms)


def usual_margin(store: Store) -> float:
    """Return the margin that the model was trained with; where it was told none, the one that plans assume."""
    trained = float(store.manifest.get("clv", {}).get("margin") or 1.0)
    return trained if 0.0 < trained < 1.0 else ASSUMED_MARGIN


def _amount(query: Mapping[str, str], by: str) -> float | None:
    """Return the number or the money asked for: of slider and field, the one that was moved; None: neither was set."""
    if (query.get("was_by") or by) != by:
        return None
    was, slider, field = (_maybe(query, name) for name in ("was", "slider", "amount"))
    return slider if slider is not None and slider != was else field


def _maybe(query: Mapping[str, str], name: str) -> float | None:
    return _given(query, name, -1.0, "the number") if query.get(name, "").strip() else None


def _given(query: Mapping[str, str], name: str, otherwise: float, what: str) -> float:
    text = query.get(name, "").strip().replace(",", "")
    try:
        value = float(text) if text else otherwise
    except ValueError:
        value = math.nan
    if text and not 0.0 <= value < 1e15:
        raise Problem(422, f"Write {what} as a number of at least 0, such as 12.5.")
    return value


def _previewed(store: Store, where: Where, terms: PreviewTerms) -> Preview:
    scores = store.table(where=where, columns=needed(store.horizons, terms))
    return preview(columns_of(scores, terms), terms)


def _number(found: Preview, asked: Asked) -> int:
    """Return how many are contacted."""
    if asked.amount is None:
        return found.best.contacted or min(100, len(found))
    if asked.by == BY_CUSTOMERS:
        return min(int(asked.amount), len(found))
    spent = np.cumsum(found.each["cost"])
    return int(np.searchsorted(spent, asked.amount * (1 + 1e-9), side="right"))


def _shown(found: Preview, number: int, asked: Asked, currency: str) -> dict[str, Any]:
    chosen, points = found.at(number), found.points
    chart = profit_chart(points, chosen=chosen, break_even=found.break_even, currency=currency)
    amount, whole = chosen.contacted if asked.by == BY_CUSTOMERS else asked.amount, found.at(len(found))
    return {
        "chosen": chosen,
        "best": found.best,
        "everybody": whole,
        "break_even": found.break_even,
        "days": asked.terms.response_days,
        "currency": currency,
        "pictures": for_both(chart),
        "legend": legend(chart),
        "chart_title": chart.title,
        "rows": _rows(points, chosen, found.best),
        "amount": chosen.cost if amount is None else amount,
        "by": asked.by,
        "most": max(len(found) if asked.by == BY_CUSTOMERS else math.ceil(whole.cost), 1),
        "assumed": _assumed(asked.terms),
    }


def _rows(points: tuple[Point, ...], chosen: Point, best: Point) -> list[tuple[Point, str]]:
    """Return some points of the curve and what is special about them."""
    special = {best.contacted: "earns most"} | {chosen.contacted: "chosen"}
    if chosen.contacted == best.contacted:
        special = {best.contacted: "chosen; earns most"}
    steps = np.linspace(0, len(points) - 1, _ROWS).astype(int)
    some = {points[step].contacted: points[step] for step in steps if points[step].contacted}
    some |= {one.contacted: one for one in (best, chosen) if one.contacted}
    return [(some[number], special.get(number, "")) for number in sorted(some)]


def _assumed(terms: PreviewTerms) -> str:
    offer = terms.choices[0]
    wins = words.percent(offer.lift_prior)
    return f"one contact wins {wins} of those who would not have bought ({offer.prior_source})."


def _form(store: Store, where: Where, asked: Asked) -> dict[str, Any]:
    terms = asked.terms
    return {
        "whole": store.count_of(where),
        "cost": terms.contact_cost,
        "margin": 100 * terms.margin,
        "offers": [(name, one.label) for name, one in offers_for(store).items()],
        "offer": terms.choices[0].name,
        "all_days": sorted({*DAYS, terms.response_days}),
        "kept": pairs_of(where),
        "where_link": address("/customers", where),
        "reset": PATH,
    }


def _canonical(asked: Asked, amount: float) -> dict[str, str]:
    terms = asked.terms
    return {
        "by": asked.by,
        "amount": f"{amount:.15g}",
        "cost": f"{terms.contact_cost:.15g}",
        "margin": f"{100 * terms.margin:.6g}",
        "days": str(terms.response_days),
        "offer": terms.choices[0].name,
    }
