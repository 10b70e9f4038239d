"""Calendar months and weeks as numbers that rise by one."""

from __future__ import annotations

from typing import Literal

import numpy as np

from contracts.days import to_date
from features.kernel.running import Ints

Calendar = Literal["month", "week"]
_TO_MONDAY = 3  # day 0, 1970-01-01, was a Thursday


def period_of(days: Ints, calendar: Calendar) -> Ints:
    """Return the number of the month or week (from Monday) that each day lies in."""
    if calendar == "week":
        return (days + _TO_MONDAY) // 7
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def begins(period: int, calendar: Calendar) -> int:
    """Return the first day of a period."""
    if calendar == "week":
        return period * 7 - _TO_MONDAY
    return int(np.datetime64(period, "M").astype("datetime64[D]").astype(np.int64))


def ends(period: int, calendar: Calendar) -> int:
    """Return the last day of a period."""
    return begins(period + 1, calendar) - 1


def label(period: int, calendar: Calendar) -> str:
    """Return `2011-03`, or the Monday of the week as `2011-03-07`."""
    day = to_date(begins(period, calendar)).isoformat()
    return day if calendar == "week" else day[:7]


def month_day(days: Ints) -> Ints:
    """Return the place of each day in its year as month × 100 + day."""
    whole = days.astype("datetime64[D]")
    months = whole.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    return month * 100 + (whole - months).astype(np.int64) + 1
