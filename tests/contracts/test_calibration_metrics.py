"""Calibration against its definitions, computed a second way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from contracts.calibration_metrics import brier_parts, calibration_error_limit, calibration_line
from contracts.metrics import Floats, brier, expected_calibration_error, logit

SOME = settings(max_examples=40, deadline=None)
# Few distinct chances: most are ties.
ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 0.05, 0.2, 0.21, 0.5, 0.98])),
    min_size=1,
    max_size=40,
)


def columns(rows: list[tuple[float, float]]) -> tuple[Floats, Floats]:
    outcome, p = np.array(rows, dtype=np.float64).T
    return outcome, p


@SOME
@given(ROWS)
def test_the_parts_of_the_brier_score_add_up_to_it(rows: list[tuple[float, float]]) -> None:
    outcome, p = columns(rows)
    assert brier_parts(outcome, p).total == pytest.approx(brier(outcome, p), abs=1e-12)


def test_the_parts_of_the_brier_score_are_those_of_murphy() -> None:
    outcome = np.array([0.0, 0.0, 1.0, 0.0, 1.0, 1.0])
    p = np.array([0.1, 0.1, 0.1, 0.7, 0.7, 0.7])
    found = brier_parts(outcome, p, bins=2)
    assert found.reliability == pytest.approx(((1 / 3 - 0.1) ** 2 + (2 / 3 - 0.7) ** 2) / 2)
    assert found.resolution == pytest.approx((1 / 6) ** 2)
    assert found.uncertainty == 0.25 and found.within_bins == pytest.approx(0)


def test_one_chance_for_all_that_is_right_has_neither_reliability_nor_resolution_to_show() -> None:
    found = brier_parts(np.array([1.0] * 3 + [0.0] * 9), np.full(12, 0.25))
    assert (found.reliability, found.resolution, found.within_bins) == pytest.approx((0, 0, 0))
    assert found.total == pytest.approx(0.25 * 0.75)


@SOME
@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_is_irrelevant_to_the_parts(rows: list[tuple[float, float]], seed: int) -> None:
    outcome, p = columns(rows)
    other = np.random.default_rng(seed).permutation(len(p))
    first, second = brier_parts(outcome, p), brier_parts(outcome[other], p[other])
    assert list(vars(first).values()) == pytest.approx(list(vars(second).values()), abs=1e-12)


@SOME
@given(st.lists(st.sampled_from([0.0, 0.1, 0.11, 0.5, 1.0]), min_size=1, max_size=33), st.integers(1, 12))
def test_the_limit_is_the_95th_percentile_of_the_error_of_simulated_outcomes(
    chances: list[float], bins: int
) -> None:
    p = np.sort(np.array(chances))
    happened = np.random.default_rng(7).random((50, len(p))) < p
    errors = [expected_calibration_error(one.astype(np.float64), p, bins=bins) for one in happened]
    found = calibration_error_limit(p, generator=np.random.default_rng(7), bins=bins, draws=50)
    assert found == pytest.approx(np.quantile(errors, 0.95), abs=1e-12)


def test_the_limit_does_not_depend_on_the_order_of_rows() -> None:
    p = np.random.default_rng(1).beta(0.5, 2.0, 500)
    limits = [calibration_error_limit(one, generator=np.random.default_rng(2)) for one in (p, p[::-1])]
    assert limits[0] == limits[1] and 0 < limits[0] < 0.1


def test_a_calibrated_prediction_stays_below_the_limit_19_times_of_20() -> None:
    generator = np.random.default_rng(3)
    p = generator.beta(0.5, 2.0, 400)
    limit = calibration_error_limit(p, generator=generator)
    happened = (generator.random((400, 400)) < p).astype(np.float64)
    below = np.mean([expected_calibration_error(one, p) <= limit for one in happened])
    assert below == pytest.approx(0.95, abs=0.03)


def test_many_customers_are_simulated_in_blocks() -> None:
    p = np.full(30_000, 0.2)
    found = calibration_error_limit(p, generator=np.random.default_rng(4), draws=100)
    # All are one run of ties: the error is that of the level alone, normal with this deviation.
    assert found == pytest.approx(1.96 * math.sqrt(0.2 * 0.8 / 30_000), rel=0.25)


@pytest.mark.parametrize("bent", [0.4, 1.0, 2.5])
def test_the_calibration_line_is_the_most_likely_one(bent: float) -> None:
    generator = np.random.default_rng(5)
    truth = generator.normal(-1.0, 1.5, 3_000)
    outcome = (generator.random(3_000) < 1 / (1 + np.exp(-truth))).astype(np.float64)
    p = 1 / (1 + np.exp(-(truth - 0.3) / bent))
    x = logit(p)

    def loss(at: Floats) -> float:
        return float(np.sum(np.logaddexp(0.0, at[0] + at[1] * x) - outcome * (at[0] + at[1] * x)))

    expected = minimize(loss, [0.0, 1.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10})
    found = calibration_line(outcome, p)
    assert [found.intercept, found.slope] == pytest.approx(expected.x, abs=1e-5)
    assert found.slope == pytest.approx(bent, rel=0.1)


@pytest.mark.parametrize(
    ("outcome", "p"),
    [
        ([0.0, 0.0, 0.0], [0.1, 0.2, 0.3]),
        ([1.0, 1.0, 1.0], [0.1, 0.2, 0.3]),
        ([0.0, 1.0, 0.0], [0.4, 0.4, 0.4]),
        ([0.0, 0.0, 1.0, 1.0], [0.1, 0.2, 0.2, 0.3]),
        ([1.0, 1.0, 0.0, 0.0], [0.1, 0.2, 0.2, 0.3]),
        ([], []),
    ],
    ids=["no buyer", "buyers only", "one chance", "separated", "separated the wrong way", "nobody"],
)
def test_the_calibration_line_is_undefined_where_none_fits_best(outcome: list[float], p: list[float]) -> None:
    found = calibration_line(np.array(outcome), np.array(p))
    assert math.isnan(found.slope) and math.isnan(found.intercept)


@SOME
@given(ROWS)
def test_the_calibration_line_is_finite_or_undefined_and_leaves_no_gradient(
    rows: list[tuple[float, float]],
) -> None:
    outcome, p = columns(rows)
    found, x = calibration_line(outcome, p), logit(p)
    if not math.isnan(found.slope):
        off = outcome - np.exp(-np.logaddexp(0.0, -(found.intercept + found.slope * x)))
        assert [off.sum(), (off * x).sum()] == pytest.approx([0, 0], abs=1e-6)
