"""Whom no export may hold: a suppression list, and the personal table that tells whose its addresses are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pyarrow as pa
import pyarrow.compute as pc

from contracts.days import to_day
from contracts.errors import DeclarationError

if TYPE_CHECKING:
    from features.tables.account import TableReport
    from serving.store import Store

_CONSENTS = ("consent_email", "consent_sms")


@dataclass(frozen=True)
class Barred:
    """The customer ids that a suppression list bars (`of`: the list), and what was noticed in it."""

    ids: frozenset[str] = frozenset()
    of: Path | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path | None, people: pa.Table | None) -> Self:
        """Read a suppression list, nobody where there is none; people: whose the addresses of the list are.

        Raises DataError if it cannot be read, or holds addresses and there is no personal table.
        """
        from serving.outputs.suppression import read_suppression

        if path is None:
            return cls()
        listed = read_suppression(path)
        nobody = 0 if people is None else listed.unmatched(people)
        said = f"{path}: {nobody:,} addresses belong to nobody in the personal table."
        return cls(listed.customers(people), path, (said,) if nobody else ())

    def notes_on(self, store: Store) -> tuple[str, ...]:
        """Return what is worth knowing about the list beside a ranking."""
        if not self.ids or any(store.customers(sorted(self.ids))):
            return self.notes
        said = f"none of its {len(self.ids):,} customers is in this ranking. Are the ids the same ones?"
        return (*self.notes, f"{self.of}: {said}")


def read_people(
    path: Path | None, mapping: Path | None, now: datetime
) -> tuple[pa.Table | None, tuple[str, ...]]:
    """Return a personal table (serving.outputs.addresses) from Parquet or a customers' file, and what was noticed.

    Addresses and consents are those known at the end of the day of `now`. None without a file. Raises DataError if it
    cannot be read, DeclarationError for a mapping without a file.
    """
    from serving.outputs.addresses import read_personal

    if path is None:
        if mapping is not None:
            raise DeclarationError("--personal-map tells the columns of --personal, which is not given.")
        return None, ()
    if path.suffix.casefold() == ".parquet" and mapping is None:
        return read_personal(path), ()
    from features.tables import customers
    from features.tables.gate import opened
    from features.tables.mapping import load_table_mapping

    columns = None if mapping is None else load_table_mapping(mapping, customers.SHAPE)
    until = to_day(now)
    reading = customers.read_customers(str(path), mapping=columns, until=until, timezone="UTC")
    with opened(str(path), shape=customers.SHAPE, mapping=columns, until=until, timezone="UTC") as gate:
        told = [name for name in _CONSENTS if gate.has(name)]
    table, known = reading.personal, reading.customers
    places = pc.index_in(table["customer_id"], known["customer_id"].combine_chunks())
    for name in told:
        table = table.append_column(name, known[name].take(places))
    return table, tuple(f"{path}: {what}" for what in _noticed(reading.report))


def _noticed(report: TableReport) -> Iterator[str]:
    """Yield what was left out of a customers' file, of the columns that an export needs."""
    if report.refused:
        yield f"{report.refused:,} of {report.read:,} rows were refused."
    if count := report.emptied.get("phone"):
        yield (
            f"{count:,} telephone numbers cannot be read and are left out. Those without a country code (+44…) need "
            'phone_region = "GB" in --personal-map.'
        )
    for name in _CONSENTS:
        if count := report.emptied.get(name):
            yield f"{count:,} values of {name} are neither yes nor no: taken as unknown, which is no consent."
