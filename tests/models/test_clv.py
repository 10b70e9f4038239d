"""Lifetime values: stretches, margins, contacts, and totals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from models.clv import Lifetime, Margins, clv, lifetime_knots
from models.contract import NoFit

NAN = float("nan")


def shop(shares: list[float], order_days: int, amount: float = 10.0) -> dict[str, np.ndarray]:
    """Return customers with these margins, all with as many order days of one amount."""
    n = len(shares)
    return {
        "margin_share": np.array(shares),
        "frequency": np.full(n, order_days - 1.0),
        "monetary_value": np.full(n, amount),
    }


def test_a_lifetime_is_summed_at_the_usual_horizons_and_its_end() -> None:
    assert lifetime_knots(365) == [90, 180, 365]
    assert lifetime_knots(60) == [60]
    assert lifetime_knots(730) == [90, 180, 365, 730]


def test_each_stretch_is_discounted_from_its_middle() -> None:
    values = [np.array([100.0]), np.array([150.0])]
    found = clv(values, [90, 180], margin=0.4, discount_rate=0.1)
    expected = 0.4 * (100 / 1.1 ** (45 / 365) + 50 / 1.1 ** (135 / 365))
    assert found[0] == pytest.approx(expected)


def test_the_cost_of_contacts_is_taken_off_and_discounted_too() -> None:
    values = [np.array([0.0, 100.0])]
    found = clv(values, [365], margin=0.5, discount_rate=0.21, contact_cost_per_year=11.0)
    assert found == pytest.approx([-10.0, 50 / 1.1 - 10.0])


def test_a_customer_may_have_a_margin_of_its_own() -> None:
    values = [np.array([100.0, 100.0])]
    assert clv(values, [90], margin=np.array([0.2, 0.6]), discount_rate=0.0).tolist() == [20.0, 60.0]


def test_a_value_that_falls_between_knots_counts_as_unchanged() -> None:
    values = [np.array([100.0]), np.array([90.0]), np.array([120.0])]
    assert clv(values, [90, 180, 365], margin=1.0, discount_rate=0.0)[0] == pytest.approx(120.0)


@given(
    st.lists(st.floats(0, 1e6), min_size=3, max_size=3),
    st.floats(0, 1),
    st.floats(0, 2),
    st.floats(0, 100),
)
def test_nothing_is_worth_less_than_the_contacts_cost(
    values: list[float], margin: float, rate: float, cost: float
) -> None:
    knots = [np.array([value]) for value in values]
    found = clv(knots, [90, 180, 365], margin=margin, discount_rate=rate, contact_cost_per_year=cost)
    assert found[0] >= -cost - 1e-9


@pytest.mark.parametrize("knots", [[90], [180, 90], [0, 90], []])
def test_values_without_ascending_knots_are_refused(knots: list[int]) -> None:
    with pytest.raises(ContractError, match="ascending"):
        clv([np.zeros(1), np.zeros(1)], knots, margin=1.0, discount_rate=0.1)


def test_a_margin_below_zero_is_refused() -> None:
    with pytest.raises(ContractError, match="margin"):
        clv([np.zeros(1)], [90], margin=-0.1, discount_rate=0.1)


# ---------------------------------------------------------------- intervals
LIFETIME = Lifetime.of(
    [np.array([60.0, 0.0, 30.0]), np.array([100.0, 0.0, 30.0])],
    [90, 180],
    margin=0.5,
    discount_rate=0.1,
    contact_cost_per_year=3.65,
)
P = np.array([0.7, 0.0, 0.4])


def test_the_variance_is_that_of_the_span_times_what_a_unit_is_worth_squared() -> None:
    whole = clv([np.array([60.0]), np.array([100.0])], [90, 180], margin=0.5, discount_rate=0.1)
    assert LIFETIME.variance(np.array([400.0, 0.0, 9.0]))[0] == pytest.approx((whole[0] / 100) ** 2 * 400)


def test_the_bounds_of_the_value_become_those_of_the_lifetime() -> None:
    value = LIFETIME.value
    lower, upper = LIFETIME.interval(value, value)
    assert lower == pytest.approx(LIFETIME.expected) and upper == pytest.approx(LIFETIME.expected)
    assert LIFETIME.interval(np.zeros(3), value)[0] == pytest.approx(-LIFETIME.contact_cost)


def test_totals_of_lifetimes_add_up() -> None:
    variance, first = np.array([400.0, 0.0, 90.0]), np.array([True, False, False])
    whole = LIFETIME.total(variance, p=P, level_sd=0.1)
    parts = [LIFETIME.total(variance, p=P, level_sd=0.1, rows=rows) for rows in (first, ~first)]
    assert whole.expected == pytest.approx(LIFETIME.expected.sum())
    assert (parts[0] + parts[1]).interval() == pytest.approx(whole.interval())
    assert whole.certain == pytest.approx(-3 * LIFETIME.contact_cost)


# ---------------------------------------------------------------- margins
def test_a_customers_margin_leans_to_the_shops_by_order_days() -> None:
    margins = Margins(shop=0.4, prior_days=3.0)
    assert margins.of(shop([0.8], 1))[0] == pytest.approx(0.5)
    assert margins.of(shop([0.8], 9))[0] == pytest.approx(0.7)


def test_without_a_known_cost_the_margin_is_the_shops_and_at_a_loss_it_is_none() -> None:
    margins = Margins(shop=0.4, prior_days=0.1)
    assert margins.of(shop([NAN, -5.0], 20)) == pytest.approx([0.4, 0.0])


def test_customers_who_differ_little_are_held_to_be_alike() -> None:
    chance = np.random.default_rng(1)
    own = chance.normal(0.3, 0.2, 4_000)
    days = chance.integers(1, 30, 4_000)
    noise = chance.normal(0.0, 0.1, 4_000) / np.sqrt(days)
    apart = {"margin_share": own + noise, "frequency": days - 1.0, "monetary_value": np.full(4_000, 9.0)}
    alike = {**apart, "margin_share": 0.3 + noise}
    first, second = Margins.fit(apart), Margins.fit(alike)
    assert first.shop == pytest.approx(0.3, abs=0.02)
    assert first.prior_days == pytest.approx((0.1 / 0.2) ** 2, abs=0.3)
    assert second.prior_days > 20 * first.prior_days


def test_large_customers_decide_the_shops_margin() -> None:
    some = shop([0.2] * 50 + [0.6] * 50, 5)
    some["monetary_value"][50:] = 30.0
    assert Margins.fit(some).shop == pytest.approx((0.2 + 3 * 0.6) / 4)


def test_with_few_known_costs_there_is_no_fit() -> None:
    with pytest.raises(NoFit, match="29 customers"):
        Margins.fit(shop([0.3] * 29 + [NAN] * 50, 2))


def test_a_folder_gives_the_margins_back(tmp_path: Path) -> None:
    Margins(0.4, 3.0).save(tmp_path)
    assert Margins.load(tmp_path) == Margins(0.4, 3.0)
