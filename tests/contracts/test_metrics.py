"""The measures against scikit-learn and against their definitions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from contracts import metrics
from contracts.metrics import Floats

SOME = settings(max_examples=80, deadline=None)
# Few distinct scores: most are ties.
ROW = st.tuples(
    st.sampled_from([0.0, 1.0]), st.sampled_from([0.05, 0.2, 0.21, 0.5, 0.9, 0.98]), st.integers(0, 50)
)
ROWS = st.lists(ROW, min_size=2, max_size=40).filter(lambda rows: 0 < sum(row[0] for row in rows) < len(rows))


def columns(rows: list[tuple[float, float, int]]) -> tuple[Floats, Floats, Floats]:
    outcome, score, value = np.array(rows, dtype=np.float64).T
    return outcome, score, value


@SOME
@given(ROWS)
def test_auc_is_the_share_of_pairs_in_the_right_order_ties_half(rows: list[tuple[float, float, int]]) -> None:
    outcome, score, _ = columns(rows)
    above = score[outcome > 0][:, None] - score[outcome == 0][None, :]
    pairs = (above > 0).mean() + 0.5 * (above == 0).mean()
    assert metrics.auc(outcome, score) == pytest.approx(pairs)
    assert metrics.auc(outcome, score) == pytest.approx(sklearn_metrics.roc_auc_score(outcome, score))


@SOME
@given(ROWS)
def test_average_precision_equals_scikit_learn(rows: list[tuple[float, float, int]]) -> None:
    outcome, score, _ = columns(rows)
    expected = sklearn_metrics.average_precision_score(outcome, score)
    assert metrics.average_precision(outcome, score) == pytest.approx(expected)


@SOME
@given(ROWS)
def test_log_loss_and_brier_equal_scikit_learn(rows: list[tuple[float, float, int]]) -> None:
    outcome, p, _ = columns(rows)
    assert metrics.log_loss(outcome, p) == pytest.approx(sklearn_metrics.log_loss(outcome, p))
    assert metrics.brier(outcome, p) == pytest.approx(sklearn_metrics.brier_score_loss(outcome, p))


def gini_by_pairs(value: Floats, score: Floats) -> float:
    """Return the mean of sign(score_i - score_j) (value_i - value_j) over all pairs, over the mean value."""
    n, total = len(value), 0.0
    for i in range(n):
        for j in range(n):
            total += float(np.sign(score[i] - score[j]) * (value[i] - value[j]))
    return total / (2 * n * n * value.mean()) / 2


@SOME
@given(ROWS)
def test_gini_equals_its_definition_over_all_pairs(rows: list[tuple[float, float, int]]) -> None:
    _, score, value = columns(rows)
    best = gini_by_pairs(value, value) if value.sum() else 0.0
    expected = gini_by_pairs(value, score) / best if best else math.nan
    assert metrics.gini(value, score) == pytest.approx(expected, nan_ok=True, abs=1e-9)


MEASURES = [
    metrics.auc,
    metrics.average_precision,
    metrics.gini,
    metrics.lift,
    metrics.log_loss,
    metrics.brier,
    metrics.expected_calibration_error,
]


@pytest.mark.parametrize("measure", MEASURES, ids=lambda one: one.__name__)
@SOME
@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_is_irrelevant_even_among_ties(
    measure: Callable[[Floats, Floats], float], rows: list[tuple[float, float, int]], seed: int
) -> None:
    outcome, score, _ = columns(rows)
    shuffled = np.random.default_rng(seed).permutation(len(rows))
    assert measure(outcome[shuffled], score[shuffled]) == pytest.approx(measure(outcome, score))


@pytest.mark.parametrize("outcome", [np.zeros(3), np.ones(3)])
def test_auc_of_one_class_alone_is_undefined(outcome: Floats) -> None:
    assert math.isnan(metrics.auc(outcome, np.array([0.1, 0.2, 0.3])))


@pytest.mark.parametrize(
    "measure", [metrics.average_precision, metrics.lift, metrics.gini, metrics.level_bias]
)
def test_without_any_buyer_a_measure_is_undefined(measure: Callable[[Floats, Floats], float]) -> None:
    assert math.isnan(measure(np.zeros(3), np.array([0.1, 0.2, 0.3])))


def test_the_perfect_order_has_gini_1_the_reverse_minus_1_and_none_0() -> None:
    value = np.array([0.0, 1.0, 5.0, 30.0])
    assert metrics.gini(value, value * 2) == pytest.approx(1)
    assert metrics.gini(value, -value) == pytest.approx(-1)
    assert metrics.gini(value, np.ones(4)) == pytest.approx(0)


def test_log_loss_is_finite_for_certain_and_wrong_predictions() -> None:
    assert metrics.log_loss(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(
        -math.log(1e-9), rel=1e-6
    )
    assert metrics.log_loss(np.array([1.0, 0.0]), np.array([1.0, 0.0])) == pytest.approx(1e-9, rel=1e-6)


def test_log_losses_are_one_for_each_customer() -> None:
    found = metrics.log_losses(np.array([1.0, 0.0]), np.array([0.25, 0.25]))
    assert found == pytest.approx([-math.log(0.25), -math.log(0.75)])


def test_level_bias_is_the_predicted_total_over_the_actual_less_1() -> None:
    assert metrics.level_bias(np.array([1.0, 0.0, 0.0]), np.array([0.5, 0.5, 0.2])) == pytest.approx(0.2)


def test_lift_is_the_best_tenths_share_over_the_share_of_all() -> None:
    outcome = np.array([1.0] * 3 + [0.0] * 17)
    assert metrics.lift(outcome, np.arange(20.0)[::-1]) == pytest.approx(1 / 0.15)
    assert metrics.lift(outcome, np.arange(20.0)) == 0
    assert metrics.lift(outcome, np.arange(20.0)[::-1], share=0.2) == pytest.approx(0.75 / 0.15)


def test_lift_of_equal_scores_is_1() -> None:
    assert metrics.lift(np.array([1.0] * 3 + [0.0] * 17), np.ones(20)) == pytest.approx(1)


def test_calibration_error_is_the_mean_distance_over_bins_of_equal_count() -> None:
    outcome = np.array([0.0, 0.0, 1.0, 1.0])
    p = np.array([0.1, 0.3, 0.6, 0.6])
    assert metrics.expected_calibration_error(outcome, p, bins=2) == pytest.approx((0.2 + 0.4) / 2)


def test_calibration_error_of_one_right_level_for_all_is_0() -> None:
    assert metrics.expected_calibration_error(
        np.array([1.0] * 10 + [0.0] * 10), np.full(20, 0.5)
    ) == pytest.approx(0)


@pytest.mark.parametrize(
    ("score", "ranks"), [([3.0, 1.0, 2.0], [3, 1, 2]), ([5.0, 5.0, 1.0], [2.5, 2.5, 1]), ([], [])]
)
def test_equal_scores_share_the_mean_of_their_ranks(score: list[float], ranks: list[float]) -> None:
    assert metrics.average_ranks(np.array(score)).tolist() == ranks
