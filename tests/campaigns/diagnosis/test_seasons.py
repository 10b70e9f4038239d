"""Seasons as declared: ours, the shop's, and those that cannot be meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from campaigns.diagnosis.seasons import Season, read_seasons
from contracts.days import parse_day
from contracts.errors import DeclarationError


def held(season: Season, *days: str) -> list[bool]:
    return season.holds(np.array([parse_day(day) for day in days])).tolist()


def test_the_holiday_season_holds_both_its_ends_every_year() -> None:
    season = read_seasons()["holiday"]
    assert held(season, "1999-11-14", "1999-11-15", "2024-12-31", "2025-01-01") == [False, True, True, False]


def test_a_season_may_run_over_the_new_year_and_hold_29_february() -> None:
    season = Season("w", "winter", begin="12-21", end="02-29")
    assert held(season, "2023-12-20", "2023-12-21", "2024-02-29", "2024-03-01") == [False, True, True, False]


def test_a_calendar_of_days_and_spans_is_a_season(tmp_path: Path) -> None:
    text = '[season.sale]\nlabel = "the sale"\ndays = ["2024-11-29", "2025-11-24/2025-12-01"]\n'
    (tmp_path / "own.toml").write_text(text)
    season = read_seasons(tmp_path / "own.toml")["sale"]
    assert held(season, "2024-11-29", "2024-11-30", "2025-11-24", "2025-12-01") == [True, False, True, True]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('begin = "11-15"', "'begin' and 'end' belong together"),
        ("", "there is no day in it"),
        ('begin = "15.11."\nend = "12-31"', "'15.11.' is no day of the year"),
        ('days = ["Black Friday"]', "'Black Friday' is no day"),
        ('days = ["2024-12-02/2024-11-25"]', "ends before it begins"),
        ('beginn = "11-15"', "unknown key 'beginn', did you mean 'begin'"),
    ],
)
def test_what_is_no_season_is_refused_with_its_name(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "own.toml").write_text(f'[season.x]\nlabel = "x"\n{text}\n')
    with pytest.raises(DeclarationError, match=rf"own.toml, \[season.x\]: .*{message}"):
        read_seasons(tmp_path / "own.toml")
