"""A suggested mapping file is read back as the same mapping, shows what it rests on, and hides what is personal."""

from __future__ import annotations

import tomllib
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import DeclarationError
from features.reading.mapping import load_mapping, parse_mapping
from features.reading.suggest import Suggestion, suggest, suggest_for
from features.reading.toml_text import comment, quoted, setting
from tests.features.reading.raw import connect, source_of

SHOPIFY = (
    "Name", "Email", "Financial Status", "Paid at", "Currency", "Created at", "Lineitem quantity", "Lineitem name",
    "Lineitem price", "Lineitem sku", "Lineitem discount", "Billing Name",
)  # fmt: skip
LINES = (
    ("#1", "ann@b.de", "paid", "2024-05-01", "EUR", "2024-05-01 09:58 +0200", "2", "Tee", "9.99", "T1", "0", "Ann B"),
    ("#1", "ann@b.de", None, None, None, "2024-05-01 09:58 +0200", "1", "Mug", "10.00", "M1", "1.00", None),
    ("#2", "bob@b.de", "refunded", "2024-05-02", "EUR", "2024-05-02 09:58 +0200", "1", "Mug", "10.00", "M1", "0", "Bo"),
)  # fmt: skip
GERMAN = ("Kundennr", "Bestellnummer", "Bestelldatum", "Nettobetrag", "Filiale", "E-Mail-Adresse")
GERMAN_LINES = (
    ("17", "B-1", "03.04.2024", "12,50", "Köln", "a@b.de"),
    ("18", "B-2", "15.04.2024", "1.112,50", "Bonn", "c@b.de"),
)


def suggested(columns: tuple[str, ...], *rows: tuple[str | None, ...]) -> Suggestion:
    con = connect()
    return suggest_for(con, [source_of(con, columns, *rows)])


RETAIL = ("InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
RETAIL_LINES = (("536365", "85123A", "6", "2010-12-01 08:26:00", "2.55", "17850", "United Kingdom"),)


@pytest.mark.parametrize(
    ("columns", "rows"), [(SHOPIFY, LINES), (GERMAN, GERMAN_LINES), (RETAIL, RETAIL_LINES)]
)
def test_the_text_is_read_back_as_the_same_mapping(
    columns: tuple[str, ...], rows: tuple[tuple[str | None, ...], ...]
) -> None:
    suggestion = suggested(columns, *rows)
    assert parse_mapping(suggestion.text, where="m", stem="m") == suggestion.mapping


def test_a_file_is_suggested_from_its_path(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text("customer_id,date,total\na,2024-01-01,1.50\nb,2024-01-02,2\n")
    suggestion = suggest(tmp_path / "o.csv")
    (tmp_path / "m.toml").write_text(suggestion.text, encoding="utf-8")
    assert load_mapping(tmp_path / "m.toml") == suggestion.mapping


def test_values_and_other_choices_stand_beside_each_column() -> None:
    text = suggested(SHOPIFY, *LINES).text
    assert 'product_id = "Lineitem sku"  # T1, M1' in text
    assert '#   or: "Paid at"' in text
    assert "# statuses found: paid (1), refunded (1)" in text


def test_columns_that_play_no_part_are_listed_with_values() -> None:
    text = suggested(SHOPIFY, *LINES).text
    assert '#   "Lineitem name": Tee, Mug' in text


def test_nothing_personal_is_shown() -> None:
    text = suggested(SHOPIFY, *LINES).text + suggested(GERMAN, *GERMAN_LINES).text
    assert "ann@" not in text and "Ann B" not in text and "a@b.de" not in text


def test_what_the_preset_should_tell_is_told() -> None:
    assert "# Discount Amount is of the whole order" in suggested(SHOPIFY, *LINES).text


def test_columns_are_guessed_by_stems_and_values_and_marked() -> None:
    suggestion = suggested(GERMAN, *GERMAN_LINES)
    assert suggestion.mapping is not None and suggestion.mapping.decimal == ","
    assert suggestion.mapping.columns == {
        "customer_id": "Kundennr",
        "order_id": "Bestellnummer",
        "ordered_at": "Bestelldatum",
        "amount": "Nettobetrag",
    }
    assert suggestion.text.count("GUESSED") == 4


def test_what_could_not_be_guessed_is_left_to_write() -> None:
    suggestion = suggested(("foo", "bar"), ("x", "hello"), ("y", "there"))
    assert suggestion.mapping is None and suggestion.missing == ("customer_id", "ordered_at", "amount")
    assert '# amount = ""' in suggestion.text and '#   "foo": x, y' in suggestion.text


def test_a_text_with_a_part_missing_says_so_when_it_is_loaded() -> None:
    text = suggested(("customer", "total"), ("a", "1.50"), ("b", "2.50")).text
    with pytest.raises(DeclarationError, match="no ordered_at"):
        parse_mapping(text, where="m", stem="m")


def test_an_open_order_of_day_and_month_is_asked_for() -> None:
    text = suggested(("customer", "date", "total"), ("a", "03/04/2024", "1"), ("b", "05/06/2024", "2")).text
    assert '# date_format = "%d/%m/%Y"  # NEEDED' in text


def test_mixed_currencies_ask_for_rates() -> None:
    rows = (("a", "2024-01-01", "1", "EUR"), ("b", "2024-01-02", "2", "EUR"), ("c", "2024-01-03", "3", "USD"))
    suggestion = suggested(("customer", "date", "total", "currency"), *rows)
    assert "# [rates]  # NEEDED" in suggestion.text and "# USD = 1.0" in suggestion.text
    assert suggestion.mapping is not None and suggestion.mapping.currency == "EUR"
    assert parse_mapping(suggestion.text, where="m", stem="m") == suggestion.mapping


@given(st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_text_survives_toml(text: str) -> None:
    written = (
        f"{setting('a', text)}  {comment(text)}\n{setting('b', [text, text])}\n{quoted('c' + text)} = true\n"
    )
    assert tomllib.loads(written) == {"a": text, "b": [text, text], "c" + text: True}


CELLS = st.one_of(st.none(), st.sampled_from(["2024-01-01", "1,5", "a@b.c", "7"]), st.text(max_size=6))
NAMES = st.one_of(
    st.sampled_from(["customer", "Datum", "total", "status", "currency", "Email"]),
    st.text(min_size=1, max_size=6),
)


@given(
    st.lists(NAMES, min_size=1, max_size=6, unique=True).flatmap(
        lambda names: st.tuples(st.just(names), st.lists(st.tuples(*[CELLS] * len(names)), max_size=3))
    )
)
@settings(max_examples=10, deadline=None)
def test_any_table_gets_a_text_that_is_toml(
    table: tuple[list[str], list[tuple[str | None, ...]]],
) -> None:
    names, rows = table
    with duckdb.connect() as con:
        cleaned = [tuple(None if cell is None else cell.replace("\x00", "") for cell in row) for row in rows]
        suggestion = suggest_for(con, [source_of(con, names, *cleaned)])
    assert suggestion.mapping is None or (
        parse_mapping(suggestion.text, where="m", stem="m") == suggestion.mapping
    )
    tomllib.loads(suggestion.text)
