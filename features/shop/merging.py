"""Order lines of several ids become the history of their people.

On each day a customer has the lines, events and descriptions of all own ids that were known to be one person by the
end of that day; each own id was cleaned by itself before. Lines are copied for each set of ids that was one customer,
so that all days can be asked of one history. Two customers who become one inside a horizon have the same outcome: that
of the one they became.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.identity.apply import as_persons, interleaved
from features.identity.components import first_order_days, history_of
from features.identity.links import Links
from features.kernel.buffers import as_arrow, as_numpy, is_valid, places_among
from features.kernel.history import History
from features.kernel.lines import Lines
from features.kernel.running import Ints
from features.shop.by_customer import ByCustomer, among, filtered, plain_text
from features.shop.histories import PeopleHistory, ShopHistory
from features.shop.people import BEGINNING, People

_NOBODYS_DAY = 2**30


def history_from(
    lines: pa.Table,
    *,
    links: Links | None = None,
    events: ByCustomer | None = None,
    customers: ByCustomer | None = None,
    days: Sequence[int] | None = None,
) -> History:
    """Build the history of order lines (contracts.tables.ORDER_LINES) of whole people.

    links: of the own ids of the lines. events, customers: rows of all customers of the shop, by own id (EVENTS sorted
    by day and CUSTOMERS by known_day within each). days: the only days that will be asked for, None for any.
    """
    if links is not None and len(links):
        merged = _Merging.of(lines, links, days)
        if merged is not None:
            return merged.history(events, customers)
    made = Lines(lines)
    own_events = None if events is None else events.select(made.names.ids)
    if customers is None:
        return History(made, own_events, None)
    return ShopHistory(made, own_events, customers.select(made.names.ids))


class _Merging:
    """The lines of linked ids, those of all others, and the people of the linked ids."""

    def __init__(
        self, rest: pa.Table, linked: ByCustomer, people: People, days: Sequence[int] | None
    ) -> None:
        self.rest = rest
        self.linked = linked
        self.people = people
        self.days = days

    @staticmethod
    def of(lines: pa.Table, links: Links, days: Sequence[int] | None) -> _Merging | None:
        """Part the lines; None if no id with lines ever stands for another one."""
        ids = pc.unique(pa.concat_arrays([links.a, links.b]))
        rows = plain_text(filtered(lines, among(lines["customer_id"], ids)))
        history = history_of(links, first_days=first_order_days(rows))
        concerned = pa.concat_arrays([history[name].combine_chunks() for name in ("own_id", "canonical")])
        rows = filtered(rows, among(rows["customer_id"], concerned))
        if not rows.num_rows:
            return None
        linked = ByCustomer.of(rows)
        seen_from = as_numpy(rows["day"])[linked.starts[:-1]].astype(np.int64)
        people = People.of(history, seen=linked.ids, seen_from=seen_from, days=days)
        rest = filtered(lines, ~among(lines["customer_id"], linked.ids))
        return _Merging(plain_text(rest), linked, people, days)

    def history(self, events: ByCustomer | None, customers: ByCustomer | None) -> History:
        """Build the history."""
        lines = interleaved(self.rest, self._lines())
        own_events = None if events is None else self._with_rest(events, self._events(events))
        described = None if customers is None else self._with_rest(customers, self._descriptions(customers))
        if self._all_stand():
            made = Lines(lines)
            place = places_among(made.names.ids, self.people.keys)
            canonical = self.people.canonical.take(as_arrow(place, pa.int64(), valid=place >= 0))
            return ShopHistory(made, own_events, described, pc.coalesce(canonical, made.names.ids))
        return PeopleHistory(Lines(_with_nobody(lines)), own_events, described, self.people)

    def _all_stand(self) -> bool:
        """Tell whether the asked days have the same customers."""
        return self.days is not None and all(self.people.stand(day).all() for day in self.days)

    def _with_rest(self, table: ByCustomer, rows: pa.Table) -> pa.Table:
        others = pc.unique(self.rest["customer_id"].combine_chunks())
        return interleaved(table.select(others), rows)

    def _lines(self) -> pa.Table:
        rows, pair = self.linked.spread(self.people.own)
        rows = rows.append_column("own_id", rows["customer_id"])
        return as_persons(self._keyed(rows, pair)).drop_columns(["own_id"])

    def _events(self, events: ByCustomer) -> pa.Table:
        rows, pair = events.spread(self.people.own)
        order = np.lexsort((as_numpy(rows["occurred_at"]), as_numpy(rows["day"]), self.people.entry[pair]))
        return self._keyed(rows.take(as_arrow(order, pa.int64())), pair[order])

    def _descriptions(self, customers: ByCustomer) -> pa.Table:
        """Return the descriptions of all own ids; of equal days that of the canonical id is the last."""
        rows, pair = customers.spread(self.people.own)
        entry = self.people.entry[pair]
        days = rows["known_day"].combine_chunks()
        since = np.where(is_valid(days), as_numpy(days).astype(np.int64), BEGINNING)
        canonical = self.people.canonical.take(as_arrow(entry, pa.int64()))
        stands = as_numpy(pc.equal(rows["customer_id"].combine_chunks(), canonical))
        order = np.lexsort((stands, since, entry))
        return self._keyed(rows.take(as_arrow(order, pa.int64())), pair[order])

    def _keyed(self, rows: pa.Table, pair: Ints) -> pa.Table:
        keys = self.people.keys.take(as_arrow(self.people.entry[pair], pa.int64()))
        place = rows.column_names.index("customer_id")
        return rows.set_column(place, rows.schema.field("customer_id"), keys)


def _with_nobody(lines: pa.Table) -> pa.Table:
    """Add, behind all customers, one who only ever took something back, long after all days."""
    last = lines.slice(lines.num_rows - 1)
    values = {
        "customer_id": last["customer_id"][0].as_py() + "~", "day": _NOBODYS_DAY, "amount": 0.0, "quantity": -1.0,
        "returned": True, "reverses": False, "cancelled_day": None,
    }  # fmt: skip
    for name, value in values.items():
        field = last.schema.field(name)
        last = last.set_column(last.column_names.index(name), field, pa.array([value], field.type))
    return pa.concat_tables([lines, last]).combine_chunks()
