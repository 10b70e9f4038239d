"""What each product is for, beside the others of its category: traffic, hot, profit, steady, long tail.

A product is judged by what its customers did in the last REACH_DAYS and in the last RECENT_DAYS against the same days
before, and compared with the judged products of its category:
- traffic: reach in the upper 40 % and first-basket share in the upper 25 %: it brings people in;
- hot: orders per week in the upper 20 %, and they do not fall behind those of the category;
- profit: margin in the upper 25 %, and it earns at least as much a week as the middle product;
- long_tail: too few orders to judge, or reach in the lower half and none of the three; steady: all others;
- gone: no longer sold (campaigns.products.demand.is_gone).
A product with several is what it stands highest in. Categories with few judged products use the whole shop's limits.
Without costs nothing is called profit, and the price level stands in for the margin in the table only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from campaigns.products.demand import is_gone
from campaigns.products.goods import WHOLE_SHOP, Goods
from campaigns.products.role_figures import Figures
from contracts.errors import ContractError, nearest
from features.kernel.buffers import as_arrow
from features.kernel.running import Bools, Floats

ROLES = ("traffic", "hot", "profit", "steady", "long_tail", "gone")
LEAST_PRODUCTS = 8  # judged products that a category needs for limits of its own
# The share of the judged products that lies below the limit.
LIMITS: Mapping[str, float] = {
    "reach": 0.6,
    "first_basket_share": 0.75,
    "orders_per_week": 0.8,
    "margin_share": 0.75,
    "margin_per_week": 0.5,
}
_LEAST_REACH = 0.5  # below this share of the judged: long tail
_LEAST_TREND = 1.0  # against the category's


@dataclass(frozen=True)
class Roles:
    """The roles of P products. role: (P,) places in ROLES; profit_known: whether any margin is known.

    own_limits: (P,) whether the product was compared with its own category; notes: what to know, in sentences.
    """

    goods: Goods
    figures: Figures
    role: np.ndarray
    own_limits: Bools
    notes: tuple[str, ...]

    @property
    def profit_known(self) -> bool:
        """Whether the margin of any product is known."""
        return bool(np.isfinite(self.figures.margin_share).any())

    def of(self, name: str) -> Bools:
        """Return which products have a role; (P,)."""
        if name not in ROLES:
            raise ContractError(f"there is no role '{name}'{nearest(name, ROLES)}")
        return self.role == ROLES.index(name)

    def table(self) -> pa.Table:
        """Return one row per product, by category, role and reach."""
        figures, goods = self.figures, self.goods
        order = np.lexsort((np.arange(len(goods)), -figures.reach, self.role, goods.category))
        names = pa.array(ROLES, pa.string())
        compared = np.where(self.own_limits, goods.category, len(goods.categories))
        where = pa.array([*goods.categories, WHOLE_SHOP], pa.string())
        columns = {
            "product_id": goods.ids,
            "category": goods.category_names(np.arange(len(goods))),
            "role": names.take(as_arrow(self.role.astype(np.int64), pa.int64())),
            **figures.columns(),
            "compared_with": where.take(as_arrow(compared.astype(np.int64), pa.int64())),
        }
        return pa.table(columns).take(as_arrow(order.astype(np.int64), pa.int64()))


def product_roles(goods: Goods) -> Roles:
    """Return the role of every product on the as-of day."""
    figures = Figures.of(goods)
    gone = is_gone(goods)
    judged = figures.judged & ~gone
    own = _own_limits(goods, judged)
    high = {name: _standing(goods, getattr(figures, name), judged, own) for name in LIMITS}
    strength = np.stack(
        [
            np.where(_at_least(high, "reach", "first_basket_share"), high["first_basket_share"], 0.0),
            np.where(
                _at_least(high, "orders_per_week") & (figures.trend_in_category >= _LEAST_TREND),
                high["orders_per_week"],
                0.0,
            ),
            np.where(_at_least(high, "margin_share", "margin_per_week"), high["margin_share"], 0.0),
        ]
    )
    strength[:, ~judged] = 0.0
    rest = np.where(judged & (high["reach"] >= _LEAST_REACH), ROLES.index("steady"), ROLES.index("long_tail"))
    role = np.where(strength.max(axis=0) > 0, strength.argmax(axis=0), rest)
    role = np.where(gone, ROLES.index("gone"), role)
    return Roles(goods, figures, role, own, _notes(goods, figures, judged, own))


def _own_limits(goods: Goods, judged: Bools) -> Bools:
    counts = np.bincount(goods.category[judged], minlength=len(goods.categories))
    return (counts >= LEAST_PRODUCTS)[goods.category]


def _standing(goods: Goods, values: Floats, judged: Bools, own: Bools) -> Floats:
    """Return the share of the judged products of the category (else of the shop) that lie below each value; (P,).

    Equal ones count half. NaN where the value is unknown; these are not compared with.
    """
    known = judged & np.isfinite(values)
    found = _share_below(np.sort(values[known]), values)
    for category in np.unique(goods.category[own]):
        inside = goods.category == category
        found[inside] = _share_below(np.sort(values[known & inside]), values[inside])
    return found


def _share_below(ordered: Floats, values: Floats) -> Floats:
    if not len(ordered):
        return np.full(len(values), np.nan)
    share = (
        (np.searchsorted(ordered, values) + np.searchsorted(ordered, values, side="right")) / 2 / len(ordered)
    )
    return np.where(np.isfinite(values), share, np.nan)


def _at_least(high: Mapping[str, Floats], *names: str) -> Bools:
    """Return which products stand above the limit in all of these; NaN does not."""
    return np.logical_and.reduce([high[name] > LIMITS[name] for name in names])


def _notes(goods: Goods, figures: Figures, judged: Bools, own: Bools) -> tuple[str, ...]:
    told = []
    if not goods.has_categories:
        told.append("The orders name no category: the whole shop is one. Give --products with category.")
    elif (~own).any():
        small = len(np.unique(goods.category[~own]))
        told.append(
            f"{small:,} of {len(goods.categories):,} categories have under {LEAST_PRODUCTS} products with enough "
            "orders; their products are compared with the whole shop."
        )
    if not np.isfinite(figures.margin_share).any():
        told.append(
            "No cost is known: which products are profit items is unknown; price_level (list price against the "
            "category's middle one) is no margin. Give --products with cost."
        )
    thin = int((~judged).sum())
    if thin:
        told.append(f"{thin:,} of {len(goods):,} products have too few orders to be judged, or are gone.")
    return tuple(told)
