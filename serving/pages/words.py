"""Numbers, dates and shares as a shop's owner reads them; one way for all pages."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date, datetime

from features.reading.presets import NO_CURRENCY

UNKNOWN = "–"
_HARD = "\N{NO-BREAK SPACE}"
_LARGE, _SMALL = 10_000.0, 0.01  # currency: above, pence tell nothing; below, they do not tell enough
_ALMOST = 0.995


def count(value: float) -> str:
    """Return `23,570`."""
    return _written(value, 0)


def people(value: float) -> str:
    """Return an expected number of people: `1,270`, and `3.4` or `0.04` where there are few."""
    if value >= 10 or value == 0:
        return count(value)
    if value < 0.005:
        return "fewer than 0.01"
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def amount(value: float, *, beside: Iterable[float] = ()) -> str:
    """Return an amount without its currency, as sharp as the largest one of its column, `beside`, needs."""
    largest = max((abs(value), *map(abs, beside)))
    digits = 0 if largest >= _LARGE else 3 if 0 < largest < _SMALL else 2
    return _written(value, digits)


def money(value: float, currency: str) -> str:
    """Return `1,628.99 USD`."""
    return with_currency(amount(value), currency)


def with_currency(text: str, currency: str) -> str:
    """Return a written amount with its currency, if the shop has named one."""
    return text if currency == NO_CURRENCY else f"{text}{_HARD}{currency}"


def unit(words: str, currency: str) -> str:
    """Return a column's name with the currency of its amounts: `Value, USD`."""
    return words if currency == NO_CURRENCY else f"{words}, {currency}"


def percent(share: float | None) -> str:
    """Return `34 %`, `3.4 %`, `0.34 %`: two digits that tell."""
    if share is None or not math.isfinite(share):
        return UNKNOWN
    points = 100.0 * share
    digits = 0 if abs(points) >= 9.95 or points == 0 else 1 if abs(points) >= 0.095 else 2
    if points < 100 and round(points, digits) >= 100:
        points, digits = min(points, 99.9), 1  # nothing that may fail is told as certain
    return f"{points:.{digits}f}{_HARD}%".replace("-", "−")


def off(predicted: float, actual: float) -> str:
    """Return how far a prediction was off: `3 % too many`."""
    if actual <= 0:
        return "nobody did"
    share = predicted / actual - 1.0
    return "as many as predicted" if abs(share) < 0.005 else off_share(share)


def off_share(share: float) -> str:
    """Return how far a total was off, as a share of the actual one: `3 % too many`."""
    if abs(share) < 0.005:
        return "exact"
    return f"{abs(share):.0%} too {'many' if share > 0 else 'few'}".replace("%", f"{_HARD}%")


def of_100(share: float) -> str:
    """Return how many of 100 a share is: `34`, `fewer than 1`, `more than 99`."""
    if 0 < share < 0.005:
        return "fewer than 1"
    if _ALMOST <= share < 1:
        return "more than 99"
    return f"{100 * share:.0f}"


def about_of_100(share: float) -> str:
    """Return how many of 100 a share is, as part of a sentence: `about 34`, `fewer than 1`, `more than 99`."""
    told = of_100(share)
    return f"about {told}" if told.isdigit() else told


def plural(number: float, what: str) -> str:
    """Return `1 customer` or `5 customers`."""
    return f"{count(number)} {what}{'' if number == 1 else 's'}"


def day(value: date | str | None) -> str:
    """Return `3 Jul 1998`; a date or its ISO text."""
    if value is None:
        return UNKNOWN
    one = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{one.day}{_HARD}{one:%b}{_HARD}{one.year}"


def moment(value: str) -> str:
    """Return `1 Jul 1998, 09:30 UTC` for an ISO time."""
    one = datetime.fromisoformat(value)
    return f"{day(one.date())}, {one:%H:%M}{_HARD}UTC"


def month(value: str) -> str:
    """Return `Dec 2010` for `2010-12`."""
    one = date.fromisoformat(f"{value}-01")
    return f"{one:%b}{_HARD}{one.year}"


def days_words(days: int) -> str:
    """Return `today`, `yesterday`, `12 days`, `5 months`, `2 years`."""
    if days < 60:
        return plural(days, "day")
    return plural(round(days / 30.4), "month") if days < 700 else plural(round(days / 365.25), "year")


def ago(days: int) -> str:
    """Return how long something is ago."""
    return {0: "today", 1: "yesterday"}.get(days, f"{days_words(days)} ago")


def said(name: str | None) -> str:
    """Return a label of the scores as a word that begins a cell: `At risk`."""
    return name[:1].upper() + name[1:] if name else UNKNOWN


def plain(value: float) -> str:
    """Return a number as a form's field takes it: no commas, at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _written(value: float, digits: int) -> str:
    """Return a number with thousands apart and a true minus sign; what is rounded to 0 has none."""
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "−")
