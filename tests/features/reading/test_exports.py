"""The tables of an Olist export become one raw table: every item once, every order without items once."""

from __future__ import annotations

import duckdb
import pytest

from contracts.errors import DataError
from features.reading.exports import combine
from features.reading.mapping import recognise
from features.reading.sources import Source
from tests.features.reading.raw import connect, source_of

ORDERS = ("order_id", "customer_id", "order_status", "order_purchase_timestamp")
ITEMS = ("order_id", "order_item_id", "product_id", "seller_id", "price", "freight_value")
CUSTOMERS = ("customer_id", "customer_unique_id", "customer_state")


def export(con: duckdb.DuckDBPyConnection) -> list[Source]:
    orders = [
        ("o1", "k1", "delivered", "2017-10-02 10:56:33"),
        ("o2", "k2", "unavailable", "2017-10-04 11:00:00"),
    ]
    items = [
        ("o1", "1", "p1", "s", "10.00", "1"),
        ("o1", "2", "p2", "s", "5.50", "1"),
        ("o9", "1", "p2", "s", "5", "1"),
    ]
    return [
        source_of(con, CUSTOMERS, ("k1", "u1", "SP"), ("k2", "u1", "SP"), number=0),
        source_of(con, ("geolocation_zip_code_prefix", "geolocation_lat"), ("1", "2"), number=1),
        source_of(con, ITEMS, *items, number=2),
        source_of(con, ORDERS, *orders, number=3),
    ]


def rows(con: duckdb.DuckDBPyConnection, source: Source, *names: str) -> list[tuple[object, ...]]:
    wanted = ", ".join(f"c{source.columns.index(name)}" for name in names)
    return con.execute(f"SELECT source_row, {wanted} FROM {source.table} ORDER BY 1").fetchall()


def test_items_keep_their_place_and_get_the_person_and_the_time() -> None:
    con = connect()
    (joined,) = combine(con, export(con))
    assert (joined.number, joined.path) == (2, "file2.csv")
    assert rows(con, joined, "order_id", "customer_unique_id", "price")[1:3] == [
        (1, "o1", "u1", "10.00"),
        (2, "o1", "u1", "5.50"),
    ]


def test_an_order_without_items_is_a_row_without_an_amount() -> None:
    con = connect()
    (joined,) = combine(con, export(con))
    assert rows(con, joined, "order_id", "order_status", "price")[0] == (-2, "o2", "unavailable", None)


def test_an_item_without_its_order_stays_without_a_date() -> None:
    con = connect()
    (joined,) = combine(con, export(con))
    assert rows(con, joined, "order_id", "order_purchase_timestamp")[-1] == (3, "o9", None)


def test_the_joined_table_is_recognised_as_olist() -> None:
    con = connect()
    (joined,) = combine(con, export(con))
    mapping = recognise(joined.columns)
    assert (mapping.name, mapping.columns["customer_id"], mapping.currency) == (
        "olist",
        "customer_unique_id",
        "BRL",
    )


def test_files_that_play_no_part_are_told() -> None:
    con = connect()
    assert any("file1.csv" in note for note in combine(con, export(con))[0].notes)


def test_categories_are_translated_where_there_is_a_translation() -> None:
    con = connect()
    products = ("product_id", "product_category_name")
    names = ("product_category_name", "product_category_name_english")
    more = [
        source_of(con, products, ("p1", "beleza_saude"), ("p2", "pc_gamer"), number=4),
        source_of(con, names, ("beleza_saude", "health_beauty"), number=5),
    ]
    (joined,) = combine(con, [*export(con), *more])
    found = rows(con, joined, "product_category_name_english")
    assert found == [(-2, None), (1, "health_beauty"), (2, "pc_gamer"), (3, "pc_gamer")]


def test_a_key_that_comes_twice_multiplies_no_row_and_is_told() -> None:
    con = connect()
    again = source_of(con, ORDERS, ("o1", "k1", "delivered", "2017-10-02 10:56:33"), number=4)
    (joined,) = combine(con, [*export(con), again])
    assert len(rows(con, joined, "order_id")) == 4
    assert any("1 rows of the orders repeat the order_id" in note for note in joined.notes)


def test_several_files_of_items_stay_several_sources() -> None:
    con = connect()
    more = source_of(con, ITEMS, ("o2", "1", "p1", "s", "7", "1"), number=4)
    first, second = combine(con, [*export(con), more])
    assert [row[0] for row in rows(con, first, "order_id")] == [1, 2, 3]
    assert rows(con, second, "order_id", "customer_unique_id") == [(1, "o2", "u1")]


@pytest.mark.parametrize(("left_out", "missing"), [(0, "customers"), (2, "items")])
def test_a_table_that_is_missing_is_named(left_out: int, missing: str) -> None:
    con = connect()
    sources = [source for source in export(con) if source.number != left_out]
    with pytest.raises(DataError, match=f"the table of its {missing} is missing"):
        combine(con, sources)


def test_other_files_come_back_as_they_are() -> None:
    con = connect()
    sources = [source_of(con, ("customer", "date", "total"), ("a", "2024-01-01", "1"))]
    assert combine(con, sources) == sources
