"""Judge models on one out-of-time window, on the same customers, with paired intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts import metrics
from contracts.training import Columns, Floats, Outcome, Prediction
from models.contract import Model

BASELINES = ("recency", "persistence")
RESAMPLES = 200
# Resampling sorts all customers each time; this many are enough for a narrow interval.
MOST_RESAMPLED = 20_000
_Z95 = 1.959964


@dataclass(frozen=True)
class Difference:
    """A paired difference, positive where the first model is better, with its 95 % interval."""

    mean: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Evaluation:
    """What each model predicted at `origin` for the `horizon` days after it, and how good that was."""

    origin: int
    horizon: int
    outcome: Outcome
    predictions: Mapping[str, Prediction]
    metrics: Mapping[str, Mapping[str, float]]

    @property
    def customers(self) -> int:
        """How many customers were judged."""
        return len(self.outcome.bought)

    @property
    def best_baseline(self) -> str | None:
        """The baseline with the lowest log loss; None if none could be fitted."""
        there = [name for name in BASELINES if name in self.metrics]
        return min(there, key=lambda name: self.metrics[name]["log_loss"]) if there else None


def evaluate(
    models: Mapping[str, Model], columns: Columns, outcome: Outcome, *, origin: int, horizon: int
) -> Evaluation:
    """Ask every model for the same customers and measure the answers."""
    predictions = {name: model.predict(columns, horizon, day=origin) for name, model in models.items()}
    found = {name: measure(outcome, prediction) for name, prediction in predictions.items()}
    return Evaluation(origin, horizon, outcome, predictions, found)


def measure(outcome: Outcome, prediction: Prediction) -> dict[str, float]:
    """Return all metrics of one prediction; those that are not defined here are left out."""
    bought, p = outcome.bought, prediction.p
    spent = np.maximum(outcome.value, 0.0)
    found = {
        "auc": metrics.auc(bought, p),
        "average_precision": metrics.average_precision(bought, p),
        "log_loss": metrics.log_loss(bought, p),
        "brier": metrics.brier(bought, p),
        "calibration_error": metrics.expected_calibration_error(bought, p),
        "level_bias": metrics.level_bias(bought, p),
        "top_decile_lift": metrics.lift(bought, p),
        "orders_bias": metrics.level_bias(outcome.order_days, prediction.expected_orders),
        "value_gini": metrics.gini(spent, prediction.expected_value),
        "value_bias": metrics.level_bias(outcome.value, prediction.expected_value),
    }
    return {name: value for name, value in found.items() if np.isfinite(value)}


def log_loss_gain(outcome: Outcome, ours: Prediction, theirs: Prediction) -> Difference:
    """Return how much lower our log loss is (nats per customer), paired by customer."""
    gain = metrics.log_losses(outcome.bought, theirs.p) - metrics.log_losses(outcome.bought, ours.p)
    error = _Z95 * float(gain.std()) / np.sqrt(len(gain))
    return Difference(float(gain.mean()), float(gain.mean() - error), float(gain.mean() + error))


def value_gini_gain(outcome: Outcome, ours: Prediction, theirs: Prediction) -> Difference:
    """Return how much higher our value Gini is; percentile interval over resampled customers."""
    spent = np.maximum(outcome.value, 0.0)
    draws = np.random.default_rng(1)
    gains = []
    for _ in range(RESAMPLES):
        rows = draws.integers(0, len(spent), min(len(spent), MOST_RESAMPLED))
        gains.append(_gini_gain(spent, ours, theirs, rows))
    lower, upper = np.nanpercentile(gains, (2.5, 97.5)) if np.isfinite(gains).any() else (np.nan, np.nan)
    mean = _gini_gain(spent, ours, theirs, np.arange(len(spent)))
    return Difference(mean, float(lower), float(upper))


def _gini_gain(spent: Floats, ours: Prediction, theirs: Prediction, rows: NDArray[np.int64]) -> float:
    first = metrics.gini(spent[rows], ours.expected_value[rows])
    return first - metrics.gini(spent[rows], theirs.expected_value[rows])
