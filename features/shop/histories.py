"""Histories of people as known, and of customers who are described several times."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.kernel.buffers import as_arrow, as_numpy, is_valid, places_among
from features.kernel.history import History
from features.kernel.known import Known
from features.kernel.lines import Lines, Names
from features.kernel.other_tables import Attributes
from features.kernel.running import Floats, Ints
from features.kernel.views import Views
from features.shop.people import BEGINNING, NEVER, People

_SHIFT, _ROOM = 2**31, 2**32


class Descriptions(Attributes):
    """What is known of C customers who are described several times: on each day the last description known then.

    table: contracts.tables.CUSTOMERS, sorted by customer_id and known_day (null first).
    """

    def __init__(self, table: pa.Table, names: Names) -> None:
        place = places_among(table["customer_id"], names.ids)
        table, place = table.filter(as_arrow(place >= 0, pa.bool_())), place[place >= 0]
        # To the kernel each description is a customer of its own; the last number is of nobody's.
        numbers = as_arrow(np.arange(len(place) + 1), pa.int64()).cast(pa.string())
        super().__init__(table.set_column(0, "customer_id", numbers[:-1]), Names(numbers))
        days = table["known_day"].combine_chunks()
        since = np.where(is_valid(days), as_numpy(days).astype(np.int64), BEGINNING)
        self._keys = place * _ROOM + (since + _SHIFT)
        self._customers = len(names)
        self._rows: dict[int, Ints] = {}

    def number(self, name: str, customers: Ints, day: int) -> Floats:
        """Return a number as known on a day, NaN where it is not; (n,)."""
        return super().number(name, self._on(day)[customers], day)

    def codes(self, name: str, customers: Ints, day: int) -> Ints:
        """Return the places of a text in `text(name)`, -1 where nothing is known on the day; (n,)."""
        return super().codes(name, self._on(day)[customers], day)

    def _on(self, day: int) -> Ints:
        """Return each customer's last description up to a day, or the one of nobody; (C,)."""
        if day not in self._rows:
            everyone = np.arange(self._customers)
            row = np.searchsorted(self._keys, everyone * _ROOM + (day + _SHIFT), "right") - 1
            owner = np.append(self._keys, -1)[row] // _ROOM
            self._rows = {day: np.where(owner == everyone, row, len(self._keys))}
        return self._rows[day]


class ShopHistory(History):
    """The order histories of customers, each of whom may be described several times.

    shown: the ids by which the customers are called, where these are not the ids of the lines.
    """

    def __init__(
        self,
        lines: Lines,
        events: pa.Table | None,
        descriptions: pa.Table | None,
        shown: pa.Array | None = None,
    ) -> None:
        super().__init__(lines, events, None)
        if descriptions is not None:
            self.attributes = Descriptions(descriptions, lines.names)
        self._beside = (events, descriptions)
        if shown is not None:
            self.names = Names(shown)

    def of_customers(self, positions: Ints) -> ShopHistory:
        """Return the history of the customers at these positions."""
        if len(positions) == len(self.names):
            return self
        shown = self.names.ids.take(as_arrow(np.sort(positions).astype(np.int64), pa.int64()))
        return ShopHistory(self.lines.of_customers(positions), *self._beside, shown)


@dataclass(frozen=True)
class PeopleViews(Views):
    """The views of C customers, each of whom is one from day `begins` until before day `ends`; (C,).

    The last customer is nobody, who never ordered: whoever is no customer on a day is viewed as nobody.
    """

    begins: Ints
    ends: Ints

    def on(self, day: int) -> Ints:
        """Return the view of each customer that is valid on an asked day; (C,)."""
        views = super().on(day)
        if views is None:
            views = np.arange(len(self.begins))
        return np.where((self.begins <= day) & (day < self.ends), views, views[-1])


class PeopleHistory(ShopHistory):
    """The order histories of people as known: on each day the customers are those of that day.

    `names`, by which features are told apart, has an entry for each stretch of days on which somebody was one
    customer with the same own ids, so an id may stand there several times, on one day never twice. `customer_ids`
    and the positions of `of_customers` are of the people in the end, each once.

    lines: keyed by People.keys; ids of others are customers of all days. The last customer must be nobody.
    """

    def __init__(
        self, lines: Lines, events: pa.Table | None, descriptions: pa.Table | None, people: People
    ) -> None:
        self.people = people
        self._entry = places_among(lines.names.ids, people.keys)
        canonical = people.canonical.take(as_arrow(self._entry, pa.int64(), valid=self._entry >= 0))
        super().__init__(lines, events, descriptions, pc.coalesce(canonical, lines.names.ids))
        self._begins = np.append(people.since, BEGINNING)[self._entry]
        self._ends = np.append(people.until, NEVER)[self._entry]
        self._begins[-1] = self._ends[-1] = NEVER
        self._last_day = int(self._ends[:-1].max(initial=BEGINNING + 1)) - 1

    @property
    def customer_ids(self) -> NDArray[np.object_]:
        """The ids of the people in the end, in byte order."""
        return self.names.objects[self._in_the_end]

    def known_on(self, day: int) -> Known:
        """Return what was known at the end of a day, of the customers of that day."""
        known = super().known_on(day)
        if not isinstance(known.views, PeopleViews):
            known.views = PeopleViews(**vars(known.views), begins=self._begins, ends=self._ends)
        return known

    def standing(self, customers: Ints, day: int) -> Ints:
        """Return, for customers of one day, the positions of the customers they belong to on a later day."""
        entry = self._entry[customers]
        found = customers.copy()
        joined = np.flatnonzero(entry >= 0)
        if len(joined):
            found[joined] = self._place[self.people.on(entry[joined], day)]
        return found

    def of_customers(self, positions: Ints) -> PeopleHistory:
        """Return the history of the people at these positions of `customer_ids`, on all days."""
        if len(positions) == len(self._in_the_end):
            return self
        chosen = np.zeros(len(self.names), dtype=np.bool_)
        chosen[self._in_the_end[positions]] = True
        everyone = np.arange(len(self.names) - 1)
        chosen[:-1] = chosen[self.standing(everyone, self._last_day)]
        chosen[-1] = True
        return PeopleHistory(self.lines.of_customers(np.flatnonzero(chosen)), *self._beside, self.people)

    @cached_property
    def _in_the_end(self) -> Ints:
        return np.flatnonzero((self._begins <= self._last_day) & (self._last_day < self._ends))

    @cached_property
    def _place(self) -> Ints:
        """The position of each entry among the names, -1 if it has no lines."""
        place = np.full(len(self.people), -1)
        joined = np.flatnonzero(self._entry >= 0)
        place[self._entry[joined]] = joined
        return place
