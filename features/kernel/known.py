"""Day rows of every view of a customer, and the columns over them: order lines, orders, values of text columns.

A sale counts until the day of its cancellation and not from that day on, so a customer who lost sales has several
views (features.kernel.views), each a run of day rows of its own; a day picks the views that are valid on it.
"""

from __future__ import annotations

import weakref
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.kernel.codes import Codes, Seen, first_of_each, places_of
from features.kernel.columns import LINE_COLUMNS, Column
from features.kernel.level import DayColumns, DayRows
from features.kernel.lines import Lines
from features.kernel.order_day_columns import ORDER_DAY_COLUMNS
from features.kernel.running import Bools, Floats, Ints
from features.kernel.taste import Taste
from features.kernel.views import Views

ORDER_DAYS = "order_days."


class Known(DayColumns):
    """What was known of each customer on some days: V views with M lines on their day rows.

    line_row: (M,) the day row of each line; live: (M,) the sales that stand; order_rows: the rows of the days with
    an order, order_day: those days; order_starts: (V + 1,) the first order day of each view.
    """

    def __init__(self, lines: Lines, days: tuple[int, ...]) -> None:
        self.lines = lines
        self.views = Views.of(lines, days)
        self.live: Bools = self.views.live
        rows, self.line_row = DayRows.of(self.of_lines(lines.day), self.views.line_starts)
        super().__init__(rows)
        self._on_order_days: dict[str, Floats] = {}
        self._maxima: dict[str, Floats] = {}
        self._seen: dict[str, Seen] = {}
        self._tastes: dict[str, Taste] = {}
        self._valued: dict[str, Ints] = {}
        self._codes: dict[str, Codes] = {}

    def serves(self, day: int) -> bool:
        """Tell whether this is what was known on a day."""
        return not self.views.days or day in self.views.days

    # ------------------------------------------------------------ lines
    def of_lines(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return a column of the order lines for the lines of the views; (M,)."""
        return values if self.views.line is None else values.take(self.views.line)

    def origin(self, at: Ints) -> Ints:
        """Return which order lines these lines of the views are."""
        return at if self.views.line is None else self.views.line.take(at)

    def sold(self, column: str) -> Floats:
        """Return a number of the lines where a sale stands, 0 elsewhere; (M,)."""
        return self.of_lines(self.lines.number(column)) * self.live

    def total(self, weights: Floats | Bools | None = None, *, at: Ints | None = None) -> Floats:
        """Sum values of the lines (of the lines `at`, ascending; 1 each without values) into their days; (rows,)."""
        row = self.line_row if at is None else self.line_row.take(at)
        return np.bincount(row, weights, len(self.rows)).astype(np.float64, copy=False)

    @cached_property
    def owner(self) -> Codes:
        """The view of each line; (M,)."""
        return np.repeat(np.arange(len(self.rows.runs), dtype=np.int32), np.diff(self.views.line_starts))

    @cached_property
    def returned(self) -> Ints:
        """The lines that take something back."""
        return np.flatnonzero(self.of_lines(self.lines.returned))

    @cached_property
    def order_heads(self) -> Ints:
        """The first line of each order that stands."""
        number, apart = self.lines.order
        live = np.flatnonzero(self.live)
        begins = places_of(self.live, self.views.line_starts[:-1])
        return live[first_of_each(number.take(self.origin(live)), begins, apart=apart)]

    @cached_property
    def order_hour(self) -> Floats:
        """The hour of the first line of each order that stands."""
        return self.lines.hour.take(self.origin(self.order_heads))

    # ------------------------------------------------------------ order days
    @cached_property
    def order_rows(self) -> Ints:
        """The rows of the days with an order."""
        return np.flatnonzero(self.values("orders"))

    @cached_property
    def order_day(self) -> Ints:
        """The days with an order."""
        return self.rows.day[self.order_rows].astype(np.int64)

    @cached_property
    def order_count(self) -> Ints:
        """The number of order days up to each row, all views taken together; (rows,)."""
        return np.cumsum(self.values("orders") > 0)

    @cached_property
    def order_starts(self) -> Ints:
        """The first order day of each view; (V + 1,)."""
        return np.append(self.order_count[self.rows.runs.heads], len(self.order_rows))

    def on_order_days(self, name: str) -> Floats:
        """Return a column's value on each order day; (order days,)."""
        if name not in self._on_order_days:
            column = ORDER_DAY_COLUMNS.get(name)
            self._on_order_days[name] = (
                self.values(name)[self.order_rows] if column is None else column.make(self)
            )
        return self._on_order_days[name]

    def first_of_view(self, values: Floats) -> Floats:
        """Return, on each order day, the value of the view's first order day; (order days,)."""
        counts = np.diff(self.order_starts)
        return np.repeat(values[self.order_starts[:-1][counts > 0]], counts[counts > 0])

    # ------------------------------------------------------------ columns
    def column(self, name: str) -> Column | None:
        """Return how a column is made, None if there is none or its order-line column is absent."""
        bare = name.removeprefix(ORDER_DAYS)
        found = ORDER_DAY_COLUMNS.get(bare) if bare != name else None
        found = found or LINE_COLUMNS.get(bare)
        return found if found and (found.needs is None or found.needs in self.lines.optional) else None

    def make(self, name: str) -> Floats:
        """Return a column's sum on each day; (rows,)."""
        if not name.startswith(ORDER_DAYS):
            return LINE_COLUMNS[name].make(self)
        values = np.zeros(len(self.rows))
        values[self.order_rows] = self.on_order_days(name.removeprefix(ORDER_DAYS))
        return values

    def maxima(self, name: str) -> Floats:
        """Return the running maxima of a column over the order days; (rows,)."""
        if name not in self._maxima:
            values = np.full(len(self.rows), -np.inf)
            values[self.order_rows] = self.on_order_days(name)
            self._maxima[name] = self.rows.runs.maxima(values)
        return self._maxima[name]

    # ------------------------------------------------------------ values of text columns
    def valued(self, column: str) -> Ints:
        """Return the lines of standing sales that have a value in a text column."""
        text = self.lines.text(column)
        if not text.has_gaps:
            return self._standing
        if column not in self._valued:
            self._valued[column] = np.flatnonzero(self.live & self.of_lines(text.codes >= 0))
        return self._valued[column]

    def codes(self, column: str) -> Codes:
        """Return the codes of those lines."""
        if column not in self._codes:
            self._codes[column] = self.lines.text(column).codes.take(self.origin(self.valued(column)))
        return self._codes[column]

    def seen(self, column: str) -> Seen:
        """Return those lines grouped by view and value."""
        if column not in self._seen:
            self._seen[column] = Seen.of(self.codes(column), self._owner_of(self.valued(column)))
        return self._seen[column]

    def taste(self, column: str) -> Taste:
        """Return what the values of a text column say of each view."""
        if column not in self._tastes:
            valued = self.valued(column)
            row, owner = self.line_row.take(valued), self._owner_of(valued)
            # Not everything that is asked needs it. A strong reference would make a ring that keeps the lines of
            # every partition in memory until the collector comes by.
            seen = partial(_seen_by, weakref.ref(self), column)
            self._tastes[column] = Taste(self.rows, row, owner, self.codes(column), seen)
        return self._tastes[column]

    @cached_property
    def _standing(self) -> Ints:
        """The lines of standing sales: those with a value in every text column without gaps."""
        return np.flatnonzero(self.live)

    @cached_property
    def _standing_owner(self) -> Codes:
        return self.owner.take(self._standing)

    def _owner_of(self, valued: Ints) -> Codes:
        return self._standing_owner if valued is self._standing else self.owner.take(valued)


def _seen_by(known: weakref.ref[Known], column: str) -> Seen:
    owner = known()
    assert owner is not None, "a taste is only asked through what it belongs to"
    return owner.seen(column)
