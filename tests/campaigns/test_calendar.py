"""The calendar: rules of days, spans, regions, a shop's own file, and public holidays where the package is there."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.calendar import (
    country_code,
    easter_sunday,
    events_between,
    holidays_between,
    nth_weekday,
    read_calendar,
)
from contracts.days import parse_day, to_date, to_day
from contracts.errors import ArtifactError, DeclarationError


def days_of(name: str, year: int, *, country: str | None = None, path: Path | None = None) -> list[str]:
    found = events_between(to_day(date(year, 1, 1)), to_day(date(year, 12, 31)), country=country, path=path)
    return [to_date(one.first).isoformat() for one in found if one.name == name]


def own(folder: Path, text: str) -> Path:
    path = folder / "calendar.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("year", "day"),
    [(2019, "2019-11-29"), (2020, "2020-11-27"), (2024, "2024-11-29"), (2026, "2026-11-27")],
)
def test_black_friday_follows_the_fourth_thursday_and_cyber_monday_three_days_later(
    year: int, day: str
) -> None:
    assert days_of("black_friday", year) == [day]
    assert days_of("cyber_monday", year) == [to_date(parse_day(day) + 3).isoformat()]


@pytest.mark.parametrize(
    ("year", "month", "day"), [(2000, 4, 23), (2008, 3, 23), (2011, 4, 24), (2024, 3, 31), (2038, 4, 25)]
)
def test_easter_sunday_is_that_of_the_almanac(year: int, month: int, day: int) -> None:
    assert to_date(easter_sunday(year)) == date(year, month, day)


@given(st.integers(1971, 2100), st.integers(1, 12), st.integers(0, 6), st.integers(1, 4))
def test_the_nth_weekday_is_found_by_counting(year: int, month: int, weekday: int, nth: int) -> None:
    first = date(year, month, 1)
    month_days = [first + timedelta(days=k) for k in range(31) if (first + timedelta(days=k)).month == month]
    alike = [day for day in month_days if day.weekday() == weekday]
    assert to_date(nth_weekday(year, month, weekday, nth)) == alike[nth - 1]
    assert to_date(nth_weekday(year, month, weekday, -1)) == alike[-1]


def test_mothers_day_depends_on_the_country() -> None:
    names = {"mothers_day", "mothering_sunday", "mothers_day_first_may", "mothers_day_26_may"}
    first, last = parse_day("2026-01-01"), parse_day("2026-12-31")
    found = {
        country: [
            to_date(one.first).isoformat()
            for one in events_between(first, last, country=country)
            if one.name in names
        ]
        for country in ("DE", "GB", "ES", "PL")
    }
    assert found == {"DE": ["2026-05-10"], "GB": ["2026-03-15"], "ES": ["2026-05-03"], "PL": ["2026-05-26"]}


def test_an_event_without_regions_is_everywhere_and_one_with_regions_only_there() -> None:
    assert days_of("black_friday", 2026, country="NO") == ["2026-11-27"]
    assert days_of("double_twelve", 2026, country="NO") == []
    assert days_of("double_twelve", 2026, country="cn") == ["2026-12-12"]


def test_a_span_is_found_from_any_of_its_days() -> None:
    inside = parse_day("2026-09-15")
    (found,) = (one for one in events_between(inside, inside) if one.name == "september_procurement")
    assert (to_date(found.first), to_date(found.last)) == (date(2026, 9, 1), date(2026, 9, 30))
    after = parse_day("2026-10-01")
    assert not [one for one in events_between(after, after) if one.name == "september_procurement"]


def test_a_span_over_the_new_year_is_found_in_january(tmp_path: Path) -> None:
    path = own(
        tmp_path,
        '[calendar.sale]\nlabel = "S"\nsays = "s"\nmonth = 12\nday = 27\nuntil_month = 1\nuntil_day = 6\n',
    )
    day = parse_day("2027-01-03")
    (found,) = (one for one in events_between(day, day, path=path) if one.name == "sale")
    assert str(found) == "S, 2026-12-27 to 2027-01-06"


def test_a_shops_own_entry_is_added_and_one_of_ours_is_taken_away(tmp_path: Path) -> None:
    ours = "[calendar.six_eighteen]\noff = true\n"
    path = own(tmp_path, f'[calendar.member_days]\nlabel = "M"\nsays = "s"\ndates = ["2026-07-08"]\n{ours}')
    assert days_of("member_days", 2026, path=path) == ["2026-07-08"]
    assert days_of("member_days", 2027, path=path) == []
    assert "six_eighteen" not in read_calendar(path)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("month = 2\nday = 30", "month 2 has no day 30"),
        ("month = 5\nweekday = 'sonday'\nnth = 1", "did you mean 'sunday'"),
        ("month = 5\nday = 1\neaster = 3", "exactly one way"),
        ("label2 = 'x'", "unknown key 'label2'"),
        ("dates = ['8 July']", "is not a date"),
        ("month = 1\nday = 1\nregions = ['germany']", "no country code"),
    ],
)
def test_an_entry_that_says_no_day_is_refused_with_the_fix(tmp_path: Path, keys: str, message: str) -> None:
    path = own(tmp_path, f"[calendar.x]\nlabel = 'X'\nsays = 'x'\n{keys}\n")
    with pytest.raises(DeclarationError, match=message):
        read_calendar(path)


def test_without_the_package_holidays_the_message_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "holidays", None)
    with pytest.raises(ArtifactError, match="pip install holidays"):
        holidays_between(0, 1, country="DE")


def test_public_holidays_are_those_of_the_country() -> None:
    pytest.importorskip("holidays")
    first, last = parse_day("2026-12-20"), parse_day("2027-01-02")
    found = [to_date(one.first).isoformat() for one in holidays_between(first, last, country="Germany")]
    assert found == ["2026-12-25", "2026-12-26", "2027-01-01"]


def test_a_country_is_known_by_code_and_name_and_another_one_is_refused() -> None:
    pytest.importorskip("holidays")
    assert [country_code(name) for name in ("de", "United Kingdom", "USA")] == ["DE", "GB", "US"]
    with pytest.raises(DeclarationError, match="did you mean 'germany'"):
        country_code("Germny")
    with pytest.raises(DeclarationError, match="no part 'XX' of DE"):
        holidays_between(0, 1, country="DE", subdivision="XX")
