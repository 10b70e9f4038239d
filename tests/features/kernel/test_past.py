"""Windows, first and last values, and what a feature may ask of the past."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DeclarationError
from features.kernel.past import Past, ratio
from tests.features.test_properties import history_of, line, taken_back

# One customer: order days 10, 20 (two orders), 20 + 89 = 109, and another who starts on day 50.
ROWS = [
    line("a", "1", 10, 5.0, quantity=2.0),
    line("a", "2", 20, 7.0),
    line("a", "3", 20, 1.0, minute=900),
    line("a", "4", 109, 11.0),
    line("b", "5", 50, 100.0),
]


def past(day: int) -> Past:
    return Past(history_of(ROWS), day)


def test_the_past_holds_who_has_ordered_up_to_the_end_of_the_day() -> None:
    assert past(9).customers.tolist() == []
    assert past(10).customers.tolist() == [0]
    assert past(50).customers.tolist() == [0, 1]


def test_the_cutoff_day_itself_is_past() -> None:
    assert past(19).count().tolist() == [1]
    assert past(20).count().tolist() == [3]


@pytest.mark.parametrize(("day", "orders"), [(108, 2), (109, 3), (110, 1), (198, 1), (199, 0)])
def test_a_window_of_90_days_ends_with_the_cutoff_and_starts_89_days_before(day: int, orders: int) -> None:
    assert past(day).count(days=90)[0] == orders


def test_a_window_may_end_some_days_before_the_cutoff() -> None:
    assert past(110).count(days=90, before=90)[0] == 3  # days -69 ... 20
    assert past(109).count(days=90, before=90)[0] == 1  # up to day 19
    assert past(30).sum("sales", before=10).tolist() == [13.0]


def test_orders_and_order_days_are_counted_apart() -> None:
    assert past(60).count().tolist() == [3, 1]
    assert past(60).count_days().tolist() == [2, 1]


def test_sums_are_over_lines_or_order_days() -> None:
    assert past(60).sum("items").tolist() == [4, 1]
    assert past(60).sum("lines.items").tolist() == [4, 1]
    assert past(60).sum("order_days.amount").tolist() == [13, 100]


def test_first_and_last_are_of_the_first_and_last_order_day() -> None:
    assert past(108).first("amount").tolist() == [5, 100]
    assert past(108).last("amount").tolist() == [8, 100]
    assert past(109).last("amount").tolist() == [11, 100]


def test_an_earlier_order_day_that_is_not_there_is_undefined() -> None:
    np.testing.assert_array_equal(past(60).last("amount", back=1), [5.0, np.nan])
    np.testing.assert_array_equal(past(60).last_day(back=1), [10.0, np.nan])
    np.testing.assert_array_equal(past(109).last_day(back=2), [10.0, np.nan])


def test_the_second_order_day_is_known_only_once_it_has_come() -> None:
    np.testing.assert_array_equal(past(19).second_day(), [np.nan])
    np.testing.assert_array_equal(past(60).second_day(), [20.0, np.nan])


def test_active_periods_are_those_with_an_order() -> None:
    assert past(110).active_periods(days=7, periods=5).tolist() == [1, 0]
    assert past(110).active_periods(days=30, periods=4).tolist() == [2, 1]  # days 81-110, 51-80, 21-50, -9-20
    assert past(109).active_periods(days=30, periods=2, before=1).tolist() == [0, 1]


def test_any_column_of_lines_has_a_first_and_a_last_order_day() -> None:
    assert past(60).first("items").tolist() == [2, 1]
    assert past(60).last("orders").tolist() == [2, 1]
    assert past(60).max("items").tolist() == [2, 1]
    assert past(60).sum("order_days.items").tolist() == [4, 1]


def test_a_maximum_looks_back_from_the_cutoff() -> None:
    assert past(108).max("amount").tolist() == [8, 100]
    assert past(108).max("gap").tolist() == [10, 0]
    assert past(109).max("gap").tolist() == [89, 0]


def test_a_return_counts_in_the_sums_of_its_own_day() -> None:
    history = history_of([*ROWS, taken_back("b", "5", 60, 30.0)])
    assert Past(history, 59).sum("net").tolist() == [13, 100]
    assert Past(history, 60).sum("net").tolist() == [13, 70]
    assert Past(history, 60).sum("refunds", days=1).tolist() == [0, 30]
    assert Past(history, 60).count().tolist() == [3, 1]


def test_a_customer_with_returns_alone_is_not_in_the_past() -> None:
    history = history_of([*ROWS, taken_back("aa", "9", 5, 30.0)])
    assert history.customer_ids[Past(history, 60).customers].tolist() == ["a", "b"]


def test_customers_may_be_asked_for_by_position() -> None:
    assert Past(history_of(ROWS), 60, customers=np.array([1])).count().tolist() == [1]


def test_an_unknown_column_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(DeclarationError, match="no column 'sale', did you mean 'sales'"):
        past(60).sum("sale")
    with pytest.raises(DeclarationError, match=r"did you mean 'order_days\.amount'"):
        past(60).sum("order_day.amount")


def test_a_ratio_to_zero_is_undefined() -> None:
    np.testing.assert_array_equal(
        ratio(np.array([1.0, 0.0, 3.0]), np.array([2.0, 0.0, 0.0])), [0.5, np.nan, np.nan]
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=12),
    st.integers(0, 70),
    st.integers(1, 30),
    st.integers(0, 30),
)
def test_windows_equal_a_count_by_hand(days: list[int], cutoff: int, width: int, before: int) -> None:
    history = history_of([line("a", f"{i:02d}", day, 1.0) for i, day in enumerate(days)])
    inside = [day for day in days if cutoff - before - width < day <= cutoff - before]
    found = Past(history, cutoff, customers=np.array([0]))
    assert found.count(days=width, before=before).tolist() == [len(inside)]
    assert found.count_days(days=width, before=before).tolist() == [len(set(inside))]
