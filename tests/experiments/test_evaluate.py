from __future__ import annotations

import numpy as np
import pytest

from contracts.training import Floats, Outcome, Prediction
from experiments.evaluate import Evaluation, log_loss_gain, measure, value_gini_gain


def outcome(*bought: float) -> Outcome:
    values = np.array(bought)
    return Outcome(values, values, values * 10.0)


def prediction(p: Floats, value: Floats | None = None) -> Prediction:
    return Prediction(p, p, p * 10.0 if value is None else value)


def test_the_metrics_of_a_known_case() -> None:
    found = measure(outcome(1, 0, 1, 0), prediction(np.array([0.8, 0.2, 0.6, 0.4])))
    assert found["auc"] == 1.0 and found["value_gini"] == 1.0
    assert found["log_loss"] == pytest.approx(-(2 * np.log(0.8) + 2 * np.log(0.6)) / 4)
    assert found["level_bias"] == pytest.approx(0.0)
    assert found["brier"] == pytest.approx(0.1)


def test_a_metric_that_is_not_defined_is_left_out() -> None:
    found = measure(outcome(0, 0, 0), prediction(np.array([0.1, 0.2, 0.3])))
    assert "auc" not in found and "level_bias" not in found
    assert np.isfinite(list(found.values())).all()


def test_more_returned_than_bought_counts_as_nothing_spent_in_the_value_gini() -> None:
    happened = Outcome(np.array([1.0, 1.0]), np.array([1.0, 1.0]), np.array([10.0, -5.0]))
    found = measure(happened, prediction(np.array([0.9, 0.1])))
    assert found["value_gini"] == 1.0


def test_the_gain_of_a_model_over_itself_is_nothing() -> None:
    same = prediction(np.array([0.8, 0.2, 0.6, 0.4]))
    gain = log_loss_gain(outcome(1, 0, 1, 0), same, same)
    assert (gain.mean, gain.lower, gain.upper) == (0.0, 0.0, 0.0)


def test_the_gain_is_positive_where_the_first_is_better() -> None:
    good, bad = prediction(np.array([0.8, 0.2, 0.6, 0.4])), prediction(np.full(4, 0.5))
    gain = log_loss_gain(outcome(1, 0, 1, 0), good, bad)
    assert gain.mean == pytest.approx(np.log(2) + (np.log(0.8) + np.log(0.6)) / 2)
    assert gain.lower < gain.mean < gain.upper


def test_the_gain_is_paired_by_customer() -> None:
    chance = np.random.default_rng(4)
    p = chance.uniform(0.05, 0.95, 400)
    happened = outcome(*(chance.random(400) < p).astype(float))
    gain = log_loss_gain(happened, prediction(p), prediction(p * 0.98))
    assert gain.upper - gain.lower < 0.01  # the losses themselves differ by far more between customers


def test_the_value_gain_is_the_same_each_time_and_holds_its_mean() -> None:
    chance = np.random.default_rng(5)
    value = chance.gamma(1.0, 20.0, 500)
    happened = Outcome(np.ones(500), np.ones(500), value)
    good, bad = prediction(np.ones(500), value + chance.normal(0, 5, 500)), prediction(np.ones(500))
    first, again = value_gini_gain(happened, good, bad), value_gini_gain(happened, good, bad)
    assert first == again
    assert 0 < first.lower < first.mean < first.upper


def test_the_best_baseline_has_the_lowest_log_loss() -> None:
    metrics = {"recency": {"log_loss": 0.4}, "persistence": {"log_loss": 0.3}, "ensemble": {"log_loss": 0.1}}
    assert Evaluation(0, 90, outcome(1), {}, metrics).best_baseline == "persistence"
    assert Evaluation(0, 90, outcome(1), {}, {"ensemble": {"log_loss": 0.1}}).best_baseline is None
