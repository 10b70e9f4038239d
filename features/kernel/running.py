"""Per-customer scans: sums and maxima that restart at each run of rows.

A run is the rows of one customer, headed by a blank row that holds the neutral value, so that any window of a
customer is `scan[hi] - scan[lo]`, and `scan[hi]` alone is all of the past. The values of each run are taken one
after the other, whatever stands beside it, so one customer alone gives the same bits as in the base.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Days = NDArray[np.int32]
Bools = NDArray[np.bool_]

# Up to this many runs, one after the other is quicker than all side by side.
FEW_RUNS = 16


@dataclass(frozen=True)
class Runs:
    """R runs of rows that stand one after the other. starts: (R + 1,) first row of each, its blank row."""

    starts: Ints

    def __len__(self) -> int:
        return len(self.starts) - 1

    @cached_property
    def heads(self) -> Ints:
        """The blank row of each run; (R,)."""
        return self.starts[:-1]

    def sums(self, values: Floats, *, into: Floats | None = None) -> Floats:
        """Return running sums of `values` (rows,) that restart at each run; blank rows hold 0.

        into: where to write them, `values` itself if it is not needed any more (default: a new array).
        """
        return self._scan(np.add, values, np.empty(len(values)) if into is None else into)

    def sum_each(self, columns: Floats) -> None:
        """Turn each column of `columns` (k, rows) into its running sums; for a few runs."""
        for start, end in pairwise(self.starts.tolist()):
            part = columns[:, start:end]
            np.add.accumulate(part, axis=1, out=part)

    def maxima(self, values: Floats) -> Floats:
        """Return running maxima of `values` (rows,) that restart at each run; blank rows hold -inf."""
        return self._scan(np.maximum, values, np.empty(len(values)))

    def _scan(self, step: np.ufunc, values: Floats, scan: Floats) -> Floats:
        if len(self) <= FEW_RUNS:
            scan[:] = values
            tails, done = np.arange(len(self)), 0
        else:
            self._beside.scan(step, values, scan)
            tails, done = self._beside.tails, self._beside.depth
        for run in tails:
            part = scan[self.starts[run] + max(done - 1, 0) : self.starts[run + 1]]
            step.accumulate(part, out=part)
        return scan

    @cached_property
    def _beside(self) -> _SideBySide:
        return _SideBySide.of(self.starts)


@dataclass(frozen=True)
class _SideBySide:
    """The k-th rows of all runs stand together, longest run first, so that each step adds two stretches.

    there, back: (rows,) from the runs' order into this one and back; depth: steps that are taken side by side;
    tails: the few runs that are longer.
    """

    there: Ints
    back: Ints
    offsets: Ints
    widths: Ints
    depth: int
    tails: Ints

    @staticmethod
    def of(starts: Ints) -> _SideBySide:
        lengths = np.diff(starts)
        longest = int(lengths.max())
        small = np.uint16 if longest < 2**16 else np.int64  # sixteen bits are sorted by radix
        by_length = np.argsort((longest - lengths).astype(small), kind="stable")
        widths = len(lengths) - np.cumsum(np.bincount(lengths, minlength=longest + 1))[:longest]
        offsets = np.cumsum(widths) - widths
        rank = np.empty(len(lengths), dtype=np.int64)
        rank[by_length] = np.arange(len(lengths))
        step = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
        back = offsets.take(step) + np.repeat(rank, lengths)
        there = np.empty(len(back), dtype=np.int64)
        there[back] = np.arange(len(back))
        depth = int(np.searchsorted(-widths, -FEW_RUNS, side="right"))
        tails = by_length[: widths[depth]] if depth < longest else by_length[:0]
        return _SideBySide(there, back, offsets, widths, depth, tails)

    def scan(self, step: np.ufunc, values: Floats, into: Floats) -> None:
        """Write the runs' scan, finished as far as `depth`; `into` may be `values`."""
        side = values.take(self.there, out=self._side, mode="clip")  # no place is out of range
        offsets, widths = self.offsets.tolist(), self.widths.tolist()
        for k in range(1, self.depth):
            here, width, before = offsets[k], widths[k], offsets[k - 1]
            part = side[here : here + width]
            step(side[before : before + width], part, out=part)
        side.take(self.back, out=into, mode="clip")

    @cached_property
    def _side(self) -> Floats:
        return np.empty(len(self.there))
