from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.curve import chance_within

KNOTS = (7, 30, 90)
CHANCES = (0.1, 0.4, 0.8)


def test_a_knot_is_answered_with_its_own_chance() -> None:
    assert [chance_within(days, KNOTS, CHANCES) for days in KNOTS] == [0.1, 0.4, 0.8]


def test_between_knots_the_hazard_is_even() -> None:
    hazard = (-math.log(0.6) - math.log(0.2)) / 2
    assert chance_within(60, KNOTS, CHANCES) == pytest.approx(1 - math.exp(-hazard), rel=1e-14)


def test_before_the_first_knot_it_starts_at_zero() -> None:
    assert chance_within(1, KNOTS, CHANCES) == pytest.approx(1 - 0.9 ** (1 / 7), rel=1e-14)


@pytest.mark.parametrize("days", [-1, 0, 91])
def test_days_outside_the_knots_are_refused(days: int) -> None:
    with pytest.raises(ValueError, match="1 to 90"):
        chance_within(days, KNOTS, CHANCES)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted))
def test_the_chance_never_falls_and_stays_in_0_to_1(chances: list[float]) -> None:
    curve = [chance_within(days, KNOTS, chances) for days in range(1, 91)]
    assert all(late >= early - 1e-11 for early, late in pairwise(curve))
    assert curve[0] >= 0 and curve[-1] <= 1
