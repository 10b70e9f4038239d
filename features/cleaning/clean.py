"""Typed rows of whole customers become order lines: the rules that look at other rows, the order, the cancellations.

All rows of a customer must be among the rows given. Nothing here looks at a row after `until`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.tables import OPTIONAL_LINE_COLUMNS
from features.cleaning.account import Account
from features.cleaning.cancellations import match_returns
from features.cleaning.counts import count
from features.cleaning.deliveries import find_surplus
from features.cleaning.flags import find_flags
from features.cleaning.kept import DAY_MICROSECONDS, Kept, as_lines, same_but_for_its_order, sort_kept
from features.cleaning.made import with_cancelled_at, with_order_ids, without_later_cancellations
from features.cleaning.rules import CODES
from features.cleaning.sorting import Ints
from features.kernel.buffers import as_arrow, as_numpy, is_valid
from features.rulebook import Rules

MERGED = (CODES["delivered_twice"], CODES["duplicate_line"])


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What cleaning must know of all rows together, and what was asked.

    until: the last day that is seen. now: the shop's local time; rows after it are refused. bulk: the first and last
    day that are not absurd. optional: the optional columns of the typed rows. ordered: the source has order numbers.
    deliveries: several sources may hold the same row. high: from which amount a line is an outlier, by month.
    """

    until: int | None
    now: datetime | None
    bulk: tuple[int, int]
    optional: tuple[str, ...]
    ordered: bool
    deliveries: bool
    rules: Rules
    high: dict[int, float]

    @property
    def line_columns(self) -> tuple[str, ...]:
        """The optional columns of the order lines."""
        return tuple(name for name in OPTIONAL_LINE_COLUMNS if name in self.optional)


@dataclass(frozen=True)
class Cleaned:
    """The order lines (texts as dictionaries), the flags and the counts.

    refused: source, source_row, reason of all refused rows; late: the typed rows of those that no row rule refused.
    """

    lines: pa.Table
    refused: pa.Table
    late: pa.Table
    flags: pa.Table
    account: Account


def clean(rows: pa.Table, frame: Frame) -> Cleaned:
    """Judge the rows, sort what is kept, and find what is cancelled."""
    rows, later = _seen(rows, frame.until)
    rows = without_later_cancellations(rows, until=frame.until, now=frame.now)
    reason = _with_dated_reasons(rows, frame)
    if frame.deliveries and frame.rules.on("delivered_twice"):
        reason[find_surplus(rows)] = CODES["delivered_twice"]
    kept, flags, duplicates = _keep(rows, reason, frame)
    lines = as_lines(kept, frame.line_columns, _cancelled(kept))
    account = count(rows, reason=reason, later=later, duplicates=duplicates, kept=kept, lines=lines)
    refused, late = _refused(rows, reason)
    return Cleaned(lines, refused, late, flags, account)


def _seen(rows: pa.Table, until: int | None) -> tuple[pa.Table, int]:
    """Return the rows that are not later than `until`, and how many are."""
    if until is None:
        return rows, 0
    late = is_valid(rows["ordered_at"]) & (as_numpy(rows["ordered_at"]) >= (until + 1) * DAY_MICROSECONDS)
    if not late.any():
        return rows, 0
    return rows.filter(as_arrow(~late, pa.bool_())), int(late.sum())


def _with_dated_reasons(rows: pa.Table, frame: Frame) -> NDArray[np.int8]:
    """Return the reason of each row, its own or that of a rule that knows the time: the first in the rulebook."""
    reason = as_numpy(rows["reason"]).copy()
    dated = is_valid(rows["ordered_at"])
    time = as_numpy(rows["ordered_at"])
    tests = {}
    if frame.rules.on("absurd_date"):
        first, last = frame.bulk
        tests["absurd_date"] = (time < first * DAY_MICROSECONDS) | (time >= (last + 1) * DAY_MICROSECONDS)
    if frame.now is not None and frame.rules.on("future_date"):
        tests["future_date"] = time > np.datetime64(frame.now, "us").astype(np.int64)
    for name, holds in tests.items():
        reason[dated & holds & ((reason == 0) | (reason > CODES[name]))] = CODES[name]
    return reason


def _keep(rows: pa.Table, reason: NDArray[np.int8], frame: Frame) -> tuple[Kept, pa.Table, int]:
    """Return the rows that stay in canonical order, the flags, and how many equal lines stay; note why others go."""
    place = np.flatnonzero(reason == 0)
    table = rows if len(place) == rows.num_rows else rows.take(as_arrow(place, pa.int64()))
    kept, alike = sort_kept(with_order_ids(table, frame.line_columns), place, frame.optional)
    gone = np.zeros(len(kept), dtype=np.int8)
    if frame.ordered and frame.rules.on("duplicate_line"):
        gone[alike & is_valid(rows["order_id"])[kept.row]] = CODES["duplicate_line"]
    flags, flagged = find_flags(kept, gone > 0, frame)
    gone = np.where(gone > 0, gone, flagged)
    gone[_without_sale(kept, gone == 0)] = CODES["no_valid_order"]
    reason[kept.row[gone > 0]] = gone[gone > 0]
    alike = alike if frame.ordered else same_but_for_its_order(kept)
    duplicates = int((alike & (gone == 0)).sum())
    kept = kept.take(gone == 0) if gone.any() else kept
    return with_cancelled_at(kept), flags, duplicates


def _without_sale(kept: Kept, stays: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which rows that stay are of customers who have no sale."""
    customer = kept["customer_id"]
    has_sale = np.zeros(len(kept.words["customer_id"]) + 1, dtype=bool)
    has_sale[customer[stays & ~kept["back"]]] = True
    return stays & ~has_sale[customer]


def _cancelled(kept: Kept) -> tuple[Ints, Ints]:
    """Return the rows of returns and of the sales that they undo."""
    made = np.flatnonzero(kept["twin"] >= 0) if "twin" in kept.columns else np.empty(0, dtype=np.int64)
    open_ = np.ones(len(kept), dtype=bool)
    if len(made):
        open_[made] = open_[kept["twin"][made]] = False
    rows = np.flatnonzero(open_)
    some = kept.take(rows) if len(made) else kept
    if "product_id" in some.columns:
        alike = [some["product_id"], np.abs(some["quantity"])]
        alike += [some["unit_price"]] if "unit_price" in some.columns else []
    else:
        alike = [np.abs(some["amount"])]
    returns, sales = match_returns(
        customer=some["customer_id"], time=some["ordered_at"], returned=some["back"], alike=alike
    )
    twins = kept["twin"][made] if len(made) else made
    return np.concatenate([rows[returns], made]), np.concatenate([rows[sales], twins])


def _refused(rows: pa.Table, reason: NDArray[np.int8]) -> tuple[pa.Table, pa.Table]:
    """Return where the refused rows stand and why, and the typed rows that no row rule refused."""
    gone = (reason > 0) & ~np.isin(reason, MERGED)
    late = rows.take(as_arrow(np.flatnonzero(gone & (as_numpy(rows["reason"]) == 0)), pa.int64()))
    place = np.flatnonzero(gone)
    table = rows.select(["source", "source_row"]).take(as_arrow(place, pa.int64()))
    return table.append_column("reason", as_arrow(reason[place], pa.int8())), late
