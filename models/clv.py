"""Lifetime value: what a customer's next days bring, less returns, times margin, discounted, less contacts.

The expected value at ascending knots (days) is cut into stretches; each is discounted from its middle. Returns are
in the expected value already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.training import Columns, Floats
from models.contract import NoFit, read_numbers, write_numbers
from models.spread_shape import line_above_zero
from models.spread_total import Total

DAYS_PER_YEAR = 365.0
# Customers are trusted to differ from their shop at most as if this few of its order days stood beside their own.
LEAST_PRIOR_DAYS, MOST_PRIOR_DAYS = 0.1, 1000.0
FEWEST_CUSTOMERS = 30


def lifetime_knots(days: int) -> list[int]:
    """Return the days at which a lifetime of `days` is summed up."""
    return [*(h for h in (90, 180, 365) if h < days), days]


def clv(
    values_by_knot: Sequence[Floats],
    knots: Sequence[int],
    *,
    margin: float | Floats,
    discount_rate: float,
    contact_cost_per_year: float = 0.0,
) -> Floats:
    """Return each customer's lifetime value in currency; (n,).

    values_by_knot: for each knot (days, ascending) the expected value until then; (n,) each. margin: the profit's share
    of the amount, of all or (n,); discount_rate: per year; contact_cost_per_year: currency per customer, spent
    evenly, on whoever is contacted whether still a customer or not. Never below minus the cost of the contacts.
    """
    return Lifetime.of(
        values_by_knot,
        knots,
        margin=margin,
        discount_rate=discount_rate,
        contact_cost_per_year=contact_cost_per_year,
    ).expected


@dataclass(frozen=True)
class Lifetime:
    """Lifetime values of n customers, and what turns the value at the last knot into them.

    value: (n,) expected value at the last knot, currency. worth: (n,) what one unit of it is worth: margin times mean
    discount. contact_cost: discounted, currency per customer.

    The stretches of one customer are neither independent (who stays buys in all of them) nor the same. Their
    dependence is in the variance of the value at the last knot, which is learnt from whole spans. So that variance
    times worth² is the variance of the lifetime value; nothing is assumed but that a customer's discount is its mean.
    """

    value: Floats
    worth: Floats
    contact_cost: float

    @staticmethod
    def of(
        values_by_knot: Sequence[Floats],
        knots: Sequence[int],
        *,
        margin: float | Floats,
        discount_rate: float,
        contact_cost_per_year: float = 0.0,
    ) -> Lifetime:
        """Sum up the stretches; see `clv`. A value that falls from one knot to the next counts as unchanged."""
        _check(values_by_knot, knots, margin)
        total, before, cost, start = (
            np.zeros(len(values_by_knot[0])),
            np.zeros(len(values_by_knot[0])),
            0.0,
            0,
        )
        for value, end in zip(values_by_knot, knots, strict=True):
            discount = (1.0 + discount_rate) ** -((start + end) / 2.0 / DAYS_PER_YEAR)
            total = total + np.maximum(value - before, 0.0) * discount
            cost += contact_cost_per_year * (end - start) / DAYS_PER_YEAR * discount
            before, start = np.maximum(value, before), end
        mean_discount = np.divide(total, before, out=np.ones(len(total)), where=before > 0)
        return Lifetime(before, margin * mean_discount, cost)

    @property
    def expected(self) -> Floats:
        """The expected lifetime value; (n,), currency."""
        return np.asarray(self.worth * self.value - self.contact_cost)

    def variance(self, variance: Floats) -> Floats:
        """Return the lifetime value's variance from that of the value at the last knot; (n,), currency squared."""
        return np.asarray(self.worth**2 * variance)

    def interval(self, lower: Floats, upper: Floats) -> tuple[Floats, Floats]:
        """Return the lifetime value's bounds from those of the value at the last knot; (n,) each, currency."""
        return self.worth * lower - self.contact_cost, self.worth * upper - self.contact_cost

    def total(
        self, variance: Floats, *, p: Floats, level_sd: float, rows: NDArray[np.bool_] | None = None
    ) -> Total:
        """Return the total of all customers, or of some rows; totals of disjoint groups can be added.

        variance and p: (n,) at the last knot; level_sd: of the log of a total's level there.
        """
        inside = np.ones(len(p), dtype=np.bool_) if rows is None else rows
        mean = float((self.worth * self.value)[inside].sum())
        return Total(
            mean,
            float(self.variance(variance)[inside].sum()),
            level_sd * mean,
            0.0 - self.contact_cost * int(inside.sum()),
            float(np.log1p(-np.minimum(p[inside], 1.0 - 1e-9)).sum()),
        )


@dataclass(frozen=True)
class Margins:
    """The profit's share of the amount where the cost is known: each customer's own, leaning to the shop's.

    shop: share of all; prior_days: of how many of the customer's order days the shop's share has the weight.
    """

    shop: float
    prior_days: float
    name: ClassVar[str] = "margins"
    needs: ClassVar[tuple[str, ...]] = ("margin_share", "frequency", "monetary_value")

    @classmethod
    def fit(cls, columns: Columns) -> Self:
        """Learn the shop's share, and by the method of moments how far customers differ from it.

        The squared distance of a customer's share from the shop's is that between customers plus that of one order day
        over the number of order days. NoFit where too few customers have orders of known cost.
        """
        own, days, amount = _shares(columns)
        known = ~np.isnan(own) & (amount > 0)
        if known.sum() < FEWEST_CUSTOMERS:
            raise NoFit(f"the cost is known for {int(known.sum())} customers; {FEWEST_CUSTOMERS} are needed")
        own, days = own[known], days[known]
        shop = float(np.clip(np.average(own, weights=amount[known]), 0.0, 1.0))
        between, within = line_above_zero(1.0 / days, (own - shop) ** 2, weight=days)
        prior = within / between if between > 0 else MOST_PRIOR_DAYS
        return cls(shop, float(np.clip(prior, LEAST_PRIOR_DAYS, MOST_PRIOR_DAYS)))

    def of(self, columns: Columns) -> Floats:
        """Return each customer's margin from 0 to 1; (n,). Whoever was sold to at a loss has 0."""
        own, days, _ = _shares(columns)
        weight = np.where(np.isnan(own), 0.0, days / (days + self.prior_days))
        return np.clip(self.shop + weight * (np.nan_to_num(own) - self.shop), 0.0, 1.0)

    def save(self, folder: Path) -> None:
        """Write margins.json."""
        write_numbers(folder / "margins.json", dict(vars(self)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read margins.json."""
        return cls(**read_numbers(folder / "margins.json"))


def _shares(columns: Columns) -> tuple[Floats, Floats, Floats]:
    """Return own margins (NaN where not known), order days and amounts; one absurd cost must not decide."""
    days = columns["frequency"] + 1.0
    return np.clip(columns["margin_share"], -1.0, 1.0), days, days * columns["monetary_value"]


def _check(values_by_knot: Sequence[Floats], knots: Sequence[int], margin: float | Floats) -> None:
    if not knots or len(values_by_knot) != len(knots) or any(a >= b for a, b in pairwise((0, *knots))):
        raise ContractError(
            f"{len(values_by_knot)} values at knots {list(knots)}. Give one value for each of the ascending days."
        )
    if np.any(np.asarray(margin) < 0):
        raise ContractError("a margin below 0 is none. Give shares of at least 0.")
