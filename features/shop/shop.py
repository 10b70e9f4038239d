"""A shop's inputs together, as known at the end of a day.

with job.opened() as rows:
    shop = open_shop(rows, OtherFiles(events=("events.csv",)), as_of=day, now=now)
    for number, table in shop.process(lambda _, lines: features_of(shop.history(lines)), tally, until=day, now=now):
        ...
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

import pyarrow as pa

from features.cleaning.account import Account
from features.identity.links import Links
from features.kernel.fingerprint import fingerprint
from features.kernel.history import History
from features.kernel.other_tables import ATTRIBUTES
from features.prepared.partitions import Partitions
from features.prepared.process import Tally, Work, process
from features.shop.by_customer import ByCustomer, among, filtered
from features.shop.files import OtherFiles, OtherTables, read_tables
from features.shop.identity import Identity
from features.shop.merging import history_from
from features.shop.sample import sampled_lines
from features.shop.set_aside import SetAside, set_aside
from features.shop.sightings import KEYS, nothing_seen
from features.tables.account import TableReading, TableReport
from features.tables.products import fill_lines

Result = TypeVar("Result")


@dataclass(frozen=True)
class Shop:
    """The orders in partitions, who is one person under several ids, and the other tables.

    identity is None where no two ids are linked. personal, contacts: by own id, what features never see. reports,
    refused: the accounts of the other tables, and what each refused.
    """

    rows: Partitions
    as_of: int
    identity: Identity | None = None
    events: ByCustomer | None = None
    customers: ByCustomer | None = None
    products: TableReading | None = None
    reports: tuple[TableReport, ...] = ()
    refused: Mapping[str, pa.Table] = field(default_factory=dict)
    personal: pa.Table | None = None
    contacts: pa.Table | None = None

    @property
    def count(self) -> int:
        """How many parts `process` has: the partitions, and behind them the blocks of people with several ids."""
        return self.rows.count + (0 if self.identity is None else self.identity.blocks)

    @property
    def optional(self) -> frozenset[str]:
        """What there is besides the required order-line columns, by the names that a feature's `needs` uses."""
        found = set(self.rows.optional)
        if self.events is not None:
            found.add("events")
        if self.customers is not None:
            found |= {f"customers.{name}" for name in ATTRIBUTES if name in self.customers.table.column_names}
        if self.products is not None and "product_id" in found:
            known = self.products.rows
            found |= {name for name in ("category", "cost") if known[name].null_count < known.num_rows}
        return frozenset(found)

    @property
    def notes(self) -> list[str]:
        """What there is to say besides the account of the orders."""
        told = [sentence for report in self.reports for sentence in report.sentences()]
        people, ids = (0, 0) if self.identity is None else self.identity.people
        if people:
            are = "customer is" if people == 1 else "customers are"
            told.append(f"{people:,} {are} one person under several ids ({ids:,} ids).")
        return told

    def process(
        self,
        work: Work[Result],
        tally: Tally,
        *,
        until: int | None,
        now: datetime | None,
        only: Sequence[int] | None = None,
    ) -> Iterator[tuple[int, Result]]:
        """Clean each partition up to `until` and yield (part, what `work` made of its lines), in order.

        Lines keep their own ids: `history` merges them. The lines of linked ids are left out of their partition and
        come in parts of their own at the end. only: the parts asked for.
        """
        if self.identity is None:
            yield from process(self.rows, work, tally, until=until, now=now, only=only)
            return
        wanted = set(range(self.count) if only is None else only)
        blocks = sorted(part for part in wanted if part >= self.rows.count)
        with set_aside(self.identity) as aside:
            yield from self._partitions(work, tally, aside, wanted, until, now)
            for part in blocks:
                result = work(part, aside.block(part - self.rows.count))
                tally.accounts.append(Account())  # its rows were counted in their partitions
                yield part, result

    def _partitions(
        self,
        work: Work[Result],
        tally: Tally,
        aside: SetAside,
        wanted: set[int],
        until: int | None,
        now: datetime | None,
    ) -> Iterator[tuple[int, Result]]:
        """Work on the lines of each partition without linked ids; keep the others, if a block is wanted."""

        def part(partition: int, lines: pa.Table) -> tuple[list[Result], pa.Table]:
            rest, linked = aside.part(lines)
            return [work(partition, rest)] if partition in wanted else [], linked

        blocks = any(one >= self.rows.count for one in wanted)
        only = [k for k in range(self.rows.count) if blocks or k in wanted]
        for partition, (results, linked) in process(self.rows, part, tally, until=until, now=now, only=only):
            if blocks:
                aside.keep(linked)
            for result in results:
                yield partition, result

    def history(self, lines: pa.Table, *, days: Sequence[int] | None = None) -> History:
        """Build the history of the lines of whole people, as `process` and `sample` give them.

        days: the only days that will be asked for; None for any.
        """
        if self.products is not None:
            lines = fill_lines(lines, self.products.rows, since=self.products.since)
        links = None if self.identity is None else self._links_of(lines, self.identity)
        return history_from(lines, links=links, events=self.events, customers=self.customers, days=days)

    def sample(self, tally: Tally, *, until: int | None, now: datetime | None, most: int) -> pa.Table:
        """Return the order lines of at most `most` people, sorted by own id."""
        person = {} if self.identity is None else self.identity.person
        return sampled_lines(self.rows, tally, until=until, now=now, most=most, person=person)

    def on(self, day: int) -> Shop:
        """Return the shop as known at the end of an earlier day."""
        identity = None if self.identity is None else Identity.of(self.identity.links.until(day))
        return replace(self, as_of=day, identity=identity)

    def fingerprint(self, of_lines: str) -> str:
        """Return one sha256 of order lines (their own) and of all that is known besides; theirs if there is no more."""
        digests = [of_lines]
        for table in (self.events, self.customers):
            digests += [] if table is None else [fingerprint(table.table)]
        digests += [] if self.products is None else [fingerprint(self.products.rows)]
        if self.identity is not None:
            digests.append(hashlib.sha256(self.identity.links.to_json().encode()).hexdigest())
        return of_lines if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()

    @staticmethod
    def _links_of(lines: pa.Table, identity: Identity) -> Links | None:
        linked = among(lines["customer_id"], identity.ids)
        if not linked.any():
            return None
        ids = filtered(lines.select(["customer_id"]), linked)["customer_id"].unique()
        return identity.links_of(ids.cast(pa.string()))


