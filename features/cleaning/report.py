"""What became of every row that was read: kept, refused by reason, merged, or later than asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from contracts.days import to_date
from contracts.errors import DataError
from features.cleaning.account import Account
from features.cleaning.notes import build_notes, flag_notes
from features.reading.mapping import Mapping
from features.rulebook import MERGES, REASONS


@dataclass(frozen=True, kw_only=True)
class Refused:
    """How many rows one reason refused, and of how many customers."""

    rows: int
    customers: int


@dataclass(frozen=True, kw_only=True)
class OrdersReport:
    """The account of one reading: read = kept + refused + merged + later; `made` lines have no row of their own.

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
    made: int
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

    @property
    def refused(self) -> int:
        """Return the number of rows in quarantine."""
        return sum(item.rows for item in self.quarantined.values())


def build_report(
    account: Account,
    *,
    paths: Sequence[str],
    mapping: Mapping,
    malformed: int,
    notes: Sequence[str],
    flags: pa.Table,
) -> OrdersReport:
    """Return the account of one reading for people. notes: on the sources; flags: see features.cleaning.flags."""
    rows = account.rows
    refused = {
        reason: Refused(rows=rows[reason], customers=account.customers[reason])
        for reason in REASONS
        if rows[reason]
    }
    if malformed:
        refused = {"malformed_row": Refused(rows=malformed, customers=0), **refused}
    merged = {name: rows[name] for name in MERGES if rows[name]}
    return OrdersReport(
        files=tuple(paths),
        mapping=mapping.name,
        currency=mapping.currency,
        timezone=mapping.timezone,
        read=rows.total() - rows["made"] + malformed,
        kept=rows["kept"],
        made=rows["made"],
        quarantined=refused,
        merged=merged,
        later=rows["later"],
        customers_read=account.customers["read"],
        customers_kept=account.customers["kept"],
        customers_lost=account.customers["read"] - account.customers["kept"],
        lost_by_reason={reason: account.lost[reason] for reason in REASONS if account.lost[reason]},
        orders=account.seen["orders"],
        order_days=account.seen["order_days"],
        shop_days=len(account.days),
        first_day=int(account.days[0]) if len(account.days) else 0,
        last_day=int(account.days[-1]) if len(account.days) else 0,
        notes=(*build_notes(account, mapping), *flag_notes(flags), *notes),
    )


def refuse_nobody(account: Account, day: int, *, later: str = "--as-of") -> NoReturn:
    """Raise the DataError of a base without customers; it names the rules that refused the rows, if that is why.

    later: what is to be given a later one of.
    """
    require_lines(account)
    raise DataError(f"no customer has an order up to {to_date(day)}. Give a later {later}.")


def require_lines(account: Account) -> None:
    """Raise DataError if no order is left."""
    if account.rows["kept"]:
        return
    counts = [(name, account.rows[name]) for name in REASONS if account.rows[name]]
    found = ", ".join(
        f"{count:,} {name}" for name, count in sorted(counts, key=lambda one: (-one[1], one[0]))
    )
    later = account.rows["later"]
    if not found and later:
        raise DataError("No order is left: every row is later than the as-of day. Give a later one.")
    if later:
        raise DataError(
            f"No order is left: of the rows, {found}, {later:,} later than the as-of day. Give a later one, or "
            "check the mapping (columns, decimal, not_products)."
        )
    raise DataError(
        f"No order is left: of the rows, {found or 'none is left'}. "
        "Check the mapping (columns, decimal, not_products) and the dates."
    )


def require_enough(report: OrdersReport) -> None:
    """Raise DataError if there are fewer than two customers or two days with an order."""
    if report.customers_kept < 2 or report.shop_days < 2:
        raise DataError(
            f"Too little to learn from: {report.customers_kept} customers and {report.shop_days} days with "
            "an order are left after cleaning. At least 2 of each are needed."
        )


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
