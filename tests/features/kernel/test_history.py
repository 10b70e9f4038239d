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

LATE = 10_000


def order_days(history: History, *, on: int = LATE, customer: int = 0) -> list[int]:
    """Return the order days of a customer as known on a day."""
    known = history.known_on(on)
    views = known.views.on(on)
    view = customer if views is None else views[customer]
    low, high = known.order_starts[view : view + 2]
    return known.order_day[low:high].tolist()


def by_day(history: History, column: str, *, on: int = LATE) -> list[float]:
    """Return a column on the days of a history's only view, without its blank row."""
    return history.known_on(on).values(column)[1:].tolist()


def on_order_days(history: History, column: str) -> list[float]:
    return history.known_on(LATE).on_order_days(column).tolist()


def unsorted(rows: Sequence[Row]) -> pa.Table:
    schema = pa.schema([ORDER_LINES.field(name) for name in REQUIRED_LINE_COLUMNS])
    return pa.Table.from_pylist(list(rows), schema=schema)


def test_an_order_is_counted_once_whatever_its_lines() -> None:
    history = history_of([line("a", "1", 5, 1.0), line("a", "1", 5, 2.0, line=2), line("a", "2", 5, 4.0)])
    assert by_day(history, "orders") == [2]
    assert order_days(history) == [5]
    assert on_order_days(history, "amount") == [7]


def test_an_order_whose_lines_stand_apart_is_one_order() -> None:
    ids = ["1", "2", "1", "3", "2", "1"]
    rows = [line("a", one, 5, 1.0, minute=i, line=i) for i, one in enumerate(ids)]
    assert by_day(history_of([*rows, line("b", "1", 6, 1.0)]), "orders")[0] == 3


def test_an_order_that_stands_apart_moves_on_when_its_first_line_is_cancelled() -> None:
    rows = [
        line("a", "2", 4, 1.0, cancelled_day=9),
        line("a", "1", 5, 1.0),
        line("a", "2", 6, 1.0, line=2),
        line("a", "1", 7, 1.0, line=2),
    ]
    assert order_days(history_of(rows), on=8) == [4, 5]
    assert order_days(history_of(rows), on=9) == [5, 6]


def test_two_customers_may_use_the_same_order_id() -> None:
    history = history_of([line("a", "1", 5, 1.0), line("b", "1", 6, 2.0)])
    assert [order_days(history, customer=i) for i in (0, 1)] == [[5], [6]]


def test_a_free_order_is_an_order() -> None:
    history = history_of([line("a", "1", 5, 0.0)])
    assert order_days(history) == [5]


def test_a_return_alone_is_no_order_day() -> None:
    history = history_of([line("a", "1", 5, 9.0), taken_back("a", "1", 8, 9.0)])
    assert order_days(history) == [5]
    assert by_day(history, "net") == [9, -9]


def test_an_order_that_lies_on_two_days_is_one_order_of_its_first_day() -> None:
    late = line("a", "1", 5, 1.0, minute=1439)
    history = history_of([late, line("a", "1", 6, 2.0, minute=1, line=2)])
    assert order_days(history) == [5]
    assert (by_day(history, "orders"), by_day(history, "sales")) == ([1, 0], [1, 2])


def test_gaps_are_between_the_order_days_of_one_customer() -> None:
    days = [("a", 5), ("a", 8), ("a", 20), ("b", 30), ("b", 31)]
    history = history_of([line(name, str(day), day, 1.0) for name, day in days])
    assert on_order_days(history, "gap") == [0, 3, 12, 0, 1]


def test_days_before_1970_are_days_like_any_other() -> None:
    history = history_of([line("a", "1", -400, 1.0), line("a", "2", -3, 1.0), line("a", "3", 4, 1.0)])
    assert order_days(history) == [-400, -3, 4]
    assert (history.first_order_day, history.last_order_day) == (-400, 4)


def test_the_last_order_day_is_of_an_order_not_of_a_return_or_a_later_line() -> None:
    rows = [line("a", "1", 5, 9.0), line("a", "1", 6, 1.0, line=2), taken_back("a", "1", 8, 9.0)]
    assert history_of(rows).last_order_day == 5


def test_weekday_month_day_and_season_are_those_of_the_calendar() -> None:
    days = [0, 3, 304, 333, 334, 364, 365]
    history = history_of([line("a", f"{day:03d}", day, 1.0) for day in days])
    dates = [date.fromordinal(date(1970, 1, 1).toordinal() + day) for day in days]
    assert on_order_days(history, "weekday") == [one.weekday() for one in dates]
    assert on_order_days(history, "month_day") == [one.day - 1 for one in dates]
    assert on_order_days(history, "month") == [one.month for one in dates]
    assert on_order_days(history, "holiday_season") == [one.month in (11, 12) for one in dates]
    assert by_day(history, "thursday_orders") == [one.weekday() == 3 for one in dates]


