"""Dates are read as written; where day and month cannot be told apart the file is refused."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from contracts.errors import DataError
from features.orders import Orders, read_orders
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
