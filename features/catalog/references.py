"""Numbers about the population that features read; fitted as of a day, from what is known then."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from features.kernel.past import ratio
from features.kernel.population import DeclaredReference, Population, Sums, reference
from features.kernel.running import Floats

# The tables of ranks: what each is a rank of, by the key of the table.
RANKED = {
    "category_rank": "category",
    "channel_rank": "channel",
    "country_rank": "country",
    "gender_rank": "customers.gender",
    "region_rank": "customers.region",
    "device_rank": "customers.device",
}


def _share(totals: Sums) -> Floats:
    return ratio(totals["buyers"], np.full(len(totals["buyers"]), totals["buyers"].sum()))


@reference(
    "Share of a product in all pairs of customer and product, last 365 days.", key="product_id", finish=_share
)
def item_popularity(population: Population) -> Sums:
    return {"buyers": population.customers(days=365)}


def _mean_gap(totals: Sums) -> Floats:
    return ratio(totals["days"], totals["gaps"])


@reference("Mean days between a customer's order days of a category.", key="category", finish=_mean_gap)
def category_clock(population: Population) -> Sums:
    days, gaps = population.gaps()
    return {"days": days, "gaps": gaps}


def _mean_amount(totals: Sums) -> Floats:
    return ratio(totals["amount"], totals["days"])


@reference(
    "Amount per order day by the quarter of the first order.", key="first_quarter", finish=_mean_amount
)
def cohort_amount(population: Population) -> Sums:
    return {"amount": population.sum("amount"), "days": population.days()}


def _rank(totals: Sums) -> Floats:
    """Number the values by their customers, the most first; of equals by their text."""
    ranks = np.empty(len(totals["customers"]))
    ranks[np.argsort(-totals["customers"], kind="stable")] = np.arange(1.0, len(ranks) + 1)
    return ranks


def _ranked(name: str, key: str) -> DeclaredReference:
    def customers(population: Population) -> Sums:
        return {"customers": population.customers()}

    customers.__name__ = name
    declare: Callable[[Callable[[Population], Sums]], DeclaredReference] = reference(
        f"Place of the {key} by its number of customers, the most first.", key=key, finish=_rank
    )
    return declare(customers)


REFERENCES = (
    item_popularity,
    category_clock,
    cohort_amount,
    *(_ranked(name, key) for name, key in RANKED.items()),
)
