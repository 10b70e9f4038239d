"""Logistic regression: fitted by scikit-learn, asked by numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from contracts.training import Floats
from experiments.peers.quiet import quiet
from models.contract import sigmoid

MOST_ROUNDS = 500


@dataclass(frozen=True)
class Logistic:
    """An intercept and a weight for each of k columns."""

    intercept: float
    weights: tuple[float, ...]

    @classmethod
    def fit(cls, design: Floats, bought: Floats) -> Self:
        """Fit (n, k) rows with scikit-learn's defaults (L2, C = 1)."""
        with quiet():
            from sklearn.linear_model import LogisticRegression

            rule = LogisticRegression(max_iter=MOST_ROUNDS).fit(design, bought > 0)
        return cls(float(rule.intercept_[0]), tuple(map(float, rule.coef_[0])))

    def p(self, design: Floats) -> Floats:
        """Return the chance of each of n rows."""
        return sigmoid(self.intercept + design @ np.array(self.weights))
