"""What each customer has bought: how often, how lately, how regularly, and when it is due again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from campaigns.products.goods import Goods, Purchases
from features.kernel.running import Bools, Floats, Ints

LEAST_GAPS = 5  # of a product, by all customers, before its usual gap counts
_GAP_PRIOR = 2.0  # gaps of the product that a customer's own gaps are mixed with
_TAKEN_BACK = 0.5  # from this share of the purchases on a product counts as returned often


@dataclass(frozen=True)
class Owned:
    """R pairs of customer and product, sorted so.

    times: days on which it was bought; weight: the same, each halved per half-life; last_days, first_days: days since;
    own_gap: mean days between purchases, NaN after one; product_gap: the product's median gap, NaN where too few are
    known; gap: the own one mixed with the product's; returned_often: taken back about as often as not.
    """

    customer: Ints
    product: Ints
    times: Ints
    weight: Floats
    last_days: Ints
    first_days: Ints
    own_gap: Floats
    product_gap: Floats
    gap: Floats
    returned_often: Bools

    @property
    def elapsed(self) -> Floats:
        """Days since the last purchase over the usual gap, NaN where no gap is known; 1 is due; (R,)."""
        return self.last_days / self.gap

    @staticmethod
    def of(goods: Goods, *, half_life_days: float) -> Owned:
        """Summarise the purchases of all customers."""
        bought = goods.purchases
        heads = bought.heads
        times = np.diff(np.append(heads, len(bought.day)))
        weight = np.add.reduceat(0.5 ** (bought.age / half_life_days), heads) if len(heads) else np.empty(0)
        first, last = bought.age[heads], bought.age[heads + times - 1]
        customer, product = bought.customer[heads], bought.product[heads]
        own = np.divide(first - last, times - 1, out=np.full(len(heads), np.nan), where=times > 1)
        usual = usual_gaps(bought)[product]
        back = _returned_often(goods, customer, product, times)
        return Owned(
            customer, product, times, weight, last, first, own, usual, _mixed(own, usual, times), back
        )


def usual_gaps(bought: Purchases) -> Floats:
    """Return each product's median days between two purchases of one customer, NaN below LEAST_GAPS gaps; (P,)."""
    same = (np.diff(bought.customer) == 0) & (np.diff(bought.product) == 0)
    gap, product = np.diff(bought.day)[same], bought.product[1:][same]
    order = np.lexsort((gap, product))
    gap, count = gap[order], np.bincount(product, minlength=bought.products)
    begin = np.cumsum(count) - count
    found = np.full(bought.products, np.nan)
    known = count >= LEAST_GAPS
    low, high = begin[known] + (count[known] - 1) // 2, begin[known] + count[known] // 2
    found[known] = (gap[low] + gap[high]) / 2
    return found


def _mixed(own: Floats, usual: Floats, times: Ints) -> Floats:
    """Return the own gap mixed with the product's; where only one is known, that one."""
    gaps = np.maximum(times - 1, 0)
    mixed = (gaps * np.nan_to_num(own) + _GAP_PRIOR * usual) / (gaps + _GAP_PRIOR)
    return np.maximum(np.where(np.isnan(usual), own, mixed), 1.0)


def _returned_often(goods: Goods, customer: Ints, product: Ints, times: Ints) -> Bools:
    """Return which pairs were taken back on at least half as many days as bought; (R,)."""
    back = goods.sales.returns
    known = back.product >= 0
    text = goods.sales.text("product_id")
    place = goods.places_of(text.values)
    at = np.append(place, -1)[back.product]
    known &= at >= 0
    pair, days = _days_of_pairs(back.customer[known] * len(goods) + at[known], back.day[known])
    mine = customer * len(goods) + product
    spot = np.minimum(np.searchsorted(pair, mine), max(len(pair) - 1, 0))
    if not len(pair):
        return np.zeros(len(mine), dtype=np.bool_)
    return (pair[spot] == mine) & (days[spot] >= _TAKEN_BACK * times)


def _days_of_pairs(pair: Ints, day: Ints) -> tuple[Ints, Ints]:
    """Return the pairs and on how many different days each stands."""
    different = np.unique(np.stack([pair, day]), axis=1)[0] if len(pair) else pair
    return np.unique(different, return_counts=True)
