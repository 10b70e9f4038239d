"""Numbers are read as people and systems write them; what could be two numbers is none."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.reading.numbers import number_sql, shows_decimal

CON = duckdb.connect()
FEW = settings(max_examples=40, deadline=None)


def read(text: str | None, decimal: str | None = ".") -> float | None:
    sql = number_sql("x", "VARCHAR", decimal)
    value: float | None = CON.execute(f"SELECT {sql} FROM (SELECT ?::VARCHAR AS x)", [text]).fetchall()[0][0]
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5", 12.5), (" 4 ", 4), ("1,234.50", 1234.5), ("1 234.50", 1234.5), ("1\u00a0234.50", 1234.5),
        ("1'234.50", 1234.5), ("12,34,567.5", 1234567.5), ("-5", -5), ("−5", -5), ("5-", -5), ("- 5", -5),
        ("(12.50)", -12.5), ("($12.50)", -12.5), ("$12.50", 12.5), ("-$5", -5), ("$-5", -5), ("USD 12.5", 12.5),
        ("12.50 EUR", 12.5), ("R$ 5", 5), ("৳2,999", 2999), ("12 kr", 12), ("kr. 5", 5), ("Fr. 12.-", 12),
        ("1e3", 1000), ("+3", 3), (".5", 0.5),
    ],
)  # fmt: skip
def test_a_number_with_a_decimal_point_is_read(text: str, value: float) -> None:
    assert read(text) == read(text, None) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12,5", 12.5), ("1.234,50", 1234.5), ("1 234,50", 1234.5), ("1.234.567,8", 1234567.8), ("1.234", 1234),
        ("7", 7), ("−5", -5), ("(12,50)", -12.5), ("12,50 €", 12.5), ("R$ 1.234,56", 1234.56), ("12,-", 12),
        ("12,-€", 12), (",5", 0.5),
    ],
)  # fmt: skip
def test_a_number_with_a_decimal_comma_is_read(text: str, value: float) -> None:
    assert read(text, ",") == value


@pytest.mark.parametrize(
    "text",
    ["12,50", "1.234,50", "12,345,67", "1 2", "abc", "x5", "5x", "10%", "--5", "-5-", "(5", "5)", "0x10", ""],
)
def test_what_is_no_number_is_none(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize("text", ["12.50", "1,234.50", "1.0000", "nan", "1e400", None])
def test_a_point_that_groups_no_thousands_is_none_beside_decimal_commas(text: str | None) -> None:
    assert read(text, ",") is None


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity", "1e400"])
def test_a_number_that_is_not_finite_is_none(text: str) -> None:
    assert read(text) is None


def test_a_column_of_numbers_stays_and_loses_what_is_not_finite() -> None:
    sql = number_sql("x", "DOUBLE", ",")
    rows = CON.execute(
        f"SELECT {sql} FROM (VALUES (1.5e0), ('nan'::DOUBLE), ('-inf'::DOUBLE)) t(x)"
    ).fetchall()
    assert rows == [(1.5,), (None,), (None,)]


@given(st.integers(-(10**12), 10**12), st.integers(0, 99), st.sampled_from([".", ","]))
@FEW
def test_grouped_amounts_are_read_back_whatever_the_mark(whole: int, cents: int, mark: str) -> None:
    group = "," if mark == "." else "."
    text = f"{whole:,}".replace(",", group) + f"{mark}{cents:02d}"
    assert read(text, mark) == float(f"{whole}.{cents:02d}")


@given(st.text(max_size=12), st.sampled_from([".", ","]))
@FEW
def test_any_text_is_a_finite_number_or_none(text: str, mark: str) -> None:
    value = read(text.replace("\x00", ""), mark)
    assert value is None or abs(value) < float("inf")


@pytest.mark.parametrize(
    ("text", "mark"),
    [("12,50", ","), ("(12,50)", ","), ("1.234,567", ","), ("12,- €", ","), ("12.50", "."), ("29.9900", "."),
     ("1,234.567", "."), ("12.5 EUR", "."), ("1,234", ""), ("1.234", ""), ("7", "")],
)  # fmt: skip
def test_a_value_shows_its_mark_or_leaves_it_open(text: str, mark: str) -> None:
    shown = [
        one
        for one in ".,"
        if CON.execute(f"SELECT {shows_decimal('x', one)} FROM (SELECT ? AS x)", [text]).fetchall()[0][0]
    ]
    assert shown == list(mark)
