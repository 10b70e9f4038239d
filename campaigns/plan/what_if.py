"""What other budgets, or a catalogue without one offer, would earn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from campaigns.plan.economics import Economics
from campaigns.plan.planning import Plan, make_plan
from campaigns.plan.smaller import smaller
from campaigns.plan.terms import Terms
from contracts.errors import DataError, DeclarationError

BUDGETS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class WhatIf:
    """One other plan. words: what is different; customers, cost, profit, low and high as in a plan's summary."""

    words: str
    customers: float
    cost: float
    profit: float
    low: float
    high: float


def what_if(plan: Plan) -> list[WhatIf]:
    """Return other plans of the same campaign: other budgets, then without each offer that is used."""
    whole = plan.economics
    small, some, scale = smaller(whole)
    found = []
    for words, economics in _others(plan, small, scale):
        try:
            one = make_plan(economics, currency=plan.currency, control=plan.control[some])
        except (DataError, DeclarationError):
            continue  # nobody is left, or a floor cannot be met: no such plan
        cost = float(one.earned.given.sum() + one.earned.contact.sum())
        sums = (len(one.contacted), cost, one.profit(), one.profit("low"), one.profit("high"))
        found.append(WhatIf(words, *(value * scale for value in sums)))
    return found


def _others(plan: Plan, small: Economics, scale: float) -> Iterator[tuple[str, Economics]]:
    terms, spent = small.terms, float(plan.earned.given.sum() + plan.earned.contact.sum())
    budget = plan.economics.terms.budget or spent
    for factor in BUDGETS:
        if budget > 0:
            words = f"budget {factor * budget:,.0f} {plan.currency}"
            yield words, _with(small, replace(terms, budget=factor * budget / scale))
    yield "no limit of money", _with(small, replace(terms, budget=None))
    used = {plan.economics.options[one].offer.name for one in np.unique(plan.choice[plan.contacted])}
    for offer in plan.economics.offers:
        if offer.name in used and len(plan.economics.offers) > 1:
            yield f"without '{offer.label}'", _with(small, terms, without=offer.name)


def _with(economics: Economics, terms: Terms, *, without: str | None = None) -> Economics:
    return Economics(
        economics.customers,
        terms,
        offers=[one for one in economics.offers if one.name != without],
        channels=economics.channels,
        lifts=economics.lifts,
    )
