"""Rows of days: for each customer a blank row, then one row per day on which something happened.

All windows begin and end with a day, so whatever happened within one is summed into its row once. The row up to
which a customer's past reaches is found for all customers in one pass over the days.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from features.kernel.running import Days, Floats, Ints, Runs

Rows = NDArray[np.int32]  # places of day rows

WEEKDAY_OF_EPOCH = 3  # 1970-01-01 was a Thursday; Monday is 0
BLANK = np.iinfo(np.int32).min  # the day of a blank row: before all days
# Numbers that the edges kept for later windows may hold together.
_KEPT_EDGES = 2**22


@dataclass(frozen=True)
class DayRows:
    """The days of R runs. day: (rows,) ascending within each run, BLANK at its head."""

    day: Days
    runs: Runs
    _edges: dict[int, Ints] = field(default_factory=dict, repr=False)

    @staticmethod
    def of(day: Days, starts: Ints) -> tuple[DayRows, Rows]:
        """Gather N things that happened, sorted by run and day, into day rows; return the row of each, too.

        starts: (R + 1,) first thing of each run.
        """
        counts = np.diff(starts)
        some = np.flatnonzero(counts)
        steps = np.empty(len(day), dtype=np.int32)
        np.not_equal(day[1:], day[:-1], out=steps[1:], casting="unsafe")
        steps[starts[some]] = np.diff(some, prepend=-1) + 1  # its own first day, and a blank row per run
        row = np.cumsum(steps, dtype=np.int32) - np.int32(1)
        lengths = np.ones(len(counts), dtype=np.int64)
        lengths[some] = row[starts[some + 1] - 1] - row[starts[some]] + 2
        runs = Runs(np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(lengths))))
        days = np.full(runs.starts[-1], BLANK, dtype=np.int32)
        days[row] = day
        return DayRows(days, runs), row

    def __len__(self) -> int:
        return len(self.day)

    @cached_property
    def weekday(self) -> NDArray[np.int8]:
        """The day of the week of each row, Monday 0; (rows,)."""
        return ((self.day.astype(np.int64) + WEEKDAY_OF_EPOCH) % 7).astype(np.int8)

    @cached_property
    def _ends(self) -> Ints:
        return self.runs.starts[1:] - 1

    @cached_property
    def _before(self) -> Ints:
        return self.runs.heads - 1

    def edge(self, day: int) -> Ints:
        """Return the last row of each run up to the end of `day`: its blank row if there is none; (R,)."""
        found = self._edges.get(day)
        if found is None:
            if len(self._edges) >= max(4, _KEPT_EDGES // (len(self.runs) + 1)):
                del self._edges[next(iter(self._edges))]
            found = self._edges[day] = self._find(day)
        return found

    def edges(self, days: Sequence[int]) -> Ints:
        """Return `edge` of several days, of a few runs; (days, R)."""
        starts = self.runs.starts.tolist()
        asked = np.array(days, dtype=self.day.dtype)
        found = np.empty((len(asked), len(self.runs)), dtype=np.int64)
        for run, (start, end) in enumerate(pairwise(starts)):
            found[:, run] = self.day[start:end].searchsorted(asked, "right") + (start - 1)
        return found

    def _find(self, day: int) -> Ints:
        if len(self.runs) == 1:
            return np.array([self.day.searchsorted(day, "right") - 1])
        until = np.cumsum(self.day <= day, dtype=np.int32).take(self._ends).astype(np.int64)
        until[1:] -= until[:-1].copy()
        return until + self._before


class DayColumns(ABC):
    """Columns over day rows, each made at first use, with their running sums and maxima."""

    rows: DayRows

    def __init__(self, rows: DayRows) -> None:
        self.rows = rows
        self._values: dict[str, Floats] = {}
        self._sums: dict[str, Floats] = {}
        self._days: dict[str, Ints] = {}

    @abstractmethod
    def make(self, name: str) -> Floats:
        """Return a column's value on each day; (rows,), 0 in blank rows."""

    def values(self, name: str) -> Floats:
        """Return a column's value on each day, and keep it; (rows,)."""
        if name not in self._values:
            self._values[name] = self.make(name)
        return self._values[name]

    def sums(self, name: str) -> Floats:
        """Return the running sums of a column; (rows,)."""
        found = self._sums.get(name)
        if found is None:
            kept = self._values.get(name)
            values = self.make(name) if kept is None else kept
            found = self._sums[name] = self.rows.runs.sums(values, into=values if kept is None else None)
        return found

    def sums_of(self, names: Sequence[str]) -> Floats:
        """Return the running sums of several columns, of a few runs; (names, rows)."""
        found = np.empty((len(names), len(self.rows)))
        for place, name in enumerate(names):
            kept = self._values.get(name)
            found[place] = self.make(name) if kept is None else kept
        self.rows.runs.sum_each(found)
        self._sums.update(zip(names, found, strict=True))
        return found

    def days_of(self, name: str) -> Ints:
        """Return, at each row, the latest row with a value above 0 so far, or the run's blank row; (rows,)."""
        if name not in self._days:
            seen = np.where(self.values(name) > 0, np.arange(len(self.rows)), 0)
            seen[self.rows.runs.heads] = self.rows.runs.heads
            self._days[name] = np.maximum.accumulate(seen)
        return self._days[name]
