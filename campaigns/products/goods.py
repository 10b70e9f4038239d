"""Which products customers bought, in which category, and on which days."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.sales import Sales
from contracts.errors import DataError
from features.kernel.buffers import as_arrow, filled, places_among
from features.kernel.running import Bools, Ints

WHOLE_SHOP = "whole shop"
NO_CATEGORY = "no category"


@dataclass(frozen=True)
class Purchases:
    """M rows (customer, product, day), each once, sorted so. customer: of `customers`; product: of `products`."""

    customers: int
    products: int
    as_of: int
    customer: Ints
    product: Ints
    day: Ints

    @cached_property
    def age(self) -> Ints:
        """Days from each purchase to the as-of day; (M,)."""
        return self.as_of - self.day

    @cached_property
    def heads(self) -> Ints:
        """The first row of each pair of customer and product."""
        new = (np.diff(self.customer) != 0) | (np.diff(self.product) != 0)
        return np.flatnonzero(np.append(True, new)[: len(self.day)])


@dataclass(frozen=True)
class Goods:
    """The P products that were sold by the end of a day.

    ids: (P,) text, ascending; product: (N,) the product of each line of `sales`, -1 unknown; category: (P,) places in
    `categories`. Without categories the whole shop is one.
    """

    sales: Sales
    ids: pa.Array
    product: Ints
    category: Ints
    categories: tuple[str, ...]

    @staticmethod
    def of(sales: Sales) -> Goods:
        """Find the products of these sales; DataError if the order lines name none."""
        require_products(sales)
        text = sales.text("product_id")
        sold = np.unique(text.codes[text.codes >= 0]).astype(np.int64)
        found = text.values.take(as_arrow(sold, pa.int64())).cast(pa.string())
        rank = filled(pc.array_sort_indices(found).cast(pa.int64()), np.int64(-1))
        place = np.full(len(text.values) + 1, -1, dtype=np.int64)
        place[sold[rank]] = np.arange(len(sold))
        product = place[text.codes]
        category, categories = _categories(sales, product, len(sold))
        return Goods(sales, found.take(as_arrow(rank, pa.int64())), product, category, categories)

    @property
    def as_of(self) -> int:
        """The day."""
        return self.sales.as_of

    @property
    def has_categories(self) -> bool:
        """Whether the shop names categories."""
        return self.categories != (WHOLE_SHOP,)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def named(self) -> Ints:
        """The lines that name their product."""
        return np.flatnonzero(self.product >= 0)

    @cached_property
    def purchases(self) -> Purchases:
        """Who bought what on which days."""
        sales, at = self.sales, self.named
        low = int(sales.day.min(initial=self.as_of))
        span = self.as_of - low + 1
        key = (sales.customer[at] * len(self) + self.product[at]) * span + (sales.day[at] - low)
        key = distinct(key)
        pair, day = np.divmod(key, span)
        customer, product = np.divmod(pair, max(len(self), 1))
        return Purchases(len(sales), len(self), self.as_of, customer, product, day + low)

    @cached_property
    def in_orders(self) -> tuple[Ints, Ints]:
        """Which products each order held: order and product, each pair once, sorted."""
        key = distinct(self.sales.order[self.named] * len(self) + self.product[self.named])
        order, product = np.divmod(key, max(len(self), 1))
        return order, product

    def places_of(self, ids: pa.Array) -> Ints:
        """Return the places of these product ids, -1 where one was never sold."""
        return places_among(ids, self.ids)

    def category_names(self, products: Ints) -> pa.Array:
        """Return the names of the categories of these products."""
        names = pa.array(list(self.categories), pa.string())
        return names.take(as_arrow(self.category[products], pa.int64()))


def require_products(sales: Sales) -> None:
    """Raise DataError if no order line names its product."""
    if "product_id" not in sales.optional:
        raise DataError(
            'the orders have no column product_id. Name it in the mapping (product_id = "…"), or give order lines '
            "rather than totals; roles, lists and next products need it."
        )
    if not len(sales.day) or sales.text("product_id").codes.max() < 0:
        raise DataError("the column product_id is empty on every order line. Fill it, or map another column.")


def distinct(keys: Ints) -> Ints:
    """Return the different keys, ascending; keys that nearly ascend already are quick."""
    ordered = np.sort(keys, kind="stable")
    return ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]


def among(keys: Ints, wanted: Ints) -> Bools:
    """Return which of `wanted` are among ascending keys."""
    if not len(keys):
        return np.zeros(len(wanted), dtype=np.bool_)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return keys[at] == wanted


def without(places: Ints, count: int) -> Bools:
    """Return which of `count` are not at these places; places below 0 are none."""
    kept = np.ones(count, dtype=np.bool_)
    kept[places[places >= 0]] = False
    return kept


def _categories(sales: Sales, product: Ints, count: int) -> tuple[Ints, tuple[str, ...]]:
    """Return the category that each product's lines name most often (ties: the first by name), and the names."""
    if "category" not in sales.optional or sales.text("category").codes.max(initial=-1) < 0:
        return np.zeros(count, dtype=np.int64), (WHOLE_SHOP,)
    text = sales.text("category")
    words = [str(one) for one in text.texts]
    names = sorted({words[code] for code in np.unique(text.codes[text.codes >= 0])})
    place = {name: at for at, name in enumerate(names)}
    moved = np.array([*(place.get(word, -1) for word in words), -1], dtype=np.int64)
    code = moved[text.codes]
    known = (product >= 0) & (code >= 0)
    pair, lines = np.unique(product[known] * len(names) + code[known], return_counts=True)
    of_product, category = np.divmod(pair, len(names))
    order = np.lexsort((category, -lines, of_product))
    first = np.unique(of_product[order], return_index=True)[1]
    found = np.full(count, -1, dtype=np.int64)
    found[of_product[order][first]] = category[order][first]
    if (found >= 0).all():
        return found, tuple(names)
    found[found < 0] = len(names)
    return found, (*names, NO_CATEGORY)
