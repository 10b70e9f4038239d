"""Intervals of shares and of their differences."""

from __future__ import annotations

from math import hypot
from statistics import NormalDist

import numpy as np

from contracts.training import Floats

Z95 = NormalDist().inv_cdf(0.975)  # of a two-sided interval of 95 %


def wilson(share: Floats, of: Floats, *, z: float = Z95) -> tuple[Floats, Floats]:
    """Return both ends of the score interval of shares observed among `of`; NaN where `of` is 0. Wilson (1927)."""
    n = np.where(of > 0, of, np.nan)
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At no hit and at all hits the ends are 0 and 1; rounding must not pass them.
    unknown = np.isnan(n)
    lower = np.where((share <= 0) & ~unknown, 0.0, middle - half)
    upper = np.where((share >= 1) & ~unknown, 1.0, middle + half)
    return lower, upper


def newcombe(one: tuple[float, float, float], other: tuple[float, float, float]) -> tuple[float, float]:
    """Return both ends of the interval of a share less another; each: the share and the ends of its score interval.

    Newcombe (1998), Statistics in Medicine 17:873, method 10.
    """
    (p, p_low, p_high), (q, q_low, q_high) = one, other
    return p - q - hypot(p - p_low, q_high - q), p - q + hypot(p_high - p, q - q_low)
