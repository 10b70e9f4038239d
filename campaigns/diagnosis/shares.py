"""Shares of customers with the interval that says how sure they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from contracts.intervals import wilson
from features.kernel.running import Ints

LEAST = 30  # customers below which a share is not told as a finding


@dataclass(frozen=True)
class Share:
    """`count` of `of` customers, and the 95 % interval of the share; all NaN if there is nobody."""

    value: float
    lower: float
    upper: float
    count: int
    of: int

    @staticmethod
    def of_counts(count: int, of: int) -> Share:
        """Return the share with its score interval."""
        if not of:
            return Share(math.nan, math.nan, math.nan, 0, 0)
        lower, upper = wilson(np.array([count / of]), np.array([float(of)]))
        return Share(count / of, float(lower[0]), float(upper[0]), int(count), int(of))

    @property
    def enough(self) -> bool:
        """Whether there are enough customers to speak of it."""
        return self.of >= LEAST


def shares_of(counts: Ints, of: Ints) -> list[Share]:
    """Return the share of each pair of counts."""
    return [Share.of_counts(int(count), int(all_)) for count, all_ in zip(counts, of, strict=True)]


def stricter(comparisons: int) -> float:
    """Return the z of intervals of which all of that many hold together with 95 %. Bonferroni's inequality."""
    return NormalDist().inv_cdf(1 - 0.025 / max(comparisons, 1))
