"""Measures of value against scipy and against their definitions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from contracts import value_metrics
from contracts.metrics import Floats
from contracts.value_metrics import decile_mape, spearman, total_interval, value_share

SOME = settings(max_examples=40, deadline=None)
ROWS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from([0.5, 1.0, 2.0, 7.5, 30.0])), min_size=2, max_size=40
)


def columns(rows: list[tuple[int, float]]) -> tuple[Floats, Floats]:
    value, predicted = np.array(rows, dtype=np.float64).T
    return value, predicted


@SOME
@given(ROWS.filter(lambda rows: all(len(set(side)) > 1 for side in zip(*rows, strict=True))))
def test_spearman_equals_scipy_ties_included(rows: list[tuple[int, float]]) -> None:
    value, predicted = columns(rows)
    assert spearman(value, predicted) == pytest.approx(stats.spearmanr(value, predicted).statistic)


def test_spearman_of_a_constant_is_undefined() -> None:
    assert math.isnan(spearman(np.array([1.0, 2.0]), np.array([3.0, 3.0])))
    assert math.isnan(spearman(np.array([1.0]), np.array([3.0])))


def test_value_share_is_what_the_best_tenth_brought() -> None:
    value = np.array([60.0, 20.0] + [1.0] * 20)
    assert value_share(value, np.arange(22.0)[::-1]) == pytest.approx(0.8)
    assert value_share(value, np.arange(22.0)) == pytest.approx(0.02)
    assert value_share(value, np.ones(22)) == pytest.approx(2 / 22)


def test_value_share_of_nothing_is_undefined() -> None:
    assert math.isnan(value_share(np.zeros(3), np.arange(3.0)))


def test_decile_mape_is_the_mean_error_of_the_groups_totals() -> None:
    value = np.array([10.0, 0.0, 30.0, 50.0])
    predicted = np.array([2.0, 3.0, 40.0, 80.0])
    assert decile_mape(value, predicted, bins=2) == pytest.approx((5 / 10 + 40 / 80) / 2)


def test_deciles_that_brought_nothing_are_left_out() -> None:
    value, predicted = np.array([0.0, 0.0, 20.0, 20.0]), np.array([1.0, 1.0, 30.0, 30.0])
    assert decile_mape(value, predicted, bins=2) == pytest.approx(0.5)
    assert math.isnan(decile_mape(np.zeros(4), predicted, bins=2))


def test_errors_are_absolute_and_square() -> None:
    value, predicted = np.array([0.0, 10.0]), np.array([3.0, 6.0])
    assert value_metrics.mae(value, predicted) == 3.5
    assert value_metrics.rmse(value, predicted) == pytest.approx(math.sqrt(12.5))


@pytest.mark.parametrize("measure", [spearman, value_share, decile_mape], ids=lambda one: one.__name__)
@SOME
@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_is_irrelevant_even_among_ties(
    measure: Callable[[Floats, Floats], float], rows: list[tuple[int, float]], seed: int
) -> None:
    value, predicted = columns(rows)
    other = np.random.default_rng(seed).permutation(len(value))
    expected = measure(value, predicted)
    assert measure(value[other], predicted[other]) == pytest.approx(expected, nan_ok=True, abs=1e-12)


def test_the_interval_of_the_total_is_that_of_resampled_customers() -> None:
    value = np.concatenate([np.random.default_rng(1).gamma(1.0, 40.0, 300), np.zeros(700)])
    plain = np.random.default_rng(2).integers(0, 1_000, (4_000, 1_000))
    expected = np.quantile(value[plain].sum(axis=1), (0.025, 0.975))
    found = total_interval(value, generator=np.random.default_rng(3), draws=4_000)
    assert found == pytest.approx(tuple(expected), rel=0.01)
    assert found[0] < value.sum() < found[1]


def test_the_interval_of_no_value_is_0() -> None:
    assert total_interval(np.zeros(5), generator=np.random.default_rng(1)) == (0, 0)


def test_returns_reduce_the_total_and_its_interval() -> None:
    lower, upper = total_interval(np.array([-5.0] * 50), generator=np.random.default_rng(1))
    assert (lower, upper) == (-250, -250)
