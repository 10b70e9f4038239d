"""The first and the last basket, and what is known of the person."""

from __future__ import annotations

import sys

import numpy as np

from features.kernel.declaration import Catalog, feature
from features.kernel.past import Past, ratio
from features.kernel.running import Floats

YEARS_PER_BAND = 10.0


# ---------------------------------------------------------------- baskets; see also money, discounts, calendar
@feature("Items on the first order day.", unit="items", family="attributes")
def items_first(past: Past) -> Floats:
    return past.first("items")


@feature("Items on the last order day.", unit="items", family="attributes")
def items_last(past: Past) -> Floats:
    return past.last("items")


@feature("Order lines on the first order day.", unit="lines", family="attributes")
def lines_first(past: Past) -> Floats:
    return past.first("lines")


@feature("Order lines on the last order day.", unit="lines", family="attributes")
def lines_last(past: Past) -> Floats:
    return past.last("lines")


@feature("Share of order lines that were free.", unit="ratio", family="attributes")
def free_share(past: Past) -> Floats:
    return past.sum("free_lines") / past.sum("lines")


@feature("Amount per item on the first order day.", unit="currency", family="attributes")
def item_price_first(past: Past) -> Floats:
    return ratio(past.first("amount"), past.first("items"))


@feature("Products on the first order day.", unit="products", family="attributes", needs=("product_id",))
def products_first(past: Past) -> Floats:
    return past.first("new_products")


@feature("Categories on the first order day.", unit="categories", family="attributes", needs=("category",))
def categories_first(past: Past) -> Floats:
    return past.first("new_categories")


@feature("Discounted share of the first order day.", unit="ratio", family="attributes", needs=("discount",))
def discount_share_first(past: Past) -> Floats:
    discount = past.first("discount")
    return ratio(discount, past.first("amount") + discount)


@feature("Coupon used on the first order day.", unit="0 or 1", family="attributes", needs=("coupon",))
def coupon_first(past: Past) -> Floats:
    return past.first("coupon_days")


@feature(
    "First channel, as its place by number of customers.",
    unit="rank", family="attributes", needs=("channel",), needs_reference=("channel_rank",),
)  # fmt: skip
def channel_first_rank(past: Past) -> Floats:
    return past.reference("channel_rank", "channel", past.first_code("channel"))


# ---------------------------------------------------------------- the person
@feature("Age on the cutoff day.", unit="years", family="attributes", needs=("customers.age",))
def age(past: Past) -> Floats:
    return past.number("age")


@feature(
    "Age band: the age rounded down to tens.", unit="years", family="attributes", needs=("customers.age",)
)
def age_band(past: Past) -> Floats:
    return YEARS_PER_BAND * np.floor(age.compute(past) / YEARS_PER_BAND)


@feature(
    "Gender, as its place by number of customers.",
    unit="rank", family="attributes", needs=("customers.gender",), needs_reference=("gender_rank",),
)  # fmt: skip
def gender_rank(past: Past) -> Floats:
    return past.reference("gender_rank", "customers.gender", past.code("gender"))


@feature(
    "Region, as its place by number of customers.",
    unit="rank", family="attributes", needs=("customers.region",), needs_reference=("region_rank",),
)  # fmt: skip
def region_rank(past: Past) -> Floats:
    return past.reference("region_rank", "customers.region", past.code("region"))


@feature(
    "Device, as its place by number of customers.",
    unit="rank", family="attributes", needs=("customers.device",), needs_reference=("device_rank",),
)  # fmt: skip
def device_rank(past: Past) -> Floats:
    return past.reference("device_rank", "customers.device", past.code("device"))


@feature("Days since the sign-up.", unit="days", family="attributes", needs=("customers.signed_up_day",))
def days_since_signup(past: Past) -> Floats:
    since = past.day - past.number("signed_up_day")
    return np.where(since >= 0, since, np.nan)


@feature(
    "Days from the sign-up to the first order day, below 0 where the order came first.",
    unit="days", family="attributes", needs=("customers.signed_up_day",),
)  # fmt: skip
def signup_to_order_days(past: Past) -> Floats:
    return days_since_signup.compute(past) - (past.day - past.first_day())


@feature("Consent to e-mails.", unit="0 or 1", family="attributes", needs=("customers.consent_email",))
def consent_email(past: Past) -> Floats:
    return past.number("consent_email")


@feature("Consent to text messages.", unit="0 or 1", family="attributes", needs=("customers.consent_sms",))
def consent_sms(past: Past) -> Floats:
    return past.number("consent_sms")


@feature("Consent to push messages.", unit="0 or 1", family="attributes", needs=("customers.consent_push",))
def consent_push(past: Past) -> Floats:
    return past.number("consent_push")


FEATURES = Catalog.of_module(sys.modules[__name__])
