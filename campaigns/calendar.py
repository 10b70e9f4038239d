"""Days that matter to a shop: platform events from calendar.toml, public holidays from the package `holidays`."""

from __future__ import annotations

import calendar
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from campaigns.declarations import read_declarations
from contracts.days import parse_day, to_date, to_day
from contracts.errors import ArtifactError, DataError, DeclarationError, nearest

SECTION, DEFAULT = "calendar", "calendar.toml"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_INSTALL = "uv sync --group campaigns, or pip install holidays"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One event of the calendar as it is declared: which day it begins on in a year, how long it lasts, and where.

    Exactly one of: month and day; month, weekday and nth (-1: the last); easter (days after Easter Sunday); dates
    (days as YYYY-MM-DD). shift moves the first day; days is how long it lasts, or until_month and until_day say the
    last day. regions: two-letter country codes, none: everywhere.
    """

    name: str
    label: str
    says: str
    kind: str = "platform"
    regions: tuple[str, ...] = ()
    month: int | None = None
    day: int | None = None
    weekday: str | None = None
    nth: int | None = None
    easter: int | None = None
    dates: tuple[str, ...] = ()
    shift: int = 0
    days: int = 1
    until_month: int | None = None
    until_day: int | None = None

    def __post_init__(self) -> None:
        """Raise DeclarationError where it does not say exactly one day of a year."""
        _check_rule(self)
        _check_span(self)
        for region in self.regions:
            if len(region) != 2 or not region.isupper():
                raise DeclarationError(
                    f"the region '{region}' is no country code. Write two capital letters, as 'DE'."
                )

    def begins(self, year: int) -> Iterator[int]:
        """Yield the days on which it begins in a year: none or one by a rule, any number by dates."""
        if self.dates:
            firsts = [day for day in map(parse_day, self.dates) if to_date(day).year == year]
        elif self.easter is not None:
            firsts = [easter_sunday(year) + self.easter]
        elif self.weekday is not None:
            firsts = [nth_weekday(year, self.month or 0, WEEKDAYS.index(self.weekday), self.nth or 0)]
        else:
            firsts = [_in_year(year, self.month or 0, self.day or 0)]
        yield from (first + self.shift for first in firsts)

    def last(self, first: int) -> int:
        """Return the last day of the span that begins on `first`."""
        if self.until_month is None:
            return first + self.days - 1
        end = _in_year(to_date(first).year, self.until_month, self.until_day or 0)
        return (
            end if end >= first else _in_year(to_date(first).year + 1, self.until_month, self.until_day or 0)
        )


@dataclass(frozen=True, order=True)
class Occasion:
    """One event or holiday on the days first … last (both inside). kind: platform, gift, season or holiday."""

    first: int
    last: int
    name: str
    label: str
    kind: str
    regions: tuple[str, ...]
    says: str

    def __str__(self) -> str:
        """Return it in words."""
        until = "" if self.last == self.first else f" to {to_date(self.last)}"
        return f"{self.label}, {to_date(self.first)}{until}"


def read_calendar(path: Path | None = None) -> dict[str, Entry]:
    """Return the declared events, ours with those of the shop's file added; raise DeclarationError."""
    return read_declarations(Entry, section=SECTION, default=DEFAULT, path=path)


def events_between(
    day_from: int, day_to: int, *, country: str | None = None, path: Path | None = None
) -> tuple[Occasion, ...]:
    """Return the events that touch the days day_from … day_to (both inside), by first day.

    country: a two-letter code; only what is there or everywhere (None: all regions). path: the shop's own calendar.
    Raises DeclarationError.
    """
    code = None if country is None else country.upper()
    chosen = [one for one in read_calendar(path).values() if _is_in(one.regions, code)]
    # A span may begin in the year before, a shift may lead into the year after.
    years = range(to_date(day_from).year - 1, to_date(day_to).year + 2)
    found = [
        Occasion(first, one.last(first), one.name, one.label, one.kind, one.regions, one.says)
        for one in chosen
        for year in years
        for first in one.begins(year)
    ]
    return tuple(sorted(one for one in found if one.first <= day_to and one.last >= day_from))


