"""What is known of each customer at the end of one day: all that a feature can see.

A window of d days before a cutoff D is the days D-d+1 ... D, both inside. Windows are answered from running
sums, so each costs O(customers) whatever the number of orders.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import copy
from itertools import pairwise

import numpy as np

from contracts.errors import DeclarationError, nearest
from features.kernel.codes import Text
from features.kernel.columns import LINE_COLUMNS
from features.kernel.history import History
from features.kernel.known import ORDER_DAYS
from features.kernel.level import BLANK, DayColumns
from features.kernel.order_day_columns import ORDER_DAY_COLUMNS
from features.kernel.other_tables import Attributes, attribute_of
from features.kernel.quarters import FIRST_QUARTER, QUARTERS, quarter_codes
from features.kernel.reference import NONE, References
from features.kernel.running import FEW_RUNS, Floats, Ints
from features.kernel.taste import Taste

# Up to so many customers the number of calls costs more than the numbers.
_FEW = 16


def ratio(above: Floats, below: Floats) -> Floats:
    """Return above / below, NaN where `below` is 0."""
    if np.size(below) <= _FEW and np.shape(above) == np.shape(below):
        found = np.full(np.shape(below), np.nan)
        return np.divide(above, below, out=found, where=below != 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.asarray(above / below)
    nothing = below == 0.0
    if nothing.any():
        found[nothing] = np.nan
    return found


class Past:
    """The customers with at least one order up to the end of `day`, and what happened up to then.

    customers: (n,) their positions in the history. All methods return arrays of shape (n,), which are shared and
    cannot be written to.
    """

    def __init__(
        self, history: History, day: int, *, customers: Ints | None = None, references: References = NONE
    ) -> None:
        self.day = int(day)
        self._history = history
        self._references = references
        self._shared: dict[tuple[str, str], tuple[Floats, Floats]] = {}  # by all parts
        self._known = history.known_on(self.day)
        views = self._known.views.on(self.day)
        if customers is None:
            rows = self._known.rows.edge(self.day)
            ordered = self._known.order_count.take(rows) > self._known.order_starts[:-1]
            customers = np.flatnonzero(ordered if views is None else ordered.take(views))
        self.customers = customers
        self._views = customers if views is None else views.take(customers)
        self._forget()

    def __len__(self) -> int:
        return len(self.customers)

    @property
    def is_small(self) -> bool:
        """Whether so few customers are looked at that calls cost more than numbers."""
        return len(self._known.rows.runs) <= FEW_RUNS and self._known.views.line is None

    @property
    def asked(self) -> Iterable[tuple[str, int]]:
        """The sums that were asked so far, by column and days before the end."""
        return self._sums.keys()

    def sum_at_once(self, asked: Iterable[tuple[str, int]]) -> None:
        """Work out at once what `sum` will be asked; of a small past only."""
        known, wanted = self._known, [one for one in asked if not one[0].startswith("events.")]
        if not wanted or not len(self):
            return
        names = {column: column.removeprefix("lines.") for column, _ in wanted}
        places = {name: place for place, name in enumerate(dict.fromkeys(names.values()))}
        days = {one: place for place, one in enumerate(dict.fromkeys(days for _, days in wanted))}
        edges = known.rows.edges([self.day - one for one in days])[:, self._views]
        found = known.sums_of(list(places)).take(edges, axis=1)
        found.flags.writeable = edges.flags.writeable = False
        self._edges.update(((True, one), edges[place]) for one, place in days.items())
        for column, one in wanted:
            self._sums[column, one] = found[places[names[column]], days[one]]

    def parts(self, size: int) -> Iterator[tuple[slice, Past]]:
        """Return this past in parts of `size` customers: small arrays stay near the processor."""
        if len(self) <= size:
            yield slice(0, len(self)), self
            return
        for start in range(0, len(self), size):
            part, some = copy(self), slice(start, start + size)
            part.customers, part._views = self.customers[some], self._views[some]
            part._forget()
            yield some, part

    def _forget(self) -> None:
        self._edges: dict[tuple[bool, int], Ints] = {}
        self._sums: dict[tuple[str, int], Floats] = {}
        self._places: dict[int, tuple[Ints, Ints]] = {}
        self._ends: tuple[Ints, Ints] | None = None
        self._found: dict[Callable[[Past], Floats], Floats] = {}

    def once(self, function: Callable[[Past], Floats]) -> Floats:
        """Return what a function of this past answers; it is asked once."""
        found = self._found.get(function)
        if found is None:
            found = self._found[function] = function(self)
        return found

    # ------------------------------------------------------------ windows
    def sum(self, column: str, *, days: int | None = None, before: int = 0) -> Floats:
        """Sum a column over the last `days` days (all time if None), ending `before` days earlier.

        column: one of lines, or `order_days.<name>` for what lies on order days, or `events.<kind>`.
        """
        until = self._sum_until(column, before)
        return until if days is None else until - self._sum_until(column, before + days)

    def count(self, *, days: int | None = None, before: int = 0) -> Floats:
        """Count orders over the last `days` days (all time if None)."""
        return self.sum("orders", days=days, before=before)

    def count_days(self, *, days: int | None = None, before: int = 0) -> Floats:
        """Count order days over the last `days` days (all time if None)."""
        return self.sum("order_days.order_days", days=days, before=before)

    def active_periods(self, *, days: int, periods: int, before: int = 0) -> Floats:
        """Count how many of the last `periods` stretches of `days` days had an order."""
        edges = [self._sum_until("orders", before + days * period) for period in range(periods + 1)]
        found = np.zeros(len(self))
        for later, earlier in pairwise(edges):
            found += later > earlier
        return found

    # ------------------------------------------------------------ single days
    def first(self, column: str) -> Floats:
        """Return a column's value on the customer's first order day."""
        return self._on_order_days(column).take(self._first)

    def last(self, column: str, *, back: int = 0) -> Floats:
        """Return a column's value on the last order day, or `back` order days earlier (NaN if none)."""
        return self._back(self._on_order_days(column), back)

    def max(self, column: str) -> Floats:
        """Return the largest value of a column on an order day so far."""
        self._require(ORDER_DAYS + column)
        return self._known.maxima(column).take(self._edge(self._known, 0))

    def first_day(self) -> Floats:
        """Return the first order day."""
        return self._known.order_day.take(self._first).astype(np.float64)

    def second_day(self) -> Floats:
        """Return the second order day (NaN if there is none yet)."""
        second = self._first + 1
        there = second <= self._last
        return np.where(there, self._known.order_day[np.where(there, second, 0)], np.nan)

    def last_day(self, *, back: int = 0) -> Floats:
        """Return the last order day, or `back` order days earlier (NaN if none)."""
        return self._back(self._known.order_day, back)

    def last_day_of(self, column: str) -> Floats:
        """Return the last day on which a column was above 0 (NaN if none): returns, events.email_open, ..."""
        source, name = self._find(column)
        day = source.rows.day.take(source.days_of(name).take(self._edge(source, 0)))
        return np.where(day == BLANK, np.nan, day)

    # ------------------------------------------------------------ values of text columns
    def first_code(self, column: str) -> Ints:
        """Return the place in `text(column).values` of the first value, -1 if there is none."""
        return self._taste(column).first.take(self._edge(self._known, 0))

    def last_code(self, column: str) -> Ints:
        """Return the place of the latest value, -1 if there is none."""
        return self._taste(column).last.take(self._edge(self._known, 0))

    def mode(self, column: str) -> Ints:
        """Return the place of the commonest value, of equals the one that was so first; -1 if there is none."""
        return self._taste(column).mode.take(self._edge(self._known, 0))

    def mode_day(self, column: str) -> Floats:
        """Return the last day with the commonest value of a text column (NaN if there is none)."""
        day = self._taste(column).mode_day.take(self._edge(self._known, 0))
        return np.where(day == BLANK, np.nan, day)

    def mode_share(self, column: str) -> Floats:
        """Return the share of lines with the commonest value among lines with a value."""
        taste, edge = self._taste(column), self._edge(self._known, 0)
        return ratio(
            taste.mode_lines.take(edge).astype(np.float64), taste.lines.take(edge).astype(np.float64)
        )

    def entropy(self, column: str) -> Floats:
        """Return Shannon's entropy of the values of all lines so far, in nats; NaN without a value."""
        taste, edge = self._taste(column), self._edge(self._known, 0)
        lines = np.where(taste.lines.take(edge) > 0, taste.lines.take(edge), np.nan)
        return np.maximum(np.log(lines) - taste.entropy_sums.take(edge) / lines, 0.0)

    def distinct(self, column: str, *, days: int | None = None, before: int = 0) -> Floats:
        """Count the different values over the last `days` days (all time if None); a pass over all lines."""
        high = self.day - before
        low = BLANK if days is None else high - days
        return self._taste(column).distinct(low, high).take(self._views).astype(np.float64)

    def text(self, column: str) -> Text:
        """Return the values that codes of a text column, customers.<name> or first_quarter are places in."""
        if column == FIRST_QUARTER:
            return QUARTERS
        if column.startswith("customers."):
            return self._attributes.text(attribute_of(column))
        self._require_text(column)
        return self._history.lines.text(column)

    # ------------------------------------------------------------ the person
    def number(self, attribute: str) -> Floats:
        """Return a number of the customers table (age, signed_up_day, consent_email, ...), NaN until it is known."""
        return self._attributes.number(attribute_of(attribute), self.customers, self.day)

    def code(self, attribute: str) -> Ints:
        """Return the place of a text of the customers table in `text("customers.<name>")`, -1 until it is known."""
        return self._attributes.codes(attribute_of(attribute), self.customers, self.day)

    def first_quarter(self) -> Ints:
        """Return the place in `text("first_quarter")` of the quarter of the first order day."""
        return quarter_codes(self.first_day())

    # ------------------------------------------------------------ the population
    def reference(self, name: str, column: str, codes: Ints) -> Floats:
        """Return the number that a reference table has for each code of a text column, NaN where it has none."""
        return self._references.at(name, self.day).of(self.text(column), codes)

    def reference_mean(self, name: str, column: str, *, days: int | None = None) -> Floats:
        """Return the mean number of a reference table over the lines with a value it knows; NaN if none."""
        sums, counts = self._reference_sums(name, column)
        high = self._edge(self._known, 0)
        if days is None:
            return ratio(sums.take(high), counts.take(high))
        low = self._edge(self._known, days)
        return ratio(sums.take(high) - sums.take(low), counts.take(high) - counts.take(low))

    def _reference_sums(self, name: str, column: str) -> tuple[Floats, Floats]:
        if (name, column) not in self._shared:
            numbers = self._references.at(name, self.day).of_values(self.text(column))
            self._shared[name, column] = self._known.taste(column).sums_of(numbers)
        return self._shared[name, column]

    # ------------------------------------------------------------ inside
    @property
    def _attributes(self) -> Attributes:
        if self._history.attributes is None:
            raise DeclarationError("this history has no customers table; say needs=('customers.<name>',)")
        return self._history.attributes

    @property
    def _first(self) -> Ints:
        """The first order day of each customer."""
        return self._order_days[0]

    @property
    def _last(self) -> Ints:
        """The last order day of each customer so far."""
        return self._order_days[1]

    @property
    def _order_days(self) -> tuple[Ints, Ints]:
        """The first and the last order day of each customer so far."""
        if self._ends is None:
            last = self._known.order_count.take(self._edge(self._known, 0)) - 1
            self._ends = self._known.order_starts.take(self._views), last
        return self._ends

    def _back(self, values: Floats | Ints, back: int) -> Floats:
        if back not in self._places:
            first, place = self._first, self._last - back
            self._places[back] = (np.maximum(place, first), np.flatnonzero(place < first))
        place, nothing = self._places[back]
        found = values.take(place).astype(np.float64, copy=False)
        if len(nothing):
            found[nothing] = np.nan
        return found

    def _on_order_days(self, column: str) -> Floats:
        self._require(ORDER_DAYS + column)
        return self._known.on_order_days(column)

    def _edge(self, source: DayColumns, days: int) -> Ints:
        """Return each customer's last row up to the end of the day that lies `days` days before the cutoff."""
        of_orders = source is self._known
        found = self._edges.get((of_orders, days))
        if found is None:
            rows = source.rows.edge(self.day - days)
            found = rows.take(self._views if of_orders else self.customers)
            self._edges[(of_orders, days)] = found
        return found

    def _sum_until(self, column: str, days: int) -> Floats:
        found = self._sums.get((column, days))
        if found is None:
            source, name = self._find(column)
            found = source.sums(name).take(self._edge(source, days))
            found.flags.writeable = False
            self._sums[(column, days)] = found
        return found

    def _find(self, column: str) -> tuple[DayColumns, str]:
        events = self._history.events
        if column.startswith("events.") and events is not None and events.has(column[7:]):
            return events, column[7:]
        name = column.removeprefix("lines.")
        self._require(name, asked=column)
        return self._known, name

    def _require(self, name: str, asked: str | None = None) -> None:
        if self._known.column(name) is None:
            column = name.removeprefix(ORDER_DAYS) if asked is None else asked
            known = [*LINE_COLUMNS, *(ORDER_DAYS + one for one in (*ORDER_DAY_COLUMNS, *LINE_COLUMNS))]
            raise DeclarationError(f"the past has no column '{column}'{nearest(column, known)}")

    def _require_text(self, column: str) -> None:
        if column not in self._history.lines.optional:
            raise DeclarationError(
                f"the past has no text column '{column}'{nearest(column, self._history.lines.optional)}"
            )

    def _taste(self, column: str) -> Taste:
        self._require_text(column)
        return self._known.taste(column)
