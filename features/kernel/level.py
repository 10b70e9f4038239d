"""Rows of one kind, sorted by customer and day, with the keys that find a day and the running sums of each column."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.kernel.running import Floats, Ints, restarting_max, restarting_sum

_DAY_BITS = 32  # a customer's position and a day share one 64-bit search key
_DAY_SHIFT = 2**31  # days before 1970 are negative


def search_keys(customer: Ints, day: NDArray[np.integer]) -> Ints:
    """Return one ascending key per row from the customer's position and the day."""
    return (customer << _DAY_BITS) + (day.astype(np.int64) + _DAY_SHIFT)


def read_keys(keys: Ints) -> tuple[Ints, Ints]:
    """Return the customers' positions and the days of search keys."""
    return keys >> _DAY_BITS, (keys & (2**_DAY_BITS - 1)) - _DAY_SHIFT


@dataclass(frozen=True)
class Level:
    """Rows of one kind (order lines or order days), sorted by customer and day.

    customer: (N,) position of the customer; starts: (C + 1,) first row of each customer; key: (N,) search
    keys; values: named (N,) columns.
    """

    customer: Ints
    day: Ints
    starts: Ints
    key: Ints
    values: dict[str, Floats]
    _sums: dict[str, Floats] = field(default_factory=dict, repr=False)
    _maxima: dict[str, Floats] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(customer: Ints, day: Ints, customers: int, values: dict[str, Floats]) -> Level:
        """Build a level from rows sorted by (customer, day)."""
        starts = np.searchsorted(customer, np.arange(customers + 1)).astype(np.int64)
        return Level(customer, day, starts, search_keys(customer, day), values)

    def running_sum(self, name: str) -> Floats:
        """Return the running sum of a column, computed at first use."""
        if name not in self._sums:
            self._sums[name] = restarting_sum(self.values[name], self.starts)
        return self._sums[name]

    def running_max(self, name: str) -> Floats:
        """Return the running maximum of a column, computed at first use."""
        if name not in self._maxima:
            self._maxima[name] = restarting_max(self.values[name], self.starts)
        return self._maxima[name]
