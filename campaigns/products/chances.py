"""What scores are worth: the chance that a customer buys a picked product within the next days.

Learnt from the same shop one horizon ago: the candidates as they stood then, and what was bought since. One logistic
curve for each kind, chance = 1 / (1 + exp(-(a + b log score + c log(1 + days since the last order)))).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from campaigns.products.candidates import Candidates, Ranked, Weights
from campaigns.products.goods import Goods
from campaigns.sales import Sales
from features.kernel.buffers import filled
from features.kernel.running import Bools, Floats, Ints
from features.sampling import sampled

HORIZON_DAYS = 30
CUSTOMERS = 20_000  # that are looked at, by hashed id
LEAST_BOUGHT = 50  # picks of a kind that were bought, to learn from
_BEHIND_DAYS = 60  # orders that must lie behind the day that is looked at
_STEPS = 50
_RIDGE = 1e-3


@dataclass(frozen=True)
class Curve:
    """One kind's curve; (a, b, c)."""

    numbers: tuple[float, float, float]

    def chance(self, score: Floats, recency_days: Ints) -> Floats:
        """Return the chances of candidates by their score and their customers' days since the last order."""
        return 1.0 / (1.0 + np.exp(-(_inputs(score, recency_days) @ np.array(self.numbers))))

    @staticmethod
    def fit(score: Floats, recency_days: Ints, bought: Bools) -> Curve | None:
        """Fit by Newton's steps with a small ridge; None if too few were bought."""
        if int(bought.sum()) < LEAST_BOUGHT or bought.all():
            return None
        inputs, goal = _inputs(score, recency_days), bought.astype(np.float64)
        numbers = np.array([np.log(goal.mean() / (1 - goal.mean())), 0.0, 0.0])
        for _ in range(_STEPS):
            p = 1.0 / (1.0 + np.exp(-(inputs @ numbers)))
            slope = inputs.T @ (goal - p) - _RIDGE * numbers
            bend = (inputs * (p * (1 - p))[:, None]).T @ inputs + _RIDGE * np.eye(3)
            step = np.clip(np.linalg.solve(bend, slope), -2.0, 2.0)
            numbers = numbers + step
            if np.abs(step).max() < 1e-8:
                break
        a, b, c = numbers.tolist()
        return Curve((a, b, c))


@dataclass(frozen=True)
class Chances:
    """The curves of both kinds; horizon_days: how far ahead."""

    repeat: Curve
    new: Curve
    horizon_days: int

    @staticmethod
    def learn(sales: Sales, *, weights: Weights, k: int, horizon_days: int = HORIZON_DAYS) -> Chances | None:
        """Learn from the picks one horizon ago; None if the orders are too few or too short."""
        cutoff = sales.as_of - horizon_days
        if cutoff - int(sales.day.min()) < _BEHIND_DAYS:
            return None
        past = Goods.of(sales.on(cutoff))
        bought = bought_after(past, Goods.of(sales))
        before = Candidates.of(past, weights=weights)
        ids = np.array(past.sales.ids.to_pylist(), dtype=object)
        looked_at = np.zeros(len(ids), dtype=np.bool_)
        looked_at[sampled(ids, CUSTOMERS)] = True
        curves = []
        for find in (before.repeat, before.new):
            found = [find(low, high, k) for low, high in blocks(len(ids))]
            curves.append(_learnt(past, found, looked_at, bought))
        repeat, new = curves
        return None if repeat is None or new is None else Chances(repeat, new, horizon_days)


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
    return np.unique(customer[known] * len(past) + product[known])


def position_in(later: Sales, past: Sales) -> Ints:
    """Return the position in `past` of each customer of `later`, -1 for those who came after."""
    import pyarrow.compute as pc

    return filled(pc.index_in(later.ids, value_set=past.ids), np.int64(-1))


def among(keys: Ints, wanted: Ints) -> Bools:
    """Return which of `wanted` are among ascending keys."""
    if not len(keys):
        return np.zeros(len(wanted), dtype=np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return keys[at] == wanted


def _learnt(past: Goods, found: list[Ranked], looked_at: Bools, bought: Ints) -> Curve | None:
    customer = np.concatenate([one.customer for one in found])
    kept = looked_at[customer]
    customer = customer[kept]
    product = np.concatenate([one.product for one in found])[kept]
    score = np.concatenate([one.score for one in found])[kept]
    recency = past.as_of - past.sales.last_day[customer]
    return Curve.fit(score, recency, among(bought, customer * len(past) + product))


def _inputs(score: Floats, recency_days: Ints | NDArray[np.int64]) -> Floats:
    return np.column_stack([np.ones(len(score)), np.log(score + 1e-9), np.log1p(recency_days)])
