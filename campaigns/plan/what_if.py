"""What other budgets, or a catalogue without one offer, would earn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from campaigns.plan.economics import Economics
from campaigns.plan.planning import Plan, make_plan
from campaigns.plan.smaller import smaller
from campaigns.plan.terms import Terms
from campaigns.plan.words import money
from contracts.errors import DataError, DeclarationError
from features.kernel.running import Bools

BUDGETS = (0.25, 0.5, 0.75, 1.5, 2.0)  # times the budget; without one, times what is spent
THIS = "this plan"
MONEY, OPEN = "budget", "no limit of money"  # what the words of other budgets begin with
_SAME = 0.001  # plans that cost and earn the same to this share are one


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
    """Return this plan, and others of the same campaign: other budgets, and without each offer that is used.

    Large shops are planned by a sample, scaled to this plan's sums. Other budgets that change nothing are left out.
    """
    small, some, scale = smaller(plan.economics)
    this = _sums(plan, THIS)
    alike = this if scale == 1.0 else _planned(THIS, small, plan, control=plan.control[some])
    found = [this]
    if alike is None:
        return found
    ratio = [own / one if one else scale for own, one in zip(_figures(this), _figures(alike), strict=True)]
    for words, economics in _others(plan, small, scale):
        one = _planned(words, economics, plan, control=plan.control[some])
        if one is None:
            continue
        scaled = WhatIf(words, *(value * by for value, by in zip(_figures(one), ratio, strict=True)))
        if not (words.startswith((MONEY, OPEN)) and any(_same(scaled, other) for other in found)):
            found.append(scaled)
    return found


def _planned(words: str, economics: Economics, plan: Plan, *, control: Bools) -> WhatIf | None:
    """Return another plan's sums; None where there is no such plan: nobody is left, or a floor cannot be met."""
    try:
        return _sums(make_plan(economics, currency=plan.currency, control=control), words)
    except (DataError, DeclarationError):
        return None


def _sums(plan: Plan, words: str) -> WhatIf:
    cost = float(plan.earned.given.sum() + plan.earned.contact.sum())
    return WhatIf(words, len(plan.contacted), cost, plan.profit(), plan.profit("low"), plan.profit("high"))


def _figures(one: WhatIf) -> tuple[float, ...]:
    return one.customers, one.cost, one.profit, one.low, one.high


def _same(one: WhatIf, other: WhatIf) -> bool:
    pairs = ((one.cost, other.cost), (one.profit, other.profit))
    return all(abs(a - b) <= _SAME * max(abs(a), abs(b)) for a, b in pairs)


def _others(plan: Plan, small: Economics, scale: float) -> Iterator[tuple[str, Economics]]:
    terms, spent = small.terms, float(plan.earned.given.sum() + plan.earned.contact.sum())
    budget = plan.economics.terms.budget or spent
    for factor in BUDGETS:
        if budget > 0 and (factor < 1 or plan.economics.terms.budget is not None):
            words = f"{MONEY} {money(factor * budget, beside=(budget,))} {plan.currency}"
            yield words, _with(small, replace(terms, budget=factor * budget / scale))
    if plan.economics.terms.budget is not None:
        yield OPEN, _with(small, replace(terms, budget=None))
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
