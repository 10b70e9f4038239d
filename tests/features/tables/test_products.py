"""Products, and order lines that take their category and cost from them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from contracts.days import parse_day
from contracts.errors import ContractError
from contracts.tables import ORDER_LINES, PRODUCTS
from features.tables.account import TableReading
from features.tables.products import fill_lines, read_products

UNTIL = parse_day("2024-06-30")


def read(folder: Path, text: str) -> TableReading:
    path = folder / "products.csv"
    path.write_text(text)
    return read_products(path, until=UNTIL, timezone="UTC")


def products(*rows: tuple[str, str | None, float | None]) -> pa.Table:
    dicts = [{"product_id": one, "category": category, "cost": cost} for one, category, cost in rows]
    return pa.Table.from_pylist(dicts, schema=PRODUCTS)


def lines(**columns: list[object]) -> pa.Table:
    return pa.table(
        {name: pa.array(values, ORDER_LINES.field(name).type) for name, values in columns.items()}
    )


def test_products_are_read_and_sorted(tmp_path: Path) -> None:
    reading = read(tmp_path, 'SKU;Product Type;Price;Cost per item\n02;Tea;"1.234,50";2,5\n01;;3;\n')
    assert reading.rows.to_pylist() == [
        {"product_id": "01", "category": None, "price": 3.0, "cost": None},
        {"product_id": "02", "category": "Tea", "price": 1234.5, "cost": 2.5},
    ]
    assert reading.report.notes == ("The products have no time: they are taken as always known.",)


def test_a_product_twice_is_kept_once_and_counted(tmp_path: Path) -> None:
    reading = read(tmp_path, "sku,category\n1,Tea\n1,Tea\n1,Coffee\n2,Tea\n")
    assert reading.rows["category"].to_pylist() == ["Tea", "Tea"]
    assert reading.report.merged == {"other_product": 1, "same_product": 1}
    assert "1 rows say something else about a product" in reading.report.notes[0]


def test_a_negative_price_is_refused_and_an_unreadable_one_emptied(tmp_path: Path) -> None:
    reading = read(tmp_path, "sku,price,cost\n1,-1,1\n2,1,-0.5\n3,free,1\n,1,1\n4,nan,inf\n")
    assert reading.report.quarantined == {"missing_product": 1, "negative_price": 2}
    assert reading.rows["price"].to_pylist() == [None, None]
    assert reading.report.emptied == {"price": 1, "cost": 1}


def test_a_product_of_later_is_not_seen(tmp_path: Path) -> None:
    reading = read(
        tmp_path, "sku,category,created_at\n1,Tea,2024-01-02\n1,Rum,2024-01-01\n2,Tea,2024-07-01\n"
    )
    assert reading.rows["category"].to_pylist() == ["Rum"]
    assert reading.report.later == 1


def test_lines_take_category_and_cost_where_they_have_none() -> None:
    found = fill_lines(
        lines(
            quantity=[2.0, -1.0, 1.0, 1.0],
            product_id=["a", "a", "x", None],
            category=["Own", None, None, None],
        ),
        products(("a", "Tea", 1.5), ("b", None, None)),
    )
    assert found["category"].to_pylist() == ["Own", "Tea", None, None]
    assert found["cost"].to_pylist() == [3.0, -1.5, None, None]
    assert found.column_names == ["quantity", "product_id", "category", "cost"]


def test_a_cost_that_a_line_has_stays() -> None:
    found = fill_lines(
        lines(quantity=[2.0, 2.0], product_id=["a", "a"], cost=[0.0, None]), products(("a", "T", 1.0))
    )
    assert found["cost"].to_pylist() == [0.0, 2.0]


def test_what_no_product_knows_is_not_added() -> None:
    found = fill_lines(lines(quantity=[2.0], product_id=["a"]), products(("a", None, None)))
    assert found.column_names == ["quantity", "product_id"]
    assert fill_lines(lines(quantity=[2.0]), products(("a", "T", 1.0))).column_names == ["quantity"]


def test_a_product_that_is_there_twice_is_a_programming_error() -> None:
    with pytest.raises(ContractError, match="twice"):
        fill_lines(lines(quantity=[2.0], product_id=["a"]), products(("a", "T", 1.0), ("a", "U", 1.0)))


def test_a_product_fills_lines_from_the_day_on_which_it_is_known() -> None:
    one = lines(quantity=[1.0, 1.0, 1.0], product_id=["a", "a", "b"], day=[9, 10, 1])
    some = products(("a", "Tea", 1.5), ("b", "Rum", 2.0))
    found = fill_lines(one, some, since=pa.array([10, None], pa.int32()))
    assert found["category"].to_pylist() == [None, "Tea", "Rum"]
    assert found["cost"].to_pylist() == [None, 1.5, 2.0]


def test_lines_with_dictionaries_are_filled_as_those_with_plain_text() -> None:
    plain = lines(
        quantity=[1.0, 2.0, 1.0, 1.0], product_id=["a", "b", None, "a"], category=[None, "Own", None, "Rum"]
    )
    coded = plain.cast(
        pa.schema([pa.field(one.name, pa.dictionary(pa.int32(), one.type) if one.type == pa.string() else one.type)
                   for one in plain.schema])
    )  # fmt: skip
    some = products(("a", "Rum", 1.5), ("b", "Tea", None))
    expected = fill_lines(plain, some)
    found = fill_lines(coded, some)
    assert expected["category"].to_pylist() == ["Rum", "Own", None, "Rum"]
    assert found.to_pydict() == expected.to_pydict()
    assert pa.types.is_dictionary(found["category"].type) and found["category"].chunk(0).dictionary.to_pylist() == [
        "Own", "Rum", "Tea",
    ]  # fmt: skip


def test_a_reading_says_since_when_its_products_are_known(tmp_path: Path) -> None:
    reading = read(tmp_path, "sku,category,created_at\n1,Tea,2024-01-02\n2,Tea,2024-01-01\n")
    assert reading.since is not None and reading.since.to_pylist() == [19724, 19723]
    assert read(tmp_path, "sku,category\n1,Tea\n").since is None
