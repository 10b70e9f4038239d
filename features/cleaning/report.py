"""What became of every row that was read: kept, refused by reason, merged, or later than asked for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from contracts.days import to_date
from features.cleaning.notes import build_notes
from features.cleaning.rules import REASONS
from features.kernel.buffers import as_bytes, as_numpy, is_valid
from features.reading.mapping import Mapping
from features.reading.sources import Source


@dataclass(frozen=True, kw_only=True)
class Refused:
    """How many rows one reason refused, and of how many customers."""

    rows: int
    customers: int


@dataclass(frozen=True, kw_only=True)
class OrdersReport:
    """The account of one reading: read = kept + refused + merged + later.

    Customers are those of the rows up to `until`; `customers_lost` have no kept line. `orders` and
    `order_days` (pairs of customer and day) leave out what was cancelled on its own day; `shop_days` are
    days with an order.
    """

    files: tuple[str, ...]
    mapping: str
    currency: str
    timezone: str
    read: int
    kept: int
    quarantined: dict[str, Refused]
    merged: dict[str, int]
    later: int
    customers_read: int
    customers_kept: int
    customers_lost: int
    lost_by_reason: dict[str, int]
    orders: int
    order_days: int
    shop_days: int
    first_day: int
    last_day: int
    notes: tuple[str, ...]
    fingerprint: str

    @property
    def refused(self) -> int:
        """Return the number of rows in quarantine."""
        return sum(item.rows for item in self.quarantined.values())


def build_report(
    con: duckdb.DuckDBPyConnection,
    *,
    sources: list[Source],
    mapping: Mapping,
    lines: pa.Table,
    read: int,
    later: int,
    merged: int,
) -> OrdersReport:
    """Count everything; the parts must add up to what was read."""
    quarantined = _quarantined(con)
    lost_by_reason = _lost(con)
    (customers_read, customers_kept) = con.execute(
        "SELECT count(DISTINCT customer_id), count(DISTINCT customer_id) FILTER (reason IS NULL) FROM judged"
    ).fetchall()[0]
    con.register("final", lines)
    (orders, order_days, shop_days, first_day, last_day) = con.execute(
        """SELECT count(DISTINCT (customer_id, order_id)), count(DISTINCT (customer_id, day)),
                  count(DISTINCT day), min(day), max(day)
           FROM final WHERE NOT returned AND (cancelled_day IS NULL OR cancelled_day > day)"""
    ).fetchall()[0]
    report = OrdersReport(
        files=tuple(source.path for source in sources),
        mapping=mapping.name,
        currency=mapping.currency,
        timezone=mapping.timezone,
        read=read,
        kept=lines.num_rows,
        quarantined=quarantined,
        merged={"delivered_twice": merged} if merged else {},
        later=later,
        customers_read=customers_read,
        customers_kept=customers_kept,
        customers_lost=customers_read - customers_kept,
        lost_by_reason=lost_by_reason,
        orders=orders,
        order_days=order_days,
        shop_days=shop_days,
        first_day=first_day,
        last_day=last_day,
        notes=build_notes(con, sources=sources, mapping=mapping, merged=merged),
        fingerprint=fingerprint(lines),
    )
    assert report.read == report.kept + report.refused + merged + later, "rows were lost while cleaning"
    return report


def _quarantined(con: duckdb.DuckDBPyConnection) -> dict[str, Refused]:
    rows = con.execute(
        """SELECT reason, count(*), count(DISTINCT customer_id) FROM judged GROUP BY reason
           UNION ALL SELECT 'malformed_row', count(*), 0 FROM malformed"""
    ).fetchall()
    found = {reason: Refused(rows=count, customers=customers) for reason, count, customers in rows}
    return {reason: found[reason] for reason in REASONS if reason in found and found[reason].rows}


def _lost(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Return, for each reason, how many customers without a kept line have a row that it refused."""
    rows = con.execute(
        """SELECT reason, count(DISTINCT customer_id) FROM judged
           WHERE customer_id NOT IN (SELECT customer_id FROM judged WHERE reason IS NULL) GROUP BY reason"""
    ).fetchall()
    found = dict(rows)
    return {reason: found[reason] for reason in REASONS if found.get(reason)}


def fingerprint(lines: pa.Table) -> str:
    """Return the sha256 over the names, types and values of the lines, whatever their chunks in memory."""
    digest = hashlib.sha256()
    for name in lines.column_names:
        column = lines[name]
        digest.update(f"{name}:{column.type}:{len(column)};".encode())
        digest.update(np.packbits(is_valid(column)).tobytes())
        known = column.drop_null()
        if pa.types.is_string(known.type):
            sizes, text = as_bytes(known)
            digest.update(sizes.tobytes())
            digest.update(text)
        else:
            digest.update(as_numpy(known).tobytes())
    return digest.hexdigest()


def shares(counts: list[int]) -> list[str]:
    """Return shares in percent with two decimals that add up to exactly 100 (largest remainders)."""
    total = sum(counts)
    exact = [count * 10_000 / total if total else 0.0 for count in counts]
    floors = [int(share) for share in exact]
    missing = 10_000 - sum(floors) if total else 0
    for i in sorted(range(len(counts)), key=lambda i: floors[i] - exact[i])[:missing]:
        floors[i] += 1
    return [f"{share // 100}.{share % 100:02d} %" for share in floors]


def print_report(report: OrdersReport, console: Console) -> None:
    """Print the account as a table whose shares add up to 100 %."""
    rows = [("kept", report.kept, f"{report.customers_kept:,}")]
    rows += [
        (f"refused: {reason}", item.rows, f"{item.customers:,}")
        for reason, item in report.quarantined.items()
    ]
    rows += [(f"merged: {reason}", count, "") for reason, count in report.merged.items()]
    if report.later:
        rows.append(("later than asked for", report.later, ""))
    table = Table("rows of the source", title=_title(report), title_justify="left", show_footer=False)
    for name in ("rows", "share", "customers"):
        table.add_column(name, justify="right")
    for (name, count, customers), share in zip(rows, shares([row[1] for row in rows]), strict=True):
        table.add_row(name, f"{count:,}", share, customers)
    table.add_section()
    table.add_row("read", f"{report.read:,}", "100.00 %", f"{report.customers_read:,}")
    console.print(table)
    for line in _summary(report):
        console.print(line, highlight=False, markup=False)


def _title(report: OrdersReport) -> str:
    files = report.files[0] if len(report.files) == 1 else f"{len(report.files)} files"
    return f"{files} read as '{report.mapping}'"


def _summary(report: OrdersReport) -> list[str]:
    reasons = ", ".join(f"{count:,} with {reason}" for reason, count in report.lost_by_reason.items())
    lost = f"{report.customers_lost:,} customers have no valid order" + (f" ({reasons})" if reasons else "")
    return [
        f"{report.orders:,} orders on {report.order_days:,} order days of {report.customers_kept:,} "
        f"customers, {to_date(report.first_day)} to {to_date(report.last_day)}, {report.currency}, "
        f"{report.timezone}.",
        f"{lost}.",
        *report.notes,
    ]
