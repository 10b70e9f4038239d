"""Cancellations, known at their own time: which earlier sale line a returned line undoes.

For each returned line, in time order, the latest sale line of the same customer, product, unit price and
number of pieces that is not later and not yet undone is cancelled by it. Where there is no product, the
same amount serves. Whatever finds no such line is a partial return or one without a sale, and only takes
its money back. What is matched up to a day depends on nothing after it.
"""

from __future__ import annotations

import duckdb
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def match_returns(con: duckdb.DuckDBPyConnection, *, by_product: bool, by_price: bool) -> tuple[Rows, Rows]:
    """Return (rows of returns, rows of the sales they undo) of table `lines`, by row number, pair by pair."""
    if not by_product:
        key = ["customer_id", "abs(amount)"]
    else:
        key = ["customer_id", "product_id", "abs(quantity)", *(["unit_price"] if by_price else [])]
    names = [f"k{i}" for i in range(len(key))]
    keyed = ", ".join(f"{part} AS {name}" for part, name in zip(key, names, strict=True))
    ranked = ", ".join(f"wanted.{name}" for name in names)
    same = " AND ".join(f"wanted.{name} IS NOT DISTINCT FROM keyed.{name}" for name in names)
    found = con.execute(
        f"""WITH keyed AS (SELECT rowid AS place, ordered_at, order_id, line, returned, {keyed} FROM lines),
            wanted AS (SELECT DISTINCT {", ".join(names)} FROM keyed WHERE returned)
            SELECT place, returned, dense_rank() OVER (ORDER BY {ranked}) AS key
            FROM keyed JOIN wanted ON {same}
            ORDER BY key, ordered_at, returned, order_id, line"""
    ).fetchnumpy()
    return _pair(found["key"], found["place"], found["returned"])


def _pair(key: Rows, place: Rows, returned: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Walk through each key's rows in time order; the latest open sale is on top of the stack."""
    returns: list[int] = []
    sales: list[int] = []
    open_sales: list[int] = []
    current = -1
    for group, row, is_return in zip(key.tolist(), place.tolist(), returned.tolist(), strict=True):
        if group != current:
            current, open_sales = group, []
        if not is_return:
            open_sales.append(row)
        elif open_sales:
            returns.append(row)
            sales.append(open_sales.pop())
    return np.array(returns, dtype=np.int64), np.array(sales, dtype=np.int64)
