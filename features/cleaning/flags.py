"""Flags of customers and lines that are no ordinary shoppers, each known from a day on, never before.

reseller        2,000 items or more within 30 days
bot             20 orders or more on one day
outlier_basket  a line's amount is more than 20 times the 99.9th percentile of all lines of earlier months

A flag only says so, unless the mapping says `reseller = "refuse"`: then the customer's rows from that day on
(of an outlier the one line) are refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.cleaning.kept import Kept
from features.cleaning.rules import CODES
from features.cleaning.sorting import Bools, Ints
from features.kernel.buffers import as_arrow

if TYPE_CHECKING:
    from features.cleaning.clean import Frame

RESELLER_ITEMS = 2000
RESELLER_DAYS = 30
BOT_ORDERS = 20
OUTLIER_TIMES = 20.0
OUTLIER_SHARE = 0.999
FLAGS = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("flag", pa.string(), nullable=False),
        pa.field("known_day", pa.int32(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),  # items, orders, or the amount
    ]
)
# (rows that show it, the value that did)
Found = tuple[Ints, NDArray[np.float64]]


def find_flags(kept: Kept, gone: Bools, frame: Frame) -> tuple[pa.Table, NDArray[np.int8]]:
    """Return the flags, and for each row the flag that refuses it, as a rule's code (0: none)."""
    refusing = np.zeros(len(kept), dtype=np.int8)
    tables = [FLAGS.empty_table()]
    sale = ~kept["back"] & ~gone
    finders: dict[str, Callable[[], Found]] = {
        "outlier_basket": lambda: _outliers(kept, sale, frame.high),
        "reseller": lambda: _resellers(kept, sale),
        "bot": lambda: _bots(kept, sale),
    }
    for name, find in finders.items():
        if not frame.rules.on(name):
            continue
        rows, values = find()
        if not len(rows):
            continue
        tables.append(_table(name, kept, rows, values))
        if frame.rules.refuses(name):
            refusing[(refusing == 0) & _concerned(name, kept, rows)] = CODES[name]
    return pa.concat_tables(tables), refusing


def _table(name: str, kept: Kept, rows: Ints, values: NDArray[np.float64]) -> pa.Table:
    ids = kept.ids("customer_id")[kept["customer_id"][rows]]
    columns = [
        pa.array(ids.tolist(), pa.string()),
        pa.array([name] * len(rows), pa.string()),
        as_arrow(kept.day[rows].astype(np.int32), pa.int32()),
        as_arrow(values, pa.float64()),
    ]
    return pa.table(columns, schema=FLAGS)


def _concerned(name: str, kept: Kept, rows: Ints) -> Bools:
    """Return the rows that a refusing flag takes away: the outlier itself, else all from the flag's day on."""
    if name == "outlier_basket":
        line = np.zeros(len(kept), dtype=bool)
        line[rows] = True
        return line
    since = np.full(len(kept.words["customer_id"]) + 1, np.iinfo(np.int64).max)
    since[kept["customer_id"][rows]] = kept.day[rows]
    return kept.day >= since[kept["customer_id"]]


def _outliers(kept: Kept, sale: Bools, high: dict[int, float]) -> Found:
    if not high or not sale.any():
        return np.empty(0, dtype=np.int64), np.empty(0)
    months = np.array(sorted(high))
    limits = np.array([high[month] for month in months])
    month = kept.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    place = np.searchsorted(months, month)
    known = (place < len(months)) & (months[np.minimum(place, len(months) - 1)] == month)
    limit = np.where(known, limits[np.minimum(place, len(months) - 1)], np.inf)
    rows = np.flatnonzero(sale & (kept["amount"] > limit))
    return rows, kept["amount"][rows]


def _resellers(kept: Kept, sale: Bools) -> Found:
    """Return, for each reseller, the row with which the last 30 days first reach 2,000 items."""
    customer = kept["customer_id"]
    items = np.where(sale, kept["quantity"], 0.0)
    total = np.bincount(customer, items, len(kept.words["customer_id"]) + 1)
    rows, values = [], []
    for one in np.flatnonzero(total >= RESELLER_ITEMS):
        first, end = np.searchsorted(customer, [one, one + 1])
        running = np.cumsum(items[first:end])
        days = kept.day[first:end]
        before = np.searchsorted(days, days - RESELLER_DAYS, "right")
        window = running - np.where(before > 0, running[np.maximum(before - 1, 0)], 0.0)
        reached = np.flatnonzero(window >= RESELLER_ITEMS)
        if len(reached):
            rows.append(first + reached[0])
            values.append(window[reached[0]])
    return np.array(rows, dtype=np.int64), np.array(values)


def _bots(kept: Kept, sale: Bools) -> Found:
    """Return, for each bot, the first row of the first day with 20 orders."""
    rows = np.flatnonzero(sale)
    customer, day, order = kept["customer_id"][rows], kept.day[rows], kept["order_id"][rows]
    new_day = np.ones(len(rows), dtype=bool)
    new_day[1:] = (np.diff(customer) != 0) | (np.diff(day) != 0)
    starts = np.flatnonzero(new_day)
    lines = np.diff(starts, append=len(rows))
    found, values, seen = [], [], -1
    for start, size in zip(starts[lines >= BOT_ORDERS], lines[lines >= BOT_ORDERS], strict=True):
        orders = len(np.unique(order[start : start + size]))
        if orders >= BOT_ORDERS and customer[start] != seen:
            seen = int(customer[start])
            found.append(rows[start])
            values.append(float(orders))
    return np.array(found, dtype=np.int64), np.array(values)
