"""Classes of customers by expected value, and which shares of a distribution hold what they promise in each.

A customer's distribution says "below x with chance .9"; in a class this held for another share of the customers.
So each class keeps, for the shares that an interval needs, the share to ask for instead. This is split conformal
prediction on the ranks of the outcomes (Chernozhukov, Wüthrich and Zhu 2021, algorithm 1), class by class as in
Vovk, Gammerman and Shafer (2005, 4.5), with the quantile of n + 1 for finite samples. A rank of "no order" is spread
evenly over [0, P(no order)], so that it says nothing against a right model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from contracts.training import Floats

LEVEL = 0.8
TAIL = (1.0 - LEVEL) / 2.0
LEAST_ROWS = 200
# Classes begin at these shares of the rows by expected value; finer where the money is.
STARTS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
LARGEST_SHARE = 0.999
_HALVINGS = 40


@dataclass(frozen=True)
class Ranked:
    """Outcomes of n rows and how they rank among what was predicted for each; (n,) but for the weight.

    rank: P(value at most the outcome); nothing: P(no order); weight: of the world in which this was predicted.
    """

    expected_value: Floats
    rank: Floats
    nothing: Floats
    value: Floats
    weight: float = 1.0

    def take(self, rows: NDArray[np.bool_]) -> Ranked:
        """Return some rows."""
        return Ranked(
            self.expected_value[rows], self.rank[rows], self.nothing[rows], self.value[rows], self.weight
        )


@dataclass(frozen=True)
class Classes:
    """For each class: the expected value (currency) from which on it counts, and the shares to ask for.

    lower and upper: instead of TAIL and 1 - TAIL; from_zero: instead of LEVEL, where the interval begins at 0.
    """

    starts: tuple[float, ...] = (0.0,)
    lower: tuple[float, ...] = (TAIL,)
    upper: tuple[float, ...] = (1.0 - TAIL,)
    from_zero: tuple[float, ...] = (LEVEL,)

    @staticmethod
    def fit(worlds: Sequence[Ranked]) -> Classes:
        """Learn from the same n outcomes as seen from one or more worlds; the default below LEAST_ROWS rows."""
        n = len(worlds[0].value)
        if n < LEAST_ROWS:
            return Classes()
        starts = _starts(worlds[0].expected_value)
        columns = []
        for one in range(len(starts)):
            inside = [world.take(_place(np.array(starts), world.expected_value) == one) for world in worlds]
            columns.append(_shares(inside))
        lower, upper, from_zero = zip(*columns, strict=True)
        return Classes(starts, lower, upper, from_zero)

    def of(self, expected_value: Floats) -> NDArray[np.intp]:
        """Return each customer's class; (n,)."""
        return _place(self._starts, expected_value)

    @cached_property
    def shares(self) -> Floats:
        """The shares to ask for, one class beside the other: lower, upper, from_zero; (3, classes)."""
        return np.array((self.lower, self.upper, self.from_zero))

    @cached_property
    def _starts(self) -> Floats:
        return np.array(self.starts)


def _place(starts: Floats, expected_value: Floats) -> NDArray[np.intp]:
    return np.maximum(np.searchsorted(starts, expected_value, side="right") - 1, 0)


def _starts(expected_value: Floats) -> tuple[float, ...]:
    """Return where classes begin, the first at 0, such that each has at least LEAST_ROWS rows."""
    ordered = np.sort(expected_value)
    found, since = [0.0], 0
    for share in STARTS[1:]:
        start = float(ordered[int(share * len(ordered))])
        at = int(np.searchsorted(ordered, start))
        if at - since >= LEAST_ROWS and len(ordered) - at >= LEAST_ROWS and start > found[-1]:
            found.append(start)
            since = at
    return tuple(found)


def _shares(worlds: Sequence[Ranked]) -> tuple[float, float, float]:
    """Return one class's shares: lower, upper, from_zero."""
    n = sum(world.weight * len(world.value) for world in worlds)
    lower = _share_for(floor((n + 1) * TAIL) / n, worlds)
    upper = _share_for(ceil((n + 1) * (1.0 - TAIL)) / n, worlds)
    # An interval that begins at 0 never holds a value below it.
    above = [replace(world, rank=np.where(world.value < 0, 2.0, world.rank)) for world in worlds]
    return lower, upper, _share_for(ceil((n + 1) * LEVEL) / n, above)


def _share_for(wanted: float, worlds: Sequence[Ranked]) -> float:
    """Return the lowest share with at least `wanted` of the ranks at or below it, at most LARGEST_SHARE.

    The rank of a row without order is spread evenly over [0, nothing].
    """
    sums = [(one.weight, np.sort(one.rank[one.value != 0]), one.nothing[one.value == 0]) for one in worlds]
    rows = sum(one.weight * len(one.value) for one in worlds)
    low, high = 0.0, LARGEST_SHARE
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        below = sum(
            weight * (np.searchsorted(ranks, middle, side="right") + _below(middle, nothing))
            for weight, ranks, nothing in sums
        )
        low, high = (low, middle) if below >= wanted * rows - 1e-9 else (middle, high)
    return high


def _below(share: float, nothing: Floats) -> float:
    return float(np.minimum(share / np.maximum(nothing, 1e-12), 1.0).sum())
