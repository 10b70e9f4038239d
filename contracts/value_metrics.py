"""Measures of predicted value against actual value, in numpy only. All arrays have shape (n,), in currency.

`metrics.gini` and `metrics.level_bias` belong to them as well. Equal scores are exchangeable, as in metrics.
"""

from __future__ import annotations

import numpy as np

from contracts.metrics import Floats, average_ranks, best_rows, equal_count_bins, shared_by_ties


def mae(value: Floats, predicted: Floats) -> float:
    """Return the mean absolute error; currency. It decides nothing: predicting 0 for all often wins."""
    return float(np.mean(np.abs(predicted - value)))


def rmse(value: Floats, predicted: Floats) -> float:
    """Return the root of the mean squared error; currency."""
    return float(np.sqrt(np.mean((predicted - value) ** 2)))


def spearman(value: Floats, score: Floats) -> float:
    """Return the correlation of the ranks, equal numbers sharing their mean rank. NaN if one side is constant."""
    if len(value) < 2:
        return float("nan")
    first, second = average_ranks(value), average_ranks(score)
    first, second = first - first.mean(), second - second.mean()
    spread = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / spread if spread else float("nan")


def value_share(value: Floats, score: Floats, *, share: float = 0.1) -> float:
    """Return the part of all value that the best `share` of customers brought. NaN unless the total is above 0."""
    total = float(value.sum())
    if not total > 0:
        return float("nan")
    return float(shared_by_ties(value, score)[best_rows(score, share)].sum()) / total


def decile_mape(value: Floats, predicted: Floats, *, bins: int = 10) -> float:
    """Return the mean of |predicted - actual| / actual over equal-count bins by predicted value.

    Predicted and actual are a bin's totals. Bins without actual value above 0 are left out; NaN if all are.
    """
    shared, errors = shared_by_ties(value, predicted), []
    for rows in equal_count_bins(predicted, bins):
        actual = float(shared[rows].sum())
        if actual > 0:
            errors.append(abs(float(predicted[rows].sum()) - actual) / actual)
    return float(np.mean(errors)) if errors else float("nan")


def total_interval(
    value: Floats, *, generator: np.random.Generator, draws: int = 500, level: float = 0.95
) -> tuple[float, float]:
    """Return the percentile interval of the actual total over resampled customers; currency.

    How far the total would move by chance alone: a predicted total inside it is not shown to be wrong.
    """
    low = (1 - level) / 2
    some = value[value != 0]
    if len(some) == 0:
        return 0.0, 0.0
    # Customers who brought nothing add nothing, so it is enough to draw how many of the others there are.
    counts = generator.binomial(len(value), len(some) / len(value), draws)
    totals = np.array([some[generator.integers(0, len(some), count)].sum() for count in counts])
    lower, upper = np.quantile(totals, (low, 1 - low))
    return float(lower), float(upper)
