"""Sales: what customers had bought by the end of a day, as known then."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given

from campaigns.sales import Sales
from contracts.errors import ContractError
from features.kernel.past import Past
from tests.features.shops import SOME, Row, history_of, line, shops, taken_back

HISTORY = history_of(
    [
        line("anna", "1", 10, 20.0, product_id="p", discount=2.0),
        line("anna", "1", 10, 5.0, line=2, product_id="q"),
        line("anna", "2", 10, 7.0, minute=700),
        taken_back("anna", "1", 15, 5.0, product_id="q"),
        line("anna", "3", 30, 11.0, product_id="p"),
        line("bert", "4", 12, 9.0, cancelled_day=20),
        taken_back("bert", "4", 20, 9.0, reverses=True),
        line("carl", "5", 25, 0.0),
    ]
)


def test_a_cancelled_sale_is_gone_from_the_day_of_its_cancellation_on() -> None:
    assert Sales.of(HISTORY, 40).ids.to_pylist() == ["anna", "carl"]
    assert Sales.of(HISTORY, 40).on(19).ids.to_pylist() == ["anna", "bert"]


def test_two_orders_of_one_day_are_one_order_day_with_both_amounts() -> None:
    days = Sales.of(HISTORY, 40).days
    assert days.day.tolist() == [10, 30, 25]
    assert days.amount.tolist() == [32.0, 11.0, 0.0]
    assert days.orders.tolist() == [2, 1, 1]


def test_orders_have_the_amount_of_all_their_lines() -> None:
    orders = Sales.of(HISTORY, 40).orders
    assert orders.amount.tolist() == [25.0, 7.0, 11.0, 0.0]
    assert orders.hour.tolist() == [10, 11, 10, 10]


def test_a_return_counts_from_its_own_day_and_a_reversed_sale_is_no_return() -> None:
    sales = Sales.of(HISTORY, 40)
    assert sales.returns.amount.tolist() == [-5.0]
    assert sales.text("product_id").texts[sales.returns.product[0]] == "q"
    assert sales.on(14).returns.amount.tolist() == []


def test_an_unknown_number_is_nan_and_an_empty_text_minus_one() -> None:
    sales = Sales.of(HISTORY, 40)
    np.testing.assert_array_equal(sales.number("discount"), [2.0, np.nan, np.nan, np.nan, np.nan])
    assert (sales.text("product_id").codes < 0).tolist() == [False, False, True, False, True]


def test_chosen_customers_are_the_same_as_in_the_whole() -> None:
    some = Sales.of(HISTORY, 40).of_customers(np.array([1]))
    assert some.ids.to_pylist() == ["carl"]
    assert some.days.day.tolist() == [25]


def test_a_later_day_than_the_sales_know_is_refused() -> None:
    with pytest.raises(ContractError, match="these sales end on day 40"):
        Sales.of(HISTORY, 40).on(41)


def test_an_absent_column_is_named() -> None:
    bare = Sales.of(history_of([line("a", "1", 1, 1.0)], optional=()), 5)
    with pytest.raises(ContractError, match="no 'discount'"):
        bare.number("discount")


@SOME
@given(rows=shops())
def test_order_days_are_those_that_the_features_count(rows: list[Row]) -> None:
    history = history_of(rows)
    day = 450
    past, sales = Past(history, day), Sales.of(history, day)
    assert sales.ids.to_pylist() == [history.customer_ids[place] for place in past.customers]
    np.testing.assert_array_equal(np.diff(sales.starts), past.count_days())
    np.testing.assert_array_equal(sales.last_day, past.last_day())
