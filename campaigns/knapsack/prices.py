"""The price of each row: the smallest dual bound, by cutting planes inside a box that moves and grows.

The dual D(prices) = Σ_i max(0, max_j profit[i, j] - prices · use[i, j]) + prices · limit is convex and bounds every
feasible plan's profit (Everett 1963; Fisher 1981, eq. 3). Each pass over the customers gives its value and a
subgradient, that is one cut; a small linear programme finds the lowest point of all cuts in a box around the best
prices so far (Marsten, Hogan & Blankenship 1975, the boxstep method). The cuts that hold that point down, and the
shares by which they do, also say which mixture of choices meets all limits (Dantzig & Wolfe 1960): this matters where
many customers are alike and no single price splits them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from campaigns.knapsack.problem import Floats

MOST_WIDENINGS = 20
ENOUGH = 0.1  # of the promised decrease: then the box moves

Dual = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True)
class Prices:
    """The best prices found. bound: the dual there; below: what the dual is at least, as far as the cuts tell.

    points (t, m) and shares (t,): the prices whose choices, mixed in these shares, meet all limits.
    """

    best: Floats
    bound: float
    below: float
    points: Floats
    shares: Floats
    passes: int


@dataclass(frozen=True)
class Lowest:
    """The lowest point of the cuts in a box: its prices, its height, the share of each cut, whether the box is free."""

    point: Floats
    value: float
    shares: Floats
    inside: bool


@dataclass
class Cuts:
    """The passes made so far: prices, dual value and subgradient of each."""

    points: list[Floats] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    slopes: list[Floats] = field(default_factory=list)

    def add(self, point: Floats, dual: Dual) -> float:
        """Make a pass at a point and return its dual value."""
        value, slope = dual(point)
        self.points.append(point)
        self.values.append(value)
        self.slopes.append(slope)
        return value

    def lowest(self, centre: Floats, width: Floats) -> Lowest:
        """Return the lowest point of all cuts within `width` of the centre, prices at least 0."""
        from scipy.optimize import linprog  # here: a server that plans nothing saves 17 MB

        slopes, points = np.array(self.slopes), np.array(self.points)
        scale = np.where(width > 0, width, 1.0)
        heights = np.array(self.values) + np.einsum("tm,tm->t", slopes, centre - points)
        level = max(np.max(np.abs(heights)), np.max(np.abs(slopes * scale), initial=0.0), 1e-300)
        sides = np.column_stack([np.maximum(-width, -centre) / scale, width / scale])
        found = linprog(
            np.append(np.zeros(len(centre)), 1.0),
            A_ub=np.column_stack([slopes * scale / level, -np.ones(len(heights))]),
            b_ub=-heights / level,
            bounds=[*map(tuple, sides), (None, None)],
            method="highs-ds",
        )
        if found.status != 0:  # numbers too far apart for the solver: stay where we are
            return Lowest(centre, min(self.values), np.zeros(len(heights)), inside=True)
        step = found.x[:-1]
        inside = bool(np.all(step < sides[:, 1] - 1e-9) and np.all((step > -1 + 1e-9) | (centre <= width)))
        shares = np.maximum(-found.ineqlin.marginals, 0.0)
        return Lowest(np.maximum(centre + step * scale, 0.0), float(found.fun) * level, shares, inside)


def find_prices(dual: Dual, start: Floats, unit: Floats, *, near: float, most: int) -> Prices:
    """Return the prices of the smallest dual, to a relative difference of `near` or after `most` passes.

    start: (m,) the first prices; unit: (m,) how far a price may move at first.
    """
    cuts = Cuts()
    centre, value = start, cuts.add(start, dual)
    width, widenings = unit, 0
    while True:
        lowest = cuts.lowest(centre, width)
        promised = value - lowest.value
        close = promised <= near * abs(value)
        if (close and lowest.inside) or len(cuts.values) >= most or widenings >= MOST_WIDENINGS:
            break
        if close:  # as far as one sees from here: look further
            width, widenings = width * 4.0, widenings + 1
            continue
        now = cuts.add(lowest.point, dual)
        if now <= value - ENOUGH * promised:
            width = width if lowest.inside else width * 2.0
            centre, value = lowest.point, now
        elif now > value + promised:
            width = width * 0.5
    best = int(np.argmin(cuts.values))
    return Prices(
        cuts.points[best],
        cuts.values[best],
        lowest.value,
        *mixture(cuts, lowest, best),
        passes=len(cuts.values),
    )


def mixture(cuts: Cuts, lowest: Lowest, best: int) -> tuple[Floats, Floats]:
    """Return the prices whose cuts hold the lowest point, and their shares; the best prices where none do."""
    held = np.flatnonzero(lowest.shares > 1e-6)
    if not len(held):
        return np.array([cuts.points[best]]), np.ones(1)
    shares = lowest.shares[held]
    return np.array([cuts.points[one] for one in held]), shares / shares.sum()
