"""Small shops for the diagnosis, and the two real ones as plain rows of order days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from campaigns.sales import Sales
from experiments.data_sets import cdnow_file
from features.kernel.history import History
from features.orders import read_orders
from tests.features.shops import Row, history_of, line

RETAIL = Path(__file__).parents[4] / "shared/data/online_retail_ii/transactions.parquet"
SHOPS = [
    "cdnow",
    pytest.param(
        "retail", marks=pytest.mark.skipif(not RETAIL.exists(), reason="Online Retail II is not at hand")
    ),
]


def sales_of(orders: Mapping[str, Sequence[int]], as_of: int, **rest: object) -> Sales:
    """Return the sales of customers who each ordered for 10 on some days."""
    rows = [line(who, f"{who}{day}", day, 10.0, **rest) for who, days in orders.items() for day in days]
    return sales_of_rows(rows, as_of)


def sales_of_rows(rows: Sequence[Row], as_of: int) -> Sales:
    """Return the sales of order lines."""
    return Sales.of(history_of(rows), as_of)


def many(count: int, *days: int, name: str = "x") -> dict[str, Sequence[int]]:
    """Return `count` customers who all ordered on the same days."""
    return {f"{name}{number:03d}": days for number in range(count)}


@cache
def _lines(shop: str) -> pa.Table:
    return read_orders(cdnow_file() if shop == "cdnow" else RETAIL).lines


@cache
def real(shop: str) -> Sales:
    """Return the sales of a real shop as known at its end."""
    history = History.from_lines(_lines(shop))
    return Sales.of(history, history.last_order_day)


@cache
def order_days(shop: str) -> dict[str, list[int]]:
    """Return each customer's order days, from the cleaned lines by plain loops."""
    lines = _lines(shop)
    as_of = real(shop).as_of
    lost = pc.less_equal(lines["cancelled_day"], as_of).fill_null(False)
    lines = lines.filter(pc.and_(pc.greater(lines["quantity"], 0), pc.invert(lost)))
    days: dict[str, set[int]] = {}
    for who, day in zip(lines["customer_id"].to_pylist(), lines["day"].to_pylist(), strict=True):
        days.setdefault(who, set()).add(day)
    return {who: sorted(found) for who, found in days.items()}