def holidays_between(
    day_from: int, day_to: int, *, country: str, subdivision: str | None = None
) -> tuple[Occasion, ...]:
    """Return the public holidays of a country (code or name), and of a part of it, on day_from … day_to.

    Raises ArtifactError if the package `holidays` is not installed, DeclarationError for an unknown country.
    """
    package = _package()
    code = country_code(country)
    years = range(to_date(day_from).year, to_date(day_to).year + 1)
    try:
        days = package.country_holidays(code, subdiv=subdivision, years=years)
    except NotImplementedError:
        known = package.list_supported_countries().get(code, [])
        raise DeclarationError(
            f"there is no part '{subdivision}' of {code}{nearest(str(subdivision), known) or '.'} "
            f"Known: {', '.join(known) or 'none'}."
        ) from None
    found = (
        Occasion(
            to_day(day),
            to_day(day),
            _folded(name),
            str(name),
            "holiday",
            (code,),
            f"Public holiday in {code}.",
        )
        for day, name in days.items()
    )
    return tuple(sorted(one for one in found if day_from <= one.first <= day_to))


def country_code(country: str) -> str:
    """Return the two-letter code of a country's code or English name, as orders have it; raise as holidays_between."""
    registry = _package().registry.COUNTRIES
    codes = {codes[1]: codes[1] for codes in registry.values()}
    names = {_folded(name): codes[1] for name, codes in registry.items()}
    names |= {code.casefold(): two for _, two, *more in registry.values() for code in (two, *more)}
    found = codes.get(country.strip().upper()) or names.get(_folded(country.strip()))
    if found is None:
        raise DeclarationError(
            f"there is no calendar of holidays for the country '{country}'{nearest(_folded(country), names) or '.'} "
            "Write the two letters of ISO 3166, for example DE."
        )
    return found


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> int:
    """Return the day of the nth weekday (0 is Monday) of a month; nth -1 is the last."""
    length = calendar.monthrange(year, month)[1]
    if nth > 0:
        first = date(year, month, 1)
        return to_day(first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1)))
    end = date(year, month, length)
    return to_day(end - timedelta(days=(end.weekday() - weekday) % 7 - 7 * (nth + 1)))


def easter_sunday(year: int) -> int:
    """Return the day of the Western Easter Sunday (the anonymous Gregorian algorithm, Meeus 1991, chapter 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return to_day(date(year, month, day + 1))


def _package() -> Any:
    try:
        return importlib.import_module("holidays")
    except ImportError:
        raise ArtifactError(
            f"public holidays need the package `holidays`, which is not installed. Run: {_INSTALL}; or name no country."
        ) from None


def _is_in(regions: tuple[str, ...], code: str | None) -> bool:
    return code is None or not regions or code in regions


def _in_year(year: int, month: int, day: int) -> int:
    """Return the day of a date; 29 February is 28 February in other years."""
    return to_day(date(year, month, min(day, calendar.monthrange(year, month)[1])))


def _folded(name: str) -> str:
    return "_".join("".join(c if c.isalnum() else " " for c in str(name).casefold()).split())


def _check_rule(entry: Entry) -> None:
    by_date = entry.day is not None
    by_weekday = entry.weekday is not None or entry.nth is not None
    ways = (by_date, by_weekday, entry.easter is not None, bool(entry.dates))
    if sum(ways) != 1:
        raise DeclarationError(
            "it must say its day in exactly one way: month and day; month, weekday and nth; easter; or dates."
        )
    if (by_date or by_weekday) and not 1 <= (entry.month or 0) <= 12:
        raise DeclarationError(f"month is {entry.month}. Write 1 to 12.")
    if by_date and not 1 <= (entry.day or 0) <= calendar.monthrange(2000, entry.month or 1)[1]:
        raise DeclarationError(f"month {entry.month} has no day {entry.day}.")
    if by_weekday and entry.weekday not in WEEKDAYS:
        word = nearest(str(entry.weekday), WEEKDAYS) or "."
        raise DeclarationError(f"weekday is '{entry.weekday}'{word} Write one of {', '.join(WEEKDAYS)}.")
    if by_weekday and entry.nth not in (1, 2, 3, 4, -1, -2):
        raise DeclarationError(f"nth is {entry.nth}. Write 1 to 4, or -1 for the last one of the month.")
    for text in entry.dates:
        try:
            parse_day(text)
        except DataError as error:
            raise DeclarationError(f"dates: {error}") from None


def _check_span(entry: Entry) -> None:
    if (entry.until_month is None) != (entry.until_day is None):
        raise DeclarationError("until_month and until_day go together. Write both.")
    if entry.until_month is not None and entry.days != 1:
        raise DeclarationError("days and until_month both say how long it lasts. Keep one of them.")
    if entry.until_month is not None and not (
        1 <= entry.until_month <= 12
        and 1 <= (entry.until_day or 0) <= calendar.monthrange(2000, entry.until_month)[1]
    ):
        raise DeclarationError(f"there is no day {entry.until_day} in month {entry.until_month}.")
    if not 1 <= entry.days <= 366:
        raise DeclarationError(f"days is {entry.days}. Write how many days it lasts, 1 to 366.")
