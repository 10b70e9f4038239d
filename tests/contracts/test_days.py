"""Days as integers."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.days import parse_day, to_date, to_day
from contracts.errors import DataError


def test_days_count_from_the_first_of_january_1970() -> None:
    assert (to_day(date(1970, 1, 1)), to_day(date(1970, 1, 2)), to_day(date(1969, 12, 31))) == (0, 1, -1)


@given(st.dates())
def test_a_date_survives_the_way_through_its_day(day: date) -> None:
    assert to_date(to_day(day)) == day


def test_the_day_of_a_time_is_its_calendar_day() -> None:
    assert to_day(datetime(1998, 4, 1, 23, 59)) == to_day(date(1998, 4, 1))


def test_a_day_is_read_as_year_month_day() -> None:
    assert parse_day(" 1998-04-01 ") == to_day(date(1998, 4, 1))


@pytest.mark.parametrize("text", ["", "01.04.1998", "1998-02-30", "yesterday", "1998-4-1"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(DataError, match="YYYY-MM-DD, for example 1998-04-01"):
        parse_day(text)
