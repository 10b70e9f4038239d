"""How soon something comes, when not everybody is watched to the end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from campaigns.diagnosis.survival import curve

WATCHED = st.lists(st.tuples(st.integers(1, 60) | st.none(), st.integers(0, 60)), min_size=1, max_size=40)


def arrays(people: list[tuple[int | None, int]]) -> tuple[np.ndarray, np.ndarray]:
    wait = [float("inf") if days is None else float(days) for days, _ in people]
    seen = np.array([days for _, days in people], np.int64)
    return np.where(np.array(wait) <= seen, wait, np.inf), seen


def test_the_textbook_example_comes_out() -> None:
    # Events at 2 and 5, one lost at 3, one still watched at 8: 1 - 3/4 · 1/2.
    wait, seen = np.array([2.0, np.inf, 5.0, np.inf]), np.array([9, 3, 9, 8])
    found = curve(wait, seen, (1, 2, 4, 5))
    assert found.share.tolist() == pytest.approx([0.0, 0.25, 0.25, 0.625])


def test_beyond_what_is_watched_it_is_not_known() -> None:
    found = curve(np.array([2.0, np.inf]), np.array([10, 10]), (10, 11))
    assert found.share[0] == 0.5 and np.isnan(found.share[1]) and np.isnan(found.plain[1])


@given(WATCHED)
def test_it_is_the_product_over_the_days_of_a_plain_loop(people: list[tuple[int | None, int]]) -> None:
    wait, seen = arrays(people)
    until = np.minimum(wait, seen)
    left = 1.0
    for day in range(1, 31):
        watched = sum(until >= day)
        came = sum(wait == day)
        left *= 1 - came / watched if watched else 1.0
    found = curve(wait, seen, (30,)).share[0]
    known = (until >= 30).any() or left == 0
    assert found == pytest.approx(1 - left) if known else np.isnan(found)


@given(WATCHED)
def test_it_rises_and_stays_between_its_bounds(people: list[tuple[int | None, int]]) -> None:
    found = curve(*arrays(people), (5, 15, 25, 35))
    known = np.isfinite(found.share)
    assert (np.diff(found.share[known]) >= -1e-12).all()
    assert (found.lower[known] <= found.share[known] + 1e-9).all()
    assert (found.share[known] <= found.upper[known] + 1e-9).all()


def test_with_everybody_watched_it_is_the_plain_share_with_the_score_interval() -> None:
    wait = np.array([3.0] * 7 + [40.0] * 5 + [np.inf] * 18)
    found = curve(wait, np.full(30, 200), (30,))
    golden = binomtest(7, 30).proportion_ci(method="wilson")
    assert (found.share[0], found.plain[0], found.of[0]) == (pytest.approx(7 / 30), pytest.approx(7 / 30), 30)
    assert (found.lower[0], found.upper[0]) == (pytest.approx(golden.low), pytest.approx(golden.high))


def test_the_plain_share_leaves_out_who_is_not_watched_so_long() -> None:
    found = curve(np.array([5.0, np.inf, 5.0]), np.array([50, 50, 20]), (30,))
    assert (found.plain[0], found.of[0], found.customers) == (0.5, 2, 3)
