"""Where the revenue comes from: customers × order days × basket × price, the best customers, a point of retention."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from campaigns.diagnosis.retention import Returned, active_in
from campaigns.sales import Sales
from features.kernel.running import Bools, Floats

FACTORS = ("customers", "frequency", "basket", "price")
YEAR = 365
_BEST = (0.01, 0.1, 0.2)


@dataclass(frozen=True)
class Branches:
    """The revenue of the days `begin` to `end` as a product: customers × frequency × basket × price.

    frequency: order days per customer; basket: units per order day; price: currency per unit.
    """

    begin: int
    end: int
    revenue: float
    customers: float
    frequency: float
    basket: float
    price: float


@dataclass(frozen=True)
class Tree:
    """The revenue of two periods and what each factor added to the change, in currency; the parts add up to it.

    parts: by factor; empty where one period has no revenue, so that no factor can be named.
    """

    name: str
    now: Branches
    before: Branches
    parts: dict[str, float]

    @property
    def change(self) -> float:
        """Revenue now less revenue before; currency."""
        return self.now.revenue - self.before.revenue


def trees(sales: Sales, *, length: int) -> tuple[Tree, ...]:
    """Compare the last `length` days with those before them, and with the same days a year earlier."""
    begin, as_of = int(sales.day.min()), sales.as_of
    now = branches(sales, as_of - length + 1, as_of)
    found = []
    for name, back in (("the days before", length), ("the same days a year before", YEAR)):
        fits = begin <= as_of - back - length + 1
        if fits and (back == length or length < YEAR):
            before = branches(sales, as_of - back - length + 1, as_of - back)
            found.append(Tree(name, now, before, contributions(before, now)))
    return tuple(found)


def branches(sales: Sales, begin: int, end: int) -> Branches:
    """Return the factors of the revenue of some days; 0 / 0 is NaN."""
    days = sales.days
    inside = (days.day >= begin) & (days.day <= end)
    lines = (sales.day >= begin) & (sales.day <= end)
    customers = float(active_in(sales, begin, end).sum())
    ordered, units = float(inside.sum()), float(sales.quantity[lines].sum())
    revenue = float(days.amount[inside].sum())
    return Branches(
        begin,
        end,
        revenue,
        customers,
        _over(ordered, customers),
        _over(units, ordered),
        _over(revenue, units),
    )


def contributions(before: Branches, now: Branches) -> dict[str, float]:
    """Return what each factor added to the change of revenue, by the logarithmic mean Divisia index.

    L(R1, R0) · ln(x1 / x0) with L(a, b) = (a - b) / (ln a - ln b); the parts add up exactly. Ang (2005), The LMDI
    approach to decomposition analysis, Energy Policy 33, equation 3.
    """
    old, new = ([getattr(one, name) for name in FACTORS] for one in (before, now))
    if not all(value > 0 and math.isfinite(value) for value in (*old, *new)):
        return {}
    weight = _logarithmic_mean(now.revenue, before.revenue)
    return {name: weight * math.log(b / a) for name, a, b in zip(FACTORS, old, new, strict=True)}


def _logarithmic_mean(a: float, b: float) -> float:
    ratio = a / b - 1.0
    # Near 1 the quotient loses its digits; b (1 + x/2 - x²/12) is exact to 1e-13 there.
    if abs(ratio) < 1e-4:
        return b * (1.0 + ratio / 2.0 - ratio**2 / 12.0)
    return (a - b) / math.log(a / b)


def _over(a: float, b: float) -> float:
    return a / b if b else math.nan


@dataclass(frozen=True)
class Concentration:
    """How much of the revenue of the `length` days up to as_of the best customers brought.

    shares: by share of the customers (0.1: the best tenth); half: the share of customers that brought half of it.
    across, up: the best customers, as a share of all, and their share of the revenue, for a picture.
    """

    length: int
    customers: int
    revenue: float
    shares: dict[float, float]
    half: float
    across: Floats
    up: Floats


def concentration(sales: Sales, *, length: int = YEAR, points: int = 50) -> Concentration:
    """Return how the revenue of the last days is spread over the customers who ordered in them."""
    days = sales.days
    inside: Bools = days.day > sales.as_of - length
    spent = np.bincount(days.customer[inside], days.amount[inside], minlength=len(sales))
    spent = np.sort(spent[active_in(sales, sales.as_of - length + 1, sales.as_of)])[::-1]
    reached = np.concatenate(([0.0], np.cumsum(spent)))
    total = float(reached[-1])
    across = np.linspace(0.0, 1.0, points + 1)
    if not total > 0:
        unknown = np.full(points + 1, np.nan)
        return Concentration(length, len(spent), total, {}, math.nan, across, unknown)
    best = {share: float(reached[math.ceil(share * len(spent))] / total) for share in _BEST}
    half = int(np.searchsorted(reached, total / 2)) / len(spent)
    up = np.interp(across * len(spent), np.arange(len(reached)), reached) / total
    return Concentration(length, len(spent), total, best, half, across, up)


@dataclass(frozen=True)
class Point:
    """What one more point of retention would bring in a year, in currency.

    periods: how many pairs of periods of `length` days it is averaged over; active: customers active in a period;
    spent: what one who comes back spends in the next period. worth = 0.01 × active × spent × periods in a year.
    """

    length: int
    periods: int
    active: float
    spent: float
    worth: float


def point_of_retention(found: tuple[Returned, ...]) -> Point | None:
    """Return what it brings if 1 of 100 active customers more came back in the next period and spent as those who do.

    The average of the periods of the last year (at least one), as known; None if nobody came back in them.
    """
    if not found:
        return None
    length = found[0].length
    last = found[: max(1, round(YEAR / length))]
    came = sum(one.share.count for one in last)
    if not came:
        return None
    active = sum(one.share.of for one in last) / len(last)
    spent = sum(one.amount for one in last) / came
    return Point(length, len(last), active, spent, 0.01 * active * spent * YEAR / length)
