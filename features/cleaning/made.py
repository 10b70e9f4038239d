"""What is made where the source says it otherwise: order numbers, and the lines that undo a cancelled order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
import pyarrow as pa

from contracts.tables import NUMBERED_BY
from features.cleaning.kept import DAY_MICROSECONDS, NO_TIME, Kept
from features.cleaning.sorting import canonical_order
from features.cleaning.sql import cursor
from features.kernel.buffers import as_arrow, as_numpy, is_valid


def with_order_ids(rows: pa.Table, optional: Sequence[str]) -> pa.Table:
    """Give rows without an order number one made of customer and time.

    Where there are products, the rows of one customer and time are one order, else each row is an order of its own.
    """
    missing = rows["order_id"].null_count
    if not missing:
        return rows
    ties = ", ".join(["ordered_at", "back", "quantity", "amount", *(n for n in NUMBERED_BY if n in optional)])
    moment = "customer_id, date_trunc('second', ordered_at)"
    number = f"|| '-' || row_number() OVER (PARTITION BY {moment}, order_id IS NULL ORDER BY {ties})"
    time = """CASE WHEN ordered_at = date_trunc('day', ordered_at) THEN strftime(ordered_at, '%Y%m%d')
              ELSE strftime(ordered_at, '%Y%m%dT%H%M%S') END"""
    made = f"customer_id || '-' || {time} {'' if 'product_id' in optional else number}"
    with cursor() as con:
        con.register("kept", rows.append_column("place", as_arrow(np.arange(rows.num_rows), pa.int64())))
        table = con.sql(
            f"SELECT place, coalesce(order_id, {made}) AS order_id FROM kept ORDER BY place"
        ).to_arrow_table()
    place = rows.column_names.index("order_id")
    return rows.set_column(place, "order_id", table["order_id"])


def without_later_cancellations(rows: pa.Table, *, until: int | None, now: datetime | None) -> pa.Table:
    """Return typed rows as they were known: without the cancellations after the day `until` or the moment `now`."""
    if "cancelled_at" not in rows.column_names:
        return rows
    time = as_numpy(rows["cancelled_at"])
    known = is_valid(rows["cancelled_at"]).copy()
    if until is not None:
        known &= time < (until + 1) * DAY_MICROSECONDS
    if now is not None:
        known &= time <= np.datetime64(now, "us").astype(np.int64)
    place = rows.column_names.index("cancelled_at")
    return rows.set_column(place, "cancelled_at", as_arrow(time, pa.timestamp("us"), valid=known))


def with_cancelled_at(kept: Kept) -> Kept:
    """Add, for each sale whose order says when it was cancelled, a line that undoes it at that time."""
    if "cancelled_at" not in kept.columns:
        return kept
    time = kept["cancelled_at"]
    sales = np.flatnonzero((time != NO_TIME) & ~kept["back"])
    both = {name: np.concatenate([values, values[sales]]) for name, values in kept.columns.items()}
    made = slice(len(kept), None)
    both["ordered_at"][made] = np.maximum(kept["ordered_at"][sales], time[sales])
    both["back"][made] = True
    both["quantity"][made] *= -1.0
    both["amount"][made] = 0.0 - both["amount"][made]
    both["twin"] = np.concatenate([np.full(len(kept), -1), sales])
    row = np.concatenate([kept.row, np.full(len(sales), -1)])
    keys = [both[name] for name in ("customer_id", "ordered_at", "order_id", "back")]
    order, _ = canonical_order([*keys, np.arange(len(row))])
    place = np.empty(len(row), dtype=np.int64)
    place[order] = np.arange(len(row))
    both["twin"] = np.where(both["twin"] >= 0, place[both["twin"]], -1)
    return replace(kept, row=row, columns=both).take(order)
