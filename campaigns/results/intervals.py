"""Intervals of shares, of means and of their differences, and what many comparisons at once ask for.

Wilson (1927), score interval of a share; Newcombe (1998), Statistics in Medicine 17:873, method 10, difference of two
shares; Welch (1947), difference of two means; Katz et al. (1978), ratio of two shares by its logarithm; Holm (1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, ndtr, ndtri, stdtr, stdtrit

from contracts import intervals
from contracts.intervals import wilson
from features.kernel.running import Floats

LEVEL = 0.95


@dataclass(frozen=True)
class Sample:
    """One outcome of n customers: its mean, and the variance of one customer (n - 1; 0 for fewer than two)."""

    n: int
    mean: float
    variance: float

    @staticmethod
    def of(values: Floats) -> Sample:
        """Return the mean and variance of (n,) values; n is at least 1."""
        return Sample(
            len(values), float(values.mean()), float(values.var(ddof=1)) if len(values) > 1 else 0.0
        )

    @property
    def error_squared(self) -> float:
        """The squared standard error of the mean."""
        return self.variance / self.n


@dataclass(frozen=True)
class Difference:
    """Treated less control with its interval; error: the standard error; p_value: two-sided, of no difference."""

    value: float
    lower: float
    upper: float
    error: float
    p_value: float | None


def newcombe(treated: Sample, control: Sample, *, level: float = LEVEL) -> Difference:
    """Return the difference of two shares; p by the score test with the pooled share (two-sided)."""
    p, q = treated.mean, control.mean
    ends = [wilson(np.array([one.mean]), np.array([float(one.n)]), z=_z(level)) for one in (treated, control)]
    (p_low, p_high), (q_low, q_high) = ((float(low[0]), float(high[0])) for low, high in ends)
    lower, upper = intervals.newcombe((p, p_low, p_high), (q, q_low, q_high))
    pooled = (p * treated.n + q * control.n) / (treated.n + control.n)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / treated.n + 1 / control.n))
    p_value = 2 * float(ndtr(-abs(p - q) / spread)) if spread > 0 else 1.0
    error = math.sqrt(p * (1 - p) / treated.n + q * (1 - q) / control.n)
    return Difference(p - q, lower, upper, error, p_value)


def welch(treated: Sample, control: Sample, *, level: float = LEVEL) -> Difference:
    """Return the difference of two means with unequal variances; no interval (NaN) with one customer in an arm."""
    value = treated.mean - control.mean
    a, b = treated.error_squared, control.error_squared
    if treated.n < 2 or control.n < 2:
        return Difference(value, math.nan, math.nan, math.nan, None)
    if a + b == 0:
        return Difference(value, value, value, 0.0, 1.0 if value == 0 else 0.0)
    freedom = (a + b) ** 2 / (a * a / (treated.n - 1) + b * b / (control.n - 1))
    return of_error(value, math.sqrt(a + b), freedom=freedom, level=level)


def of_error(value: float, error: float, *, freedom: float = math.inf, level: float = LEVEL) -> Difference:
    """Return the interval of a value with this standard error by Student's t (the normal curve without freedom)."""
    if error == 0:
        return Difference(value, value, value, 0.0, 1.0 if value == 0 else 0.0)
    reach, tail = _z(level), float(ndtr(-abs(value) / error))
    if math.isfinite(freedom):
        reach, tail = float(stdtrit(freedom, (1 + level) / 2)), float(stdtr(freedom, -abs(value) / error))
    return Difference(value, value - reach * error, value + reach * error, error, 2 * tail)


def lift(treated: Sample, control: Sample, *, level: float = LEVEL) -> tuple[float, float, float] | None:
    """Return treated / control - 1 with its interval by the logarithm; None where a mean is not above 0."""
    if treated.mean <= 0 or control.mean <= 0:
        return None
    ratio = treated.mean / control.mean
    error = math.sqrt(sum(one.error_squared / one.mean**2 for one in (treated, control)))
    reach = math.exp(_z(level) * error)
    return ratio - 1, ratio / reach - 1, ratio * reach - 1


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return Holm's adjusted p-values in the given order; None stays None and is not counted."""
    known = sorted((p, at) for at, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    least = 0.0
    for rank, (p, at) in enumerate(known):
        least = min(1.0, max(least, p * (len(known) - rank)))
        adjusted[at] = least
    return adjusted


def chi_square_p(statistic: float, freedom: int) -> float:
    """Return the chance of at least this chi-square with so many degrees of freedom."""
    return float(chdtrc(freedom, max(statistic, 0.0))) if freedom > 0 else 1.0


def _z(level: float) -> float:
    return float(ndtri((1 + level) / 2))
