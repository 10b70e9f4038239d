"""The features. One function is one feature; families stand together.

Counts, sums and gaps are over what was known at the cutoff; money is in the shop's currency.
"""

from __future__ import annotations

import sys

import numpy as np

from features.kernel.declaration import Catalog, Feature, feature
from features.kernel.past import Past, ratio
from features.kernel.running import Floats

WINDOWS = (7, 14, 30, 60, 90, 180, 365)


# ---------------------------------------------------------------- btyd: the summary that BG/NBD works on
@feature("Order days less one (BTYD x).", unit="order days", family="btyd")
def frequency(past: Past) -> Floats:
    return past.count_days() - 1.0


@feature("Days from the first to the last order day (BTYD t_x).", unit="days", family="btyd")
def recency(past: Past) -> Floats:
    return past.last_day() - past.first_day()


@feature("Days from the first order day to the cutoff (BTYD T).", unit="days", family="btyd")
def tenure(past: Past) -> Floats:
    return past.day - past.first_day()


@feature("Mean amount per order day.", unit="currency", family="btyd")
def monetary_value(past: Past) -> Floats:
    return past.sum("order_days.amount") / past.count_days()


# ---------------------------------------------------------------- orders
@feature("Orders, all time.", unit="orders", family="orders")
def orders(past: Past) -> Floats:
    return past.count()


@feature("Order lines, all time.", unit="lines", family="orders")
def lines(past: Past) -> Floats:
    return past.sum("lines")


@feature("Order lines per order.", unit="ratio", family="orders")
def lines_per_order(past: Past) -> Floats:
    return past.sum("lines") / past.count()


@feature("Items per order.", unit="ratio", family="orders")
def items_per_order(past: Past) -> Floats:
    return past.sum("items") / past.count()


@feature("Orders per 30 days of tenure.", unit="orders", family="orders")
def order_rate(past: Past) -> Floats:
    return 30.0 * past.count() / (tenure.compute(past) + 30.0)


@feature("Orders in the last 90 days less orders in the 90 days before.", unit="orders", family="orders")
def orders_trend_90d(past: Past) -> Floats:
    return past.count(days=90) - past.count(days=90, before=90)


@feature("Share of all orders that fell in the last 90 days.", unit="ratio", family="orders")
def orders_share_90d(past: Past) -> Floats:
    return past.count(days=90) / past.count()


@feature("Share of the orders of the last year in its second half.", unit="ratio", family="orders")
def orders_half_year_trend(past: Past) -> Floats:
    return ratio(past.count(days=182), past.count(days=364))


def _orders_window(days: int) -> Feature:
    def compute(past: Past) -> Floats:
        return past.count(days=days)

    compute.__name__ = f"orders_{days}d"
    return feature(f"Orders in the last {days} days.", unit="orders", family="orders")(compute)


# ---------------------------------------------------------------- rhythm
@feature("Days from the last order day to the cutoff.", unit="days", family="rhythm")
def recency_days(past: Past) -> Floats:
    return past.day - past.last_day()


@feature("Days since the last order as a share of tenure.", unit="ratio", family="rhythm")
def recency_share(past: Past) -> Floats:
    return recency_days.compute(past) / (tenure.compute(past) + 1.0)


@feature("Mean days between order days.", unit="days", family="rhythm")
def gap_mean(past: Past) -> Floats:
    return ratio(past.sum("order_days.gap"), frequency.compute(past))


@feature("Standard deviation of the days between order days.", unit="days", family="rhythm")
def gap_deviation(past: Past) -> Floats:
    gaps = frequency.compute(past)
    mean = ratio(past.sum("order_days.gap"), gaps)
    square = ratio(past.sum("order_days.gap_squared"), gaps)
    return np.where(gaps >= 2, np.sqrt(np.maximum(square - mean * mean, 0.0)), np.nan)


@feature("Deviation of the days between order days over their mean.", unit="ratio", family="rhythm")
def gap_variation(past: Past) -> Floats:
    return gap_deviation.compute(past) / gap_mean.compute(past)


@feature("Mean logarithm of the days between order days.", unit="log days", family="rhythm")
def gap_log_mean(past: Past) -> Floats:
    return ratio(past.sum("order_days.log_gap"), frequency.compute(past))


@feature("Regularity: mean log gap less log mean gap; 0 is a clock.", unit="log ratio", family="rhythm")
def regularity(past: Past) -> Floats:
    return gap_log_mean.compute(past) - np.log(gap_mean.compute(past))


@feature("Days between the last two order days.", unit="days", family="rhythm")
def gap_last(past: Past) -> Floats:
    return np.where(frequency.compute(past) > 0, past.last("gap"), np.nan)


@feature("Days between the two order days before the last.", unit="days", family="rhythm")
def gap_before_last(past: Past) -> Floats:
    return np.where(frequency.compute(past) > 1, past.last("gap", back=1), np.nan)


@feature("Longest time between two order days.", unit="days", family="rhythm")
def gap_longest(past: Past) -> Floats:
    return np.where(frequency.compute(past) > 0, past.max("gap"), np.nan)


@feature("Days from the first to the second order day.", unit="days", family="rhythm")
def gap_first(past: Past) -> Floats:
    return past.second_day() - past.first_day()


@feature("Last gap over the mean gap.", unit="ratio", family="rhythm")
def gap_trend(past: Past) -> Floats:
    return gap_last.compute(past) / gap_mean.compute(past)


@feature("Days since the last order over the mean gap.", unit="ratio", family="rhythm")
def overdue_ratio(past: Past) -> Floats:
    return recency_days.compute(past) / gap_mean.compute(past)


@feature("Days since the last order over the longest gap.", unit="ratio", family="rhythm")
def overdue_longest(past: Past) -> Floats:
    return recency_days.compute(past) / gap_longest.compute(past)


