"""The customers of a generated shop: who they are, when they order, and what may be expected of them.

Each customer orders as BG/NBD says (Fader, Hardie and Lee 2005): a rate of their own from a gamma distribution, and
after every order they leave for good with a chance of their own from a beta distribution. A quarter keeps a rhythm:
gaps of four gamma stages in place of one. Time runs in busy days, which pass faster where the shop is busy: before
Christmas, on sale days, at week-ends, in the evening. Over the whole history busy days equal calendar days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from contracts.days import to_date, to_day

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Small = NDArray[np.int32]

MEAN_RATE, RATE_SHAPE = 1 / 65, 0.7  # orders per busy day
LEAVES_A, LEAVES_B = 1.0, 3.0
REGULAR_SHARE, REGULAR_STAGES = 0.25, 4
MORE_LINES, MORE_LINES_SHAPE = 1.97, 4.0  # lines of an order beyond the first
CATEGORIES, CHANNELS, COUNTRIES = 20, 4, 12
OUTLOOK_DAYS = 400  # how far the calendar goes beyond the last day
EXPECTED_DAYS = 90

_MONTHS = (0.85, 0.80, 0.90, 0.95, 1.00, 0.95, 0.85, 0.85, 0.95, 1.05, 1.35, 1.75)
_WEEKDAYS = (1.0, 0.95, 0.95, 1.0, 1.05, 1.1, 1.15)  # Monday first
_HOURS = (
    0.3, 0.15, 0.08, 0.05, 0.05, 0.1, 0.3, 0.6, 0.9, 1.2, 1.4, 1.4,
    1.5, 1.4, 1.3, 1.3, 1.3, 1.4, 1.6, 1.9, 2.1, 1.8, 1.2, 0.7,
)  # fmt: skip
_SALE = 1.6
_WEEKDAY_OF_EPOCH = 3


@dataclass(frozen=True)
class Clock:
    """Calendar time and busy time. busy: (hours + 1,) busy days at each full hour since the first day."""

    first_day: int
    days: int
    busy: Floats
    sale: NDArray[np.bool_]

    @staticmethod
    def of(last_day: date, days: int) -> Clock:
        """Return the clock of a history of `days` days up to the end of `last_day`."""
        first = to_day(last_day) - days + 1
        dates = [to_date(day) for day in range(first, first + days + OUTLOOK_DAYS)]
        sale = np.array([_is_sale(one) for one in dates])
        weekday = (np.arange(first, first + len(dates)) + _WEEKDAY_OF_EPOCH) % 7
        by_day = np.array(_MONTHS)[[one.month - 1 for one in dates]] * np.array(_WEEKDAYS)[weekday]
        by_hour = np.outer(by_day * np.where(sale, _SALE, 1.0), _HOURS).ravel()
        busy = np.concatenate(([0.0], np.cumsum(by_hour)))
        return Clock(first, days, busy * (days / busy[24 * days]), sale)

    def seconds(self, busy: Floats) -> Ints:
        """Return the seconds since 1970 at these busy times."""
        hours = np.interp(busy, self.busy, np.arange(len(self.busy), dtype=np.float64))
        return np.floor(hours * 3600.0).astype(np.int64) + self.first_day * 86_400

    def ahead(self, days: int) -> float:
        """Return how many busy days the `days` days after the last day hold."""
        return float(self.busy[24 * (self.days + days)] - self.busy[24 * self.days])


def _is_sale(day: date) -> bool:
    """Tell whether there is a sale: in early January, May and July, and around Black Friday."""
    friday = date(day.year, 11, 23 + (4 - date(day.year, 11, 23).weekday()) % 7)
    if -1 <= (day - friday).days <= 3:
        return True
    return (day.month, day.day) in {(1, d) for d in range(2, 10)} | {
        (m, d) for m in (5, 7) for d in range(1, 8)
    }


@dataclass(frozen=True)
class Customers:
    """n customers; every column is (n,). rate: orders per busy day; leaves: chance to leave after an order."""

    rate: Floats
    leaves: Floats
    stages: Small
    more_lines: Floats
    category: Small
    channel: Small
    country: Small
    subscribed: NDArray[np.bool_]

    @staticmethod
    def draw(n: int, chance: np.random.Generator) -> Customers:
        """Draw n customers."""
        return Customers(
            rate=np.maximum(chance.gamma(RATE_SHAPE, MEAN_RATE / RATE_SHAPE, n), 1e-7),
            leaves=chance.beta(LEAVES_A, LEAVES_B, n),
            stages=np.where(chance.random(n) < REGULAR_SHARE, REGULAR_STAGES, 1).astype(np.int32),
            more_lines=chance.gamma(MORE_LINES_SHAPE, MORE_LINES / MORE_LINES_SHAPE, n),
            category=zipf_ranks(CATEGORIES, 0.8)[chance.integers(0, 65_536, n)],
            channel=zipf_ranks(CHANNELS, 1.2)[chance.integers(0, 65_536, n)],
            country=zipf_ranks(COUNTRIES, 1.5)[chance.integers(0, 65_536, n)],
            subscribed=chance.random(n) < 0.7,
        )


@dataclass(frozen=True)
class Orders:
    """The orders of a block in the order of their time, and how each customer stands at the end.

    customer, at (seconds), first (the customer's first order): (orders,). alive, waited (busy days since the last
    order), last_at (seconds of the last order): (n,).
    """

    customer: Small
    at: Ints
    first: NDArray[np.bool_]
    alive: NDArray[np.bool_]
    waited: Floats
    last_at: Ints


def draw_orders(customers: Customers, clock: Clock, chance: np.random.Generator) -> Orders:
    """Let every customer order, from a first order at any busy time until they leave or the history ends."""
    end, n = float(clock.days), len(customers.rate)
    busy = chance.random(n) * end
    alive = np.ones(n, dtype=np.bool_)
    last = busy.copy()
    found = [(np.arange(n, dtype=np.int32), busy)]
    active = found[0][0]
    while len(active):
        gone = chance.random(len(active)) < customers.leaves[active]
        alive[active[gone]] = False
        active = active[~gone]
        stages = customers.stages[active]
        busy = last[active] + chance.standard_gamma(stages) / (stages * customers.rate[active])
        inside = busy < end
        active, busy = active[inside], busy[inside]
        last[active] = busy
        found.append((active, busy))
    customer = np.concatenate([one for one, _ in found])
    at = clock.seconds(np.concatenate([one for _, one in found]))
    by_time = np.argsort(at, kind="stable")
    return Orders(customer[by_time], at[by_time], by_time < n, alive, end - last, clock.seconds(last))


def expected_orders(customers: Customers, orders: Orders, *, ahead: float) -> Floats:
    """Return the expected orders in the next `ahead` busy days given all that is true of each customer.

    One stage: (1 - exp(-rate * leaves * ahead)) / leaves, since orders after which nobody leaves thin a Poisson
    process. More stages: the sum over j of (1 - leaves)^(j-1) * P(at least j orders), over the stages passed so far.
    """
    leaves = np.maximum(customers.leaves, 1e-12)
    expected = -np.expm1(-customers.rate * leaves * ahead) / leaves
    regular = np.flatnonzero(orders.alive & (customers.stages > 1))
    if len(regular):
        speed = customers.stages[regular] * customers.rate[regular]
        passed = _stages_passed(speed * orders.waited[regular], REGULAR_STAGES)
        expected[regular] = _renewals(speed * ahead, leaves[regular], passed)
    return np.where(orders.alive, expected, 0.0)


def _stages_passed(mean: Floats, stages: int) -> Floats:
    """Return the chances that 0 ... stages-1 stages have passed, given that not all have; (n, stages)."""
    weights = np.ones((len(mean), stages))
    for m in range(1, stages):
        weights[:, m] = weights[:, m - 1] * mean / m
    return weights / weights.sum(axis=1, keepdims=True)


def _renewals(mean: Floats, leaves: Floats, passed: Floats) -> Floats:
    """Return the expected orders while a Poisson number of stages with this mean passes; (n,)."""
    stages = passed.shape[1]
    expected, stays = np.zeros(len(mean)), np.ones(len(mean))
    rows, j = np.arange(len(mean)), 1
    while len(rows):
        needed = j * stages - np.arange(stages)
        reached = (passed[rows] * gammainc(needed, mean[rows, None])).sum(axis=1)
        expected[rows] += stays[rows] * reached
        stays[rows] *= 1.0 - leaves[rows]
        rows = rows[stays[rows] * reached > 1e-12]
        j += 1
    return expected


def zipf_ranks(n: int, exponent: float) -> Small:
    """Return 65,536 ranks below n, rank k in proportion to 1 / (k + 1)^exponent: a table to draw from."""
    shares = np.cumsum(np.arange(1, n + 1, dtype=np.float64) ** -exponent)
    return np.searchsorted(shares / shares[-1], (np.arange(65_536) + 0.5) / 65_536).astype(np.int32)
