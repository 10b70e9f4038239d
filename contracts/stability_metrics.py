"""How far the distribution of a number has moved, in numpy only: the population stability index over tenths.

With the shares e of the bins before and a now it is the sum of (a - e) log(a / e); below .1 little has moved, from
.25 on much has (the usual rule of credit scoring; Siddiqi, Credit Risk Scorecards, 2006). Chance alone gives
(bins - 1) (1/n + 1/m), which is taken off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from contracts.metrics import Floats, Ints

TENTHS = np.arange(1, 10) / 10
_DIGITS = 6  # of an edge: a manifest is read by people, too


@dataclass(frozen=True)
class Bins:
    """Bins of a number: below each of the ascending edges, above the last, and one for unknown values (the last)."""

    edges: Floats

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Cut at the tenths of the known values; (n,), NaN where unknown. Many equal values make fewer bins."""
        known = values[np.isfinite(values)]
        if not len(known):
            return cls(np.empty(0))
        cuts = np.quantile(known, TENTHS, method="inverted_cdf")
        return cls(np.unique([float(f"{cut:.{_DIGITS}g}") for cut in cuts]))

    def __len__(self) -> int:
        return len(self.edges) + 2

    def counts(self, values: Floats) -> Ints:
        """Return how many of (n,) values lie in each bin; a value on an edge lies below it."""
        unknown = np.isnan(values)
        place = np.searchsorted(self.edges, values, side="left")
        place[unknown] = len(self) - 1
        return np.bincount(place, minlength=len(self))


@dataclass(frozen=True)
class Distribution:
    """How a number was spread over its bins; counts: (bins,)."""

    bins: Bins
    counts: Ints

    @classmethod
    def of(cls, values: Floats) -> Self:
        """Cut values at their own tenths and count; (n,)."""
        bins = Bins.of(values)
        return cls(bins, bins.counts(values))

    @property
    def unknown_share(self) -> float:
        """The share of unknown values."""
        return float(self.counts[-1] / max(self.counts.sum(), 1))

    def moved(self, now: NDArray[np.integer]) -> float:
        """Return the stability index of counts in the same bins, at least 0."""
        return stability_index(self.counts, now)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"edges": self.bins.edges.tolist(), "counts": self.counts.tolist()}

    @classmethod
    def of_dict(cls, plain: Mapping[str, Any]) -> Self:
        """Read plain values."""
        return cls(
            Bins(np.array(plain["edges"], dtype=np.float64)), np.array(plain["counts"], dtype=np.int64)
        )


def stability_index(before: NDArray[np.integer], now: NDArray[np.integer]) -> float:
    """Return the population stability index of two counts over the same bins, at least 0; 0 where one is empty.

    Half a row is added to each bin, so that an empty one is no infinity.
    """
    n, m, bins = int(before.sum()), int(now.sum()), len(before)
    if not n or not m or bins < 2:
        return 0.0
    expected = (before + 0.5) / (n + 0.5 * bins)
    actual = (now + 0.5) / (m + 0.5 * bins)
    index = float(((actual - expected) * np.log(actual / expected)).sum())
    return max(index - (bins - 1) * (1.0 / n + 1.0 / m), 0.0)
