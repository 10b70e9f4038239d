"""LightGBM as it is commonly put on a panel of cutoffs: a classifier and a regression of spend per horizon.

No BTYD model stands behind it, nothing is calibrated, and the season is left to the features. On RFM alone it is a
peer; on all features it shows what our other parts add.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from contracts.training import Columns, Floats, Outcome, Prediction, TrainingData
from experiments.peers.learnt import PerBuyer, between, learnable, nearest_learnt, order_days_per_buyer
from models import boosters
from models.boosters import Booster
from models.contract import sigmoid

RFM = ("recency_days", "frequency", "monetary_value", "tenure")
MOST_ROWS = 300_000  # per horizon
PARAMETERS: dict[str, Any] = {
    "rounds": 100,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
}
_CHANCE = {**PARAMETERS, "objective": "binary"}
_VALUE = {**PARAMETERS, "objective": "tweedie", "tweedie_variance_power": 1.5}


@dataclass(frozen=True)
class Head:
    """The boosters of one horizon with where they start, and what a buyer is like."""

    chance: Booster
    chance_start: float
    value: Booster | None
    value_start: float
    buyer: PerBuyer


@dataclass(frozen=True)
class PlainLightGbm:
    """One head per horizon over some feature columns."""

    features: tuple[str, ...]
    heads: Mapping[int, Head]

    @classmethod
    def fit(
        cls, data: TrainingData, *, features: tuple[str, ...] | None = None, seed: int = 1, threads: int = 0
    ) -> Self:
        """Train on these columns of the panel (None: on all); NoFit without enough finished rows."""
        wanted = tuple(data.panel) if features is None else features
        heads = {}
        for h in learnable(data):
            columns, outcome = _sampled(*data.observed(h), seed=seed)
            design = np.column_stack([columns[name] for name in wanted])
            heads[h] = _train(design, outcome, list(wanted), seed, threads)
        return cls(wanted, heads)

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer for one horizon; between the learnt ones the hazard is interpolated."""
        learnt = tuple(self.heads)
        design = np.column_stack([columns[name] for name in self.features])
        p = between(learnt, lambda h: _chance(self.heads[h], design), horizon)
        near = nearest_learnt(learnt, horizon)
        head = self.heads[near]
        orders = p * order_days_per_buyer({h: one.buyer for h, one in self.heads.items()}, horizon)
        if head.value is None:
            return Prediction(p, orders, orders * head.buyer.amount)
        value = np.exp(head.value_start + boosters.ask(head.value, design))
        return Prediction(p, orders, value * horizon / near)


def _chance(head: Head, design: Floats) -> Floats:
    return sigmoid(head.chance_start + boosters.ask(head.chance, design))


def _train(design: Floats, outcome: Outcome, names: list[str], seed: int, threads: int) -> Head:
    share = float(outcome.bought.mean())
    spent = np.maximum(outcome.value, 0.0)
    chance_start = float(np.log(share / (1.0 - share)))
    value_start = float(np.log(spent.mean())) if spent.any() else 0.0

    rows = boosters.Design(design, names)

    def booster(target: Floats, start: float, parameters: dict[str, Any]) -> Booster:
        return rows.train(
            target,
            start=np.full(len(target), start),
            parameters={**parameters, "seed": seed},
            threads=threads,
        )

    chance = booster(outcome.bought, chance_start, _CHANCE)
    value = booster(spent, value_start, _VALUE) if spent.any() else None
    return Head(chance, chance_start, value, value_start, PerBuyer.of(outcome))


def _sampled(columns: Columns, outcome: Outcome, *, seed: int) -> tuple[Columns, Outcome]:
    n = len(outcome.bought)
    if n <= MOST_ROWS:
        return columns, outcome
    rows = np.sort(np.random.default_rng(seed).choice(n, MOST_ROWS, replace=False))
    return {name: values[rows] for name, values in columns.items()}, outcome.take(rows)
