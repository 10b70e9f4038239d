"""Slices of a handful of customers, and which are large enough."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.days import parse_day
from contracts.training import Floats
from experiments.data_sets import cdnow_file
from experiments.slices import measurable, slices
from features.catalog import BTYD_SUMMARY, CATALOG
from features.kernel.history import History
from features.orders import read_orders


def summary(
    frequency: list[float], recency: list[float], tenure: list[float], money: list[float] | None = None
) -> dict[str, Floats]:
    columns = [frequency, recency, tenure, money or [10.0] * len(tenure)]
    return {name: np.array(values) for name, values in zip(BTYD_SUMMARY, columns, strict=True)}


def members(name: str, columns: dict[str, Floats]) -> list[int]:
    return list(np.flatnonzero(slices(columns)[name]))


def test_one_time_buyers_have_one_order_day() -> None:
    assert members("one-time buyers", summary([0, 1, 0], [0, 40, 0], [5, 50, 300])) == [0, 2]


def test_new_customers_first_ordered_less_than_30_days_ago() -> None:
    assert members("new (under 30 days)", summary([0, 3, 0], [0, 20, 0], [29, 29, 30])) == [0, 1]


def test_who_is_silent_for_more_than_two_own_gaps_has_lapsed() -> None:
    # Three gaps of 40 days each; then 80 and 81 days of silence.
    assert members("lapsed", summary([3, 3], [120, 120], [200, 201])) == [1]


def test_nobody_with_several_orders_has_lapsed_before_a_month_is_over() -> None:
    assert members("lapsed", summary([1, 1], [2, 2], [32, 33])) == [1]


def test_a_one_time_buyer_has_lapsed_after_180_days() -> None:
    assert members("lapsed", summary([0, 0], [0, 0], [180, 181])) == [1]


def test_high_value_is_the_best_tenth_by_all_that_was_spent() -> None:
    frequency, money = [0.0] * 18 + [4.0, 0.0], [10.0] * 19 + [49.0]
    columns = summary(frequency, [0.0] * 20, [100.0] * 20, money)
    assert members("high value (top 10%)", columns) == [18, 19]


def test_equals_of_the_last_of_the_best_tenth_are_inside() -> None:
    columns = summary([0.0] * 10, [0.0] * 10, [9.0] * 10, [1.0] * 8 + [7.0, 7.0])
    assert members("high value (top 10%)", columns) == [8, 9]


def test_the_five_largest_values_of_a_text_are_slices() -> None:
    country = np.array([*"ABBCCCDDEEF", None, ""], dtype=object)
    found = slices(summary([0] * 13, [0] * 13, [9] * 13), {"country": country})
    named = [name for name in found if name.startswith("country")]
    assert named == ["country: C", "country: B", "country: D", "country: E", "country: A"]
    assert np.flatnonzero(found["country: D"]).tolist() == [6, 7]


def test_no_customers_are_in_no_slice() -> None:
    found = slices(summary([], [], []), {"country": np.array([], dtype=object)})
    assert all(mask.shape == (0,) for mask in found.values())


def test_small_slices_are_left_out_and_the_reason_is_said() -> None:
    bought = np.array([1.0] * 5 + [0.0] * 95)
    masks = {"fifty": np.arange(100) < 50, "fewer": np.arange(100) < 49, "four": np.arange(100) > 0}
    found = measurable(masks, bought)
    assert list(found.measured) == ["fifty"]
    assert found.left_out == {
        "fewer": "49 customers; under 50 nothing is measured",
        "four": "4 buyers among 99; under 5 nothing is measured",
    }


@pytest.fixture(scope="module")
def cdnow() -> dict[str, Floats]:
    history = History.from_lines(read_orders(str(cdnow_file())).lines)
    return CATALOG.pick(BTYD_SUMMARY).compute(history, parse_day("1998-04-01")).columns


def test_real_customers_fall_into_slices_of_sensible_size(cdnow: dict[str, Floats]) -> None:
    shares = {name: round(float(mask.mean()), 2) for name, mask in slices(cdnow).items()}
    assert shares["high value (top 10%)"] == pytest.approx(0.10, abs=0.01)
    assert 0.4 < shares["one-time buyers"] < shares["lapsed"] < 0.95
