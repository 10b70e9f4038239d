"""Checks of a test: sizes as planned, customers alike before, and what refuses it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import chisquare

from campaigns.results.checks import alike, balance, sample_ratio
from campaigns.results.trial import Trial


def trial_of(
    arm: NDArray[np.str_], *, shares: dict[str, float] | None = None, **known: NDArray[np.generic]
) -> Trial:
    rates = {"bought": np.zeros(len(arm))}
    return Trial.of_arrays(arm, control="none", rates=rates, covariates=known, shares=shares)


def test_sizes_are_compared_with_the_plan_by_chi_square() -> None:
    arm = np.repeat(["a", "b", "none"], [520, 480, 110])
    found = sample_ratio(trial_of(arm, shares={"none": 0.1, "a": 0.45, "b": 0.45}))
    assert found.p_value == pytest.approx(chisquare([110, 520, 480], [111, 499.5, 499.5]).pvalue)
    assert found.verdict == "ok"


def test_an_arm_that_lost_customers_is_refused_and_the_message_says_how_many() -> None:
    found = sample_ratio(trial_of(np.repeat(["mail", "none"], [5000, 4600])), fix=" Say so.")
    assert found.verdict == "refused"
    assert "none 4,600 (47.9%, planned 50.0%)" in found.told and found.told.endswith("Say so.")


def test_arms_drawn_by_chance_are_alike_as_often_as_they_should_be() -> None:
    rng = np.random.default_rng(4)
    spend, tier = rng.pareto(1.1, 600), rng.choice(["focus", "reduce"], 600)
    p = []
    for _ in range(300):
        check = alike(trial_of(rng.choice(["a", "b", "none"], 600), spend=spend, twice=2 * spend, tier=tier))
        assert check is not None and check.p_value is not None
        p.append(check.p_value)
    assert 0.02 < np.mean(np.array(p) < 0.05) < 0.09
    assert 0.4 < np.mean(p) < 0.6


def test_the_best_customers_in_one_arm_are_refused() -> None:
    spend = np.arange(1000.0)
    found = alike(trial_of(np.where(spend + 300 * np.sin(spend) > 500, "mail", "none"), spend=spend))
    assert found is not None and found.verdict == "refused"
    assert "most in spend: mail" in found.told


def test_balance_is_in_standard_deviations() -> None:
    arm = np.array(["mail", "mail", "none", "none"])
    (found,) = balance(trial_of(arm, recency=np.array([1.0, 3.0, 3.0, 5.0])))
    assert (found.treated_mean, found.control_mean) == (2.0, 4.0)
    assert found.difference == pytest.approx(-2.0)  # both arms vary by 1


def test_what_is_unknown_more_often_in_one_arm_is_found() -> None:
    arm = np.repeat(["mail", "none"], 500)
    recency = np.where(np.arange(1000) < 150, np.nan, np.arange(1000) % 7)
    found = alike(trial_of(arm, recency=recency))
    assert found is not None and found.verdict == "refused" and "recency unknown" in found.told


def test_with_nothing_known_from_before_there_is_nothing_to_check() -> None:
    assert alike(trial_of(np.array(["mail", "none"] * 50))) is None
