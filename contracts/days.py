"""A day is the shop's local calendar day as one integer: days since 1970-01-01."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from contracts.errors import DataError

EPOCH = date(1970, 1, 1)


def to_day(value: date) -> int:
    """Return the integer day of a calendar date."""
    return (date(value.year, value.month, value.day) - EPOCH).days


def to_date(day: int) -> date:
    """Return the calendar date of an integer day."""
    return EPOCH + timedelta(days=int(day))


def parse_day(text: str) -> int:
    """Read `YYYY-MM-DD` as an integer day; raise DataError for anything else."""
    try:
        return to_day(date.fromisoformat(text.strip()))
    except ValueError:
        raise DataError(f"'{text}' is not a date. Write it as YYYY-MM-DD, for example 1998-04-01.") from None


def utc_now() -> datetime:
    """Return the current time. Only the front door may call this."""
    return datetime.now(UTC)
