"""The 90-day repurchase rate: how many new customers order a second time, by month and by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.diagnosis.first_orders import FirstOrders, Newcomers, held, newcomers
from campaigns.diagnosis.periods import ends, label, period_of
from campaigns.diagnosis.retention import Returned, returning
from campaigns.diagnosis.shares import LEAST, Share, shares_of, stricter
from campaigns.sales import Sales
from contracts.intervals import wilson
from features.kernel.running import Ints

_BY = {"country": "country", "channel": "channel", "category": "category", "product_id": "first product"}


@dataclass(frozen=True)
class Rates:
    """Three shares of customers; only the first is called the 90-day repurchase rate.

    second: of the new customers, those whose second order day came within 90 days of the first. twice: of those who
    ordered in the last 90 days, those who did on at least 2 days. back: of those who ordered in the 90 days before
    the last 90, those who ordered again in the last 90.
    """

    second: Share
    twice: Share
    back: Share
    new: Newcomers

    @property
    def shares(self) -> dict[str, Share]:
        """The three shares by what they are called."""
        return {_SECOND: self.second, _TWICE: self.twice, _BACK: self.back}


_SECOND = "90-day repurchase rate"
_TWICE = "share ordering on 2 days in 90"
_BACK = "90-day return of the active"


@dataclass(frozen=True)
class Trend:
    """The 90-day repurchase rate of the customers who first ordered in a calendar month."""

    month: str
    share: Share


@dataclass(frozen=True)
class Group:
    """The rate of the new customers whose first order held `name`; apart: surely above (1) or below (-1) all."""

    name: str
    share: Share
    apart: int


@dataclass(frozen=True)
class Groups:
    """The groups of one column with at least 30 new customers: those that stand apart first, then the largest.

    small: how many groups are smaller; in_small: how often they were in a first order; without: new customers whose
    first order says nothing of it. A first order with several values counts for each.
    """

    by: str
    groups: tuple[Group, ...]
    small: int
    in_small: int
    without: int


def rates(sales: Sales, firsts: FirstOrders, back: Sequence[Returned] = ()) -> Rates:
    """Return the 90-day repurchase rate, and beside it the two shares that are easily mistaken for it.

    back: who returned from period to period, if that is known already.
    """
    new = newcomers(firsts)
    within = new.within
    second = Share.of_counts(int((firsts.wait[new.rows] <= within).sum()), len(new.rows))
    days = sales.days
    last = days.day > sales.as_of - within
    ordered = np.bincount(days.customer[last], minlength=len(sales))
    twice = Share.of_counts(int((ordered >= 2).sum()), int((ordered >= 1).sum()))
    known = back if back and back[0].length == within else returning(sales, length=within, most=1)
    return Rates(second, twice, known[0].share if known else Share.of_counts(0, 0), new)


def trend(firsts: FirstOrders, *, within: int = 90) -> tuple[Trend, ...]:
    """Return the rate by month of first order, months that are observed for `within` full days to their end."""
    month = period_of(firsts.first, "month")
    low = int(month.min(initial=0)) if len(month) else 0
    of = np.bincount(month - low)
    count = np.bincount(month[firsts.wait <= within] - low, minlength=len(of))
    return tuple(
        Trend(label(low + place, "month"), share)
        for place, share in enumerate(shares_of(count, of))
        if share.of and ends(low + place, "month") + within <= firsts.as_of
    )


def rates_by(sales: Sales, firsts: FirstOrders, new: Newcomers) -> tuple[Groups, ...]:
    """Return the rate by country, channel, category and product of the first order, where the orders say them."""
    return tuple(
        _groups(sales, firsts, new, column, by) for column, by in _BY.items() if column in sales.optional
    )


def _groups(sales: Sales, firsts: FirstOrders, new: Newcomers, column: str, by: str) -> Groups:
    place, code = held(sales, new.rows, column)
    of = np.bincount(code)
    count = np.bincount(code[firsts.wait[new.rows][place] <= new.within], minlength=len(of))
    large, small = np.flatnonzero(of >= LEAST), of[(of > 0) & (of < LEAST)]
    overall = float(np.mean(firsts.wait[new.rows] <= new.within)) if len(new.rows) else float("nan")
    texts = sales.text(column).texts
    apart = _apart(count[large], of[large], overall)
    found = [
        Group(str(texts[which]), share, int(sign))
        for which, share, sign in zip(large, shares_of(count[large], of[large]), apart, strict=True)
    ]
    found.sort(key=lambda one: (one.apart == 0, -one.share.of, one.name))
    without = int((np.bincount(place, minlength=len(new.rows)) == 0).sum())
    return Groups(by, tuple(found), len(small), int(small.sum()), without)


def _apart(count: Ints, of: Ints, overall: float) -> Ints:
    """Return 1 or -1 where a group's interval, made for all comparisons together, leaves out the rate of all."""
    lower, upper = wilson(count / of, of.astype(np.float64), z=stricter(len(of)))
    return (lower > overall).astype(np.int64) - (upper < overall)
