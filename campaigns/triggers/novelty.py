"""What is new for a customer: products first sold lately in the category that the customer buys most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from campaigns.sales import Sales
from features.kernel.running import Floats, Ints

LEAST_LINES, LEAST_SHARE, LATELY = 3, 0.4, 30


@dataclass(frozen=True)
class Novelty:
    """favourite: (n,) texts, '' for whoever has none; new: (n,) new products in it, NaN without one."""

    favourite: NDArray[Any]
    new: Floats

    @staticmethod
    def of(sales: Sales) -> Novelty:
        """Return what is new in the LATELY days up to as_of.

        New is a product whose first sale to anybody lies in those days, if the shop had sold for as long before.
        """
        categories = sales.text("category")
        favourite = favourites(sales.customer, categories.codes.astype(np.int64), customers=len(sales))
        new = _new_products(sales, len(categories.values))
        texts = np.append(np.array([text or "" for text in categories.texts], dtype=object), "")
        counts = np.append(new, np.nan)
        return Novelty(texts[favourite], counts[favourite])


def favourites(customer: Ints, category: Ints, *, customers: int) -> Ints:
    """Return each customer's most frequent category (the first one of equals), -1 below the minimum; (customers,)."""
    known = category >= 0
    number = int(category.max(initial=0)) + 1
    keys, counts = np.unique(customer[known] * number + category[known], return_counts=True)
    owner, place = keys // number, keys % number
    rank = np.lexsort((-place, counts, owner))
    last = rank[np.append(np.diff(owner[rank]) != 0, True)[: len(rank)]]
    lines = np.bincount(customer[known], minlength=customers)
    enough = (counts[last] >= LEAST_LINES) & (counts[last] >= LEAST_SHARE * lines[owner[last]])
    found = np.full(customers, -1)
    found[owner[last[enough]]] = place[last[enough]]
    return found


def _new_products(sales: Sales, categories: int) -> Floats:
    """Return how many products of each category are new; (categories,)."""
    product, category = sales.text("product_id"), sales.text("category").codes
    first = np.full(len(product.values), np.iinfo(np.int64).max)
    known = np.flatnonzero((product.codes >= 0) & (category >= 0))
    np.minimum.at(first, product.codes[known], sales.day[known])
    since = sales.as_of - LATELY
    if not len(known) or int(sales.day.min()) > since - LATELY:
        return np.full(categories, np.nan)
    newest = np.full(len(product.values), -1)
    newest[product.codes[known]] = category[known]
    fresh = (first > since) & (first <= sales.as_of) & (newest >= 0)
    return np.bincount(newest[fresh], minlength=categories).astype(np.float64)