def open_shop(rows: Partitions, files: OtherFiles, *, as_of: int, now: datetime | None) -> Shop:
    """Read the other tables up to the end of day `as_of`, and find who is one person under several ids.

    Ids are merged where the orders, the customers or the events have e-mail addresses or telephone numbers, or a link
    table is given, unless `files.merges` or the rule `identity` of the mapping is off. Raises DataError,
    DeclarationError.
    """
    tables = read_tables(files, until=as_of, timezone=rows.mapping.timezone)
    merges = files.merges and rows.mapping.rules.changed.get("identity", True) is not False
    links = _links(rows, tables, as_of, now) if merges else None
    return Shop(
        rows,
        as_of,
        None if links is None else Identity.of(links),
        None if tables.events is None else ByCustomer.of(tables.events),
        None if tables.customers is None else ByCustomer.of(tables.customers),
        tables.products,
        tables.reports,
        tables.refused,
        tables.personal,
        tables.contacts,
    )


def _links(rows: Partitions, tables: OtherTables, as_of: int, now: datetime | None) -> Links | None:
    """Return the links known at the end of a day; None where nothing can link."""
    personal = tables.personal
    seen = [one for one in tables.evidence if one.num_rows]
    found = [] if tables.links is None else [tables.links]
    if seen or (personal is not None and personal.num_rows) or any(key in rows.optional for key in KEYS):
        with nothing_seen() as sightings:
            sightings.add_orders(rows, until=as_of, now=now)
            if personal is not None:
                sightings.add_personal(personal)
            for evidence in seen:
                sightings.add(evidence)
            found.append(Links.of_evidence(sightings.shared()))
    return Links.combined(found).without(tables.apart).until(as_of) if found else None
