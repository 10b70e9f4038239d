"""How much of what the customer buys is discounted, and how often a coupon is used."""

from __future__ import annotations

import sys

from features.kernel.declaration import Catalog, feature
from features.kernel.past import Past, ratio
from features.kernel.running import Floats


@feature(
    "Share of spend that was discounted, all time.", unit="ratio", family="discounts", needs=("discount",)
)
def discount_share(past: Past) -> Floats:
    return ratio(past.sum("discount"), past.sum("sales") + past.sum("discount"))


@feature(
    "Share of spend that was discounted, last 90 days.", unit="ratio", family="discounts", needs=("discount",)
)
def discount_share_90d(past: Past) -> Floats:
    discount = past.sum("discount", days=90)
    return ratio(discount, past.sum("sales", days=90) + discount)


@feature("Discounted share of the last 90 days less that of all time.", unit="ratio", family="discounts",
         needs=("discount",))  # fmt: skip
def discount_trend(past: Past) -> Floats:
    return discount_share_90d.compute(past) - discount_share.compute(past)


@feature("Share of order lines with a discount.", unit="ratio", family="discounts", needs=("discount",))
def discounted_lines_share(past: Past) -> Floats:
    return past.sum("discounted_lines") / past.sum("lines")


@feature("Share of order days with a discount.", unit="ratio", family="discounts", needs=("discount",))
def discount_day_share(past: Past) -> Floats:
    return past.sum("order_days.discount_days") / past.count_days()


@feature("Discounted share of the last order day.", unit="ratio", family="discounts", needs=("discount",))
def discount_last(past: Past) -> Floats:
    discount = past.last("discount")
    return ratio(discount, past.last("amount") + discount)


@feature("Days since something was last discounted.", unit="days", family="discounts", needs=("discount",))
def days_since_discount(past: Past) -> Floats:
    return past.day - past.last_day_of("discounted_lines")


@feature("Share of order lines with a coupon.", unit="ratio", family="discounts", needs=("coupon",))
def coupon_share(past: Past) -> Floats:
    return past.sum("coupon_lines") / past.sum("lines")


@feature(
    "Share of order lines with a coupon, last 90 days.", unit="ratio", family="discounts", needs=("coupon",)
)
def coupon_share_90d(past: Past) -> Floats:
    return ratio(past.sum("coupon_lines", days=90), past.sum("lines", days=90))


@feature("Share of order days with a coupon.", unit="ratio", family="discounts", needs=("coupon",))
def coupon_day_share(past: Past) -> Floats:
    return past.sum("order_days.coupon_days") / past.count_days()


@feature("Days since a coupon was last used.", unit="days", family="discounts", needs=("coupon",))
def days_since_coupon(past: Past) -> Floats:
    return past.day - past.last_day_of("coupon_lines")


@feature("Distinct coupons used.", unit="coupons", family="discounts", needs=("coupon",))
def coupons(past: Past) -> Floats:
    return past.sum("new_coupons")


FEATURES = Catalog.of_module(sys.modules[__name__])
