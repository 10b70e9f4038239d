"""What scores are worth: the chance that a customer buys a picked product within the next days.

Learnt from the same shop one horizon ago: the candidates as they stood then, and what was bought since. One logistic
curve for each kind of what `inputs` says, so that the shop's own customers tell how much it matters that a product was
bought just now, or is due again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.products.candidates import Candidates, Ranked, Weights
from campaigns.products.goods import Goods, among, distinct
from campaigns.sales import Sales
from features.kernel.buffers import places_among
from features.kernel.running import Bools, Floats, Ints

HORIZON_DAYS = 30
CUSTOMERS = 20_000  # that are looked at, in groups spread evenly over the base
LEAST_BOUGHT = 50  # picks of a kind that were bought, to learn from
JUST_BOUGHT = 0.3  # of the usual gap
DUE = (0.8, 2.0)  # of the usual gap
_GROUP = 256
_BEHIND_DAYS = 60  # orders that must lie behind the day that is looked at
_STEPS = 50
_RIDGE = 1e-3


@dataclass(frozen=True)
class Curve:
    """chance = 1 / (1 + exp(-(inputs @ numbers)))."""

    numbers: tuple[float, ...]

    def chance(self, inputs: Floats) -> Floats:
        """Return the chances of candidates; inputs: (n, numbers)."""
        return 1.0 / (1.0 + np.exp(-(inputs @ np.array(self.numbers))))

    @staticmethod
    def fit(inputs: Floats, bought: Bools) -> Curve | None:
        """Fit by Newton's steps with a small ridge; None if too few were bought, or a better score were worth less.

        inputs: (n, m), the first column ones, the second the log of the score.
        """
        if int(bought.sum()) < LEAST_BOUGHT or bought.all():
            return None
        goal = bought.astype(np.float64)
        numbers = np.zeros(inputs.shape[1])
        numbers[0] = np.log(goal.mean() / (1 - goal.mean()))
        for _ in range(_STEPS):
            p = 1.0 / (1.0 + np.exp(-(inputs @ numbers)))
            slope = inputs.T @ (goal - p) - _RIDGE * numbers
            bend = (inputs * (p * (1 - p))[:, None]).T @ inputs + _RIDGE * np.eye(len(numbers))
            step = np.clip(np.linalg.solve(bend, slope), -2.0, 2.0)
            numbers = numbers + step
            if np.abs(step).max() < 1e-8:
                break
        return None if numbers[1] <= 0 else Curve(tuple(numbers.tolist()))


@dataclass(frozen=True)
class Chances:
    """The curves of both kinds; horizon_days: how far ahead."""

    repeat: Curve
    new: Curve
    horizon_days: int

    @staticmethod
    def learn(goods: Goods, *, weights: Weights, k: int, horizon_days: int = HORIZON_DAYS) -> Chances | None:
        """Learn from the k best of each kind one horizon ago; None if the orders are too few or too short."""
        cutoff = goods.as_of - horizon_days
        if cutoff - int(goods.sales.day.min()) < _BEHIND_DAYS:
            return None
        past = Goods.of(goods.sales.on(cutoff))
        bought = bought_after(past, goods)
        before = Candidates.of(past, weights=weights)
        spans = _spread(len(past.sales))
        repeat, new = (
            _learnt(before, [find(low, high, k) for low, high in spans], bought)
            for find in (before.repeat, before.new)
        )
        return None if repeat is None or new is None else Chances(repeat, new, horizon_days)

    def of(self, candidates: Candidates, ranked: Ranked, *, new: bool) -> Floats:
        """Return the chances of candidates of one kind."""
        return (self.new if new else self.repeat).chance(inputs(candidates, ranked))


def inputs(candidates: Candidates, ranked: Ranked) -> Floats:
    """Return what a curve looks at, (n, 5): 1, log score, log(1 + days since the last order), bought just now, due."""
    sales = candidates.goods.sales
    recency = sales.as_of - sales.last_day[ranked.customer]
    elapsed = np.where(ranked.pair >= 0, candidates.owned.elapsed[ranked.pair], np.nan)
    return np.column_stack(
        [
            np.ones(len(ranked.score)),
            np.log(ranked.score + 1e-9),
            np.log1p(recency),
            elapsed < JUST_BOUGHT,
            (elapsed >= DUE[0]) & (elapsed <= DUE[1]),
        ]
    )


def blocks(customers: int, size: int = 2_048) -> list[tuple[int, int]]:
    """Return (low, high) of the blocks that customers are worked through in."""
    return [(low, min(low + size, customers)) for low in range(0, customers, size)]


def bought_after(past: Goods, later: Goods) -> Ints:
    """Return what the customers of `past` bought after its day, as known later; ascending keys customer * P + product.

    P: the products of `past`; what was not sold by then is left out.
    """
    purchases = later.purchases
    after = purchases.day > past.as_of
    customer = position_in(later.sales, past.sales)[purchases.customer[after]]
    product = past.places_of(later.ids)[purchases.product[after]]
    known = (customer >= 0) & (product >= 0)
    return distinct(customer[known] * len(past) + product[known])


def position_in(later: Sales, past: Sales) -> Ints:
    """Return the position in `past` of each customer of `later`, -1 for those who came after."""
    return places_among(later.ids, past.ids)


def _spread(customers: int) -> list[tuple[int, int]]:
    """Return (low, high) of groups of customers, spread evenly, that hold CUSTOMERS at most."""
    groups = blocks(customers, size=_GROUP)
    step = max(1, -(-len(groups) * _GROUP // CUSTOMERS))
    return groups[::step]


def _learnt(before: Candidates, found: Sequence[Ranked], bought: Ints) -> Curve | None:
    whole = Ranked.stack(found)
    came = among(bought, whole.customer * len(before.goods) + whole.product)
    return Curve.fit(inputs(before, whole), came)