def test_hours_are_counted_by_part_of_the_day() -> None:
    minutes = (0, 359, 360, 719, 720, 1079, 1080, 1439)
    history = history_of([line("a", str(i), 5, 1.0, minute=minute) for i, minute in enumerate(minutes)])
    parts = ("night", "morning", "afternoon", "evening")
    assert [by_day(history, f"{part}_orders") for part in parts] == [[2.0]] * 4
    assert by_day(history, "order_hours") == [0 + 5 + 6 + 11 + 12 + 17 + 18 + 23]


def test_a_cancelled_sale_is_an_order_until_the_day_of_its_cancellation() -> None:
    undo = taken_back("a", "1", 9, 5.0, reverses=True)
    history = history_of([line("a", "1", 5, 5.0, cancelled_day=9), undo, line("a", "2", 7, 1.0)])
    assert order_days(history, on=8) == [5, 7]
    assert order_days(history, on=9) == [7]


def test_only_customers_who_lost_a_sale_on_the_way_have_several_views() -> None:
    rows = [
        line("a", "1", 5, 5.0),
        line("b", "2", 5, 5.0, cancelled_day=6),
        line("c", "3", 5, 5.0, cancelled_day=7),
        line("d", "4", 5, 5.0, cancelled_day=60),
    ]
    history = history_of(rows)
    history.prepare([6, 8, 9])
    assert history.known_on(9).views.customer.tolist() == [0, 1, 2, 2, 3]
    assert [order_days(history, on=day, customer=2) for day in (6, 8, 9)] == [[5], [], []]


def test_a_customer_has_no_more_views_than_asked_days() -> None:
    rows = [line("a", f"{day:03d}", day, 1.0, cancelled_day=day + 50) for day in range(100)]
    history = history_of(rows)
    history.prepare([40, 70, 120, 130])
    assert history.known_on(70).views.customer.tolist() == [0, 0, 0, 0]
    for day, first in ((40, 0), (70, 21), (120, 71), (130, 81)):
        found = [one for one in order_days(history, on=day) if one <= day]
        assert found == list(range(first, min(day, 99) + 1))


def test_what_is_prepared_together_is_not_prepared_again() -> None:
    history = history_of([line("a", "1", 5, 5.0, cancelled_day=9)])
    history.prepare([6, 10])
    assert history.known_on(6) is history.known_on(10)
    assert history.known_on(7) is not history.known_on(6)


def test_without_cancellations_one_preparation_serves_all_days() -> None:
    history = history_of([line("a", "1", 5, 5.0)])
    assert history.known_on(6) is history.known_on(600)


def test_a_partly_cancelled_order_stays_an_order() -> None:
    history = history_of([line("a", "1", 5, 5.0, cancelled_day=6), line("a", "1", 5, 2.0, line=2)])
    assert by_day(history, "orders", on=6) == [1]
    assert by_day(history, "sales", on=6) == [2]


def test_a_product_first_bought_on_a_cancelled_line_is_first_seen_on_the_next() -> None:
    rows = [
        line("a", str(day), day, 1.0, product_id="p", cancelled_day=9 if day == 5 else None)
        for day in (5, 7, 8)
    ]
    assert by_day(history_of(rows), "new_products", on=8) == [1, 0, 0]
    assert by_day(history_of(rows), "new_products", on=9) == [0, 1, 0]


def test_some_customers_keep_their_ids_and_rows() -> None:
    history = history_of([line(name, "1", day, 1.0) for day, name in enumerate("abcd")])
    some = history.of_customers(np.array([1, 3]))
    assert some.customer_ids.tolist() == ["b", "d"]
    assert [order_days(some, customer=i) for i in (0, 1)] == [[1], [3]]
    assert history.of_customers(np.arange(4)) is history


def test_text_columns_may_be_dictionaries() -> None:
    rows = [
        line(name, str(day), day, 2.0, category=kind)
        for day, (name, kind) in enumerate((("a", "x"), ("a", None), ("b", "x"), ("b", "y"), ("c", None)))
    ]
    plain = history_of(rows).lines.table
    texts = ("customer_id", "order_id", "category", "product_id")
    coded = plain
    for name in texts:
        coded = coded.set_column(coded.column_names.index(name), name, plain[name].dictionary_encode())
    pieces = pa.concat_tables([coded.slice(0, 2), coded.slice(2)])
    for table in (coded, pieces):
        history = History.from_lines(table)
        assert history.customer_ids.tolist() == ["a", "b", "c"]
        for column in ("orders", "sales", "new_categories"):
            np.testing.assert_array_equal(
                history.known_on(9).values(column), history_of(rows).known_on(9).values(column)
            )


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
