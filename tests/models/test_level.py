"""The level of a date, on shifts whose course is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from contracts.errors import ContractError
from models.contract import sigmoid
from models.level import KEPT_DAYS, OF_SPEND, Level, Shift, level_shift, observed_shift, spend_shift

DAY = 20_000


def wave(day: float) -> float:
    """Return a yearly course between -.4 and .4."""
    return 0.4 * float(np.sin(2 * np.pi * day / 365.25))


def shifts(days: int, *, horizon: int = 30, season: float = 1.0, noise: float = 0.0) -> list[Shift]:
    """Return the shifts of all finished windows every 30 days in a history of so many days."""
    chance = np.random.default_rng(3)
    cutoffs = range(DAY - days, DAY - horizon + 1, 30)
    course = [season * wave(c + horizon / 2) + chance.normal(0, noise or 1e-9) for c in cutoffs]
    return [Shift(c, horizon, one, 0.02**2) for c, one in zip(cutoffs, course, strict=True)]


def test_without_a_finished_window_the_level_is_zero() -> None:
    assert Level.fit([], day=DAY).shift(DAY, 90) == 0.0


def test_a_season_that_was_seen_twice_goes_on() -> None:
    level = Level.fit(shifts(800), day=DAY)
    ahead = [level.shift(DAY + k, 30) for k in range(0, 365, 30)]
    assert ahead == pytest.approx([wave(DAY + k + 15) for k in range(0, 365, 30)], abs=0.1)


def test_half_a_year_tells_no_season_and_the_level_stays_near_what_was_seen() -> None:
    level = Level.fit(shifts(180, season=0.0, noise=0.1), day=DAY)
    assert max(abs(level.shift(DAY + k, 30)) for k in range(0, 365, 30)) < 0.1


def test_one_odd_month_fades_away() -> None:
    seen = shifts(360, season=0.0, noise=0.2)
    level = Level.fit([*seen[:-1], replace(seen[-1], shift=1.0)], day=DAY)
    assert level.shift(DAY, 30) < 0.7
    assert max(abs(level.shift(DAY + k, 30)) for k in range(30, 181, 30)) < 0.25


def test_what_is_spent_is_believed_to_wander_less() -> None:
    rising = [Shift(DAY - 300 + 30 * k, 30, 0.05 * k, 0.02**2) for k in range(10)]
    orders, spend = Level.fit(rising, day=DAY), Level.fit(rising, day=DAY, strengths=OF_SPEND)
    assert 0 < spend.shift(DAY, 30) < orders.shift(DAY, 30)


def test_a_window_is_the_mean_of_its_halves() -> None:
    level = replace(Level.fit(shifts(800), day=DAY), offsets={})
    halves = (level.shift(DAY, 15) + level.shift(DAY + 15, 15)) / 2
    assert level.shift(DAY, 30) == pytest.approx(halves, abs=1e-12)


def test_a_day_beyond_the_grid_has_the_level_of_the_same_week_a_year_before() -> None:
    level = Level.fit(shifts(800), day=DAY)
    late = DAY + KEPT_DAYS + 300
    assert level.shift(late, 90) == level.shift(late - 364, 90)


def test_a_window_that_is_not_over_is_refused() -> None:
    with pytest.raises(ContractError, match="over"):
        Level.fit([Shift(DAY - 10, 30, 0.1, 0.01)], day=DAY)


def test_the_level_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    level = Level.fit(shifts(400), day=DAY)
    level.save(tmp_path / "level.json")
    assert Level.load(tmp_path / "level.json") == level


def test_more_uncertainty_remains_where_no_season_was_seen() -> None:
    assert Level.fit(shifts(150), day=DAY).spread(30) > Level.fit(shifts(1100), day=DAY).spread(30)


def test_the_shift_makes_the_total_right() -> None:
    logits = np.linspace(-4.0, 2.0, 500)
    shift = level_shift(logits, 120.0)
    assert sigmoid(logits + shift).sum() == pytest.approx(120.0, abs=1e-6)


def test_an_observed_shift_is_surer_with_more_customers() -> None:
    few, many = np.full(100, -1.0), np.full(10_000, -1.0)
    one, other = (
        observed_shift(0, 30, z, (np.arange(len(z)) % 4 == 0).astype(np.float64)) for z in (few, many)
    )
    assert one.shift == pytest.approx(other.shift, abs=1e-6)
    assert one.variance > 50 * (other.variance - 0.02**2)


def test_a_spend_shift_is_the_log_of_actual_over_usual() -> None:
    found = spend_shift(0, 30, np.array([2.0, 1.0, 0.0]), np.array([30.0, 15.0, 0.0]), usual=10.0)
    assert found is not None and found.shift == pytest.approx(np.log(1.5))
    assert spend_shift(0, 30, np.zeros(3), np.zeros(3), usual=10.0) is None