@feature("Days since the last order beyond mean gap, in deviations.", unit="ratio", family="rhythm")
def overdue_deviations(past: Past) -> Floats:
    late = recency_days.compute(past) - gap_mean.compute(past)
    return late / (gap_deviation.compute(past) + 1.0)


@feature("Days from the last-but-one order day to the cutoff.", unit="days", family="rhythm")
def days_since_second_last(past: Past) -> Floats:
    return past.day - past.last_day(back=1)


@feature("Days from the third-last order day to the cutoff.", unit="days", family="rhythm")
def days_since_third_last(past: Past) -> Floats:
    return past.day - past.last_day(back=2)


@feature("Days from the fifth-last order day to the cutoff.", unit="days", family="rhythm")
def days_since_fifth_last(past: Past) -> Floats:
    return past.day - past.last_day(back=4)


# ---------------------------------------------------------------- money
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


def _spend_window(days: int) -> Feature:
    def compute(past: Past) -> Floats:
        return past.sum("net", days=days)

    compute.__name__ = f"spend_{days}d"
    return feature(f"Amount less returns in the last {days} days.", unit="currency", family="money")(compute)


# ---------------------------------------------------------------- first and last order
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


# ---------------------------------------------------------------- products
@feature("Distinct products ordered.", unit="products", family="products", needs=("product_id",))
def products(past: Past) -> Floats:
    return past.sum("new_products")


@feature(
    "Products new to the customer in 90 days.", unit="products", family="products", needs=("product_id",)
)
def new_products_90d(past: Past) -> Floats:
    return past.sum("new_products", days=90)


@feature("Distinct products over order lines.", unit="ratio", family="products", needs=("product_id",))
def product_variety(past: Past) -> Floats:
    return past.sum("new_products") / past.sum("lines")


@feature("Distinct categories ordered.", unit="categories", family="products", needs=("category",))
def categories(past: Past) -> Floats:
    return past.sum("new_categories")


@feature(
    "Categories new to the customer in 90 days.", unit="categories", family="products", needs=("category",)
)
def new_categories_90d(past: Past) -> Floats:
    return past.sum("new_categories", days=90)


@feature("Distinct channels ordered through.", unit="channels", family="channel", needs=("channel",))
def channels(past: Past) -> Floats:
    return past.sum("new_channels")


# ---------------------------------------------------------------- discounts
@feature(
    "Share of spend that was discounted, all time.", unit="ratio", family="discounts", needs=("discount",)
)
def discount_share(past: Past) -> Floats:
    return ratio(past.sum("discount"), past.sum("sales") + past.sum("discount"))


@feature("Share of order lines with a discount.", unit="ratio", family="discounts", needs=("discount",))
def discounted_lines_share(past: Past) -> Floats:
    return past.sum("discounted_lines") / past.sum("lines")


@feature("Share of order lines with a coupon.", unit="ratio", family="discounts", needs=("coupon",))
def coupon_share(past: Past) -> Floats:
    return past.sum("coupon_lines") / past.sum("lines")


@feature("Share of the amount that is left after cost.", unit="ratio", family="money", needs=("cost",))
def margin_share(past: Past) -> Floats:
    return ratio(past.sum("sales") - past.sum("cost"), past.sum("sales"))


# ---------------------------------------------------------------- returns
@feature("Amount returned or cancelled over the amount ordered.", unit="ratio", family="returns")
def refund_share(past: Past) -> Floats:
    refunds = past.sum("refunds")
    return ratio(refunds, past.sum("sales") + refunds)


@feature("Returned lines over order lines.", unit="ratio", family="returns")
def return_rate(past: Past) -> Floats:
    return past.sum("returns") / past.sum("lines")


@feature("Lines returned or cancelled in the last 90 days.", unit="lines", family="returns")
def returns_90d(past: Past) -> Floats:
    return past.sum("returns", days=90)


@feature("Order lines cancelled as a whole.", unit="lines", family="returns")
def cancellations(past: Past) -> Floats:
    return past.sum("cancellations")


# ---------------------------------------------------------------- calendar of the customer's orders
@feature("Share of orders on Saturday or Sunday.", unit="ratio", family="calendar", calendar="week")
def weekend_share(past: Past) -> Floats:
    return past.sum("weekend_orders") / past.count()


@feature("Day of the week of the last order (Monday 0).", unit="day", family="calendar", calendar="week")
def weekday_last(past: Past) -> Floats:
    return past.last("weekday")


@feature("Share of order days in November and December.", unit="ratio", family="calendar", calendar="year")
def holiday_share(past: Past) -> Floats:
    return past.sum("order_days.holiday_season") / past.count_days()


@feature("First order day in November or December.", unit="0 or 1", family="calendar", calendar="year")
def holiday_first(past: Past) -> Floats:
    return past.first("holiday_season")


@feature("Mean day of the month of the order days.", unit="day", family="calendar", calendar="year")
def month_day_mean(past: Past) -> Floats:
    return past.sum("order_days.month_day") / past.count_days()


@feature("Mean hour of the orders.", unit="hour", family="calendar")
def hour_mean(past: Past) -> Floats:
    return past.sum("order_hours") / past.count()


@feature("Share of orders from 18:00 on.", unit="ratio", family="calendar")
def evening_share(past: Past) -> Floats:
    return past.sum("evening_orders") / past.count()


CATALOG = Catalog(
    [
        *Catalog.of_module(sys.modules[__name__]),
        *map(_orders_window, WINDOWS),
        *map(_spend_window, WINDOWS),
    ]
)
# What the BTYD models need.
BTYD_SUMMARY = ("frequency", "recency", "tenure", "monetary_value")
