"""How many orders, how large, and when: windows before the cutoff, and the last five weeks one by one."""

from __future__ import annotations

import sys

from features.catalog.btyd import tenure
from features.kernel.declaration import Catalog, Feature, feature
from features.kernel.past import Past, ratio
from features.kernel.running import Floats

WINDOWS = (7, 14, 30, 60, 90, 180, 365)
# Weeks before the cutoff; the first is the window of 7 days.
EARLIER_WEEKS = (2, 3, 4, 5)


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


@feature("Orders per order day.", unit="ratio", family="orders")
def orders_per_day(past: Past) -> Floats:
    return past.count() / past.count_days()


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


@feature("How many of the last 5 weeks had an order.", unit="weeks", family="orders")
def active_weeks(past: Past) -> Floats:
    return past.active_periods(days=7, periods=5)


@feature("How many of the last 6 stretches of 30 days had an order.", unit="months", family="orders")
def active_months(past: Past) -> Floats:
    return past.active_periods(days=30, periods=6)


def _in_window(days: int) -> Feature:
    def compute(past: Past) -> Floats:
        return past.count(days=days)

    compute.__name__ = f"orders_{days}d"
    return feature(f"Orders in the last {days} days.", unit="orders", family="orders")(compute)


def _in_week(week: int) -> Feature:
    def compute(past: Past) -> Floats:
        return past.count(days=7, before=7 * (week - 1))

    compute.__name__ = f"orders_week_{week}"
    text = f"Orders in week {week} before the cutoff: {7 * (week - 1)} to {7 * week - 1} days earlier."
    return feature(text, unit="orders", family="orders")(compute)


FEATURES = Catalog(
    [
        *Catalog.of_module(sys.modules[__name__]),
        *map(_in_window, WINDOWS),
        *map(_in_week, EARLIER_WEEKS),
    ]
)
