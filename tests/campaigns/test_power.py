"""The power calculation: against a second computation, against simulated tests, and in words."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.power import Question, customers_needed, detectable, in_words, smallest_share
from contracts.errors import DeclarationError

Z = NormalDist().inv_cdf
RATE = Question(customers=20_000, base=0.05)
MONEY = Question(customers=20_000, base=12.0, sd=40.0, currency="EUR")


def power_of_rates(base: float, rise: float, controls: int, treated: int) -> float:
    """Return the power of the pooled two-sided z test, turned round from the formula of the size."""
    p = (base * controls + (base + rise) * treated) / (controls + treated)
    by_chance = sqrt(p * (1 - p) * (1 / controls + 1 / treated))
    apart = sqrt(base * (1 - base) / controls + (base + rise) * (1 - base - rise) / treated)
    return NormalDist().cdf((rise - Z(0.975) * by_chance) / apart)


def test_the_smallest_rise_of_a_rate_has_the_asked_power() -> None:
    found = detectable(RATE, 0.1)
    assert found.detectable is not None
    assert (found.controls, found.treated) == (2_000, 18_000)
    assert power_of_rates(0.05, found.detectable, 2_000, 18_000) == pytest.approx(0.8, abs=1e-9)


def test_the_textbook_sample_size_of_two_rates_comes_out() -> None:
    # .25 against .40, equal groups, level .05, power .8: 152 in each group without continuity correction
    assert customers_needed(Question(customers=1_000, base=0.25), 0.15, 0.5) == pytest.approx(2 * 152, abs=2)


def test_the_smallest_rise_of_money_is_the_two_sample_formula() -> None:
    found = detectable(MONEY, 0.2)
    assert found.detectable == pytest.approx((Z(0.975) + Z(0.8)) * 40 * sqrt(1 / 4_000 + 1 / 16_000))


def test_a_score_that_explains_half_the_variance_finds_a_smaller_rise() -> None:
    plain, helped = (
        detectable(Question(9_000, 10.0, sd=30.0, explained=r), 0.3).detectable for r in (0.0, 0.5)
    )
    assert plain is not None and helped == pytest.approx(plain * sqrt(0.5))


def test_simulated_tests_of_rates_find_the_smallest_rise_4_times_in_5() -> None:
    found = detectable(RATE, 0.2)
    assert found.detectable is not None
    chance, tests = np.random.default_rng(1), 40_000
    control = chance.binomial(found.controls, 0.05, tests) / found.controls
    treated = chance.binomial(found.treated, 0.05 + found.detectable, tests) / found.treated
    pooled = (control * found.controls + treated * found.treated) / RATE.customers
    error = np.sqrt(pooled * (1 - pooled) * (1 / found.controls + 1 / found.treated))
    assert np.mean(np.abs(treated - control) / error > Z(0.975)) == pytest.approx(0.8, abs=0.015)


def test_simulated_tests_of_skewed_money_find_the_smallest_rise_4_times_in_5() -> None:
    question = Question(customers=4_000, base=10.0, sd=10.0)  # exponential
    found = detectable(question, 0.25)
    assert found.detectable is not None
    chance = np.random.default_rng(2)
    control = chance.exponential(10.0, (2_000, found.controls))
    treated = chance.exponential(10.0, (2_000, found.treated)) + found.detectable
    error = np.sqrt(control.var(1) / found.controls + treated.var(1) / found.treated)
    assert np.mean(np.abs(treated.mean(1) - control.mean(1)) / error > Z(0.975)) == pytest.approx(
        0.8, abs=0.03
    )


def test_the_smallest_share_of_money_solves_the_formula() -> None:
    wanted = 3.0
    unit = ((Z(0.975) + Z(0.8)) * 40 / wanted) ** 2 / 20_000  # share · (1 - share) must reach it
    assert smallest_share(MONEY, wanted) == pytest.approx((1 - sqrt(1 - 4 * unit)) / 2, rel=1e-6)


@settings(max_examples=50, deadline=None)
@given(st.integers(500, 200_000), st.floats(0.01, 0.6), st.floats(0.005, 0.3))
def test_the_smallest_share_finds_what_is_wanted_and_a_smaller_one_does_not(
    n: int, base: float, rise: float
) -> None:
    share = smallest_share(Question(n, base), rise)
    if share is None:
        assert power_of_rates(base, rise, n // 2, n // 2) < 0.8 + 1e-3
    elif share > 2 / n:
        size = share * n
        assert power_of_rates(base, rise, size, n - size) == pytest.approx(0.8, abs=1e-4)  # type: ignore[arg-type]


@settings(max_examples=50, deadline=None)
@given(st.floats(0.02, 0.48))
def test_more_controls_find_a_smaller_rise(share: float) -> None:
    fewer, more = (detectable(MONEY, one).detectable for one in (share, share + 0.02))
    assert fewer is not None and more is not None and more < fewer


def test_the_words_show_the_calculation() -> None:
    assert in_words(detectable(RATE, 0.1), wanted=0.01) == [
        "Leaving 2,000 of 20,000 customers (10.0%) alone finds, with 80% certainty at the 5% level (two-sided), "
        "a rise from 5.00% to 6.57% or more.",
        "A rise from 5.00% to 6.00% is found from 29.2% controls on (5,842 customers).",
    ]


def test_a_rise_that_no_share_finds_says_how_many_customers_it_takes() -> None:
    few = Question(customers=400, base=30.0, sd=80.0, currency="EUR")
    assert in_words(detectable(few, 0.5), wanted=5.0)[1] == (
        "A rise from 30.00 to 35.00 EUR per customer cannot be found: even halves would need 8,038 customers."
    )


def test_too_few_controls_for_the_approximation_are_said() -> None:
    assert in_words(detectable(Question(300, 0.02), 0.1))[-1].startswith("This is rough")


def test_a_base_too_small_for_any_difference_says_so() -> None:
    found = detectable(Question(4, 0.5), 0.25)
    assert found.detectable is None
    assert "too few to find any difference" in in_words(found)[0]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"customers": 1}, "customers is 1; it must be 2 or more"),
        ({"base": 0.0}, "base is 0.0; it must be a rate between 0 and 1"),
        ({"base": 5.0, "sd": 0.0}, "sd is 0.0; it must be above 0"),
        ({"power": 0.01}, "power is 0.01"),
    ],
)
def test_impossible_questions_are_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        Question(**({"customers": 100, "base": 0.1} | wrong))  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", [0.0, 0.96, float("nan")])
def test_an_impossible_wanted_rise_is_refused(wanted: float) -> None:
    with pytest.raises(DeclarationError, match="it must be above 0 and possible"):
        smallest_share(RATE, wanted)
