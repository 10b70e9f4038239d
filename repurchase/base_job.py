"""The customer base that campaigns work on: orders and all other tables, opened, cleaned, people merged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.base import Base
from campaigns.sales import Sales
from campaigns.screening.reachability import UNKNOWN_CONSENT
from contracts.errors import DeclarationError
from features.cleaning.report import OrdersReport
from features.identity.apply import known_as
from features.identity.components import first_order_days, history_of
from features.kernel.buffers import as_arrow, as_numpy, is_valid
from features.prepared.process import Tally
from features.shop.by_customer import among, filtered
from features.shop.shop import Shop
from repurchase.orders_job import OrdersJob

EVERYONE = 2**62


@dataclass(frozen=True)
class OpenedBase:
    """base: the customers. report: the account of the orders. shop: what it was made of.

    sampled: whether there are more customers than were asked for.
    """

    base: Base
    report: OrdersReport
    shop: Shop
    sampled: bool


def base_of(job: OrdersJob, *, most: int | None = None) -> Base:
    """Return the customer base at the job's as-of day, of at most `most` customers (by hashed id; None: all)."""
    return open_base(job, most=most).base


def open_base(job: OrdersJob, *, most: int | None = None) -> OpenedBase:
    """Return the same with the account of the orders."""
    with job.opened() as rows:
        shop, tally = job.shop(rows), Tally()
        lines = shop.sample(tally, until=job.as_of, now=job.now, most=EVERYONE if most is None else most)
        report = job.report(shop, tally)
        history = shop.history(lines, days=(shop.as_of,))
        sales = Sales.of(history, shop.as_of)
        person = _Person(shop, lines)
        base = Base(
            sales,
            rows.mapping.currency,
            rows.mapping.timezone,
            events=None if shop.events is None else person.by_time(shop.events.table, "occurred_at"),
            customers=None if shop.customers is None else person.last(shop.customers.table),
            personal=None if shop.personal is None else person.last(shop.personal),
            products=None if shop.products is None else shop.products.rows,
            contacts=None if shop.contacts is None else person.by_time(shop.contacts, "sent_at"),
        )
        return OpenedBase(base, report, shop, most is not None and report.customers_kept > most)


def consent_of(word: str) -> str:
    """Return what the consent that nobody wrote down counts as; DeclarationError for another word."""
    if word not in UNKNOWN_CONSENT:
        raise DeclarationError(f"--unknown-consent is '{word}'. Write ask or allow.")
    return word


class _Person:
    """Own ids as the people they are on the as-of day."""

    def __init__(self, shop: Shop, lines: pa.Table) -> None:
        self.as_of, self.history = shop.as_of, None
        if shop.identity is not None:
            linked = filtered(lines, among(lines["customer_id"], shop.identity.ids))
            self.history = history_of(shop.identity.links, first_days=first_order_days(linked))

    def by_time(self, table: pa.Table, time: str) -> pa.Table:
        """Return the rows by person and time."""
        table = self._named(table)
        return table.take(pc.sort_indices(table, [("customer_id", "ascending"), (time, "ascending")]))

    def last(self, table: pa.Table) -> pa.Table:
        """Return one row per person: of each column the last value known on the as-of day."""
        table = self._named(table)
        known = table["known_day"].combine_chunks()
        table = table.filter(as_arrow(~is_valid(known) | (as_numpy(known) <= self.as_of), pa.bool_()))
        by_day = pa.table(
            {"customer_id": table["customer_id"], "known_day": pc.fill_null(table["known_day"], -(2**31))}
        )
        order = pc.sort_indices(by_day, [("customer_id", "ascending"), ("known_day", "ascending")])
        table = table.take(order).combine_chunks()
        codes = as_numpy(table["customer_id"].combine_chunks().dictionary_encode().indices.cast(pa.int64()))
        heads = np.flatnonzero(np.append(True, np.diff(codes) != 0)[: len(codes)])
        return pa.table([_last_known(column, heads) for column in table.columns], schema=table.schema)

    def _named(self, table: pa.Table) -> pa.Table:
        if self.history is None:
            return table
        place = table.column_names.index("customer_id")
        ids = known_as(table["customer_id"].cast(pa.string()), self.history, day=self.as_of)
        return table.set_column(place, table.schema.field(place), ids)


def _last_known(column: pa.ChunkedArray, heads: np.ndarray) -> pa.Array:
    """Return the last value of each run of rows that begins at `heads`; null where a run has none."""
    array = column.combine_chunks()
    at = np.where(is_valid(array), np.arange(len(array)), -1)
    found = np.maximum.reduceat(at, heads) if len(heads) else at
    return array.take(as_arrow(found, pa.int64(), valid=found >= 0))
