"""RFM: deciles of recency, frequency and spend, each decile with a weight of its own in a logistic regression."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from contracts.training import Columns, Floats, Prediction, TrainingData
from experiments.peers.learnt import PerBuyer, between, learnable, order_days_per_buyer
from experiments.peers.logistic import Logistic

RFM = ("recency_days", "frequency", "spend")
_TENTHS = np.linspace(0.1, 0.9, 9)


@dataclass(frozen=True)
class RfmLogistic:
    """The deciles' edges, one logistic regression per horizon, and the order days of a buyer."""

    edges: tuple[tuple[float, ...], ...]
    chance: Mapping[int, Logistic]
    buyer: Mapping[int, PerBuyer]
    name: ClassVar[str] = "rfm_logistic"

    @classmethod
    def fit(cls, data: TrainingData) -> Self:
        """Learn deciles and weights from the panel; NoFit without enough finished rows."""
        horizons = learnable(data)
        # Many customers share a frequency: equal edges are one.
        edges = tuple(tuple(map(float, np.unique(np.quantile(data.panel[name], _TENTHS)))) for name in RFM)
        chance, buyer = {}, {}
        for h in horizons:
            columns, outcome = data.observed(h)
            chance[h] = Logistic.fit(_design(columns, edges), outcome.bought)
            buyer[h] = PerBuyer.of(outcome)
        return cls(edges, chance, buyer)

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer by the customer's deciles; an order day is worth the customer's mean amount."""
        learnt = tuple(self.chance)
        design = _design(columns, self.edges)
        p = between(learnt, lambda h: self.chance[h].p(design), horizon)
        orders = p * order_days_per_buyer(self.buyer, horizon)
        return Prediction(p, orders, orders * columns["monetary_value"])


def _design(columns: Columns, edges: tuple[tuple[float, ...], ...]) -> Floats:
    """Return a column for each decile but the first of each measure; (n, k)."""
    found = []
    for name, cuts in zip(RFM, edges, strict=True):
        decile = np.searchsorted(np.array(cuts), columns[name], side="right")
        found.append((decile[:, None] == np.arange(1, len(cuts) + 1)).astype(np.float64))
    return np.hstack(found)
