"""The coming season as it was one year before, and this time of the year against the last.

A year is 364 days, so that days of the week stay: the days D+1 ... D+d that are to be forecast were D-364+1 ... D-364+d
then, all of them past. Undefined for customers who had not ordered by the end of day D-364, or by the first day of
the window where it lies before.
"""

from __future__ import annotations

import sys

import numpy as np

from features.catalog.btyd import tenure
from features.kernel.declaration import Catalog, Feature, feature
from features.kernel.past import Past, ratio
from features.kernel.running import Floats

YEAR = 364
SEASONS = (30, 90)


@feature(
    "Share of the orders of the last 364 days that fell in the coming 90 days of the year.",
    unit="ratio", family="season",
)  # fmt: skip
def season_share_90d(past: Past) -> Floats:
    return _since(past, YEAR, ratio(past.count(days=90, before=YEAR - 90), past.count(days=YEAR)))


@feature("Orders in the same 90 days one year before.", unit="orders", family="season")
def orders_year_ago_90d(past: Past) -> Floats:
    return _since(past, YEAR + 89, past.count(days=90, before=YEAR))


@feature("Amount less returns in the same 90 days one year before.", unit="currency", family="season")
def spend_year_ago_90d(past: Past) -> Floats:
    return _since(past, YEAR + 89, past.sum("net", days=90, before=YEAR))


@feature(
    "Orders in the last 90 days less those in the same days one year before.", unit="orders", family="season"
)
def orders_growth_90d(past: Past) -> Floats:
    return past.count(days=90) - orders_year_ago_90d.compute(past)


@feature(
    "Amount in the last 90 days less that in the same days one year before.", unit="currency", family="season"
)
def spend_growth_90d(past: Past) -> Floats:
    return past.sum("net", days=90) - spend_year_ago_90d.compute(past)


def _since(past: Past, days: int, values: Floats) -> Floats:
    """Return values for those who ordered at least `days` days before the cutoff, NaN for the others."""
    return np.where(tenure.compute(past) >= days, values, np.nan)


def _orders_in_season(days: int) -> Feature:
    def compute(past: Past) -> Floats:
        return _since(past, YEAR, past.count(days=days, before=YEAR - days))

    compute.__name__ = f"orders_season_{days}d"
    text = f"Orders in the coming {days} days of the year, one year before."
    return feature(text, unit="orders", family="season")(compute)


def _spend_in_season(days: int) -> Feature:
    def compute(past: Past) -> Floats:
        return _since(past, YEAR, past.sum("net", days=days, before=YEAR - days))

    compute.__name__ = f"spend_season_{days}d"
    text = f"Amount less returns in the coming {days} days of the year, one year before."
    return feature(text, unit="currency", family="season")(compute)


FEATURES = Catalog(
    [
        *Catalog.of_module(sys.modules[__name__]),
        *map(_orders_in_season, SEASONS),
        *map(_spend_in_season, SEASONS),
    ]
)
