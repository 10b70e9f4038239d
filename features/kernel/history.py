"""The order histories of a set of customers, ready for any cutoff."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.kernel.codes import first_of_each, places_of
from features.kernel.known import Known
from features.kernel.lines import Lines, Names
from features.kernel.other_tables import Attributes, Events
from features.kernel.running import Ints

# How many sets of asked days are kept prepared.
_KEPT = 2


class History:
    """The order histories of C customers, and what else is known of them.

    names: their ids in byte order; optional: what is present besides the required order-line columns:
    optional order-line columns, `events`, and the columns of the customers table as customers.<name>.
    """

    def __init__(self, lines: Lines, events: pa.Table | None, customers: pa.Table | None) -> None:
        self.lines = lines
        self.names: Names = lines.names
        self.events = None if events is None else Events(events, self.names)
        self.attributes = None if customers is None else Attributes(customers, self.names)
        self._tables = (events, customers)
        self._known: list[Known] = []

    @staticmethod
    def from_lines(
        table: pa.Table, *, events: pa.Table | None = None, customers: pa.Table | None = None
    ) -> History:
        """Build a history from order lines (contracts.tables.ORDER_LINES, sorted as it says).

        Text columns may be dictionaries. events (EVENTS, sorted by customer_id and day) and customers
        (CUSTOMERS) are optional; whoever has no order line is left out of them. Raises ContractError if a
        required column is missing or the rows are not sorted.
        """
        return History(Lines(table), events, customers)

    @property
    def customer_ids(self) -> NDArray[np.object_]:
        """The customers' ids in byte order; (C,)."""
        return self.names.objects

    @cached_property
    def optional(self) -> frozenset[str]:
        """What is present, by the names that a feature's `needs` uses."""
        present = set(self.lines.optional)
        if self.events is not None:
            present.add("events")
        if self.attributes is not None:
            present |= {f"customers.{name}" for name in self.attributes.present}
        return frozenset(present)

    def prepare(self, days: Iterable[int]) -> None:
        """Prepare what was known on all of these days at once: cheaper than one day after the other."""
        asked = tuple(sorted({int(day) for day in days}))
        if not any(all(known.serves(day) for day in asked) for known in self._known):
            self._known = self._known[1 - _KEPT :]
            self._known.append(Known(self.lines, asked))

    def known_on(self, day: int) -> Known:
        """Return what was known at the end of a day."""
        for known in self._known:
            if known.serves(day):
                return known
        self.prepare([day])
        return self._known[-1]

    def of_customers(self, positions: Ints) -> History:
        """Return the history of the customers at these positions."""
        if len(positions) == len(self.names):
            return self
        return History(self.lines.of_customers(positions), *self._tables)

    @cached_property
    def last_order_day(self) -> int:
        """The last day with an order, cancelled later or not."""
        number, apart = self.lines.order
        sales = np.flatnonzero(self.lines.sale)
        begins = places_of(self.lines.sale, self.lines.starts[:-1])
        heads = sales[first_of_each(number[sales], begins, apart=apart)]
        return int(self.lines.day[heads].max())

    @cached_property
    def first_order_day(self) -> int:
        """The first day with an order, cancelled later or not."""
        return int(self.lines.day[self.lines.sale].min())
