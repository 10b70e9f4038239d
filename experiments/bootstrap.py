"""Compare models over rolling origins by a paired bootstrap of customers.

One draw gives each customer a whole number, how often it was drawn (as many draws as customers, with replacement);
that number holds at every origin and for every model. So differences between models are paired, and a customer's
outcomes at several origins stay together. Intervals are the 2.5 and 97.5 percentiles of the draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

from contracts import metrics, value_metrics
from contracts.training import Floats
from experiments.answers import Answers, check
from experiments.weighted import Drawn, drawn
from experiments.weighted_ranking import Ints, Weights

__all__ = ("METRICS", "Answers", "Compared", "compare", "holm", "holm_adjusted")

# How far a metric is from the best it can be; differences are differences of this.
_BADNESS: Mapping[str, Callable[[Floats], Floats]] = {
    "auc": np.negative,
    "average_precision": np.negative,
    "log_loss": np.positive,
    "brier": np.positive,
    "calibration_error": np.positive,
    "calibration_slope": lambda slope: np.abs(slope - 1.0),
    "top_decile_lift": np.negative,
    "level_bias": np.abs,
    "absolute_level_bias": np.positive,
    "orders_bias": np.abs,
    "absolute_orders_bias": np.positive,
    "value_gini": np.negative,
    "value_spearman": np.negative,
    "value_share": np.negative,
    "value_bias": np.abs,
    "absolute_value_bias": np.positive,
    "value_decile_mape": np.positive,
    "value_mae": np.positive,
    "value_rmse": np.positive,
}
METRICS = tuple(_BADNESS)
_ABSOLUTE, _BIAS = "absolute_", "_bias"
# Weights that are held in memory at once.
_AT_ONCE = 2**20
_NORMAL = NormalDist()
_Z95 = _NORMAL.inv_cdf(0.975)


@dataclass(frozen=True)
class Compared:
    """One model's metric at one origin, or over all (origin None), with 95 % intervals.

    difference: positive where the default model is better; NaN for the default itself. p_value: two-sided, that
    there is no difference. origins: over how many the value goes; the difference goes over those where the
    default answered too.
    """

    model: str
    origin: int | None
    metric: str
    value: float
    lower: float
    upper: float
    difference: float
    difference_lower: float
    difference_upper: float
    p_value: float
    origins: int


def compare(answers: Sequence[Answers], *, default: str, draws: int = 500, seed: int = 1) -> list[Compared]:
    """Measure every model at every origin and over all, against the default model.

    Over all origins a metric is the mean of the origins' values, except that `<name>_bias` is pooled (predicted
    over actual total of all origins, less 1); `absolute_<name>_bias` is the mean of the origins' |bias|. Differences
    of a bias are of its absolute value, of the slope of its distance from 1. What is not defined is left out.
    calibration_error, value_spearman and value_decile_mape are not resampled (repeated customers inflate the errors
    of bins): their intervals are NaN. Raises ContractError if the answers do not fit together.
    """
    check(answers, default=default)
    union = np.unique(np.concatenate([one.customers for one in answers]))
    measured = {}
    for one in sorted(answers, key=lambda one: one.origin):
        rows = np.searchsorted(union, one.customers)
        weights = _weights(len(union), rows, draws=draws, seed=seed)
        found = drawn(one.outcome, one.predictions, weights)
        measured[one.origin] = {
            name: replace(of_model, metrics=of_model.metrics | _not_drawn(one, name, draws))
            for name, of_model in found.items()
        }
    groups: list[tuple[int | None, list[int]]] = [(origin, [origin]) for origin in measured]
    groups.append((None, list(measured)))
    models = dict.fromkeys(name for found in measured.values() for name in found)
    rows_of = (
        _compared([measured[one] for one in origins], origin, model, metric, default)
        for origin, origins in groups
        for model in models
        for metric in METRICS
    )
    return [row for row in rows_of if row is not None]


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """Return Holm's adjusted p-values in the given order (Holm 1979); NaN stays NaN and is not counted."""
    given = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(given)[: np.count_nonzero(~np.isnan(given))]
    steps = np.minimum(1.0, given[order] * np.arange(len(order), 0, -1))
    adjusted = np.full(len(given), np.nan)
    adjusted[order] = np.maximum.accumulate(steps)
    return adjusted


def holm_adjusted(family: Sequence[Compared], *, level: float = 0.95) -> list[Compared]:
    """Return the rows with Holm-adjusted p-values and intervals of the difference, in the given order.

    Of k comparisons the one with the i-th smallest p-value has an interval at level 1 - (1 - level) / (k - i + 1).
    From the first on whose interval reaches 0, all have the level of that step. So an interval excludes 0 exactly
    where the adjusted p-value is below 1 - level. Rows without a p-value are not counted and stay as they are.
    Levels beyond what the draws can tell are read from the normal curve with the 95 % interval of the draws.
    """
    p_values = np.array([row.p_value for row in family])
    adjusted, alpha = holm(p_values), 1.0 - level
    order = np.argsort(p_values)[: np.count_nonzero(~np.isnan(p_values))]
    found, step_alpha, stopped = list(family), alpha, False
    for i, at in enumerate(order):
        if not stopped:
            step_alpha = alpha / (len(order) - i)
            stopped = not p_values[at] < step_alpha
        found[at] = _at_level(family[at], step_alpha, float(adjusted[at]))
    return found


