"""The time between orders, and how likely the next one is after each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from campaigns.diagnosis.survival import curve
from campaigns.sales import Sales
from features.kernel.running import Floats, Ints

_ONE_BY_ONE = 5  # order numbers told apart; later ones together
_SOON = 90
ANY = "any order"


@dataclass(frozen=True)
class Gap:
    """The days from the n-th order day to the next one, of those that came: quartiles; count.

    after: which order days, in words. again, lower, upper: the chance that the next one comes within 90 days, with
    those who are still awaited (Kaplan-Meier), without interval where a customer counts several times; of: how many
    order days are looked at.
    """

    after: str
    count: int
    quarter: float
    median: float
    three_quarters: float
    again: float
    lower: float
    upper: float
    of: int


def gaps(sales: Sales) -> tuple[Gap, ...]:
    """Return the gaps after each order day by its number, and all together at the end."""
    number, wait, seen = _waits(sales)
    some = {f"order {n}": number == n for n in range(1, _ONE_BY_ONE + 1)}
    found = [_gap(after, wait[rows], seen[rows]) for after, rows in some.items() if rows.any()]
    later = number > _ONE_BY_ONE
    if later.any():
        found.append(_pooled(f"order {_ONE_BY_ONE + 1} and later", wait[later], seen[later]))
    return (*found, _pooled(ANY, wait, seen))


def _waits(sales: Sales) -> tuple[Ints, Floats, Ints]:
    """Return for each order day its number (from 1), the days to the next one (or infinity), and days watched."""
    days = sales.days
    number = np.arange(len(days.day)) - sales.starts[days.customer] + 1
    wait = np.full(len(days.day), np.inf)
    same = np.flatnonzero(days.customer[1:] == days.customer[:-1])
    wait[same] = days.day[same + 1] - days.day[same]
    return number, wait, sales.as_of - days.day


def _gap(after: str, wait: Floats, seen: Ints) -> Gap:
    found = wait[np.isfinite(wait)]
    quarters = np.quantile(found, (0.25, 0.5, 0.75)) if len(found) else np.full(3, np.nan)
    again, lower, upper = curve(wait, seen, (_SOON,)).at(_SOON)
    quarter, median, three_quarters = (float(one) for one in quarters)
    return Gap(after, len(found), quarter, median, three_quarters, again, lower, upper, len(wait))


def _pooled(after: str, wait: Floats, seen: Ints) -> Gap:
    """Return the gap without an interval: the orders of one customer are alike, so that it would be too narrow."""
    return replace(_gap(after, wait, seen), lower=float("nan"), upper=float("nan"))
