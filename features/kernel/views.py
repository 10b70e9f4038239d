"""Which sales of a customer count on which of some days, when sales are cancelled later.

A *view* of a customer is the customer as known on a stretch of the asked days: all with the same cancellations
known. Most customers have one view. There are never more views of a customer than asked days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.kernel.codes import Codes
from features.kernel.lines import Lines
from features.kernel.running import Bools, Ints


@dataclass(frozen=True)
class Views:
    """V views of C customers, sorted by customer and time.

    days: the asked days, ascending; empty if any day may be asked because nothing was ever cancelled.
    customer: (V,) positions; since, until: (V,) the first and last asked day, by its place in `days`.
    line: (M,) the order lines of each view, one view after the other (None: all lines as they are);
    line_starts: (V + 1,) first place of each view in `line`; live: (M,) the sales that stand.
    """

    days: tuple[int, ...]
    customer: Ints
    since: Ints
    until: Ints
    line: Ints | None
    line_starts: Ints
    live: Bools

    @staticmethod
    def of(lines: Lines, days: tuple[int, ...]) -> Views:
        """Make the views that these days need."""
        customers, asked = np.arange(len(lines.names)), np.array(days, dtype=np.int64)
        cancelled, known_from = lines.cancelled
        if not len(cancelled):
            nothing = np.zeros(len(customers), dtype=np.int64)
            return Views((), customers, nothing, nothing, None, lines.starts, lines.sale)
        turn = asked.searchsorted(known_from)  # the first asked day that knows of the cancellation
        customer, since, until = _stretches(lines.customer[cancelled], turn, len(customers), len(days))
        if len(customer) == len(customers):
            live = lines.sale.copy()
            live[cancelled[turn == 0]] = False
            return Views(days, customer, since, until, None, lines.starts, live)
        low, high = lines.starts[customer], lines.starts[customer + 1]
        early = np.flatnonzero(until < len(days) - 1)
        high[early] = lines.until(customer[early], asked[until[early]])
        line, line_starts = _stretched(low, high - low)
        turns = np.full(len(lines), len(days), dtype=np.int32)
        turns[cancelled] = turn
        live = lines.sale[line] & (turns[line] > np.repeat(since, high - low))
        return Views(days, customer, since, until, line, line_starts, live)

    def on(self, day: int) -> Ints | None:
        """Return the view of each customer that is valid on an asked day; (C,); None if each has one view."""
        if self.line is None:
            return None
        place = self.days.index(day)
        return np.flatnonzero((self.since <= place) & (self.until >= place))


def _stretches(customer: Codes, turn: Ints, customers: int, days: int) -> tuple[Ints, Ints, Ints]:
    """Return (customer, since, until) of each view: a new one begins on each asked day that knows more."""
    later = (turn > 0) & (turn < days)
    begins = np.zeros((customers, days), dtype=np.bool_)
    begins[:, 0] = True
    begins[customer[later], turn[later]] = True
    keys = np.flatnonzero(begins)
    owner, since = keys // days, keys % days
    until = np.full(len(keys), days - 1)
    again = owner[1:] == owner[:-1]
    until[:-1][again] = since[1:][again] - 1
    return owner, since, until


def _stretched(low: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Return low ... low + count - 1 of each stretch one after the other, and where each begins."""
    starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))
    return np.arange(starts[-1]) + np.repeat(low - starts[:-1], counts), starts
