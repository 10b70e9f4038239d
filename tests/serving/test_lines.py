from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.days import parse_day
from contracts.tables import ORDER_LINES, REQUIRED_LINE_COLUMNS
from serving.lines import order_lines
from serving.problems import Problem
from serving.shapes.posted import PostedHistory
from tests.serving.shop import order

END = parse_day("2000-01-01")


def lines(*orders: dict[str, Any], customer_id: str = "a", zone: str = "UTC", until: int = END) -> pa.Table:
    history = PostedHistory.model_validate({"customer_id": customer_id, "orders": list(orders)})
    return order_lines([history], ZoneInfo(zone), until=until)


def column(table: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def test_the_columns_are_the_contracts() -> None:
    table = lines(order("1997-01-01", category="k"))
    assert table.schema == pa.schema(
        [ORDER_LINES.field(name) for name in (*REQUIRED_LINE_COLUMNS, "category")]
    )


def test_nobody_posted_is_an_empty_table() -> None:
    assert lines().num_rows == 0 and tuple(lines().column_names) == REQUIRED_LINE_COLUMNS


def test_entries_without_order_id_are_orders_of_their_own() -> None:
    table = lines(order("1997-01-01", 5.0), order("1997-01-01", 7.0))
    assert column(table, "order_id", "line", "amount") == [("a-19970101-1", 1, 5.0), ("a-19970101-2", 1, 7.0)]


def test_product_lines_of_one_second_are_one_order() -> None:
    table = lines(order("1997-01-01", 5.0, product_id="x"), order("1997-01-01", 7.0, product_id="y"))
    assert column(table, "order_id", "line") == [("a-19970101", 1), ("a-19970101", 2)]


def test_times_with_an_offset_become_the_shops_local_time() -> None:
    table = lines(order("1997-01-01T23:30:00Z"), order("1997-06-30 23:30"), zone="Europe/Berlin")
    assert [str(at) for at in table["ordered_at"].to_pylist()] == [
        "1997-01-02 00:30:00",
        "1997-06-30 23:30:00",
    ]
    assert table["day"].to_pylist() == [parse_day("1997-01-02"), parse_day("1997-06-30")]


@pytest.mark.parametrize("back", [{"returned": True}, {"quantity": -1.0}, {"amount": -5.0}])
def test_a_return_pays_out_whatever_its_sign(back: dict[str, Any]) -> None:
    table = lines({"ordered_at": "1997-01-01", "amount": 5.0, **back})
    assert column(table, "amount", "quantity", "returned", "reverses") == [(-5.0, -1.0, True, False)]


def test_a_return_of_a_whole_sale_cancels_it_from_its_own_day() -> None:
    table = lines(order("1997-01-01", 5.0), order("1997-01-09", -5.0), order("1997-01-20", -5.0))
    day = parse_day("1997-01-09")
    assert column(table, "cancelled_day", "reverses") == [(day, False), (None, True), (None, False)]


def test_a_cancelled_order_gets_the_line_that_takes_it_back() -> None:
    table = lines(order("1997-01-01T10:00:00", 5.0, order_id="7", cancelled_at="1997-01-03"))
    assert column(table, "order_id", "line", "amount", "cancelled_day", "reverses") == [
        ("7", 1, 5.0, parse_day("1997-01-03"), False),
        ("7", 2, -5.0, None, True),
    ]


def test_a_cancellation_after_the_last_day_is_not_seen() -> None:
    table = lines(order("1997-01-01", cancelled_at="1997-01-03"), until=parse_day("1997-01-02"))
    assert column(table, "cancelled_day", "returned") == [(None, False)]


def test_a_cancellation_before_the_order_is_refused() -> None:
    with pytest.raises(Problem) as caught:
        lines(order("1997-01-02", cancelled_at="1997-01-01"))
    assert caught.value.status == 422


def test_customers_stand_in_byte_order() -> None:
    histories = [
        PostedHistory.model_validate({"customer_id": each, "orders": [order("1997-01-01")]})
        for each in ("é", "z", "Z", "😀", "\uffff", "10", "9")
    ]
    table = order_lines(histories, ZoneInfo("UTC"), until=END)
    assert table["customer_id"].to_pylist() == ["10", "9", "Z", "z", "é", "\uffff", "😀"]


def test_empty_text_is_none() -> None:
    assert "coupon" not in lines(order("1997-01-01", coupon="")).column_names


ENTRIES = st.lists(
    st.fixed_dictionaries(
        {
            "ordered_at": st.sampled_from(["1997-01-01", "1997-01-01T10:00:00", "1997-01-02"]),
            "amount": st.sampled_from([5.0, 7.0, -5.0, 0.0]),
        },
        optional={"order_id": st.sampled_from(["1", "2"]), "product_id": st.sampled_from(["x", "y"])},
    ),
    max_size=8,
)


@given(ENTRIES, st.randoms())
def test_the_order_of_the_entries_plays_no_part(entries: Sequence[dict[str, Any]], random: Any) -> None:
    shuffled = list(entries)
    random.shuffle(shuffled)
    assert lines(*entries).equals(lines(*shuffled))


@given(ENTRIES)
def test_lines_are_sorted_and_numbered_without_repeats(entries: Sequence[dict[str, Any]]) -> None:
    keys = column(lines(*entries), "day", "ordered_at", "order_id", "line")
    assert keys == sorted(keys) and len(set(keys)) == len(keys)
