"""Historic spend: the best customers so far will be the best again.

Value is what the customer has spent per day of tenure, times the horizon; a customer newer than the horizon is
expected to spend what was spent so far. The chance comes from a logistic regression on the logarithm of that spend.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from contracts.training import Columns, Floats, Prediction, TrainingData
from experiments.peers.learnt import PerBuyer, between, learnable, order_days_per_buyer
from experiments.peers.logistic import Logistic


@dataclass(frozen=True)
class HistoricSpend:
    """A logistic curve over past spend, and the order days of a buyer, by horizon."""

    chance: Mapping[int, Logistic]
    buyer: Mapping[int, PerBuyer]
    name: ClassVar[str] = "historic_spend"

    @classmethod
    def fit(cls, data: TrainingData) -> Self:
        """Learn from the panel; NoFit without enough finished rows."""
        chance, buyer = {}, {}
        for h in learnable(data):
            columns, outcome = data.observed(h)
            chance[h] = Logistic.fit(_design(columns), outcome.bought)
            buyer[h] = PerBuyer.of(outcome)
        return cls(chance, buyer)

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer from past spend and tenure."""
        learnt = tuple(self.chance)
        design = _design(columns)
        p = between(learnt, lambda h: self.chance[h].p(design), horizon)
        orders = p * order_days_per_buyer(self.buyer, horizon)
        rate = np.maximum(columns["spend"], 0.0) / np.maximum(columns["tenure"], horizon)
        return Prediction(p, orders, rate * horizon)


def _design(columns: Columns) -> Floats:
    return np.log1p(np.maximum(columns["spend"], 0.0))[:, None]
