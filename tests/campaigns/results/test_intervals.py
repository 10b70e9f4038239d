"""Intervals against published examples and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, ttest_ind

from campaigns.results.intervals import Sample, holm, lift, newcombe, welch


def share(hits: int, of: int) -> Sample:
    return Sample.of(np.repeat([1.0, 0.0], [hits, of - hits]))


@pytest.mark.parametrize(
    ("one", "other", "lower", "upper"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_differences_of_shares_are_those_of_newcombes_table(
    one: tuple[int, int], other: tuple[int, int], lower: float, upper: float
) -> None:
    found = newcombe(share(*one), share(*other))
    assert (found.lower, found.upper) == pytest.approx((lower, upper), abs=5e-5)


@given(st.integers(0, 30), st.integers(1, 30), st.integers(0, 30), st.integers(1, 30))
def test_a_difference_of_shares_lies_in_its_interval_and_that_between_minus_one_and_one(
    a: int, b: int, c: int, d: int
) -> None:
    found = newcombe(share(a, a + b), share(c, c + d))
    assert -1 <= found.lower <= found.value <= found.upper <= 1


def test_differences_of_means_are_welchs() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.gamma(0.1, 30, 400), rng.gamma(0.1, 20, 90)
    golden = ttest_ind(one, other, equal_var=False)
    found = welch(Sample.of(one), Sample.of(other))
    ends = golden.confidence_interval()
    assert (found.lower, found.upper, found.p_value) == pytest.approx((ends.low, ends.high, golden.pvalue))


def test_one_customer_in_an_arm_has_no_interval() -> None:
    found = welch(Sample.of(np.array([3.0])), Sample.of(np.array([1.0, 2.0])))
    assert found.value == 1.5 and np.isnan(found.lower) and found.p_value is None


def test_a_lift_is_the_ratio_with_katzs_interval() -> None:
    found = lift(share(30, 200), share(20, 250))
    assert found is not None
    error = np.sqrt((1 - 0.15) / 30 * 200 / 199 + (1 - 0.08) / 20 * 250 / 249)
    ends = np.exp(np.log(0.15 / 0.08) + norm.ppf([0.025, 0.975]) * error) - 1
    assert found == pytest.approx((0.875, *ends))
    assert lift(share(3, 10), share(0, 10)) is None


def test_holm_counts_what_is_still_to_be_looked_at() -> None:
    assert holm([0.01, None, 0.04, 0.03]) == [0.03, None, pytest.approx(0.06), pytest.approx(0.06)]
    assert holm([0.6, 0.9]) == [1.0, 1.0]
