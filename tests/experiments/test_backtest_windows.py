from __future__ import annotations

import pytest

from contracts.errors import DataError
from experiments.backtest_windows import Windows, windows


def found(
    last_day: int, *, count: int = 3, final: bool = False, horizons: tuple[int, ...] = (90, 30)
) -> Windows:
    return windows(0, last_day, horizons=horizons, count=count, step=30, final=final)


def test_origins_end_one_horizon_before_the_sealed_window_which_is_the_last() -> None:
    assert found(600).origins == (360, 390, 420)
    assert found(600).sealed == (511, 600)


def test_no_outcome_reaches_into_the_sealed_window() -> None:
    one = found(700, count=7)
    assert one.sealed is not None and max(one.origins) + 90 < one.sealed[0]


def test_the_final_run_has_the_sealed_window_alone() -> None:
    assert found(600, final=True).origins == (510,)
    assert found(600, final=True).notes == ()


def test_a_history_that_cannot_spare_a_window_seals_nothing_and_says_so() -> None:
    one = found(400)
    assert (one.origins, one.sealed) == ((250, 280, 310), None)
    assert "nothing is sealed" in one.notes[0]


def test_the_final_run_says_that_its_window_was_never_sealed() -> None:
    assert "too short to seal" in found(400, final=True).notes[0]


def test_origins_without_a_finished_window_behind_them_are_left_out() -> None:
    one = found(200, count=5)
    assert one.origins == (110,)
    assert "room for 1 of the 5" in one.notes[-1]


def test_a_history_shorter_than_two_horizons_is_refused() -> None:
    with pytest.raises(DataError, match="needs 180"):
        found(179)


def test_the_longest_horizon_decides() -> None:
    assert found(600, horizons=(30, 90)).origins == found(600, horizons=(90,)).origins
