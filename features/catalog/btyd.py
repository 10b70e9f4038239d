"""The summary that BG/NBD works on, in order days and days."""

from __future__ import annotations

import sys

from features.kernel.declaration import Catalog, feature
from features.kernel.past import Past
from features.kernel.running import Floats


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


FEATURES = Catalog.of_module(sys.modules[__name__])
# What the BTYD models need.
BTYD_SUMMARY = ("frequency", "recency", "tenure", "monetary_value")
