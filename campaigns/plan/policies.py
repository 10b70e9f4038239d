"""Plainer ways to choose, to compare with: the highest potential first, the highest value first, or anybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from campaigns.knapsack.problem import Problem, Values
from campaigns.knapsack.solve import Use
from campaigns.plan.economics import Economics
from contracts.training import Floats
from features.kernel.running import Ints


def potential(economics: Economics, _: np.random.Generator) -> Floats:
    """Return the chance to buy in the response days: the repurchase potential; (n,)."""
    return economics.customers.chance(after=0, days=economics.terms.response_days)


def value(economics: Economics, chance: np.random.Generator) -> Floats:
    """Return the expected amount in the response days; (n,)."""
    return potential(economics, chance) * economics.customers.basket


def anybody(economics: Economics, chance: np.random.Generator) -> Floats:
    """Return a random order; (n,)."""
    return chance.random(len(economics.customers))


POLICIES: Mapping[str, Callable[[Economics, np.random.Generator], Floats]] = {
    "potential": potential,
    "value": value,
    "random": anybody,
}


def by_rank(problem: Problem, rank: Floats) -> tuple[Ints, tuple[Use, ...]]:
    """Return each customer's option (-1: none) and the use of every limit: the highest rank first.

    Everyone gets the option that earns most with them, whatever it uses, and even if it loses: the highest ranked first
    until a limit is reached, then the next best option that still fits. Lower limits are not looked at.
    """
    block = problem.block(np.arange(problem.count))
    order = np.argsort(-rank, kind="stable")
    choice = np.full(problem.count, -1, dtype=np.int64)
    left = np.array([one.limit for one in problem.resources])
    wish = np.argsort(-block.profit, axis=0, kind="stable")
    for number in range(problem.options):
        asking = order[(choice[order] < 0)]
        asking = asking[np.isfinite(block.profit[wish[number, asking], asking])]
        for option in range(problem.options):
            mine = asking[wish[number, asking] == option]
            used = _used(problem, block.cost, option, mine)
            fits = (np.cumsum(used, axis=1) <= left[:, None] * (1 + 1e-12)).all(axis=0)
            # Whoever does not fit ends the queue for this option: the highest rank goes first.
            given = mine[: int(np.argmin(fits)) if not fits.all() else len(mine)]
            choice[given] = option
            left -= used[:, : len(given)].sum(axis=1)
    totals = _totals(problem, block.cost, choice)
    return choice, tuple(
        Use(one.name, one.unit, one.limit, one.at_least, float(total), 0.0, 0.0)
        for one, total in zip(problem.resources, totals, strict=True)
    )


def _used(problem: Problem, cost: Values | None, option: int, customers: Ints) -> Floats:
    """Return what each of some customers would use of every resource; (resources, m)."""
    found = np.zeros((len(problem.resources), len(customers)))
    for place, one in enumerate(problem.resources):
        unit = cost[option, customers] if one.of_cost and cost is not None else 1.0
        found[place] = one.uses[option] * unit
    return found


def _totals(problem: Problem, cost: Values | None, choice: Ints) -> Floats:
    taken = np.flatnonzero(choice >= 0)
    found = np.zeros(len(problem.resources))
    for place, one in enumerate(problem.resources):
        unit = cost[choice[taken], taken] if one.of_cost and cost is not None else 1.0
        found[place] = (one.uses[choice[taken]] * unit).sum()
    return found
