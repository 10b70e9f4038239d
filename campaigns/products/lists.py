"""Two lists: what is new, and what sells best."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campaigns.products.demand import (
    NEW_FOR_DAYS,
    OBSERVED_BEFORE_DAYS,
    Demand,
    buyers_since,
    rank_in,
)
from campaigns.products.goods import WHOLE_SHOP, Goods
from contracts.days import to_date
from features.kernel.buffers import as_arrow
from features.kernel.running import Bools, Floats, Ints

LAST_DAYS = 30


def new_products(goods: Goods, demand: Demand) -> pa.Table:
    """Return the products first sold in the last NEW_FOR_DAYS, those with the most customers per week first.

    Empty while orders are known for less than OBSERVED_BEFORE_DAYS before: then nobody can tell what is new.
    """
    at = np.flatnonzero(demand.new & ~demand.gone)
    customers = buyers_since(goods, goods.as_of - NEW_FOR_DAYS)[at]
    days = goods.as_of - demand.first_sale[at] + 1
    per_week = customers * 7.0 / np.maximum(days, 7)
    rank = np.lexsort((at, -per_week))
    table = pa.table(
        {
            **_names(goods, at),
            "first_sold": as_arrow(demand.first_sale[at].astype(np.int32), pa.date32()),
            "days_on_sale": as_arrow(days, pa.int64()),
            "customers": as_arrow(customers, pa.int64()),
            "customers_per_week": as_arrow(per_week, pa.float64()),
        }
    ).take(as_arrow(rank.astype(np.int64), pa.int64()))
    return table.add_column(0, "rank", as_arrow(np.arange(1, len(at) + 1), pa.int64()))


def new_products_note(goods: Goods) -> str | None:
    """Say why nothing can be called new, if so."""
    begin = int(goods.sales.day.min())
    if goods.as_of - begin >= OBSERVED_BEFORE_DAYS:
        return None
    return (
        f"Orders are known from {to_date(begin)} on only: what is new cannot be told before "
        f"{to_date(begin + OBSERVED_BEFORE_DAYS)}."
    )


def bestsellers(goods: Goods, demand: Demand, *, most: int = 20) -> pa.Table:
    """Return the first `most` products of the whole shop, then of each category, by customers of the last 30 days.

    Ties: by orders of those days, then by id. amount: currency, of those days.
    """
    customers = buyers_since(goods, goods.as_of - LAST_DAYS)
    orders, amount = _recent(goods)
    by = customers + orders / (orders.max(initial=0) + 1.0)
    possible = (customers > 0) & ~demand.gone
    parts = [_ranked(goods, np.zeros(len(goods), dtype=np.int64), by, possible, most)]
    if goods.has_categories:
        parts.append(_ranked(goods, goods.category, by, possible, most))
    at = np.concatenate([at for at, _ in parts])
    rank = np.concatenate([rank for _, rank in parts])
    scope = pa.concat_arrays(
        [
            pa.repeat(pa.scalar(WHOLE_SHOP), len(parts[0][0])),
            *(goods.category_names(at) for at, _ in parts[1:]),
        ]
    )
    return pa.table(
        {
            "list": scope,
            "rank": as_arrow(rank, pa.int64()),
            **_names(goods, at),
            "customers_30d": as_arrow(customers[at], pa.int64()),
            "orders_30d": as_arrow(orders[at].astype(np.int64), pa.int64()),
            "amount_30d": as_arrow(amount[at], pa.float64()),
        }
    )


def _ranked(goods: Goods, group: Ints, by: Floats, possible: Bools, most: int) -> tuple[Ints, Ints]:
    """Return the best products of each group, group by group, and their ranks."""
    rank = rank_in(group, np.where(possible, by, -1.0))
    at = np.flatnonzero(possible & (rank <= most))
    at = at[np.lexsort((rank[at], group[at]))]
    return at, rank[at]


def _recent(goods: Goods) -> tuple[Floats, Floats]:
    """Return the orders and the amount of each product in the last days; (P,) each."""
    order, product = goods.in_orders
    late = goods.sales.orders.day[order] > goods.as_of - LAST_DAYS
    orders = np.bincount(product[late], minlength=len(goods)).astype(np.float64)
    at = goods.named[goods.sales.day[goods.named] > goods.as_of - LAST_DAYS]
    return orders, np.bincount(goods.product[at], goods.sales.amount[at], len(goods)).astype(np.float64)


def _names(goods: Goods, at: Ints) -> dict[str, pa.Array]:
    return {
        "product_id": goods.ids.take(as_arrow(at.astype(np.int64), pa.int64())),
        "category": goods.category_names(at),
    }
