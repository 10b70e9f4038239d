"""Measures of dates: by hand, and on orders that follow the curve that was predicted."""

from __future__ import annotations

import math

import numpy as np
import pytest

from contracts.date_metrics import conditional_quantile_coverage, pinball_loss, quantile_coverage
from contracts.metrics import Floats

NEVER = math.inf
GENERATOR = np.random.default_rng(11)
# A curve with 1 - exp(-rate h) at whole days h and straight lines between, and orders that follow it.
RATE = GENERATOR.gamma(0.7, 0.05, 60_000)
FIRST_ORDER = np.ceil(GENERATOR.exponential(1.0, len(RATE)) / RATE)


def quantile(chance: Floats | float) -> Floats:
    """Return by when the curve reaches a chance."""
    before = np.floor(-np.log1p(-np.asarray(chance)) / RATE)
    low, high = 1 - np.exp(-RATE * before), 1 - np.exp(-RATE * (before + 1))
    return np.asarray(before + (chance - low) / (high - low))


def seen(window: float) -> Floats:
    return np.where(window >= FIRST_ORDER, FIRST_ORDER, NEVER)


def test_coverage_is_the_share_that_ordered_by_its_day_among_those_whose_day_is_in_the_window() -> None:
    days = np.array([10.0, 20.0, 30.0, 31.0, NEVER])
    orders = np.array([10.0, 21.0, NEVER, 3.0, 5.0])
    found = quantile_coverage(days, orders, window=30)
    assert found.customers == 3 and found.share == pytest.approx(1 / 3)


def test_a_part_of_a_day_counts_as_part_of_an_order_on_that_day() -> None:
    found = quantile_coverage(np.array([2.25, 2.25]), np.array([3.0, 2.0]), window=30)
    assert found.share == pytest.approx((0.25 + 1) / 2)


def test_coverage_of_nobody_is_undefined() -> None:
    found = quantile_coverage(np.array([NEVER, 91.0]), np.array([NEVER, 4.0]), window=90)
    assert math.isnan(found.share) and found.customers == 0


@pytest.mark.parametrize("u", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("window", [7, 90])
def test_the_right_curve_has_coverage_u(u: float, window: int) -> None:
    found = quantile_coverage(quantile(u), seen(window), window=window)
    assert found.share == pytest.approx(u, abs=4 * math.sqrt(u * (1 - u) / found.customers))


def test_days_that_are_too_early_have_less_coverage() -> None:
    assert quantile_coverage(quantile(0.5) / 2, seen(90), window=90).share < 0.4


@pytest.mark.parametrize("u", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("window", [90, 365, 400])
def test_the_right_curve_has_coverage_u_given_an_order_within_a_year(u: float, window: int) -> None:
    chance = 1 - np.exp(-RATE * 365)
    found = conditional_quantile_coverage(quantile(u * chance), seen(window), window=window, chance=chance)
    assert found.share == pytest.approx(u, abs=0.02)


def test_in_a_whole_year_those_without_an_order_in_it_are_not_counted() -> None:
    days, orders = np.array([50.0, 50.0, 50.0]), np.array([40.0, 60.0, 380.0])
    found = conditional_quantile_coverage(days, orders, window=400, chance=np.full(3, 0.5))
    assert (found.share, found.customers) == (0.5, 2)


def test_in_a_shorter_window_the_expected_number_with_an_order_is_counted() -> None:
    days, orders = np.array([50.0, 50.0, 50.0, 95.0]), np.array([40.0, 60.0, NEVER, NEVER])
    found = conditional_quantile_coverage(days, orders, window=90, chance=np.array([0.9, 0.6, 0.5, 0.2]))
    assert found.customers == 3 and found.share == pytest.approx(1 / 2.0)


def test_given_an_order_coverage_of_nobody_is_undefined() -> None:
    found = conditional_quantile_coverage(
        np.array([NEVER]), np.array([3.0]), window=90, chance=np.array([0.0])
    )
    assert math.isnan(found.share) and found.customers == 0


def test_pinball_loss_weighs_late_orders_with_u_and_early_ones_with_the_rest() -> None:
    loss = pinball_loss(np.array([10.0, 10.0]), np.array([14.0, 4.0]), u=0.25, window=90)
    assert loss == pytest.approx((0.25 * 4 + 0.75 * 6) / 2)


def test_beyond_the_window_all_days_are_its_end() -> None:
    days, orders = np.array([NEVER, 120.0, 80.0]), np.array([NEVER, NEVER, 300.0])
    assert pinball_loss(days, orders, u=0.5, window=90) == pytest.approx(0.5 * 10 / 3)


@pytest.mark.parametrize("u", [0.1, 0.25, 0.5, 0.9])
def test_the_right_quantile_has_the_least_pinball_loss(u: float) -> None:
    losses = [pinball_loss(factor * quantile(u), seen(90), u=u, window=90) for factor in (0.7, 1.0, 1.4)]
    assert min(losses) == losses[1]
