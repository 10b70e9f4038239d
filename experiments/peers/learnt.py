"""What was learnt at some horizons, answered at any: the hazard is a straight line between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.training import Floats, Outcome, TrainingData
from models.contract import NoFit

LEAST_ROWS = 200
LEAST_OF_EACH = 20  # buyers, and others
SUREST = 1.0 - 1e-6


@dataclass(frozen=True)
class PerBuyer:
    """Order days of a buyer in one horizon, and the amount of such an order day; means over the panel."""

    order_days: float
    amount: float

    @staticmethod
    def of(outcome: Outcome) -> PerBuyer:
        """Learn from observed outcomes."""
        bought = outcome.bought > 0
        days = outcome.order_days[bought].sum()
        return PerBuyer(
            float(days / bought.sum()), float(np.maximum(outcome.value[bought], 0.0).sum() / days)
        )


def learnable(data: TrainingData) -> tuple[int, ...]:
    """Return the horizons with enough finished rows, ascending; NoFit if there is none."""
    found = tuple(h for h in sorted(data.outcomes) if _enough(data.outcomes[h]))
    if not found:
        raise NoFit(f"no horizon has {LEAST_ROWS} finished rows with {LEAST_OF_EACH} buyers and others")
    return found


def between(learnt: Sequence[int], at: Callable[[int], Floats], horizon: float) -> Floats:
    """Return chances at any horizon from those `at` the learnt ones (ascending); outside them the hazard goes on."""
    if horizon in learnt:
        return at(int(horizon))
    right = int(np.searchsorted(learnt, horizon))
    if right == 0 or right == len(learnt):
        nearest = learnt[min(right, len(learnt) - 1)]
        return np.asarray(-np.expm1(-_hazard(at(nearest)) * horizon / nearest))
    low, high = learnt[right - 1], learnt[right]
    share = (horizon - low) / (high - low)
    return np.asarray(-np.expm1(-((1.0 - share) * _hazard(at(low)) + share * _hazard(at(high)))))


def order_days_per_buyer(buyers: Mapping[int, PerBuyer], horizon: float) -> float:
    """Return the order days of a buyer at any horizon: 1 at none, then a straight line through the learnt ones."""
    learnt = sorted(buyers)
    days = [1.0, *(buyers[h].order_days for h in learnt)]
    if horizon > learnt[-1]:
        return 1.0 + (days[-1] - 1.0) * horizon / learnt[-1]
    return float(np.interp(horizon, [0, *learnt], days))


def nearest_learnt(learnt: Sequence[int], horizon: float) -> int:
    """Return the learnt horizon that is nearest."""
    return min(learnt, key=lambda h: abs(h - horizon))


def _hazard(p: Floats) -> Floats:
    return np.asarray(-np.log1p(-np.clip(p, 0.0, SUREST)))


def _enough(outcome: Outcome) -> bool:
    rows, buyers = int(outcome.observed.sum()), int(np.nansum(outcome.bought))
    return rows >= LEAST_ROWS and LEAST_OF_EACH <= buyers <= rows - LEAST_OF_EACH
