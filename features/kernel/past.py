"""What is known of each customer at the end of one day: all that a feature can see.

A window of d days before a cutoff D is the days D-d+1 ... D, both inside. Windows are answered from running
sums by binary search, so each costs O(customers) whatever the number of orders.
"""

from __future__ import annotations

import numpy as np

from contracts.errors import DeclarationError, nearest
from features.kernel.history import History
from features.kernel.level import Level, search_keys
from features.kernel.running import Floats, Ints


def ratio(above: Floats, below: Floats) -> Floats:
    """Return above / below, NaN where `below` is 0."""
    safe = np.where(below == 0.0, np.nan, below)
    return np.asarray(above / safe)


class Past:
    """The customers with at least one order up to the end of `day`, and their rows up to then.

    rows: (n,) their positions in the history. All methods return arrays of shape (n,).
    """

    def __init__(self, history: History, day: int, *, rows: Ints | None = None) -> None:
        self._history = history
        self.day = int(day)
        everyone = np.arange(len(history.customer_ids))
        if rows is None:
            level = history.order_days
            until = np.searchsorted(level.key, search_keys(everyone, np.full(len(everyone), day)), "right")
            rows = everyone[until > level.starts[:-1]]
        self.rows = rows
        self._edges: dict[tuple[bool, int], Ints] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def sum(self, column: str, *, days: int | None = None, before: int = 0) -> Floats:
        """Sum a column over the last `days` days (all time if None), ending `before` days earlier."""
        level, name = self._find(column)
        scan = level.running_sum(name)
        slots = self.rows  # each earlier customer adds one slot
        upper = self._edge(level, before) + slots
        lower = level.starts[self.rows] if days is None else self._edge(level, before + days)
        return scan[upper] - scan[lower + slots]

    def count(self, *, days: int | None = None, before: int = 0) -> Floats:
        """Count orders over the last `days` days (all time if None)."""
        return self.sum("orders", days=days, before=before)

    def count_days(self, *, days: int | None = None, before: int = 0) -> Floats:
        """Count order days over the last `days` days (all time if None)."""
        return self.sum("order_days.order_days", days=days, before=before)

    def first(self, column: str) -> Floats:
        """Return a column's value on the customer's first order day."""
        return self._order_day(column, self._history.order_days.starts[self.rows])

    def last(self, column: str, *, back: int = 0) -> Floats:
        """Return a column's value on the last order day, or `back` order days earlier (NaN if none)."""
        level = self._history.order_days
        row = self._edge(level, 0) - 1 - back
        starts = level.starts[self.rows]
        values = self._order_day(column, np.maximum(row, starts))
        return np.where(row >= starts, values, np.nan)

    def max(self, column: str) -> Floats:
        """Return the largest value of an order-day column so far."""
        level = self._history.order_days
        return level.running_max(column)[self._edge(level, 0) + self.rows]

    def first_day(self) -> Floats:
        """Return the first order day."""
        level = self._history.order_days
        return level.day[level.starts[self.rows]].astype(np.float64)

    def second_day(self) -> Floats:
        """Return the second order day (NaN if there is none yet)."""
        level = self._history.order_days
        row = level.starts[self.rows] + 1
        there = row < self._edge(level, 0)
        return np.where(there, level.day[np.where(there, row, 0)], np.nan)

    def last_day(self, *, back: int = 0) -> Floats:
        """Return the last order day, or `back` order days earlier (NaN if none)."""
        level = self._history.order_days
        row = self._edge(level, 0) - 1 - back
        starts = level.starts[self.rows]
        return np.where(row >= starts, level.day[np.maximum(row, starts)], np.nan)

    def _order_day(self, column: str, row: Ints) -> Floats:
        return self._history.order_days.values[column][row]

    def _edge(self, level: Level, days: int) -> Ints:
        """Return the first row of each customer after the day that lies `days` days before the cutoff."""
        which = (level is self._history.lines, days)
        if which not in self._edges:
            day = np.full(len(self.rows), self.day - days)
            self._edges[which] = np.searchsorted(level.key, search_keys(self.rows, day), "right")
        return self._edges[which]

    def _find(self, column: str) -> tuple[Level, str]:
        level_name, _, name = column.rpartition(".")
        level = self._history.order_days if level_name == "order_days" else self._history.lines
        if level_name not in ("", "lines", "order_days") or name not in level.values:
            known = [
                *self._history.lines.values,
                *(f"order_days.{n}" for n in self._history.order_days.values),
            ]
            raise DeclarationError(f"the past has no column '{column}'{nearest(column, known)}")
        return level, name
