"""Seasons of the year, as declared: the days in which a first order is looked at apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from campaigns.declarations import read_declarations
from campaigns.diagnosis.periods import month_day
from contracts.days import to_day
from contracts.errors import DeclarationError
from features.kernel.running import Bools, Ints


@dataclass(frozen=True)
class Season:
    """Days of every year from `begin` to `end` (month-day, both inside), and single days or spans of one year."""

    name: str
    label: str
    begin: str | None = None
    end: str | None = None
    days: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.begin is None) != (self.end is None):
            raise DeclarationError("'begin' and 'end' belong together. Write both, as \"11-15\", or `days`.")
        if self.begin is None and not self.days:
            raise DeclarationError("there is no day in it. Write 'begin' and 'end', as \"11-15\", or `days`.")
        for text in (self.begin, self.end):
            if text is not None:
                _month_day(text)
        for text in self.days:
            _span(text)

    def holds(self, days: Ints) -> Bools:
        """Return which days lie in the season; (n,)."""
        found = np.zeros(len(days), dtype=np.bool_)
        if self.begin is not None and self.end is not None:
            begin, end, place = _month_day(self.begin), _month_day(self.end), month_day(days)
            found = (place >= begin) & (place <= end) if begin <= end else (place >= begin) | (place <= end)
        for text in self.days:
            first, last = _span(text)
            found |= (days >= first) & (days <= last)
        return found


def read_seasons(path: Path | None = None) -> dict[str, Season]:
    """Read our seasons and those of the shop's file; DeclarationError with the file and the entry."""
    return read_declarations(Season, section="season", default="diagnosis/seasons.toml", path=path)


def _month_day(text: str) -> int:
    try:
        day = date.fromisoformat(f"2000-{text}")
    except ValueError:
        raise DeclarationError(f"'{text}' is no day of the year. Write month-day, as \"11-15\".") from None
    return day.month * 100 + day.day


def _span(text: str) -> tuple[int, int]:
    first, _, last = text.partition("/")
    try:
        begin, end = to_day(date.fromisoformat(first)), to_day(date.fromisoformat(last or first))
    except ValueError:
        raise DeclarationError(
            f'\'{text}\' is no day. Write "2024-11-29", or a span as "2024-11-25/2024-12-02".'
        ) from None
    if end < begin:
        raise DeclarationError(f"'{text}' ends before it begins. Write the earlier day first.")
    return begin, end
