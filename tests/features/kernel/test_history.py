"""Order lines as sorted columns: what is an order and an order day, and what was known on a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from contracts.errors import ContractError
from contracts.tables import ORDER_LINES, REQUIRED_LINE_COLUMNS
from features.kernel.history import History
from tests.features.test_properties import Row, history_of, line, taken_back


def order_days(history: History, customer: int = 0) -> list[int]:
    low, high = history.order_days.starts[customer : customer + 2]
    return history.order_days.day[low:high].tolist()


def unsorted(rows: Sequence[Row]) -> pa.Table:
    schema = pa.schema([ORDER_LINES.field(name) for name in REQUIRED_LINE_COLUMNS])
    return pa.Table.from_pylist(list(rows), schema=schema)


def test_an_order_is_counted_once_whatever_its_lines() -> None:
    history = history_of([line("a", "1", 5, 1.0), line("a", "1", 5, 2.0, line=2), line("a", "2", 5, 4.0)])
    assert history.lines.values["orders"].tolist() == [1, 0, 1]
    assert order_days(history) == [5]
    assert history.order_days.values["amount"].tolist() == [7]


def test_two_customers_may_use_the_same_order_id() -> None:
    history = history_of([line("a", "1", 5, 1.0), line("b", "1", 6, 2.0)])
    assert history.lines.values["orders"].tolist() == [1, 1]


def test_a_free_order_is_an_order() -> None:
    history = history_of([line("a", "1", 5, 0.0)])
    assert order_days(history) == [5]


def test_a_return_alone_is_no_order_day() -> None:
    history = history_of([line("a", "1", 5, 9.0), taken_back("a", "1", 8, 9.0)])
    assert order_days(history) == [5]


def test_an_order_that_lies_on_two_days_is_one_order_of_its_first_day() -> None:
    late = line("a", "1", 5, 1.0, minute=1439)
    history = history_of([late, line("a", "1", 6, 2.0, minute=1, line=2)])
    assert order_days(history) == [5]
    assert history.lines.values["orders"].sum() == 1


def test_gaps_are_between_the_order_days_of_one_customer() -> None:
    days = [("a", 5), ("a", 8), ("a", 20), ("b", 30), ("b", 31)]
    history = history_of([line(name, str(day), day, 1.0) for name, day in days])
    assert history.order_days.values["gap"].tolist() == [0, 3, 12, 0, 1]


def test_days_before_1970_are_days_like_any_other() -> None:
    history = history_of([line("a", "1", -400, 1.0), line("a", "2", -3, 1.0), line("a", "3", 4, 1.0)])
    assert order_days(history) == [-400, -3, 4]
    assert (history.first_order_day, history.last_order_day) == (-400, 4)


def test_weekday_month_day_and_season_are_those_of_the_calendar() -> None:
    days = [0, 3, 304, 333, 334, 364, 365]
    values = history_of([line("a", f"{day:03d}", day, 1.0) for day in days]).order_days.values
    dates = [date.fromordinal(date(1970, 1, 1).toordinal() + day) for day in days]
    assert values["weekday"].tolist() == [one.weekday() for one in dates]
    assert (values["month_day"] + 1).tolist() == [one.day for one in dates]
    assert values["holiday_season"].tolist() == [one.month in (11, 12) for one in dates]


def test_a_cancelled_sale_is_an_order_until_the_day_of_its_cancellation() -> None:
    undo = taken_back("a", "1", 9, 5.0, reverses=True)
    history = history_of([line("a", "1", 5, 5.0, cancelled_day=9), undo, line("a", "2", 7, 1.0)])
    assert order_days(history) == [5, 7]
    assert history.as_known_on(8) is None
    known = history.as_known_on(9)
    assert known is not None
    assert order_days(known) == [7]


def test_what_was_known_holds_only_the_customers_who_lost_a_sale() -> None:
    rows = [
        line("a", "1", 5, 5.0),
        line("b", "2", 5, 5.0, cancelled_day=6),
        line("c", "3", 5, 5.0, cancelled_day=60),
    ]
    known = history_of(rows).as_known_on(6)
    assert known is not None
    assert known.customer_ids.tolist() == ["b"]
    assert known.positions.tolist() == [1]
    assert order_days(known) == []


def test_a_partly_cancelled_order_stays_an_order() -> None:
    rows = [line("a", "1", 5, 5.0, cancelled_day=6), line("a", "1", 5, 2.0, line=2)]
    known = history_of(rows).as_known_on(6)
    assert known is not None
    assert known.lines.values["orders"].tolist() == [0, 1]
    assert known.order_days.values["amount"].tolist() == [2]


def test_a_product_first_bought_on_a_cancelled_line_is_first_seen_on_the_next() -> None:
    rows = [
        line("a", str(day), day, 1.0, product_id="p", cancelled_day=9 if day == 5 else None)
        for day in (5, 7, 8)
    ]
    history = history_of(rows)
    known = history.as_known_on(9)
    assert known is not None
    assert history.lines.values["new_products"].tolist() == [1, 0, 0]
    assert known.lines.values["new_products"].tolist() == [0, 1, 0]


def test_some_customers_keep_their_ids_and_rows() -> None:
    history = history_of([line(name, "1", day, 1.0) for day, name in enumerate("abcd")])
    some = history.of_customers(np.array([1, 3]))
    assert some.customer_ids.tolist() == ["b", "d"]
    assert some.order_days.day.tolist() == [1, 3]
    assert history.of_customers(np.arange(4)) is history


def test_a_missing_column_is_a_contract_error() -> None:
    table = unsorted([line("a", "1", 5, 1.0)]).drop_columns(["amount"])
    with pytest.raises(ContractError, match="amount"):
        History.from_lines(table)


@pytest.mark.parametrize(
    "places", [[("a", 5), ("a", 4)], [("b", 4), ("a", 5)], [("a", 4), ("b", 4), ("a", 5)]]
)
def test_unsorted_rows_are_a_contract_error(places: list[tuple[str, int]]) -> None:
    with pytest.raises(ContractError, match="not sorted"):
        History.from_lines(unsorted([line(name, "1", day, 1.0) for name, day in places]))


def test_optional_columns_are_those_of_the_table() -> None:
    assert history_of([line("a", "1", 5, 1.0)], optional=("cost",)).optional == frozenset({"cost"})


def test_an_empty_table_is_a_history_of_nobody() -> None:
    assert len(history_of([]).customer_ids) == 0
