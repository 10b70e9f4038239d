"""Orders in: files of any shop become order lines; what is refused is kept aside with its reason.

Nothing here looks at a row after `until`: reading a file until day D equals reading the file cut at D. The
order of rows and files plays no part either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from contracts.tables import ORDER_LINES
from features.cleaning.report import OrdersReport
from features.kernel.fingerprint import fingerprint
from features.prepared.ingest import opened
from features.prepared.partitions import InMemory
from features.prepared.process import Tally, process
from features.reading.mapping import Mapping


@dataclass(frozen=True)
class Orders:
    """The kept lines (contracts.tables.ORDER_LINES), the refused rows, and the account of both.

    flags: customers and lines that are no ordinary shoppers (features.cleaning.flags.FLAGS).
    """

    lines: pa.Table
    quarantine: pa.Table
    report: OrdersReport
    mapping: Mapping
    flags: pa.Table

    @property
    def currency(self) -> str:
        """Return the shop's currency, ISO 4217."""
        return self.mapping.currency

    @property
    def timezone(self) -> str:
        """Return the shop's time zone."""
        return self.mapping.timezone

    @cached_property
    def fingerprint(self) -> str:
        """Return the sha256 over the kept lines."""
        return fingerprint(self.lines)

    @property
    def last_day(self) -> int:
        """Return the last day with a valid order: the default as_of."""
        return self.report.last_day


def read_orders(
    source: str | Path | Sequence[str | Path],
    *,
    mapping: Mapping | None = None,
    until: int | None = None,
    now: datetime | None = None,
) -> Orders:
    """Read and clean an order history.

    source: files, folders or glob patterns, or what else features.reading.sources reads.
    mapping: None recognises the columns.
    until: the last day that is seen; later rows only count as `later`.
    now: rows after this moment are refused; a naive time is the shop's local time.
    Raises DataError if a file cannot be read or no order is left.
    """
    with opened(source, mapping=mapping, until=until) as intake:
        rows, tally = InMemory.of(intake), Tally(quarantined=True)
        ((_, lines),) = process(rows, lambda _, lines: lines, tally, until=until, now=now)
        report = tally.report(rows)
        flags = pa.concat_tables(tally.flags)
        return Orders(plain(lines), tally.quarantine(rows), report, intake.mapping, flags)


def plain(lines: pa.Table) -> pa.Table:
    """Return order lines with text columns as plain text."""
    schema = pa.schema([ORDER_LINES.field(name) for name in lines.column_names])
    return lines.cast(schema).combine_chunks()
