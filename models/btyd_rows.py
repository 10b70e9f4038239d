"""Customers with the same (x, t_x, T) as one row with a weight; above a limit, with nearly the same.

The likelihood of the BTYD models depends on logarithms of times, so times are rounded by a grid that is fine where
they are small: both t_x and the silence T - t_x, to nearest (flooring biases alpha), no finer than is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.training import Floats

MOST_ROWS = 120_000
MOST_COARSE_ROWS = 6_000
_FINEST = 1 / 4096  # of the longest time
_STEPS = 32  # between a time and twice that time
_COARSEST = 4


@dataclass(frozen=True)
class Rows:
    """Distinct rows and how many customers each stands for; (m,) each."""

    x: Floats
    t_x: Floats
    age: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.x)

    def in_units_of(self, unit: float) -> Rows:
        """Return the same rows with times divided by `unit`."""
        return Rows(self.x, self.t_x / unit, self.age / unit, self.weight)

    def at_most(self, most: int) -> Rows:
        """Return these rows, rounded as far as is needed for at most `most` (if the coarsest grid allows)."""
        found, steps, finest = self, _STEPS, _FINEST * float(self.age.max(initial=0.0))
        while len(found) > most and steps >= _COARSEST:
            t_x = _rounded(self.t_x, finest, steps)
            silent = _rounded(self.age - self.t_x, finest, steps)
            found = _gather(self.x, t_x, t_x + silent, self.weight)
            steps, finest = steps // 2, 2.0 * finest
        return found


def compress(x: Floats, t_x: Floats, age: Floats, *, most: int = MOST_ROWS) -> Rows:
    """Return the distinct rows of n customers, rounded only if there are more than `most`."""
    return _gather(x, t_x, age, np.ones(len(x))).at_most(most)


def distinct(*columns: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first place of each distinct row (m,), and the distinct row of each row (n,)."""
    order = np.lexsort(columns[::-1])
    new = np.ones(len(order), dtype=bool)
    if len(order):
        new[1:] = np.any([np.diff(column[order]) != 0 for column in columns], axis=0)
    of_row = np.empty(len(order), dtype=np.int64)
    of_row[order] = np.cumsum(new) - 1
    return order[new], of_row


def _gather(x: Floats, t_x: Floats, age: Floats, weight: Floats) -> Rows:
    first, of_row = distinct(x, t_x, age)
    whole = np.bincount(of_row, weights=weight, minlength=len(first)).astype(np.float64)
    return Rows(x[first], t_x[first], age[first], whole)


def _rounded(times: Floats, finest: float, steps: int) -> Floats:
    """Round to nearest: to `finest`, and above `steps` times that to the power of two of it that fits."""
    doublings = np.floor(np.log2(np.maximum(times / (finest * steps), 1.0)))
    step = finest * 2.0**doublings
    return np.asarray(np.round(times / step) * step)
