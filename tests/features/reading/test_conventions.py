"""What a file's own values settle, and which files may be read together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.errors import DataError
from features.reading.conventions import common_mapping, exported_as_floats, joined, mapping_of, settle
from features.reading.mapping import Mapping, parse_mapping, recognise
from features.reading.sources import Source
from tests.features.reading.raw import connect, source_of

COLUMNS = ("customer", "order", "date", "total")


def settled(columns: tuple[str, ...], *rows: tuple[str | None, ...], given: Mapping | None = None) -> Mapping:
    con = connect()
    source = source_of(con, columns, *rows)
    return settle(con, source, mapping_of(source, given), "true")


def amounts(*texts: str) -> str | None:
    return settled(COLUMNS, *(("a", "1", "2024-01-01", text) for text in texts)).decimal


def named(number: int, *columns: str) -> Source:
    return Source(number=number, path=f"file{number}.csv", columns=columns, types=("VARCHAR",) * len(columns))


@pytest.mark.parametrize(
    ("texts", "mark"),
    [
        (("12,50", "7"), ","),
        (("12.50", "7"), "."),
        (("1.234,50", "1.234"), ","),
        (("1 234,50",), ","),
        (("(12,50)", "−5,00 EUR"), ","),
        (("12,50", "12.50"), "."),
        (("1,234",), "."),
        (("x", ""), "."),
    ],
)
def test_the_amounts_show_the_decimal_mark(texts: tuple[str, ...], mark: str) -> None:
    assert amounts(*texts) == mark


def test_one_slip_in_a_hundred_does_not_change_the_mark() -> None:
    assert amounts(*(["12,50"] * 100), "12.50") == ","
    assert amounts(*(["12,50"] * 99), "12.50") == "."


def test_a_decimal_mark_that_is_said_stays() -> None:
    given = parse_mapping('decimal = "."\n', where="m", stem="m")
    assert settled(COLUMNS, ("a", "1", "2024-01-01", "12,50"), given=given).decimal == "."


def test_a_given_mapping_without_a_decimal_mark_is_settled_as_well() -> None:
    given = Mapping(name="m", columns={"customer_id": "customer", "ordered_at": "date", "amount": "total"})
    assert settled(COLUMNS, ("a", "1", "2024-01-01", "12,50"), given=given).decimal == ","


def money(*codes: str, text: str = "") -> Mapping:
    rows = [("a", "2024-01-01", "1", code) for code in codes]
    given = parse_mapping(text, where="m", stem="m")
    return settled(("customer", "date", "total", "Currency"), *rows, given=given)


def test_one_currency_in_the_column_is_the_shops() -> None:
    assert money("eur", " EUR ", "").currency == "EUR"


def test_mixed_currencies_are_refused_with_the_rates_to_write() -> None:
    with pytest.raises(DataError, match=r'mixes EUR, USD.*currency = "EUR".*USD = 1.23'):
        money("EUR", "EUR", "USD")


def test_mixed_currencies_with_rates_are_taken() -> None:
    mapping = money("EUR", "USD", text='currency = "EUR"\n[rates]\nUSD = 0.92\n')
    assert (mapping.currency, mapping.rates) == ("EUR", {"USD": 0.92})


def test_a_currency_other_than_the_shops_is_refused_without_a_rate() -> None:
    with pytest.raises(DataError, match="holds USD, but the shop's currency is EUR"):
        money("USD", text='currency = "EUR"\n')


def test_what_is_no_code_is_no_currency() -> None:
    assert money("€", "€").currency == "XXX"


def test_only_rows_that_are_seen_settle_anything() -> None:
    con = connect()
    source = source_of(con, COLUMNS, ("a", "1", "2024-01-01", "12.50"), ("b", "2", "2024-02-01", "9,90"))
    mapping = recognise(COLUMNS)
    assert settle(con, source, mapping, "source_row = 1").decimal == "."
    assert settle(con, source, mapping, "source_row = 2").decimal == ","


def test_ids_of_a_float_export_are_found_line_keys_too() -> None:
    con = connect()
    columns = ("customer", "order", "line_id", "date", "total")
    source = source_of(con, columns, ("1.0", "7", "2.0", "2024", "1"), ("2.0", "8.0", "nan", "2024", "1"))
    assert exported_as_floats(con, source, recognise(columns), "true") == {"customer_id", "line_id"}


def test_a_missing_column_is_named_with_the_nearest_and_the_others_that_miss() -> None:
    given = Mapping(name="m", columns={"customer_id": "customr", "ordered_at": "date", "amount": "sum"})
    with pytest.raises(
        DataError, match=r"'customr' of mapping 'm' is not there, did you mean 'customer'\?.*missing: sum"
    ):
        mapping_of(named(0, *COLUMNS), given)


def test_a_column_missing_in_one_of_many_files_shows_the_difference() -> None:
    first, other = named(0, *COLUMNS), named(1, "customer", "order", "date", "sum_paid")
    with pytest.raises(DataError, match=r"file1.csv.*missing: 'total'.*new: 'sum_paid'"):
        mapping_of(other, None, first=first)


def test_files_that_differ_in_a_shared_part_show_the_difference() -> None:
    sources = [named(0, *COLUMNS), named(1, *COLUMNS, "status")]
    with pytest.raises(
        DataError, match=r"file1.csv has a column for status, file0.csv has none.*new: 'status'"
    ):
        common_mapping(sources, [recognise(source.columns) for source in sources])


def test_parts_that_come_and_go_are_joined() -> None:
    sources = [named(0, *COLUMNS, "country"), named(1, *COLUMNS, "coupon")]
    columns = common_mapping(sources, [recognise(source.columns) for source in sources]).columns
    assert {"country", "coupon"} <= columns.keys()


def test_amounts_before_and_after_the_discount_are_not_mixed() -> None:
    mapping = recognise(COLUMNS)
    with pytest.raises(DataError, match="before the discount"):
        joined(mapping, replace(mapping, discount_included=False))


def test_files_of_two_systems_are_not_joined() -> None:
    cdnow = recognise(("customer_id", "date", "number_of_cds", "dollar_value"))
    with pytest.raises(DataError, match="Read them apart"):
        joined(recognise(COLUMNS), cdnow)
