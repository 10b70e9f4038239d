"""All metrics under many resamplings of the customers at once.

A resampling gives each customer a whole number, how often it was drawn: (draws, n) weights. A metric under weights
is exactly contracts.metrics of the rows repeated so often. Scores are sorted once; each draw then costs O(n):
counts above a row are running sums of the weights, means are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from contracts.metrics import log_losses
from contracts.training import Floats, Outcome, Prediction
from experiments.weighted_ranking import Ints, Ranked, Ranking, Weights, best_of, ratio
from experiments.weighted_slope import TERMS, Slope

_MEANS = ("log_loss", "brier", "p", "orders", "value", "value_mae", "value_rmse")


@dataclass(frozen=True)
class Drawn:
    """One model's metrics under each draw; (draws,) each.

    predicted, actual: the totals behind the metrics `<name>_bias`, by name: level (p), orders, value.
    """

    metrics: dict[str, Floats]
    predicted: dict[str, Floats]
    actual: dict[str, Floats]


def drawn(
    outcome: Outcome, predictions: Mapping[str, Prediction], weights: Iterable[Weights]
) -> dict[str, Drawn]:
    """Return the metrics of each model under each draw; NaN where one is undefined.

    weights: blocks of (some draws, n).
    """
    actual = _Actual.of(outcome)
    models = {name: _Sorted.of(outcome, actual, one) for name, one in predictions.items()}
    means = np.column_stack([actual.means, *(one.means for one in models.values())])
    parts: dict[str, list[Drawn]] = {name: [] for name in models}
    for block in weights:
        sums = np.split(block.astype(np.float64) @ means, _edges(means, models), axis=1)
        of_value = actual.by_value.under(block)
        for (name, model), own in zip(models.items(), sums[1:], strict=True):
            parts[name].append(_metrics(block, model, of_value, sums[0], own))
    return {name: _joined(of_model) for name, of_model in parts.items()}


@dataclass(frozen=True)
class _Actual:
    """What happened: means (n, 4) of rows, buyers, order days and value; who spent, best first."""

    means: Floats
    spent: Floats
    by_value: Ranking

    @staticmethod
    def of(outcome: Outcome) -> _Actual:
        spent = np.maximum(outcome.value, 0.0)
        means = np.column_stack([np.ones(len(spent)), outcome.bought, outcome.order_days, outcome.value])
        return _Actual(means, spent, Ranking.of(spent, spent))


@dataclass(frozen=True)
class _Sorted:
    """One model's answers, ready for weights; None where the model does not say."""

    by_p: Ranking | None
    by_value: Ranking | None
    slope: Slope
    means: Floats

    @staticmethod
    def of(outcome: Outcome, actual: _Actual, told: Prediction) -> _Sorted:
        p, value, bought = told.p, told.expected_value, outcome.bought
        slope = Slope.of(bought, p)
        error = value - outcome.value
        rows = (log_losses(bought, p), (p - (bought > 0)) ** 2, p, told.expected_orders, value)
        return _Sorted(
            None if np.isnan(p).any() else Ranking.of(p, (bought > 0).astype(np.float64)),
            None if np.isnan(value).any() else Ranking.of(value, actual.spent),
            slope,
            np.column_stack([*rows, np.abs(error), error * error, slope.terms]),
        )


def _metrics(block: Weights, model: _Sorted, of_value: Ranked, actual: Floats, own: Floats) -> Drawn:
    rows, bought, order_days, value = actual.T
    sums = dict(zip(_MEANS, own.T, strict=False))
    found = {name: ratio(sums[name], rows) for name in ("log_loss", "brier", "value_mae")}
    found["value_rmse"] = np.sqrt(ratio(sums["value_rmse"], rows))
    found["calibration_slope"] = model.slope.under(own[:, len(_MEANS) :])
    if model.by_p is not None:
        found |= _order_by_p(model.by_p.under(block))
    if model.by_value is not None:
        found |= _order_by_value(model.by_value.under(block), of_value)
    predicted = {"level": sums["p"], "orders": sums["orders"], "value": sums["value"]}
    happened = {"level": bought, "orders": order_days, "value": value}
    for name, total in predicted.items():
        found[f"{name}_bias"] = ratio(total, happened[name]) - 1.0
    return Drawn(found, predicted, happened)


def _order_by_p(by_p: Ranked) -> dict[str, Floats]:
    buyers = by_p.total
    pairs = buyers * (by_p.rows - buyers)
    return {
        "auc": ratio(by_p.ranks() - buyers * (buyers + 1) / 2, pairs),
        "average_precision": by_p.precision(),
        "top_decile_lift": ratio(by_p.captured() * by_p.rows, buyers * best_of(by_p.rows)),
    }


def _order_by_value(by_value: Ranked, perfect: Ranked) -> dict[str, Floats]:
    return {
        "value_gini": ratio(_gini(by_value), _gini(perfect)),
        "value_share": ratio(by_value.captured(), by_value.total),
    }


def _gini(found: Ranked) -> Floats:
    """Return the Gini before it is normalised; 0 where nothing was spent."""
    gini = ratio(found.ranks(), found.total * found.rows) - ratio(found.rows + 1, 2 * found.rows)
    return np.where(found.total > 0, gini, 0.0)


def _edges(means: Floats, models: Mapping[str, _Sorted]) -> Ints:
    width = len(_MEANS) + TERMS
    return np.asarray(means.shape[1] - width * np.arange(len(models), 0, -1))


def _joined(parts: list[Drawn]) -> Drawn:
    def joined(some: list[dict[str, Floats]]) -> dict[str, Floats]:
        return {name: np.concatenate([one[name] for one in some]) for name in some[0]}

    return Drawn(
        joined([one.metrics for one in parts]),
        joined([one.predicted for one in parts]),
        joined([one.actual for one in parts]),
    )
