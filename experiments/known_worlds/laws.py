"""What is true of a population: how rates, gaps and leaving are distributed, and how the whole shop's pace runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from contracts.days import to_day

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
AS_OF = to_day(date(2025, 9, 30))  # Christmas lies within 90 days
DAYS = 800
AHEAD = 400  # days that are generated after the as-of day
YEAR = 365.25
_CHRISTMAS_PEAK, _CHRISTMAS_DAYS = 344.0, 16.0  # day of the year, and the spread around it
_TROUGH, _TROUGH_DAYS = 205.0, 30.0
_FALL = 0.4  # of the level, in a year


@dataclass(frozen=True)
class AtOrders:
    """Leaves after an order with a chance ~ Beta(a, b); after the first one too if `first`."""

    a: float
    b: float
    first: bool = False


@dataclass(frozen=True)
class AnyTime:
    """Leaves at a rate ~ Gamma(s, beta) per calendar day from the first order on."""

    s: float
    beta: float


# The pace of the shop on given days, as of a day: busy days per day, (n,).
Pace = Callable[[Ints, int], Floats]


@dataclass(frozen=True)
class Law:
    """How the customers of a world order: rates ~ Gamma(r, alpha) orders per busy day.

    stages: (k, share of the customers): gaps are gamma with k stages. slower, leavier: alpha and a of the newest
    cohort over those of the oldest; between them linear in the day of the first order.
    """

    r: float
    alpha: float
    leaves: AtOrders | AnyTime
    stages: tuple[tuple[int, float], ...] = ((1, 1.0),)
    pace: Pace | None = None
    slower: float = 1.0
    leavier: float = 1.0


def seasonal_pace(days: Ints, as_of: int) -> Floats:
    """Return the same profile every year: 1 on an even day, 2 before Christmas, .7 in the middle of summer."""
    of_year = np.asarray(days % YEAR, dtype=np.float64)  # 1970 began on a 1 January
    christmas = np.exp(-0.5 * (_apart(of_year, _CHRISTMAS_PEAK) / _CHRISTMAS_DAYS) ** 2)
    trough = np.exp(-0.5 * (_apart(of_year, _TROUGH) / _TROUGH_DAYS) ** 2)
    return np.asarray(1.0 + christmas - 0.3 * trough)


def falling_pace(days: Ints, as_of: int) -> Floats:
    """Return 1 until a year before the as-of day, then a fall by 40 %; from the as-of day on it stays."""
    return np.asarray((1.0 - _FALL) ** np.clip((days - as_of) / YEAR + 1.0, 0.0, 1.0))


def sinking_pace(days: Ints, as_of: int) -> Floats:
    """Return 1 until a year before the as-of day, then a fall by 40 % a year without end."""
    return np.asarray((1.0 - _FALL) ** np.maximum((days - as_of) / YEAR + 1.0, 0.0))


def _apart(of_year: Floats, day: float) -> Floats:
    """Return the days between two days of the year, the shorter way round."""
    there = np.abs(of_year - day)
    return np.minimum(there, YEAR - there)


_BGNBD = AtOrders(0.8, 2.8)
_MODIFIED = AtOrders(0.8, 3.2, first=True)
LAWS = {
    "bgnbd": Law(1.1, 80.0, _BGNBD),
    "paretonbd": Law(1.1, 80.0, AnyTime(0.7, 250.0)),
    "regular": Law(1.5, 110.0, _MODIFIED, stages=((3, 1.0),)),
    "seasonal": Law(1.1, 80.0, _BGNBD, pace=seasonal_pace),
    "shifting": Law(1.1, 65.0, _BGNBD, pace=falling_pace, slower=1 / 0.6, leavier=1.6),
    "rhythms": Law(1.5, 110.0, _MODIFIED, stages=((1, 1 / 2), (3, 1 / 3), (8, 1 / 6))),
    "drifting": Law(1.1, 65.0, _BGNBD, pace=sinking_pace, slower=1 / 0.6, leavier=1.6),
}
ISSUE_WORLDS = ("bgnbd", "paretonbd", "regular", "seasonal", "shifting")


@dataclass(frozen=True)
class World:
    """All that is true of a population: its law and its calendar. Times are days since the start of first_day."""

    law: Law
    as_of: int
    days: int

    @property
    def first_day(self) -> int:
        """The first of the `days` days that end with the as-of day."""
        return self.as_of - self.days + 1

    @cached_property
    def _busy(self) -> Floats:
        days = np.arange(self.first_day, self.as_of + AHEAD + 1)
        pace = self.law.pace(days, self.as_of) if self.law.pace else np.ones(len(days))
        return np.concatenate(([0.0], np.cumsum(pace)))

    def busy(self, time: Floats) -> Floats:
        """Return how many busy days have passed at these times."""
        return np.interp(time, np.arange(len(self._busy), dtype=np.float64), self._busy)

    def busy_at(self, time: float) -> float:
        """Return how many busy days have passed at one time."""
        return float(self.busy(np.array(float(time))))

    def time(self, busy: Floats) -> Floats:
        """Return the times at which so many busy days have passed."""
        return np.interp(busy, self._busy, np.arange(len(self._busy), dtype=np.float64))

    def cohort(self, first: Floats) -> tuple[Floats, Floats]:
        """Return the factors on alpha and a of customers who first ordered at these times; (n,) each."""
        part = np.clip(first / self.days, 0.0, 1.0)
        return 1.0 + (self.law.slower - 1.0) * part, 1.0 + (self.law.leavier - 1.0) * part
