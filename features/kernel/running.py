"""Per-customer scans: sums and maxima that restart at each customer.

A scan over N values of C customers has N + C slots: each customer's slots start with the neutral value,
so that any window of a customer is `scan[hi] - scan[lo]`. Every customer's slots depend on that customer's
values alone and are summed one after the other, so one customer alone gives the same bits as in the base.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Up to this many customers a plain loop is quicker than stepping through all customers side by side.
FEW_CUSTOMERS = 48
# Side by side for the first values of each customer, one after the other for the few long histories.
SIDE_BY_SIDE = 48


def restarting_sum(values: Floats, starts: Ints) -> Floats:
    """Return running sums of `values` (N,) that restart at each of `starts` (C + 1,); shape (N + C,)."""
    return _restarting(np.add, values, starts, neutral=0.0)


def restarting_max(values: Floats, starts: Ints) -> Floats:
    """Return running maxima of `values` (N,) that restart at each of `starts` (C + 1,); shape (N + C,)."""
    return _restarting(np.maximum, values, starts, neutral=-np.inf)


def _restarting(step: np.ufunc, values: Floats, starts: Ints, *, neutral: float) -> Floats:
    customers = len(starts) - 1
    heads = starts[:-1] + np.arange(customers)
    scan = np.empty(len(values) + customers)
    scan[heads] = neutral
    counts = np.diff(starts)
    if customers <= FEW_CUSTOMERS:
        side_by_side = 0
        long_ones: Any = range(customers)
    else:
        by_length = np.argsort(-counts, kind="stable")
        lengths = counts[by_length]
        side_by_side = min(SIDE_BY_SIDE, int(lengths[0]))
        for k in range(side_by_side):
            some = by_length[: np.searchsorted(-lengths, -k, side="left")]
            slot = heads[some] + k
            scan[slot + 1] = step(scan[slot], values[starts[some] + k])
        long_ones = by_length[: np.searchsorted(-lengths, -side_by_side, side="left")]
    for c in long_ones:
        head = heads[c] + side_by_side
        part = np.concatenate((scan[head : head + 1], values[starts[c] + side_by_side : starts[c + 1]]))
        step.accumulate(part, out=scan[head : head + len(part)])
    return scan
