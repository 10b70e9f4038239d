"""Observed shares by class: how the baselines turn a rule into a probability and a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.training import Columns, Floats, TrainingData
from models.contract import NoFit

Classify = Callable[[Columns, float], NDArray[np.int64]]  # (columns, horizon) -> (n,) class numbers
# Pseudo-customers at the overall share, so that a small class is not believed too much.
PRIOR_CUSTOMERS = 20.0
LEAST_ROWS = 2
SUREST = 0.98  # no share of the past is a surer promise than this


@dataclass(frozen=True)
class ShareTable:
    """For each horizon (days, ascending) and class: the share that bought, and order days per customer."""

    horizons: tuple[int, ...]
    bought: tuple[tuple[float, ...], ...]
    order_days: tuple[tuple[float, ...], ...]

    @staticmethod
    def learn(data: TrainingData, classify: Classify, classes: int, *, falling: bool = False) -> ShareTable:
        """Learn from the panel; `falling`: a higher class never has a higher share. NoFit without rows."""
        horizons, bought, order_days = [], [], []
        for horizon in sorted(data.outcomes):
            columns, outcome = data.observed(horizon)
            if len(outcome.bought) >= LEAST_ROWS:
                found = classify(columns, horizon)
                horizons.append(horizon)
                bought.append(_shares(found, outcome.bought, classes, falling))
                order_days.append(_shares(found, outcome.order_days, classes, falling))
        if not horizons:
            raise NoFit("no finished window of any horizon to learn from")
        return ShareTable(tuple(horizons), tuple(bought), tuple(order_days))

    def answer(self, found: NDArray[np.int64], horizon: float) -> tuple[Floats, Floats]:
        """Return P(bought) and expected order days for (n,) class numbers.

        Between learnt horizons the hazard is interpolated; outside them it goes on as at the nearest.
        """
        hazard = -np.log1p(-np.minimum(np.array(self.bought), SUREST))
        p = 1.0 - np.exp(-self._at(hazard, horizon)[found])
        return p, np.maximum(self._at(np.array(self.order_days), horizon)[found], p)

    def _at(self, table: Floats, horizon: float) -> Floats:
        known = np.array(self.horizons, dtype=np.float64)
        if horizon <= known[0]:
            return np.asarray(table[0] * horizon / known[0])
        if horizon >= known[-1]:
            return np.asarray(table[-1] * horizon / known[-1])
        return np.array([np.interp(horizon, known, column) for column in table.T])

    def numbers(self) -> dict[str, Any]:
        """Return plain numbers."""
        return {"horizons": self.horizons, "bought": self.bought, "order_days": self.order_days}

    @staticmethod
    def of_numbers(numbers: dict[str, Any]) -> ShareTable:
        """Read what `numbers` gave."""
        return ShareTable(
            tuple(numbers["horizons"]),
            tuple(map(tuple, numbers["bought"])),
            tuple(map(tuple, numbers["order_days"])),
        )


def _shares(found: NDArray[np.int64], outcome: Floats, classes: int, falling: bool) -> tuple[float, ...]:
    overall = (outcome.sum() + 0.5) / (len(outcome) + 1.0)
    counts = np.bincount(found, minlength=classes)
    shares = (np.bincount(found, outcome, classes) + PRIOR_CUSTOMERS * overall) / (counts + PRIOR_CUSTOMERS)
    if falling:
        from sklearn.isotonic import IsotonicRegression

        seen = np.flatnonzero(counts)
        rule = IsotonicRegression(increasing=False, out_of_bounds="clip")
        shares = rule.fit(seen, shares[seen], sample_weight=counts[seen]).predict(np.arange(classes))
    return tuple(map(float, shares))
