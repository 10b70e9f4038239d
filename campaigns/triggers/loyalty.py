"""Loyalty tiers by what a customer spent in 365 days, and the days on which one was reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

from campaigns.declarations import read_declarations
from campaigns.sales import Sales
from contracts.days import to_date, to_day
from contracts.errors import DeclarationError
from features.kernel.running import Bools, Floats, Ints, Runs

SECTION, DEFAULT = "loyalty", "triggers/triggers.toml"
SPAN = 365
# Tiers by share of the base need this many days of orders before they mean anything.
LEAST_HISTORY = 90
# Crossings are looked for this far back: the longest time that a message may follow one.
MONTHS_BACK = 13


@dataclass(frozen=True, kw_only=True)
class LoyaltyTier:
    """One tier. level: 1 is the lowest; spend: what it takes in 365 days, currency; or top: the share of the customers
    with an order in those days who have it, by the amounts at the end of the month before."""

    name: str
    label: str
    level: int
    spend: float | None = None
    top: float | None = None

    def __post_init__(self) -> None:
        """Raise DeclarationError unless it says in exactly one way what it takes."""
        if (self.spend is None) == (self.top is None):
            raise DeclarationError(
                "write either spend (an amount in 365 days) or top (a share of the customers)."
            )
        if self.top is not None and not 0.0 < self.top < 1.0:
            raise DeclarationError(f"top is {self.top:g}. Write a share between 0 and 1, such as 0.1.")
        if self.spend is not None and not self.spend > 0.0:
            raise DeclarationError(f"spend is {self.spend:g}. Write an amount above 0.")
        if self.level < 1:
            raise DeclarationError(f"level is {self.level}. Write 1 for the lowest tier, then 2, 3, …")


def read_tiers(path: Path | None = None) -> tuple[LoyaltyTier, ...]:
    """Return the tiers, lowest first; DeclarationError where two have one level."""
    found = read_declarations(LoyaltyTier, section=SECTION, default=DEFAULT, path=path)
    tiers = tuple(sorted(found.values(), key=lambda one: one.level))
    if len({one.level for one in tiers}) < len(tiers):
        raise DeclarationError(f"[{SECTION}.NAME]: two tiers have the same level. Give each its own.")
    return tiers


@dataclass(frozen=True)
class Money:
    """What customers paid and got back, by customer and day. customer, day, amount: (m,); until: (m,) the amount of
    the 365 days up to and with each row."""

    customer: Ints
    day: Ints
    amount: Floats
    until: Floats

    @staticmethod
    def of(sales: Sales) -> Money:
        """Return the money of these sales, one row per customer and day."""
        days, back = sales.days, sales.returns
        customer = np.concatenate((days.customer, back.customer))
        day, amount = np.concatenate((days.day, back.day)), np.concatenate((days.amount, back.amount))
        rank = np.lexsort((day, customer))
        customer, day, amount = customer[rank], day[rank], amount[rank]
        head = np.flatnonzero(np.append(True, (np.diff(customer) != 0) | (np.diff(day) != 0))[: len(day)])
        total = np.add.reduceat(amount, head) if len(head) else amount
        return Money(
            customer[head], day[head], total, _trailing(customer[head], day[head], total, len(sales))
        )

    def spent(self, day: int, *, customers: int) -> Floats:
        """Return what each customer spent in the 365 days up to the end of a day, NaN where nothing happened; (n,)."""
        inside = (self.day <= day) & (self.day > day - SPAN)
        total = np.bincount(self.customer[inside], self.amount[inside], minlength=customers).astype(
            np.float64
        )
        seen: Bools = np.bincount(self.customer[inside], minlength=customers) > 0
        return np.where(seen, total, np.nan)


def thresholds(sales: Sales, money: Money, tiers: tuple[LoyaltyTier, ...], day: int) -> Floats:
    """Return what each tier takes on the days of the month of `day`; NaN where too little is known; (tiers,)."""
    end = to_day(to_date(day).replace(day=1) - timedelta(days=1))
    spent = money.spent(end, customers=len(sales)) if any(one.top for one in tiers) else np.empty(0)
    spent = np.sort(spent[~np.isnan(spent)])
    enough = len(spent) and end - int(sales.first_day.min()) + 1 >= LEAST_HISTORY
    found = []
    for one in tiers:
        if one.top is None:
            found.append(float(one.spend or 0.0))
        else:
            place = int(np.ceil((1.0 - one.top) * len(spent)))
            found.append(float(spent[min(place, len(spent) - 1)]) if enough else np.nan)
    return np.array(found)


def tier_crossings(sales: Sales, tiers: tuple[LoyaltyTier, ...]) -> tuple[Ints, Ints, Ints]:
    """Return the customers, the days and the levels of tiers reached in the last MONTHS_BACK months, highest one only.

    A tier is reached on an order day with which the 365 days up to it come to its amount, those up to the day before
    not; each (m,). A later cancellation changes the shares of earlier months a little, and so may move such a day.
    """
    money = Money.of(sales)
    before = _before(money)
    level = np.zeros(len(money.day), dtype=np.int64)
    last = sales.as_of
    for _ in range(MONTHS_BACK):
        first = to_day(to_date(last).replace(day=1))
        rows = np.flatnonzero((money.day >= first) & (money.day <= last) & (money.amount > 0))
        for one, takes in zip(tiers, thresholds(sales, money, tiers, last), strict=True):
            crossed = (money.until[rows] >= takes) & (before[rows] < takes)
            level[rows[crossed]] = one.level
        last = first - 1
    some = np.flatnonzero(level)
    return money.customer[some], money.day[some], level[some]


def tier_level(sales: Sales, tiers: tuple[LoyaltyTier, ...]) -> Floats:
    """Return each customer's level at the end of as_of, 0 without one; (n,)."""
    money = Money.of(sales)
    spent = np.nan_to_num(money.spent(sales.as_of, customers=len(sales)), nan=0.0)
    level = np.zeros(len(sales))
    for one, takes in zip(tiers, thresholds(sales, money, tiers, sales.as_of), strict=True):
        level[spent >= takes] = one.level
    return level


def _trailing(customer: Ints, day: Ints, amount: Floats, customers: int) -> Floats:
    """Return the sum of the 365 days up to each row, of sums that begin anew at each customer."""
    sums, place = _sums(customer, amount, customers)
    return sums[place + 1] - sums[_from(customer, day, day - SPAN + 1) + customer]


def _before(money: Money) -> Floats:
    """Return what the 365 days up to the day before each row come to; (m,)."""
    customers = int(money.customer.max(initial=-1)) + 1
    sums, place = _sums(money.customer, money.amount, customers)
    return sums[place] - sums[_from(money.customer, money.day, money.day - SPAN) + money.customer]


def _sums(customer: Ints, amount: Floats, customers: int) -> tuple[Floats, Ints]:
    """Return running sums with a blank row before each customer, and the place before each row's own sum."""
    starts = np.searchsorted(customer, np.arange(customers + 1)) + np.arange(customers + 1)
    values = np.zeros(len(amount) + customers)
    place = np.arange(len(amount)) + customer
    values[place + 1] = amount
    return Runs(starts).sums(values) if customers else values, place


def _from(customer: Ints, day: Ints, since: Ints) -> Ints:
    """Return the first row of the same customer on or after the day `since`; (m,)."""
    low = int(min(day.min(initial=0), since.min(initial=0)))
    span = int(day.max(initial=0)) - low + 2
    return np.searchsorted(customer * span + (day - low), customer * span + (since - low), side="left")
