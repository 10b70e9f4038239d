"""Value tiers: thresholds found from the data, and how stable they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.tiers import NAMES, Tiers
from contracts.errors import ContractError

TEN = np.array([1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 6.0, 10.0, 20.0, 50.0])


def test_focus_begins_at_the_mean_of_those_above_the_mean() -> None:
    assert Tiers.of(TEN).focus_from == 35.0  # mean 10; above it 20 and 50


def test_reduce_ends_where_customers_together_bring_a_twentieth() -> None:
    assert Tiers.of(TEN).reduce_below == 2.0  # 1 + 1 + 2 = 4 of 100; one more 2 makes 6


def test_a_known_contact_cost_is_the_lower_threshold() -> None:
    tiers = Tiers.of(TEN, contact_cost=5.0)
    assert tiers.of_customers(TEN).tolist() == ["reduce"] * 6 + ["cultivate"] * 3 + ["focus"]


def test_nobody_is_in_focus_who_does_not_earn_the_contact() -> None:
    assert set(Tiers.of(TEN, contact_cost=100.0).of_customers(TEN)) == {"reduce"}


def test_few_customers_make_tiers_that_are_not_stable() -> None:
    few, many = (np.random.default_rng(1).lognormal(1, 1.5, n) for n in (60, 200_000))
    assert Tiers.of(few).unstable_share > 0.1
    assert Tiers.of(many).unstable_share < 0.02


def test_the_interval_covers_the_threshold_of_other_samples() -> None:
    draw = np.random.default_rng(2)
    true = Tiers.of(draw.lognormal(0, 1, 400_000)).focus_from
    found = [Tiers.of(draw.lognormal(0, 1, 2000)) for _ in range(60)]
    assert np.mean([one.focus_lower <= true <= one.focus_upper for one in found]) > 0.85


def test_the_same_values_give_the_same_tiers() -> None:
    assert Tiers.of(TEN) == Tiers.of(TEN)
    assert Tiers.of_dict(Tiers.of(TEN).to_dict()) == Tiers.of(TEN)


def test_nobody_has_no_tiers() -> None:
    with pytest.raises(ContractError, match="at least one customer"):
        Tiers.of(np.empty(0))


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=30), st.floats(0, 100))
def test_a_higher_value_is_never_in_a_lower_tier(values: list[float], cost: float) -> None:
    profit = np.sort(np.array(values))
    order = [NAMES[::-1].index(name) for name in Tiers.of(profit, contact_cost=cost).of_customers(profit)]
    assert order == sorted(order)
