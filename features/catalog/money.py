"""What the customer spends: amounts, spreads, trends, margin; in the shop's currency."""

from __future__ import annotations

import sys

import numpy as np

from features.catalog.btyd import monetary_value, tenure
from features.catalog.orders import EARLIER_WEEKS, WINDOWS
from features.kernel.declaration import Catalog, Feature, feature
from features.kernel.past import Past, ratio
from features.kernel.running import Floats


@feature("Amount less returns, all time.", unit="currency", family="money")
def spend(past: Past) -> Floats:
    return past.sum("net")


@feature("Amount less returns per 30 days of tenure.", unit="currency", family="money")
def spend_rate(past: Past) -> Floats:
    return 30.0 * past.sum("net") / (tenure.compute(past) + 30.0)


@feature("Amount per order.", unit="currency", family="money")
def order_value(past: Past) -> Floats:
    return past.sum("sales") / past.count()


@feature("Amount per item.", unit="currency", family="money")
def item_price(past: Past) -> Floats:
    return ratio(past.sum("sales"), past.sum("items"))


@feature("Mean logarithm of one plus the amount of an order day.", unit="log currency", family="money")
def amount_log_mean(past: Past) -> Floats:
    return past.sum("order_days.log_amount") / past.count_days()


@feature("Standard deviation of the amount of an order day.", unit="currency", family="money")
def amount_deviation(past: Past) -> Floats:
    days = past.count_days()
    mean = past.sum("order_days.off") / days
    square = past.sum("order_days.off_squared") / days
    return np.where(days >= 2, np.sqrt(np.maximum(square - mean * mean, 0.0)), np.nan)


@feature("Largest amount of an order day.", unit="currency", family="money")
def amount_largest(past: Past) -> Floats:
    return past.max("amount")


@feature("Amount of the last order day.", unit="currency", family="money")
def amount_last(past: Past) -> Floats:
    return past.last("amount")


@feature("Amount of the first order day.", unit="currency", family="money")
def amount_first(past: Past) -> Floats:
    return past.first("amount")


@feature("Amount of the last order day over the mean.", unit="ratio", family="money")
def amount_last_share(past: Past) -> Floats:
    return ratio(past.last("amount"), monetary_value.compute(past))


@feature("Spend in the last 90 days less spend in the 90 days before.", unit="currency", family="money")
def spend_trend_90d(past: Past) -> Floats:
    return past.sum("net", days=90) - past.sum("net", days=90, before=90)


@feature("Amount of the order day before the last.", unit="currency", family="money")
def amount_before_last(past: Past) -> Floats:
    return past.last("amount", back=1)


@feature("Deviation of the amount of an order day over its mean.", unit="ratio", family="money")
def amount_variation(past: Past) -> Floats:
    return ratio(amount_deviation.compute(past), monetary_value.compute(past))


@feature("Share of all spend that fell in the last 90 days.", unit="ratio", family="money")
def spend_share_90d(past: Past) -> Floats:
    return ratio(past.sum("sales", days=90), past.sum("sales"))


@feature("Amount per order in the last 90 days.", unit="currency", family="money")
def order_value_90d(past: Past) -> Floats:
    return ratio(past.sum("sales", days=90), past.count(days=90))


@feature("Amount per order in the last 90 days over that of all time.", unit="ratio", family="money")
def order_value_trend(past: Past) -> Floats:
    return ratio(order_value_90d.compute(past), order_value.compute(past))


@feature("Share of the amount that is left after cost.", unit="ratio", family="money", needs=("cost",))
def margin_share(past: Past) -> Floats:
    return ratio(past.sum("sales") - past.sum("cost"), past.sum("sales"))


@feature("Amount less cost per order.", unit="currency", family="money", needs=("cost",))
def margin_per_order(past: Past) -> Floats:
    return (past.sum("sales") - past.sum("cost")) / past.count()


@feature("Amount less cost in the last 365 days.", unit="currency", family="money", needs=("cost",))
def margin_365d(past: Past) -> Floats:
    return past.sum("sales", days=365) - past.sum("cost", days=365)


@feature(
    "Amount per order day over that of all customers who first ordered in the same quarter.",
    unit="ratio", family="money", needs_reference=("cohort_amount",), calendar="year",
)  # fmt: skip
def cohort_spend_ratio(past: Past) -> Floats:
    usual = past.reference("cohort_amount", "first_quarter", past.first_quarter())
    return ratio(monetary_value.compute(past), usual)


def _in_window(days: int) -> Feature:
    def compute(past: Past) -> Floats:
        return past.sum("net", days=days)

    compute.__name__ = f"spend_{days}d"
    return feature(f"Amount less returns in the last {days} days.", unit="currency", family="money")(compute)


def _in_week(week: int) -> Feature:
    def compute(past: Past) -> Floats:
        return past.sum("net", days=7, before=7 * (week - 1))

    compute.__name__ = f"spend_week_{week}"
    text = f"Amount less returns in week {week} before the cutoff: {7 * (week - 1)} to {7 * week - 1} days earlier."
    return feature(text, unit="currency", family="money")(compute)


FEATURES = Catalog(
    [
        *Catalog.of_module(sys.modules[__name__]),
        *map(_in_window, WINDOWS),
        *map(_in_week, EARLIER_WEEKS),
    ]
)
