"""A total of many customers' values, and how far it may be off.

Customers' own variances add up, and so do the logarithms of their chances to order nothing. What all share, the level
of the season and the trend, does not cancel out: its deviations add up themselves. All are plain sums, so the
interval of a union follows from its parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, expm1, inf

from scipy.special import gammaincinv


@dataclass(frozen=True)
class Total:
    """An expected total in currency.

    mean: without `certain`, at least 0. own_variance: sum of the customers' variances, currency squared. level_sd:
    standard deviation of the total by the level that all share, currency. certain: what is fixed, such as the cost of
    contacts (below 0). log_nobody: logarithm of the chance that nobody in the group orders.
    """

    mean: float = 0.0
    own_variance: float = 0.0
    level_sd: float = 0.0
    certain: float = 0.0
    log_nobody: float = -inf

    def __add__(self, other: Total) -> Total:
        """Return the total of both groups, which have no customer in common."""
        return Total(
            self.mean + other.mean,
            self.own_variance + other.own_variance,
            self.level_sd + other.level_sd,
            self.certain + other.certain,
            self.log_nobody + other.log_nobody,
        )

    @property
    def expected(self) -> float:
        """The expected total, the certain part included; currency."""
        return self.mean + self.certain

    @property
    def variance(self) -> float:
        """The variance of the total; currency squared."""
        return self.own_variance + self.level_sd**2

    def interval(self, level: float = 0.8) -> tuple[float, float]:
        """Return where the total lies with chance `level`; currency.

        Nothing at all if nobody orders, else a gamma amount, with this mean and variance. Equal tails, but from 0
        on where nobody orders with the chance of a tail or more.
        """
        tail = (1.0 - level) / 2.0
        if exp(self.log_nobody) >= tail:
            return self.certain, self.certain + max(self.quantile(level), self.mean)
        return self.certain + self.quantile(tail), self.certain + self.quantile(1.0 - tail)

    def quantile(self, share: float) -> float:
        """Return what the total without `certain` stays below with chance `share`; currency."""
        somebody = -expm1(self.log_nobody)
        inside = (share - exp(self.log_nobody)) / somebody if somebody > 0 else 0.0
        if inside <= 0 or self.mean <= 0:
            return 0.0
        mean = self.mean / somebody
        variance = (self.variance + self.mean**2) / somebody - mean**2
        if variance <= 1e-12 * mean**2:
            return mean
        shape = mean**2 / variance
        return float(gammaincinv(shape, inside)) * variance / mean if shape > 1e-300 else 0.0
