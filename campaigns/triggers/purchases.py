"""Products that a customer buys again and again: when each is due, as known at each purchase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from campaigns.sales import Sales
from campaigns.timing import MOST_VARIATION
from features.kernel.running import Ints

LEAST_PURCHASES = 3
# A product bought more often than this is bought with every visit: nobody needs to be reminded of it.
LEAST_GAP = 5


@dataclass(frozen=True)
class Due:
    """Purchases after which a product is due again. All (m,).

    customer: positions; product: places in text("product_id").values; due: the day; next_day: the day on which the
    customer bought it again, far ahead where that has not happened; times: purchase days of it until then.
    """

    customer: Ints
    product: Ints
    due: Ints
    next_day: Ints
    times: Ints


def due_again(sales: Sales) -> Due:
    """Return when products are due that a customer had bought on at least LEAST_PURCHASES days at regular gaps.

    Due is the purchase day and the mean gap until then; regular: the gaps spread by at most MOST_VARIATION of it.
    """
    products = sales.text("product_id")
    known = np.flatnonzero(products.codes >= 0)
    pair = sales.customer[known] * max(len(products.values), 1) + products.codes[known]
    rank = np.lexsort((sales.day[known], pair))
    pair, day = pair[rank], sales.day[known][rank]
    first = np.append(True, (np.diff(pair) != 0) | (np.diff(day) != 0))[: len(day)]
    return _regular(pair[first], day[first], products=max(len(products.values), 1))


def _regular(pair: Ints, day: Ints, *, products: int) -> Due:
    new = np.append(True, np.diff(pair) != 0)[: len(pair)]
    head = np.flatnonzero(new)
    at = np.repeat(head, np.diff(np.append(head, len(pair))))
    gaps = np.arange(len(pair)) - at
    # Days since the pair's first purchase are small whole numbers: these sums are exact.
    step = np.where(new, 0, np.diff(day, prepend=day[:1])).astype(np.float64)
    squares = np.cumsum(step**2)
    squares -= squares[at]
    mean = (day - day[at]) / np.maximum(gaps, 1)
    variance = np.maximum(squares - gaps * mean**2, 0.0) / np.maximum(gaps - 1, 1)
    chosen = (gaps >= LEAST_PURCHASES - 1) & (mean >= LEAST_GAP)
    chosen &= np.sqrt(variance) <= MOST_VARIATION * mean
    following = np.full(len(pair), np.iinfo(np.int64).max)
    same = np.flatnonzero(np.diff(pair) == 0)
    following[same] = day[same + 1]
    due = day + np.round(mean).astype(np.int64)
    return Due(
        pair[chosen] // products, pair[chosen] % products, due[chosen], following[chosen], gaps[chosen] + 1
    )
