"""Dates are read as written; where day and month cannot be told apart the file is refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from contracts.errors import DataError
from features.orders import Orders, read_orders
from features.reading.dates import DateStyle, day_time, local_time
from features.reading.mapping import Mapping


def read(folder: Path, *dates: str, date_format: str | None = None) -> Orders:
    path = folder / "orders.csv"
    rows = [f'c{i},"{text}",1' for i, text in enumerate(dates)]
    path.write_text("\n".join(["customer,date,amount", *rows]) + "\n", encoding="utf-8")
    columns = {"customer_id": "customer", "ordered_at": "date", "amount": "amount"}
    return read_orders(path, mapping=Mapping(name="m", columns=columns, date_format=date_format))


def times(orders: Orders) -> list[datetime]:
    return [time for time in orders.lines["ordered_at"].to_pylist() if time is not None]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-03-04", datetime(2024, 3, 4)),
        ("2024/3/4 5:06", datetime(2024, 3, 4, 5, 6)),
        ("2024-03-04T05:06:07.5", datetime(2024, 3, 4, 5, 6, 7, 500000)),
        ("2024-03-04 05:06:07+02:00", datetime(2024, 3, 4, 3, 6, 7)),
        ("2024-03-04 05:06:07 +0200", datetime(2024, 3, 4, 3, 6, 7)),
        ("2024-03-04 05:06 -05", datetime(2024, 3, 4, 10, 6)),
        ("2024-03-04T05:06:07.5-0530", datetime(2024, 3, 4, 10, 36, 7, 500000)),
        ("2024-03-04 05:06:07Z", datetime(2024, 3, 4, 5, 6, 7)),
        ("2024-03-04 05:06:07 GMT", datetime(2024, 3, 4, 5, 6, 7)),
        ("2024-03-04 05:06:07 UTC", datetime(2024, 3, 4, 5, 6, 7)),
        ("20240304", datetime(2024, 3, 4)),
        ("20240304050607", datetime(2024, 3, 4, 5, 6, 7)),
        ("04.03.2024", datetime(2024, 3, 4)),
        ("04.03.2024 05:06", datetime(2024, 3, 4, 5, 6)),
        ("13/03/24", datetime(2024, 3, 13)),
        ("3/13/2024 5:06:07 PM", datetime(2024, 3, 13, 17, 6, 7)),
        ("4 Mar 2024", datetime(2024, 3, 4)),
        ("March 4, 2024", datetime(2024, 3, 4)),
        ("1709528767", datetime(2024, 3, 4, 5, 6, 7)),
        ("1709528767000", datetime(2024, 3, 4, 5, 6, 7)),
        ("1709528767000001", datetime(2024, 3, 4, 5, 6, 7, 1)),
        ("1709528767000001999", datetime(2024, 3, 4, 5, 6, 7, 1)),
    ],
)
def test_a_date_is_read_as_it_is_written(tmp_path: Path, text: str, time: datetime) -> None:
    assert times(read(tmp_path, text)) == [time]


def test_one_value_settles_the_whole_column(tmp_path: Path) -> None:
    assert times(read(tmp_path, "03/04/2020", "25/04/2020"))[0] == datetime(2020, 4, 3)
    assert times(read(tmp_path, "03/04/2020", "04/25/2020"))[0] == datetime(2020, 3, 4)


@pytest.mark.parametrize("dates", [("03/04/2020", "05/06/2020"), ("25/04/2020", "04/25/2020")])
def test_dates_that_cannot_be_told_apart_ask_for_the_setting(tmp_path: Path, dates: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="date_format"):
        read(tmp_path, *dates)


def test_a_given_date_format_is_used(tmp_path: Path) -> None:
    assert times(read(tmp_path, "03/04/2020", date_format="%m/%d/%Y")) == [datetime(2020, 3, 4)]


def test_a_date_format_with_an_offset_is_converted(tmp_path: Path) -> None:
    orders = read(tmp_path, "03/04/2020 01:00 +0200", date_format="%d/%m/%Y %H:%M %z")
    assert times(orders) == [datetime(2020, 4, 2, 23)]


def test_some_unreadable_dates_are_refused_rows(tmp_path: Path) -> None:
    orders = read(tmp_path, "2024-01-01", "soon", "", "2024-02-31")
    assert orders.report.quarantined["unreadable_date"].rows == 3


def test_only_unreadable_dates_are_an_error_with_an_example(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"unreadable dates.*'soon'"):
        read(tmp_path, "soon", "soon")


CON = duckdb.connect()


def value(sql: str, text: str, kind: str = "VARCHAR") -> object:
    return CON.execute(f"SELECT {sql} FROM (SELECT ?::{kind} AS x)", [text]).fetchall()[0][0]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("45355", datetime(2024, 3, 4)),
        ("45355.5", datetime(2024, 3, 4, 12)),
        ("45355,75", datetime(2024, 3, 4, 18)),
        ("45355.878472222", datetime(2024, 3, 4, 21, 5)),
        ("0", None),
        ("99999999", None),
        ("nan", None),
        ("soon", None),
    ],
)
def test_days_of_excel_are_read_where_they_are_said(text: str, time: datetime | None) -> None:
    assert value(local_time("x", "VARCHAR", "UTC", "excel", DateStyle()), text) == time


def test_days_of_excel_are_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unreadable dates"):
        read(tmp_path, "45355", "45356.5")


def test_days_of_excel_are_read_from_numbers() -> None:
    assert value(local_time("x", "DOUBLE", "UTC", "excel", DateStyle()), "45355.25", "DOUBLE") == datetime(
        2024, 3, 4, 6
    )


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("21:05", 1265), ("21:05:00", 1265), ("9:05 PM", 1265), ("9:05pm", 1265), ("9:05 p.m.", 1265),
        ("12:00 AM", 0), ("905", 545), ("2105", 1265), ("5", 5), ("0", 0), ("210500", 1265), ("905.0", 545),
        (".5", 720), ("0,25", 360), ("1899-12-30 21:05:00", 1265), ("2505", None), ("960", None), ("24:00", None),
        ("soon", None), ("", None),
    ],
)  # fmt: skip
def test_a_time_of_day_is_read_as_it_is_written(text: str, minutes: int | None) -> None:
    assert value(day_time("x", "VARCHAR"), text) == (None if minutes is None else minutes * 60_000_000)


@pytest.mark.parametrize(
    ("date", "time", "both"),
    [
        ("2024-03-04", "9:05 PM", datetime(2024, 3, 4, 21, 5)),
        ("2024-03-04 07:00", "9:05 PM", datetime(2024, 3, 4, 7)),
        ("2024-03-04", "soon", datetime(2024, 3, 4)),
        ("soon", "9:05 PM", None),
    ],
)
def test_a_time_beside_the_date_counts_where_the_date_has_none(
    date: str, time: str, both: datetime | None
) -> None:
    beside = (f"'{time}'", "VARCHAR")
    assert value(local_time("x", "VARCHAR", "UTC", None, DateStyle(), time_of_day=beside), date) == both
