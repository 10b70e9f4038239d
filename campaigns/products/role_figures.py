"""The figures that product roles are judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from campaigns.products.demand import sale_days
from campaigns.products.goods import Goods, distinct
from features.kernel.buffers import as_arrow
from features.kernel.running import Bools, Floats, Ints

REACH_DAYS = 365
RECENT_DAYS = 56
LEAST_ORDERS = 20  # of a product within REACH_DAYS
_FIRST_PRIOR = 20.0  # orders of the category's share that a product's first-basket share is mixed with
_TREND_PRIOR = 5.0  # orders added to both spans
_LEAST_COSTED = 0.5  # share of a product's amount whose cost must be known
_WEEK = 7.0


@dataclass(frozen=True)
class Figures:
    """Figures of P products; windows end on the as-of day.

    reach: customers, orders: orders that held it, both within REACH_DAYS; first_basket_share: share of those orders
    that were on the customer's first order day, mixed with the category's; orders_per_week: within RECENT_DAYS; trend:
    the same against the RECENT_DAYS before, each with _TREND_PRIOR orders added; trend_in_category: over the
    category's; margin_share: (amount - cost) / amount where the cost is known, else NaN; margin_per_week: currency,
    within REACH_DAYS; price_level: price before discount per piece over the category's median product.
    """

    reach: Ints
    orders: Ints
    first_basket_share: Floats
    orders_per_week: Floats
    trend: Floats
    trend_in_category: Floats
    margin_share: Floats
    margin_per_week: Floats
    price_level: Floats
    days_since_sale: Ints

    @property
    def judged(self) -> Bools:
        """Which products have enough orders to be judged; (P,)."""
        return self.orders >= LEAST_ORDERS

    @staticmethod
    def of(goods: Goods) -> Figures:
        """Compute the figures."""
        orders, first = _orders(goods)
        trend, in_category, per_week = _trend(goods)
        margin, earned = _margin(goods)
        _, last, _ = sale_days(goods)
        return Figures(
            _reach(goods), orders, first, per_week, trend, in_category, margin, earned, _price_level(goods),
            goods.as_of - last,
        )  # fmt: skip

    def columns(self) -> dict[str, pa.Array]:
        """Return the figures as columns; what is unknown is null."""
        found = {}
        for name, values in vars(self).items():
            whole = values.dtype.kind == "i"
            kind = pa.int64() if whole else pa.float64()
            found[name] = as_arrow(values, kind, valid=None if whole else np.isfinite(values))
        return found


def _reach(goods: Goods) -> Ints:
    bought = goods.purchases
    late = bought.day > goods.as_of - REACH_DAYS
    pairs = distinct(bought.customer[late] * len(goods) + bought.product[late])
    return np.bincount(pairs % len(goods), minlength=len(goods))


def _orders(goods: Goods) -> tuple[Ints, Floats]:
    """Return each product's orders, and the share of them on a first order day, mixed with the category's."""
    order, product = goods.in_orders
    made = goods.sales.orders
    late = made.day[order] > goods.as_of - REACH_DAYS
    order, product = order[late], product[late]
    first = made.day[order] == goods.sales.first_day[made.customer[order]]
    orders = np.bincount(product, minlength=len(goods))
    firsts = np.bincount(product, first, minlength=len(goods))
    usual = _by_category(goods, firsts) / np.maximum(_by_category(goods, orders), 1)
    share = (firsts + _FIRST_PRIOR * usual[goods.category]) / (orders + _FIRST_PRIOR)
    return orders, share


def _trend(goods: Goods) -> tuple[Floats, Floats, Floats]:
    """Return the trend, the trend against the category's, and the orders per week."""
    order, product = goods.in_orders
    age = goods.as_of - goods.sales.orders.day[order]
    now = np.bincount(product[age < RECENT_DAYS], minlength=len(goods)).astype(np.float64)
    earlier = (age >= RECENT_DAYS) & (age < 2 * RECENT_DAYS)
    then = np.bincount(product[earlier], minlength=len(goods)).astype(np.float64)
    trend = (now + _TREND_PRIOR) / (then + _TREND_PRIOR)
    usual = (_by_category(goods, now) + _TREND_PRIOR) / (_by_category(goods, then) + _TREND_PRIOR)
    return trend, trend / usual[goods.category], now * _WEEK / RECENT_DAYS


def _margin(goods: Goods) -> tuple[Floats, Floats]:
    """Return the margin as a share of the amount, and per week; NaN where too little cost is known."""
    unknown = np.full(len(goods), np.nan)
    if "cost" not in goods.sales.optional:
        return unknown, unknown
    at = goods.named[goods.sales.day[goods.named] > goods.as_of - REACH_DAYS]
    product, amount = goods.product[at], goods.sales.amount[at]
    cost = goods.sales.number("cost")[at]
    known = np.isfinite(cost)
    paid, spent = (_total(product[known], values[known], len(goods)) for values in (amount, cost))
    enough = (paid > 0) & (paid >= _LEAST_COSTED * _total(product, amount, len(goods)))
    share = np.divide(paid - spent, paid, out=unknown.copy(), where=enough)
    weeks = min(REACH_DAYS, goods.as_of - int(goods.sales.day.min()) + 1) / _WEEK
    return share, np.where(enough, (paid - spent) / weeks, np.nan)


def _price_level(goods: Goods) -> Floats:
    """Return the price per piece before discount over that of the category's middle product; NaN without a price."""
    sales = goods.sales
    at = goods.named[sales.day[goods.named] > goods.as_of - REACH_DAYS]
    paid = sales.amount[at]
    if "discount" in sales.optional:
        paid = paid + np.nan_to_num(sales.number("discount")[at])
    pieces = _total(goods.product[at], sales.quantity[at], len(goods))
    money = _total(goods.product[at], paid, len(goods))
    price = np.divide(money, pieces, out=np.full(len(goods), np.nan), where=(pieces > 0) & (money > 0))
    middle = np.full(len(goods.categories), np.nan)
    for category in np.unique(goods.category):
        known = price[(goods.category == category) & np.isfinite(price)]
        middle[category] = np.median(known) if len(known) else np.nan
    return price / middle[goods.category]


def _by_category(goods: Goods, values: Ints | Floats) -> Floats:
    return _total(goods.category, values, len(goods.categories))


def _total(group: Ints, values: Ints | Floats, count: int) -> Floats:
    return np.bincount(group, values, minlength=count).astype(np.float64)
