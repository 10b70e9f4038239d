"""On which days and at which hours the customer orders."""

from __future__ import annotations

import sys

import numpy as np

from features.kernel.declaration import Catalog, Feature, feature
from features.kernel.past import Past
from features.kernel.running import Floats

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


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


@feature("Share of orders before 06:00.", unit="ratio", family="calendar")
def night_share(past: Past) -> Floats:
    return past.sum("night_orders") / past.count()


@feature("Share of orders from 06:00 to before 12:00.", unit="ratio", family="calendar")
def morning_share(past: Past) -> Floats:
    return past.sum("morning_orders") / past.count()


@feature("Mean hour of the orders of the first order day.", unit="hour", family="calendar")
def hour_first(past: Past) -> Floats:
    return past.first("order_hours") / past.first("orders")


@feature("Mean hour of the orders of the last order day.", unit="hour", family="calendar")
def hour_last(past: Past) -> Floats:
    return past.last("order_hours") / past.last("orders")


@feature("Day of the week of the first order (Monday 0).", unit="day", family="calendar", calendar="week")
def weekday_first(past: Past) -> Floats:
    return past.first("weekday")


@feature("Share of orders on the customer's commonest day of the week.", unit="ratio", family="calendar")
def weekday_mode_share(past: Past) -> Floats:
    days = np.maximum.reduce([past.sum(f"{day}_orders") for day in WEEKDAYS])
    return days / past.count()


def _on_weekday(day: str) -> Feature:
    def compute(past: Past) -> Floats:
        return past.sum(f"{day}_orders") / past.count()

    compute.__name__ = f"{day}_share"
    text = f"Share of orders on a {day.capitalize()}."
    return feature(text, unit="ratio", family="calendar", calendar="week")(compute)


FEATURES = Catalog([*Catalog.of_module(sys.modules[__name__]), *map(_on_weekday, WEEKDAYS)])
