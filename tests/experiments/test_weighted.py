"""Metrics under weights equal the metrics of rows that are repeated so often."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import metrics, value_metrics
from contracts.calibration_metrics import calibration_line
from contracts.training import Floats, Outcome, Prediction
from experiments.weighted import drawn

# Few distinct chances and values: most are ties. The last number is how often a row is drawn.
ROW = st.tuples(
    st.integers(0, 3),
    st.sampled_from([-4.0, 0.0, 2.5, 40.0]),
    st.sampled_from([0.0, 0.05, 0.2, 0.21, 0.5, 1.0]),
    st.sampled_from([0.0, 0.1, 3.0, 3.5, 80.0]),
    st.integers(0, 3),
)
ROWS = st.lists(ROW, min_size=1, max_size=45).filter(lambda rows: sum(row[-1] for row in rows) > 0)
Rows = list[tuple[int, float, float, float, int]]


def given_rows(rows: Rows) -> tuple[Outcome, Prediction, np.ndarray]:
    order_days, value, p, predicted, times = np.array(rows, dtype=np.float64).T
    outcome = Outcome((order_days > 0).astype(np.float64), order_days, np.where(order_days > 0, value, 0.0))
    return outcome, Prediction(p, 2 * p, predicted), times.astype(np.uint8)


def measured(outcome: Outcome, told: Prediction) -> dict[str, float]:
    """Return what contracts/ says."""
    bought, p, value, predicted = outcome.bought, told.p, outcome.value, told.expected_value
    spent = np.maximum(value, 0.0)
    return {
        "auc": metrics.auc(bought, p),
        "average_precision": metrics.average_precision(bought, p),
        "log_loss": metrics.log_loss(bought, p),
        "brier": metrics.brier(bought, p),
        "top_decile_lift": metrics.lift(bought, p),
        "level_bias": metrics.level_bias(bought, p),
        "orders_bias": metrics.level_bias(outcome.order_days, told.expected_orders),
        "value_bias": metrics.level_bias(value, predicted),
        "value_gini": metrics.gini(spent, predicted),
        "value_share": value_metrics.value_share(spent, predicted),
        "value_mae": value_metrics.mae(value, predicted),
        "value_rmse": value_metrics.rmse(value, predicted),
    }


def one_draw(outcome: Outcome, told: Prediction, weights: np.ndarray) -> dict[str, float]:
    found = drawn(outcome, {"a": told}, [weights[None, :]])["a"].metrics
    return {name: float(values[0]) for name, values in found.items()}


@settings(max_examples=150, deadline=None)
@given(ROWS)
def test_weights_are_repeated_rows(rows: Rows) -> None:
    outcome, told, times = given_rows(rows)
    repeated = np.repeat(np.arange(len(times)), times)
    again = Prediction(*(values[repeated] for values in vars(told).values()))
    found = one_draw(outcome, told, times)
    found.pop("calibration_slope")
    assert found == pytest.approx(measured(outcome.take(repeated), again), abs=1e-12, rel=1e-12, nan_ok=True)


def base(n: int = 3_000) -> tuple[Outcome, Prediction]:
    generator = np.random.default_rng(1)
    truth = generator.beta(0.5, 1.5, n)
    order_days = np.where(generator.random(n) < truth, generator.poisson(1.0, n) + 1.0, 0.0)
    outcome = Outcome((order_days > 0).astype(np.float64), order_days, order_days * generator.gamma(1, 30, n))
    p = np.clip(truth**1.4, 0.001, 0.999)
    return outcome, Prediction(p, 2 * p, 70 * p * generator.gamma(4.0, 0.25, n))


def test_every_customer_once_gives_the_metrics_themselves() -> None:
    outcome, told = base()
    expected = measured(outcome, told)
    expected["calibration_slope"] = calibration_line(outcome.bought, told.p).slope
    found = one_draw(outcome, told, np.ones(len(told.p), dtype=np.uint8))
    assert found == pytest.approx(expected, abs=1e-12, rel=1e-12)


def test_the_slope_of_a_draw_is_that_of_its_rows_to_a_small_part_of_its_spread() -> None:
    outcome, told = base()
    generator, n = np.random.default_rng(2), len(told.p)
    draws = [generator.integers(0, n, n) for _ in range(20)]
    weights = np.array([np.bincount(one, minlength=n) for one in draws], dtype=np.uint8)
    found = drawn(outcome, {"a": told}, [weights])["a"].metrics["calibration_slope"]
    exact = np.array([calibration_line(outcome.bought[one], told.p[one]).slope for one in draws])
    assert float(np.abs(found - exact).max()) < 0.06 * float(exact.std())


def test_blocks_of_draws_stand_one_after_the_other() -> None:
    outcome, told = base(200)
    weights = np.random.default_rng(3).integers(0, 4, (7, 200)).astype(np.uint8)
    whole = drawn(outcome, {"a": told}, [weights])["a"].metrics
    parts = drawn(outcome, {"a": told}, [weights[:2], weights[2:6], weights[6:]])["a"].metrics
    assert all(parts[name] == pytest.approx(values, nan_ok=True) for name, values in whole.items())


def test_a_model_is_measured_the_same_beside_others() -> None:
    outcome, told = base(200)
    other = Prediction(told.p[::-1], told.expected_orders, np.full(200, math.nan))
    weights = [np.random.default_rng(4).integers(0, 4, (5, 200)).astype(np.uint8)]
    alone = drawn(outcome, {"a": told}, weights)["a"].metrics
    beside = drawn(outcome, {"other": other, "a": told}, weights)["a"].metrics
    assert all(beside[name] == pytest.approx(values) for name, values in alone.items())


def test_a_model_without_values_has_no_metric_of_values() -> None:
    outcome, told = base(200)
    blank: Floats = np.full(200, math.nan)
    found = one_draw(outcome, Prediction(told.p, blank, blank), np.ones(200, dtype=np.uint8))
    known = {name for name, value in found.items() if math.isfinite(value)}
    order = {"auc", "average_precision", "top_decile_lift"}
    assert known == order | {"log_loss", "brier", "level_bias", "calibration_slope"}
