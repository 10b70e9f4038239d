"""The categories that a customer buys more often than the shop's customers do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from campaigns.sales import Sales
from campaigns.screening.settings import Settings
from features.kernel.buffers import as_arrow
from features.kernel.running import Floats, Ints


@dataclass(frozen=True)
class Interests:
    """I interests by customer, the strongest first. customer, category: (I,) places; orders: with the category.

    lift: the shrunk share of the customer's orders with the category, to the share of all orders with it.
    categories: the names.
    """

    customer: Ints
    category: Ints
    orders: Ints
    lift: Floats
    categories: pa.Array

    def names(self, count: int) -> pa.Array:
        """Return the names per customer as lists; (count,)."""
        ends = np.searchsorted(self.customer, np.arange(count + 1)).astype(np.int32)
        return pa.ListArray.from_arrays(as_arrow(ends, pa.int32()), self._named())

    def first(self, count: int) -> pa.Array:
        """Return the strongest one per customer, null for none; (count,)."""
        begin = np.searchsorted(self.customer, np.arange(count + 1))
        has = np.diff(begin) > 0
        at = np.where(has, begin[:-1], 0).astype(np.int64)
        return self._named().take(as_arrow(at, pa.int64(), valid=has))

    def _named(self) -> pa.Array:
        return self.categories.take(as_arrow(self.category, pa.int64()))


def interests_of(sales: Sales, *, settings: Settings | None = None) -> Interests | None:
    """Return the customers' interests; None if the orders have no categories.

    Of a customer's n orders, c have the category; the shop's share of orders with it is s. The share is shrunk to
    (c + k·s) / (n + k), its ratio to s is the lift. Interests have at least `interest_orders` orders and
    `interest_lift`; the strongest have the most orders beyond what the shop's share says, c·log(lift).
    """
    if "category" not in sales.optional:
        return None
    limits = (settings or Settings.ours()).limits
    text = sales.text("category")
    known, span = text.codes >= 0, len(text.values) + 1
    pairs = np.unique(sales.order[known] * span + text.codes[known])
    order, category = pairs // span, pairs % span
    customer = sales.orders.customer[order]
    share = np.bincount(category, minlength=span) / max(len(sales.orders.customer), 1)
    keys, with_it = np.unique(customer * span + category, return_counts=True)
    customer, category = keys // span, keys % span
    weight, n = limits["interest_weight"], np.bincount(sales.orders.customer, minlength=len(sales))[customer]
    lift = (with_it + weight * share[category]) / (n + weight) / share[category]
    holds = (with_it >= limits["interest_orders"]) & (lift >= limits["interest_lift"])
    customer, category, with_it, lift = customer[holds], category[holds], with_it[holds], lift[holds]
    rank = np.lexsort((category, -with_it * np.log(lift), customer))
    rank = rank[_place_in(customer[rank]) < limits["interests"]]
    return Interests(customer[rank], category[rank], with_it[rank], lift[rank], text.values.cast(pa.string()))


def _place_in(group: Ints) -> Ints:
    """Return 0, 1, 2 … inside each run of equal numbers."""
    new = np.append(True, np.diff(group) != 0)[: len(group)]
    heads = np.flatnonzero(new)
    return np.arange(len(group)) - heads[np.cumsum(new) - 1] if len(group) else np.empty(0, dtype=np.int64)
