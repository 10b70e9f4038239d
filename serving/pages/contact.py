"""How many shall I contact? A slider over customers or money, and what it is expected to bring."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from fastapi import APIRouter
from starlette.responses import Response

from campaigns.offers import Offer
from campaigns.preview import Point, Preview, PreviewTerms, columns_of, needed, preview
from pages.svg import legend
from serving.pages import words
from serving.pages.asked import BY_CUSTOMERS, Asked, Unclear, asked_of, assumed_cost, offers_for
from serving.pages.filters import address, crossed, pairs_of, told, where_of
from serving.pages.guard import PageRoute
from serving.pages.kept import Kept
from serving.pages.pictures import for_both, profit_chart
from serving.pages.visit import Visit, VisitDep
from serving.problems import Problem
from serving.store import Store
from serving.stored.where import Where

router = APIRouter(include_in_schema=False, route_class=PageRoute)

PATH = "/contact"
TITLE = "How many to contact"
DAYS = (14, 30, 60, 90)
_ROWS = 10
_LONGEST = 40
# One preview of a million customers holds some 70 MB.
_KEPT: Kept[Preview] = Kept(most=1)


@router.get(PATH)
def contact(visit: VisitDep) -> Response:
    """Show what contacting so many customers would bring, with the form to change it."""
    store, query = visit.store, visit.request.query_params
    where = where_of(query.multi_items(), store.values())
    try:
        asked = asked_of(query, store)
    except Unclear as error:
        return _asked_again(visit, where, error)
    found = _KEPT.of(store, (where, asked.key), lambda: _previewed(store, where, asked.terms))
    if not len(found):
        return _nobody(visit, where)
    number = _number(found, asked)
    shown = _shown(found, number, asked, store) | {"newer": visit.newer}
    if visit.piecewise:
        here = address(PATH, where, **_canonical(asked, shown["amount"]))
        return visit.piece("contact_results.html", headers={"hx-replace-url": here}, **shown)
    form = _form(store, where, asked, amount=words.plain(shown["amount"]))
    return visit.page("contact.html", title=TITLE, **shown, **form, wrong={})


def _nobody(visit: Visit, where: Where) -> Response:
    shown: dict[str, Any] = {"told": told(where), "crossed": crossed(where), "reset": PATH}
    if visit.piecewise:
        return visit.piece("contact_nobody_piece.html", headers={}, **shown)
    return visit.page("contact_nobody.html", title=TITLE, **shown)


def _asked_again(visit: Visit, where: Where, unclear: Unclear) -> Response:
    """Return the form as it was filled in, with what to write beside each field that cannot be meant."""
    if visit.piecewise:
        raise Problem(422, str(unclear))
    store, query = visit.store, visit.request.query_params
    usual = asked_of({name: query[name] for name in ("by", "days", "offer") if name in query}, store)
    form = _form(store, where, usual, amount="")
    form["fields"] |= {
        name: text[:_LONGEST] for name in form["fields"] if (text := query.get(name, "").strip())
    }
    form |= {"by": usual.by, "days": usual.terms.response_days, "currency": store.currency, "amount": 0.0}
    most = max(form["whole"], 1)
    return visit.page("contact.html", title=TITLE, status=422, **form, most=most, wrong=unclear.wrong)


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


def _shown(found: Preview, number: int, asked: Asked, store: Store) -> dict[str, Any]:
    chosen, points, currency = found.at(number), found.points, store.currency
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
        "assumed": _assumed(asked.terms, store),
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


def _assumed(terms: PreviewTerms, store: Store) -> list[str]:
    """Return what is assumed, in sentences."""
    offer = terms.choices[0]
    said = [f"One contact wins {words.percent(offer.lift_prior)} of those who would not have bought"]
    if offer.share:
        said.append(f", and each order of this offer costs {words.percent(offer.share)} of the basket")
    sentences = ["".join(said) + f" ({offer.prior_source})."]
    alike = [one.label for one in offers_for(store).values() if one.name != offer.name and _alike(one, offer)]
    if alike:
        sentences.append(f"The same is assumed of: {', '.join(alike)}. So the results are the same too.")
    if terms.contact_cost == assumed_cost():
        sentences.append("The cost of a contact is what an e-mail usually costs.")
    return sentences


def _alike(one: Offer, other: Offer) -> bool:
    """Tell whether two offers differ in name only, as far as anything here is worked out from them."""
    names = ("cost", "share", "margin_effect", "min_basket", "when", "cap", "lift_prior", "lift_of")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _form(store: Store, where: Where, asked: Asked, *, amount: str) -> dict[str, Any]:
    terms = asked.terms
    return {
        "whole": store.count_of(where),
        "fields": {
            "cost": f"{terms.contact_cost:.15g}",
            "margin": words.plain(100 * terms.margin),
            "amount": amount,
        },
        "offers": [(name, one.label) for name, one in offers_for(store).items()],
        "offer": terms.choices[0].name,
        "all_days": sorted({*DAYS, terms.response_days}),
        "kept": pairs_of(where),
        "told": told(where),
        "where_link": address("/customers", where),
        "reset": PATH,
        "version": store.version,
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