def _at_level(row: Compared, alpha: float, p_value: float) -> Compared:
    middle = (row.difference_lower + row.difference_upper) / 2
    half = (row.difference_upper - row.difference_lower) / 2 / _Z95 * _NORMAL.inv_cdf(1 - alpha / 2)
    return replace(row, difference_lower=middle - half, difference_upper=middle + half, p_value=p_value)


def _weights(customers: int, rows: Ints, *, draws: int, seed: int) -> Iterator[Weights]:
    """Yield weights of some rows in blocks: every customer once, then the draws, the same for each seed."""
    yield np.ones((1, len(rows)), dtype=np.uint8)
    generator = np.random.default_rng(seed)
    size = max(1, _AT_ONCE // len(rows))
    for start in range(0, draws, size):
        block = np.empty((min(size, draws - start), len(rows)), dtype=np.uint8)
        for one in block:
            picks = generator.integers(0, customers, customers)
            # Nobody is drawn 256 times: with 256 customers or more the chance is below 1e-500.
            one[:] = np.bincount(picks, minlength=customers)[rows]
        yield block


def _not_drawn(answers: Answers, model: str, draws: int) -> dict[str, Floats]:
    told, outcome = answers.predictions[model], answers.outcome
    spent = np.maximum(outcome.value, 0.0)
    values = {}
    if not np.isnan(told.p).any():
        values["calibration_error"] = metrics.expected_calibration_error(outcome.bought, told.p)
    if not np.isnan(told.expected_value).any():
        values["value_spearman"] = value_metrics.spearman(spent, told.expected_value)
        values["value_decile_mape"] = value_metrics.decile_mape(outcome.value, told.expected_value)
    return {name: np.append(value, np.full(draws, np.nan)) for name, value in values.items()}


def _compared(
    measured: Sequence[Mapping[str, Drawn]], origin: int | None, model: str, metric: str, default: str
) -> Compared | None:
    there = [found for found in measured if _known(found, model, metric)]
    if not there:
        return None
    values = _series([found[model] for found in there], metric)
    paired = [found for found in there if _known(found, default, metric)] if model != default else []
    difference = np.full(len(values), np.nan)
    if paired:
        theirs = _BADNESS[metric](_series([found[model] for found in paired], metric))
        difference = theirs - _BADNESS[metric](_series([found[default] for found in paired], metric))
    limits = _interval(difference[1:])
    return Compared(
        model, origin, metric, float(values[0]), *_interval(values[1:]),
        float(difference[0]), *limits, _p_value(*limits), len(there),
    )  # fmt: skip


def _known(found: Mapping[str, Drawn], model: str, metric: str) -> bool:
    if model not in found:
        return False
    values = found[model].metrics.get(metric.removeprefix(_ABSOLUTE))
    return values is not None and bool(np.isfinite(values[0]))


def _series(parts: Sequence[Drawn], metric: str) -> Floats:
    """Return a metric over some origins, of all customers and then under each draw; (1 + draws,)."""
    if metric.startswith(_ABSOLUTE):
        name = metric.removeprefix(_ABSOLUTE)
        return np.asarray(np.mean([np.abs(one.metrics[name]) for one in parts], axis=0))
    if metric.endswith(_BIAS):
        name = metric.removesuffix(_BIAS)
        actual = np.sum([one.actual[name] for one in parts], axis=0)
        predicted = np.sum([one.predicted[name] for one in parts], axis=0)
        blank = np.full(len(actual), np.nan)
        return np.divide(predicted, actual, out=blank, where=actual != 0) - 1.0
    return np.asarray(np.mean([one.metrics[metric] for one in parts], axis=0))


def _interval(values: Floats) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return float("nan"), float("nan")
    lower, upper = np.percentile(known, (2.5, 97.5))
    return float(lower), float(upper)


def _p_value(lower: float, upper: float) -> float:
    """Return the two-sided p-value of no difference, by the normal curve with this 95 % interval.

    It is below .05 exactly where the interval excludes 0. Counting draws instead could never go below 2 / draws,
    which is not small enough to be adjusted for a family of comparisons.
    """
    middle, error = (lower + upper) / 2, (upper - lower) / 2 / _Z95
    if error == 0:
        return 1.0 if middle == 0 else 0.0
    return math.erfc(abs(middle) / error / math.sqrt(2))
