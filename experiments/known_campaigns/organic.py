"""What happens in a shop without campaigns, and the chance of every customer to order at any time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from experiments.worlds_customers import Clock, Customers, Orders, draw_orders

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
DAY, HOUR = 86_400, 3_600  # seconds
_LEAST = 1e-250


@dataclass(frozen=True)
class Organic:
    """The n customers of a shop and their orders without campaigns."""

    clock: Clock
    customers: Customers
    orders: Orders

    @staticmethod
    def draw(customers: int, *, seed: int, days: int, last_day: date) -> Organic:
        """Draw them; the same arguments give the same shop."""
        chance = np.random.default_rng(np.random.SeedSequence([seed, customers, days]))
        clock = Clock.of(last_day, days)
        drawn = Customers.draw(customers, chance)
        return Organic(clock, drawn, draw_orders(drawn, clock, chance))

    def __len__(self) -> int:
        return len(self.customers.rate)

    def busy(self, at: Ints) -> Floats:
        """Return the busy time at these seconds since 1970."""
        hours = (at - self.clock.first_day * DAY) / HOUR
        return np.interp(hours, np.arange(len(self.clock.busy), dtype=np.float64), self.clock.busy)

    def last_order(self, at: int) -> Ints:
        """Return the seconds of each customer's last order before a time, -1 where there is none; (n,)."""
        found = np.full(len(self), -1, dtype=np.int64)
        before = self.orders.at < at
        np.maximum.at(found, self.orders.customer[before], self.orders.at[before])
        return found

    def chance(self, at: int, *, days: int) -> Floats:
        """Return P(an order in the `days` days after a time), given all that is true of each customer; (n,).

        With gaps of k gamma stages at the rate r and a silence of w busy days it is 1 - S(w + h) / S(w), S the survival
        of a gap; 0 for whoever has left, or has not come yet.
        """
        last = self.last_order(at)
        gone = (last < 0) | (~self.orders.alive & (self.orders.last_at < at))
        now, end = self.busy(np.array([at, at + days * DAY]))
        silent = now - self.busy(np.maximum(last, self.clock.first_day * DAY))
        stages = self.customers.stages.astype(np.float64)
        speed = stages * self.customers.rate
        before = gammaincc(stages, speed * silent)
        after = gammaincc(stages, speed * (silent + end - now))
        stays = np.where(before > _LEAST, after / np.maximum(before, _LEAST), np.exp(-speed * (end - now)))
        return np.where(gone, 0.0, np.clip(1.0 - stays, 0.0, 1.0))

    def ordered(self, begin: int, end: int) -> Bools:
        """Return who orders in the seconds [begin, end); (n,)."""
        inside = (self.orders.at >= begin) & (self.orders.at < end)
        return np.bincount(self.orders.customer[inside], minlength=len(self)) > 0
