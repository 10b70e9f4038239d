"""When the customer orders, and whether the next order is overdue."""

from __future__ import annotations

import sys

import numpy as np

from features.catalog.btyd import frequency, tenure
from features.kernel.declaration import Catalog, feature
from features.kernel.past import Past, ratio
from features.kernel.running import Floats


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


@feature(
    "Logarithm of the days since the last order, less the mean logarithm of the gaps.",
    unit="log ratio",
    family="rhythm",
)
def overdue_log(past: Past) -> Floats:
    return np.log1p(recency_days.compute(past)) - gap_log_mean.compute(past)


@feature("Mean of the last three gaps between order days.", unit="days", family="rhythm")
def gap_recent_mean(past: Past) -> Floats:
    return (past.last_day() - past.last_day(back=3)) / 3.0


@feature("Mean of the last three gaps over the mean of all.", unit="ratio", family="rhythm")
def gap_recent_trend(past: Past) -> Floats:
    return gap_recent_mean.compute(past) / gap_mean.compute(past)


@feature(
    "Clumpiness of the order days up to the cutoff: 0 evenly spread, 1 all at once (Zhang et al. 2015).",
    unit="ratio",
    family="rhythm",
)
def clumpiness(past: Past) -> Floats:
    # 1 - entropy / log n of the n stretches between the order days and the cutoff, as shares of the tenure.
    silent, whole, days = recency_days.compute(past), tenure.compute(past), past.count_days()
    some = np.where((whole > 0) & (days > 1), whole, np.nan)
    weighted = past.sum("order_days.gap_log_gap") + silent * np.log(np.maximum(silent, 1.0))
    entropy = np.log(some) - weighted / some
    return 1.0 - entropy / np.log(np.maximum(days, 2.0))


FEATURES = Catalog.of_module(sys.modules[__name__])
