"""Value tiers: whom to focus on, whom to cultivate, and on whom to spend less."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.training import Floats

FOCUS, CULTIVATE, REDUCE = "focus", "cultivate", "reduce"
NAMES = (FOCUS, CULTIVATE, REDUCE)
_TAIL_SHARE = 0.05  # without a contact cost: those who together bring this share of the expected value
_RESAMPLES = 200
_MOST = 100_000  # customers that are resampled


@dataclass(frozen=True)
class Tiers:
    """Two thresholds of the expected profit before contacts (currency per customer and horizon), found from the data.

    focus_from: the mean of those who bring more than the mean (head/tail breaks: B. Jiang 2013, Professional Geographer
    65(3), which is made for values of which few are large). reduce_below: the cost of the contacts of the horizon, or,
    where it is not known, the value below which customers together bring 5 %. Intervals: 95 %, customers resampled.
    unstable_share: customers between the ends of an interval, who would be in another tier with other customers.
    """

    focus_from: float
    focus_lower: float
    focus_upper: float
    reduce_below: float
    reduce_lower: float
    reduce_upper: float
    unstable_share: float
    contact_cost: float

    @classmethod
    def of(cls, profit: Floats, *, contact_cost: float = 0.0) -> Self:
        """Find the thresholds. profit: (n,) expected value times margin; contact_cost: of the same days, currency."""
        if not len(profit):
            raise ContractError("tiers need at least one customer")
        focus, reduce = _thresholds(profit, contact_cost)
        draws = np.array([[focus, reduce], *_resampled(profit, contact_cost, (focus, reduce))])
        (focus_lower, reduce_lower), (focus_upper, reduce_upper) = np.quantile(draws, (0.025, 0.975), axis=0)
        between = ((profit >= focus_lower) & (profit < focus_upper)) | (
            (profit >= reduce_lower) & (profit < reduce_upper)
        )
        return cls(
            focus, float(focus_lower), float(focus_upper), reduce, float(reduce_lower), float(reduce_upper),
            float(between.mean()), contact_cost,
        )  # fmt: skip

    def of_customers(self, profit: Floats) -> NDArray[np.object_]:
        """Return the tier of each customer; (n,)."""
        names = np.full(len(profit), CULTIVATE, dtype=object)
        names[profit < self.reduce_below] = REDUCE
        names[profit >= max(self.focus_from, self.reduce_below)] = FOCUS
        return names

    def words(self, currency: str) -> list[str]:
        """Return what the thresholds are and how stable, as sentences."""
        why = "what their contacts cost" if self.contact_cost else "the value of those who together bring 5 %"
        stable = "stable" if self.unstable_share < 0.05 else "not stable"
        return [
            f"focus from {self.focus_from:,.2f} {currency} ({self.focus_lower:,.2f} to {self.focus_upper:,.2f}): the "
            "mean of those above the mean.",
            f"reduce below {self.reduce_below:,.2f} {currency} ({self.reduce_lower:,.2f} to "
            f"{self.reduce_upper:,.2f}): {why}.",
            f"The tiers are {stable}: {self.unstable_share:.1%} of the customers stand between the ends of these "
            "intervals.",
        ]

    def to_dict(self) -> dict[str, float]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def of_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read plain values."""
        return cls(**{name: float(value) for name, value in values.items()})


def _thresholds(profit: Floats, contact_cost: float, weights: Floats | None = None) -> tuple[float, float]:
    """Return where focus begins and reduce ends."""
    weight = np.ones(len(profit)) if weights is None else weights
    above = profit > np.average(profit, weights=weight)
    some = above & (weight > 0)
    focus = float(np.average(profit[some], weights=weight[some])) if some.any() else float(profit.max())
    if contact_cost > 0.0:
        return focus, contact_cost
    rank = np.argsort(profit, kind="stable")
    gathered = np.cumsum(np.maximum(profit[rank], 0.0) * weight[rank])
    at = int(np.searchsorted(gathered, _TAIL_SHARE * gathered[-1], side="right"))
    return focus, float(profit[rank[min(at, len(rank) - 1)]])


def _resampled(profit: Floats, contact_cost: float, centre: tuple[float, float]) -> Iterator[list[float]]:
    """Yield the thresholds with reweighted customers (Bayesian bootstrap: D. Rubin 1981), for the whole base's size."""
    chance = np.random.default_rng(len(profit))
    some = np.sort(profit)
    if len(some) > _MOST:
        some = some[np.linspace(0, len(some) - 1, _MOST).astype(np.int64)]
    found = _thresholds(some, contact_cost)
    shrink = np.sqrt(len(some) / len(profit))
    for _ in range(_RESAMPLES):
        drawn = _thresholds(some, contact_cost, chance.exponential(1.0, len(some)))
        yield [at + (new - old) * shrink for at, new, old in zip(centre, drawn, found, strict=True)]
