"""Measures of probabilities and orders against outcomes, in numpy only. All arrays have shape (n,).

Equal scores are exchangeable: each of them counts as the mean of its equals, so the order of rows never matters.
More about calibration is in calibration_metrics, values in currency in value_metrics, dates in date_metrics.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

FAR_OFF = 0.2  # of an actual total; beyond it, trust the order of a ranking more than its totals
# Probabilities are held inside [_NEAREST, 1 - _NEAREST] where a logarithm is taken.
_NEAREST = 1e-9


def auc(outcome: Floats, score: Floats) -> float:
    """Return the area under the ROC curve: the chance that a buyer stands above a non-buyer, ties half.

    NaN if only one outcome occurs.
    """
    bought = outcome > 0
    buyers = int(bought.sum())
    others = len(outcome) - buyers
    if buyers == 0 or others == 0:
        return float("nan")
    ranks = average_ranks(score)
    return float((ranks[bought].sum() - buyers * (buyers + 1) / 2) / (buyers * others))


def average_precision(outcome: Floats, score: Floats) -> float:
    """Return the mean precision at each buyer, best score first; tied scores count as one step."""
    order = np.argsort(-score, kind="stable")
    hits = np.cumsum(outcome[order] > 0)
    last_of_tie = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
    found = hits[last_of_tie]
    if found[-1] == 0:
        return float("nan")
    precision = found / (last_of_tie + 1)
    return float(np.sum(precision * np.diff(found, prepend=0)) / found[-1])


def log_losses(outcome: Floats, p: Floats) -> Floats:
    """Return each customer's log loss in nats, p held inside [1e-9, 1 - 1e-9]."""
    safe = np.clip(p, _NEAREST, 1 - _NEAREST)
    return np.asarray(-np.where(outcome > 0, np.log(safe), np.log1p(-safe)))


def log_loss(outcome: Floats, p: Floats) -> float:
    """Return the mean log loss in nats."""
    return float(log_losses(outcome, p).mean())


def brier(outcome: Floats, p: Floats) -> float:
    """Return the mean squared difference between probability and outcome."""
    return float(np.mean((p - (outcome > 0)) ** 2))


def level_bias(outcome: Floats, p: Floats) -> float:
    """Return predicted total over actual total, less 1. NaN if nothing happened."""
    actual = float(outcome.sum())
    return float(p.sum()) / actual - 1.0 if actual else float("nan")


def expected_calibration_error(outcome: Floats, p: Floats, *, bins: int = 10) -> float:
    """Return the mean |predicted - actual| share over equal-count bins of p."""
    shared = shared_by_ties(outcome, p)
    rows = equal_count_bins(p, bins)
    return float(sum(len(r) * abs(p[r].mean() - shared[r].mean()) for r in rows) / len(p))


def logit(p: Floats) -> Floats:
    """Return log(p / (1 - p)), p held inside [1e-9, 1 - 1e-9]."""
    safe = np.clip(p, _NEAREST, 1 - _NEAREST)
    return np.asarray(np.log(safe) - np.log1p(-safe))


def lift(outcome: Floats, score: Floats, *, share: float = 0.1) -> float:
    """Return the buyers' share among the best `share` of customers over their share in all."""
    overall = outcome.mean()
    best = best_rows(score, share)
    return float(shared_by_ties(outcome, score)[best].mean() / overall) if overall else float("nan")


def gini(value: Floats, score: Floats) -> float:
    """Return the normalised Gini of value ranked by score: 1 is the perfect order, 0 a random one."""
    best = _gini(value, value)
    return _gini(value, score) / best if best else float("nan")


def average_ranks(score: Floats) -> Floats:
    """Return ranks 1 ... n, equal scores sharing the mean of theirs."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2.0)[inverse])


def shared_by_ties(values: Floats, score: Floats) -> Floats:
    """Return the mean of `values` over each row's equal scores, so that the order of rows cannot matter."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    return np.asarray((np.bincount(inverse, values) / counts)[inverse])


def best_rows(score: Floats, share: float) -> Ints:
    """Return the rows of the best `share` of the scores, at least one; use with values shared by ties."""
    return np.argsort(-score, kind="stable")[: max(1, round(share * len(score)))]


def equal_count_bins(score: Floats, bins: int) -> list[Ints]:
    """Return the rows of each bin, lowest scores first; use with values shared by ties. Empty bins are left out."""
    return [rows for rows in np.array_split(np.argsort(score, kind="stable"), bins) if len(rows)]


def _gini(value: Floats, score: Floats) -> float:
    total = value.sum()
    if total <= 0:
        return 0.0
    captured = np.cumsum(shared_by_ties(value, score)[np.argsort(-score, kind="stable")])
    n = len(value)
    return float(captured.sum() / total / n - (n + 1) / (2 * n))
