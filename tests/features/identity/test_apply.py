"""Order lines keyed by person: nothing is lost, and no day sees what was learnt after it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import ContractError
from contracts.tables import ORDER_LINES, REQUIRED_LINE_COLUMNS
from features.identity.apply import merged, split_as_known
from features.identity.components import HISTORY, first_order_days, history_of
from features.identity.links import Links
from tests.features.identity.people import (
    APART,
    DAYS,
    EVIDENCE_ROWS,
    LINK_ROWS,
    Row,
    link_table,
    links_of,
    until,
)

SCHEMA = pa.schema([ORDER_LINES.field(name) for name in REQUIRED_LINE_COLUMNS])
SORT = ("customer_id", "day", "ordered_at", "order_id", "line")
# (customer, order, day, hour, amount)
Sale = tuple[str, str, int, int, float]
ORDERS = st.sampled_from(["1", "2", "1~1970-01-03", "1~1970-01-04", "2~1970-01-03~1970-01-05"])
SALES = st.lists(
    st.tuples(
        st.sampled_from([f"c{i}" for i in range(12)] + ["a", "z"]),
        ORDERS,
        DAYS,
        st.integers(0, 2),
        st.floats(0, 9),
    ),
    max_size=25,
)
SOME = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def lines_of(sales: list[Sale]) -> pa.Table:
    """Return sales as order lines: sorted, each order's lines numbered from 1."""
    rows: list[dict[str, Any]] = []
    count: dict[tuple[str, str], int] = {}
    for customer, order, day, hour, amount in sorted(sales, key=lambda s: (s[0], s[2], s[3], s[1], s[4])):
        count[customer, order] = count.get((customer, order), 0) + 1
        at = datetime(1970, 1, 1) + timedelta(days=day, hours=hour)
        values = (customer, order, count[customer, order], at, day, amount, 1.0, False, False, None)
        rows.append(dict(zip(SCHEMA.names, values, strict=True)))
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def history(*rows: tuple[str, str, int], first: dict[str, int] | None = None) -> pa.Table:
    return history_of(Links.of_table(link_table(rows)), first_days=first or {})


def shown(table: pa.Table, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def cut(table: pa.Table, day: int) -> pa.Table:
    return table.filter(pc.less_equal(table["day"], day))


def test_the_orders_of_two_ids_become_those_of_one_customer() -> None:
    lines = lines_of([("a", "1", 3, 0, 1.0), ("b", "2", 1, 0, 2.0), ("c", "3", 2, 0, 3.0)])
    found = merged(lines, history(("a", "b", 5), first={"a": 3, "b": 1}))
    assert shown(found, "customer_id", "own_id", "order_id", "day") == [
        ("b", "b", "2", 1), ("b", "a", "1", 3), ("c", "c", "3", 2),
    ]  # fmt: skip


def test_one_order_under_two_ids_is_one_order_if_it_begins_on_the_same_day() -> None:
    lines = lines_of([("a", "7", 3, 0, 1.0), ("a", "7", 3, 0, 2.0), ("b", "7", 3, 0, 4.0)])
    found = merged(lines, history(("a", "b", 5)))
    assert shown(found, "order_id", "line", "own_id") == [("7", 1, "a"), ("7", 2, "a"), ("7", 3, "b")]


def test_orders_of_one_number_on_different_days_stay_two_orders() -> None:
    lines = lines_of([("a", "7", 4, 0, 1.0), ("b", "7", 3, 0, 4.0), ("b", "7", 5, 0, 4.0)])
    found = merged(lines, history(("a", "b", 5)))
    assert shown(found, "order_id", "line", "day") == [("7", 1, 3), ("7~1970-01-05", 1, 4), ("7", 2, 5)]


def test_without_links_only_the_own_id_is_added() -> None:
    lines = lines_of([("a", "7~2024-01-01", 4, 0, 1.0), ("b", "7", 3, 0, 4.0)])
    found = merged(lines, HISTORY.empty_table())
    assert found.drop_columns(["own_id"]).equals(lines) and found["own_id"].equals(lines["customer_id"])


def test_lines_are_not_merged_twice() -> None:
    lines = merged(lines_of([("a", "1", 1, 0, 1.0)]), HISTORY.empty_table())
    with pytest.raises(ContractError, match="split_as_known"):
        merged(lines, HISTORY.empty_table())


def test_no_lines_are_no_lines() -> None:
    found = merged(lines_of([]), history(("a", "b", 5)))
    assert found.num_rows == 0 and split_as_known(found, history(("a", "b", 5)), day=3).num_rows == 0


@SOME
@given(sales=SALES, rows=EVIDENCE_ROWS, explicit=LINK_ROWS)
def test_merged_lines_keep_every_line_sorted_and_numbered(
    sales: list[Sale], rows: list[Row], explicit: list[Row]
) -> None:
    lines = lines_of(sales)
    found = merged(lines, history_of(links_of(rows, explicit), first_days=first_order_days(lines)))
    names = ("day", "ordered_at", "amount")
    assert sorted(shown(found, "own_id", *names)) == sorted(shown(lines, "customer_id", *names))
    assert shown(found, *SORT) == sorted(set(shown(found, *SORT)))
    assert found.schema.names == [*lines.schema.names, "own_id"]
    orders = shown(found, "customer_id", "order_id")
    numbers = shown(found, "customer_id", "order_id", "line")
    assert sorted(numbers) == sorted((*one, i + 1) for one in set(orders) for i in range(orders.count(one)))


@SOME
@given(sales=SALES, rows=EVIDENCE_ROWS, explicit=LINK_ROWS, apart=APART, day=DAYS)
def test_lines_split_as_known_equal_lines_merged_then(
    sales: list[Sale], rows: list[Row], explicit: list[Row], apart: list[tuple[str, str]], day: int
) -> None:
    lines, links = lines_of(sales), links_of(rows, explicit).without(apart)
    whole = history_of(links, first_days=first_order_days(lines))
    everything = merged(lines, whole)
    then = lines_of([sale for sale in sales if sale[2] <= day])
    links_then = links_of(until(rows, day), until(explicit, day)).without(apart)
    expected = merged(then, history_of(links_then, first_days=first_order_days(then)))
    assert split_as_known(cut(everything, day), whole, day=day).equals(expected)
    assert cut(split_as_known(everything, whole, day=day), day).equals(expected)


@SOME
@given(sales=SALES, rows=EVIDENCE_ROWS, explicit=LINK_ROWS)
def test_lines_split_before_every_link_are_the_lines_as_written(
    sales: list[Sale], rows: list[Row], explicit: list[Row]
) -> None:
    lines = lines_of(sales)
    whole = history_of(links_of(rows, explicit), first_days=first_order_days(lines))
    found = split_as_known(merged(lines, whole), whole, day=-1)
    assert found.drop_columns(["own_id"]).equals(lines)
