"""Plainer ways to choose, to compare with: the highest potential first, the highest value first, or anybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from campaigns.knapsack import Use
from campaigns.knapsack.problem import Block, Problem, Values
from campaigns.plan.economics import Economics
from contracts.training import Floats
from features.kernel.running import Bools, Ints

_ROUNDING = 1e-12


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


def by_rank(problem: Problem, rank: Floats, *, alone: Bools | None = None) -> tuple[Ints, tuple[Use, ...]]:
    """Return each customer's option (-1: none) and the use of every limit: the highest rank first.

    In the order of rank everyone gets the option that earns most with them, whatever it uses and even if it loses. Who
    finds that too little is left for it takes their next best option that fits; the first one is then closed to all
    who rank lower. alone: (n,) who gets what there is in their place of the queue without using it up (the control
    group). Lower limits are not looked at.
    """
    block = problem.block(np.arange(problem.count))
    queue = _Queue(problem, block, np.zeros(problem.count, np.bool_) if alone is None else alone)
    order = np.argsort(-rank, kind="stable")
    while len(order):
        order = queue.served(order)
    totals = _totals(problem, block.cost, np.where(queue.alone, -1, queue.choice))
    return queue.choice, tuple(
        Use(one.name, one.unit, one.limit, one.at_least, float(total), 0.0, 0.0)
        for one, total in zip(problem.resources, totals, strict=True)
    )


class _Queue:
    """Customers who are served in an order until an option does not fit any more."""

    def __init__(self, problem: Problem, block: Block, alone: Bools) -> None:
        self.problem, self.cost, self.alone = problem, block.cost, alone
        self.profit = block.profit.copy()
        self.choice = np.full(problem.count, -1, dtype=np.int64)
        self.left = np.array([one.limit for one in problem.resources])
        self.wish = self.profit.argmax(axis=0)

    def served(self, order: Ints) -> Ints:
        """Serve the front of the queue up to the first whom their wish does not fit; return who waits still."""
        order = order[np.isfinite(self.profit[self.wish[order], order])]
        wish = self.wish[order]
        own, alone = _used(self.problem, self.cost, wish, order), self.alone[order]
        used = np.where(alone, 0.0, own)
        fits = self._fits(np.cumsum(used, axis=1) + np.where(alone, own, 0.0))
        stop = len(order) if fits.all() else int(np.argmin(fits))
        self.choice[order[:stop]] = wish[:stop]
        self.left -= used[:, :stop].sum(axis=1)
        if stop == len(order):
            return order[:0]
        self._serve_by_itself(int(order[stop]))
        self._close(int(wish[stop]), order[stop + 1 :])
        return order[stop + 1 :]

    def _fits(self, used: Floats) -> Bools:
        return np.asarray((used <= self.left[:, None] * (1 + _ROUNDING) + _ROUNDING).all(axis=0))

    def _serve_by_itself(self, who: int) -> None:
        """Give one customer the best option for which enough is left."""
        for option in np.argsort(-self.profit[:, who], kind="stable"):
            if np.isfinite(self.profit[option, who]):
                used = _used(self.problem, self.cost, np.array([option]), np.array([who]))
                if self._fits(used).all():
                    self.choice[who] = option
                    self.left -= 0.0 if self.alone[who] else used[:, 0]
                    return

    def _close(self, option: int, waiting: Ints) -> None:
        """Take an option away from those who wait; whoever wished for it wishes for the next best."""
        self.profit[option, waiting] = -np.inf
        again = waiting[self.wish[waiting] == option]
        self.wish[again] = self.profit[:, again].argmax(axis=0)


def _used(problem: Problem, cost: Values | None, option: Ints, customers: Ints) -> Floats:
    """Return what each of some customers would use of every resource by an option each; (resources, m)."""
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
