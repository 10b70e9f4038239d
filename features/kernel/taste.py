"""What a customer's values in a text column say: the latest, the commonest, how many, how mixed.

All of it is over the standing sale lines that have a value, and holds at the end of each day; codes are places in
the column's own list of values, so they are for looking up and mean nothing as numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from features.kernel.codes import Codes, Seen, entropy_steps
from features.kernel.level import BLANK, DayRows, Rows
from features.kernel.running import Bools, Floats, Ints


class Taste:
    """The values of one text column in every view. All arrays are (rows,) unless said."""

    def __init__(
        self, rows: DayRows, row: Rows, owner: Codes, codes: Codes, seen: Callable[[], Seen]
    ) -> None:
        """Take the day row, view and code of each line, and the lines grouped by view and code."""
        self._rows = rows
        self._row = row
        self._owner: Ints = owner.astype(np.int64)
        self._codes = codes
        self._grouped = seen

    def sums_of(self, of_codes: Floats) -> tuple[Floats, Floats]:
        """Return the running sum and count of a number of each line's value, where it has one.

        of_codes: (codes + 1,) the number of each code, NaN if it has none.
        """
        values = of_codes.take(self._codes)
        has = ~np.isnan(values)
        return self._running(np.where(has, values, 0.0)), self._running(has.astype(np.float64))

    @cached_property
    def lines(self) -> Ints:
        """How many lines have a value so far."""
        until = np.cumsum(np.bincount(self._row, minlength=len(self._rows)))
        return until - self._per_row(until[self._rows.runs.heads])

    @cached_property
    def last(self) -> Ints:
        """The code of the latest line, -1 if there is none."""
        return self._after_each_day(self._codes, -1)

    @cached_property
    def first(self) -> Ints:
        """The code of the first line, -1 if there is none."""
        heads = np.flatnonzero(np.diff(self._owner, prepend=-1))
        counts = np.diff(np.append(heads, len(self._owner)))
        return self._after_each_day(np.repeat(self._codes[heads], counts), -1)

    @cached_property
    def mode(self) -> Ints:
        """The code of the commonest value, -1 if there is none; of equals the one that was so first."""
        return self._after_each_day(self._codes[self._of_mode], -1)

    @cached_property
    def mode_day(self) -> Ints:
        """The last day with the commonest value, BLANK if there is none."""
        return self._after_each_day(self._days[0][self._of_mode], BLANK)

    @cached_property
    def mode_lines(self) -> Ints:
        """How many lines have the commonest value."""
        return self._after_each_day(self._highest - self._owner * self._room, 0)

    @cached_property
    def entropy_sums(self) -> Floats:
        """The sum of n log n over the values, n being the lines with a value so far."""
        return self._running(entropy_steps(self._seen.number))

    def distinct(self, low: int, high: int) -> Ints:
        """Count the values of the lines after day `low` up to day `high`; (V,)."""
        day, before = self._days
        inside: Bools = (day > low) & (day <= high) & (before <= low)
        until = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(inside)))
        return np.diff(until[self._starts])

    @cached_property
    def _days(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """The day of each line, and that of the line before it with the same value (BLANK if none)."""
        day = self._rows.day.take(self._row)
        before = self._seen.before
        return day, np.where(before >= 0, day[before], np.int32(BLANK))

    @cached_property
    def _starts(self) -> Ints:
        return np.searchsorted(self._owner, np.arange(len(self._rows.runs) + 1))

    @cached_property
    def _seen(self) -> Seen:
        return self._grouped()

    @property
    def _room(self) -> int:
        return len(self._codes) + 1

    @cached_property
    def _highest(self) -> Ints:
        """The running count of the commonest value, above all those of earlier views; by line."""
        return np.maximum.accumulate(self._owner * self._room + self._seen.number)

    @cached_property
    def _of_mode(self) -> Ints:
        """The last line with the commonest value so far: the one with which its count rose; by line."""
        reached = np.empty(len(self._codes), dtype=np.bool_)
        reached[:1] = True
        reached[1:] = self._highest[1:] > self._highest[:-1]
        return np.maximum.accumulate(np.where(reached, np.arange(len(reached)), 0))

    def _after_each_day(self, values: NDArray[np.integer], empty: int) -> Ints:
        """Return the value of the latest line up to each row."""
        if not len(values):
            return np.full(len(self._rows), empty)
        until = np.cumsum(np.bincount(self._row, minlength=len(self._rows)))
        return np.where(self.lines > 0, values[until - 1], empty).astype(np.int64)

    def _running(self, of_lines: Floats) -> Floats:
        sums = np.bincount(self._row, of_lines, len(self._rows)).astype(np.float64, copy=False)
        return self._rows.runs.sums(sums)

    def _per_row(self, of_view: Ints) -> Ints:
        return np.repeat(of_view, np.diff(self._rows.runs.starts))
