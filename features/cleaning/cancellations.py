"""Cancellations, known at their own time: which earlier sale line a returned line undoes.

For each returned line, in time order, the latest sale line of the same customer, product, unit price and
number of pieces that is not later and not yet undone is cancelled by it. Where there is no product, the
same amount serves. Whatever finds no such line is a partial return or one without a sale, and only takes
its money back. What is matched up to a day depends on nothing after it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.cleaning.sorting import canonical_order

Rows = NDArray[np.int64]
Bools = NDArray[np.bool_]


def match_returns(
    *, customer: Rows, time: Rows, returned: Bools, alike: Sequence[NDArray[Any]]
) -> tuple[Rows, Rows]:
    """Return (rows of returns, rows of the sales they undo), pair by pair; rows stand in canonical order.

    customer, time (microseconds), returned: (n,). alike: the (n,) columns in which a return equals its sale.
    """
    some = np.flatnonzero(_with_returns(customer, returned)[customer])
    keys = [customer[some], *(column[some] for column in alike)]
    order, same = canonical_order(keys)
    group = np.cumsum(~same)
    wanted = np.zeros(len(group) + 1, dtype=bool)
    wanted[group[returned[some[order]]]] = True
    rows = some[order][wanted[group]]
    group = group[wanted[group]]
    in_time, _ = canonical_order([group, time[rows], returned[rows], rows])
    rows, group = rows[in_time], group[in_time]
    return _pair(group, rows, returned[rows])


def _with_returns(customer: Rows, returned: Bools) -> Bools:
    found = np.zeros(int(customer.max()) + 1 if len(customer) else 0, dtype=bool)
    found[customer[returned]] = True
    return found


def _pair(key: NDArray[Any], place: Rows, returned: Bools) -> tuple[Rows, Rows]:
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
