"""Each customer's first and second order day, and what the first order held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from campaigns.diagnosis.shares import LEAST
from campaigns.sales import Sales
from features.kernel.running import Bools, Floats, Ints

WITHIN = 90  # days in which the second order day must come
SPAN = 365  # days of first orders that are looked at


@dataclass(frozen=True)
class FirstOrders:
    """first: (C,) first order day; wait: (C,) days from it to the second order day, infinite where none came yet."""

    as_of: int
    first: Ints
    wait: Floats

    @staticmethod
    def of(sales: Sales) -> FirstOrders:
        """Look up the first two order days of every customer."""
        starts, day = sales.starts, sales.days.day
        wait = np.full(len(sales), np.inf)
        again = np.flatnonzero(np.diff(starts) > 1)
        wait[again] = day[starts[again] + 1] - day[starts[again]]
        return FirstOrders(sales.as_of, sales.first_day, wait)

    @property
    def seen(self) -> Ints:
        """For how many days each customer has been watched since the first order; (C,)."""
        return self.as_of - self.first


@dataclass(frozen=True)
class Newcomers:
    """The customers whose first order is looked at: from day `begin` to `end`, each watched for `within` days.

    rows: (n,) positions. moved: hardly anybody was new in the last 12 months, so older first orders are looked at.
    """

    rows: Ints
    begin: int
    end: int
    within: int
    moved: bool


def newcomers(firsts: FirstOrders, *, within: int = WITHIN, span: int = SPAN) -> Newcomers:
    """Return who first ordered in the last `span` days of which `within` full days are observed.

    If fewer than 30 did, the same span up to the last first order that is observed so long.
    """
    last = firsts.as_of - within
    recent = _between(firsts.first, last - span + 1, last)
    if recent.sum() < LEAST and (firsts.first <= last).any():
        end = int(firsts.first[firsts.first <= last].max())
        older = _between(firsts.first, end - span + 1, end)
        if older.sum() > recent.sum():
            return _newcomers(firsts, older, end - span + 1, end, within, moved=True)
    return _newcomers(firsts, recent, last - span + 1, last, within, moved=False)


def held(sales: Sales, rows: Ints, column: str) -> tuple[Ints, Ints]:
    """Return the pairs (place in `rows`, code) of a text column's values in the first orders of some customers.

    Each pair once; an order that holds several values has several pairs, one that holds none has none.
    """
    heads = np.searchsorted(sales.customer, rows)
    place = np.full(len(sales), -1)
    place[rows] = np.arange(len(rows))
    first_order = np.full(len(sales), -1)
    first_order[rows] = sales.order[heads]
    codes = sales.text(column).codes
    at = np.flatnonzero((sales.order == first_order[sales.customer]) & (codes >= 0))
    width = int(codes.max(initial=0)) + 1
    pairs = np.unique(place[sales.customer[at]] * width + codes[at])
    return (pairs // width).astype(np.int64), (pairs % width).astype(np.int64)


def _newcomers(
    firsts: FirstOrders, chosen: Bools, begin: int, end: int, within: int, *, moved: bool
) -> Newcomers:
    """Return them with the span as far as there are orders."""
    return Newcomers(np.flatnonzero(chosen), max(begin, int(firsts.first.min())), end, within, moved)


def _between(days: Ints, begin: int, end: int) -> Bools:
    return (days >= begin) & (days <= end)
