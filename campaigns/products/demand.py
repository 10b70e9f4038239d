"""How much each product is asked for now: by everybody, by those who had never bought it; what is gone, what is new."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from campaigns.products.goods import Goods, distinct
from features.kernel.running import Bools, Floats, Ints

GONE_AFTER_DAYS = 60  # without a sale a product is taken for no longer sold, if it used to be sold more often
_GAPS = 3.0  # so many of its mean gaps between sale days must have passed
_LEAST_SALE_DAYS = 3  # to know that gap
NEW_FOR_DAYS = 60
OBSERVED_BEFORE_DAYS = 60  # so long must orders be known before a product can be called new
_BEST = 10  # of each category
_LEAST_BUYERS = 5  # in the last days, to be a bestseller


@dataclass(frozen=True)
class Demand:
    """The demand for P products on the as-of day.

    sold: purchases, newest count most; to_new_buyers: the same of first purchases; last_sale, first_sale: days; gone:
    not sold any more; new: on sale for NEW_FOR_DAYS at most; best: (P,) among the best of its category.
    """

    sold: Floats
    to_new_buyers: Floats
    first_sale: Ints
    last_sale: Ints
    gone: Bools
    new: Bools
    best: Bools

    @staticmethod
    def of(
        goods: Goods,
        *,
        half_life_days: float,
        new_half_life_days: float,
        gone_after_days: int = GONE_AFTER_DAYS,
    ) -> Demand:
        """Measure the demand; the half-lives say how fast an earlier purchase loses its weight."""
        bought, count = goods.purchases, len(goods)
        first = bought.heads
        sold = fading(bought.product, bought.age, half_life_days, count)
        fresh = fading(bought.product[first], bought.age[first], new_half_life_days, count)
        first_sale, last_sale, _ = sale_days(goods)
        gone = is_gone(goods, least_days=gone_after_days)
        return Demand(
            sold, fresh, first_sale, last_sale, gone, is_new(goods, first_sale), best_of(goods, sold, ~gone)
        )


def sale_days(goods: Goods) -> tuple[Ints, Ints, Ints]:
    """Return the first day with a sale of each product, the last one, and how many there are; (P,) each."""
    bought = goods.purchases
    low = int(bought.day.min())
    span = goods.as_of - low + 1
    product, day = np.divmod(distinct(bought.product * span + (bought.day - low)), span)
    heads = np.searchsorted(product, np.arange(len(goods)))
    count = np.diff(np.append(heads, len(product)))
    return day[heads] + low, day[heads + count - 1] + low, count


def is_gone(goods: Goods, *, least_days: int = GONE_AFTER_DAYS) -> Bools:
    """Return which products are no longer sold: silent for `least_days`, and for long by their own rhythm; (P,)."""
    first, last, count = sale_days(goods)
    gap = np.where(count >= _LEAST_SALE_DAYS, (last - first) / np.maximum(count - 1, 1), 0.0)
    return goods.as_of - last >= np.maximum(least_days, _GAPS * gap)


def fading(product: Ints, age: Ints, half_life_days: float, count: int) -> Floats:
    """Return how often each product stands there, each time halved per half-life of its age; (count,)."""
    return np.bincount(product, 0.5 ** (age / half_life_days), count).astype(np.float64)


def is_new(goods: Goods, first_sale: Ints) -> Bools:
    """Return which products were first sold in the last days, long enough after the first order of all; (P,)."""
    begin = int(goods.sales.day.min())
    late = first_sale > goods.as_of - NEW_FOR_DAYS
    return late & (first_sale - begin >= OBSERVED_BEFORE_DAYS)


def best_of(goods: Goods, sold: Floats, possible: Bools, *, best: int = _BEST) -> Bools:
    """Return the `best` products of each category by demand, if enough customers bought them lately; (P,)."""
    found = possible & (buyers_since(goods, goods.as_of - 30) >= _LEAST_BUYERS)
    rank = rank_in(goods.category, np.where(found, sold, -1.0))
    return found & (rank <= best)


def buyers_since(goods: Goods, day: int) -> Ints:
    """Return how many customers bought each product after a day; (P,)."""
    bought = goods.purchases
    late = bought.day > day
    pairs = distinct(bought.customer[late] * len(goods) + bought.product[late])
    return np.bincount(pairs % max(len(goods), 1), minlength=len(goods))


def rank_in(group: Ints, values: Floats) -> Ints:
    """Return the rank of each value in its group, 1 is the largest; ties by place; (n,)."""
    order = np.lexsort((np.arange(len(values)), -values, group))
    starts = np.searchsorted(group[order], group[order], side="left")
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order] = np.arange(len(values)) - starts + 1
    return ranks
