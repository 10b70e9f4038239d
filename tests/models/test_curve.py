"""The curve h -> P(order within h days): exact at the knots, rising between them, and its inverse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.tables import CURVE_KNOTS
from contracts.training import Floats
from models.curve import LARGEST_P, at_horizon, next_order_days, rising

SOME = settings(max_examples=40, deadline=None)


def of_hazards(steps: list[float]) -> Floats:
    return -np.expm1(-np.cumsum(np.array([steps]), axis=1))


STEP = st.floats(0.0, 0.5)
CURVES = st.lists(STEP, min_size=len(CURVE_KNOTS), max_size=len(CURVE_KNOTS)).map(of_hazards)
STEEP = st.lists(st.floats(0.01, 0.5), min_size=len(CURVE_KNOTS), max_size=len(CURVE_KNOTS)).map(of_hazards)
HORIZON = st.floats(0.01, 365.0)


@SOME
@given(CURVES)
def test_the_curve_is_exact_at_its_knots(curve: Floats) -> None:
    assert [at_horizon(curve, knot).tolist() for knot in CURVE_KNOTS] == curve.T.tolist()


@SOME
@given(CURVES, HORIZON, HORIZON)
def test_a_longer_horizon_never_has_a_smaller_chance(curve: Floats, one: float, other: float) -> None:
    earlier, later = at_horizon(curve, min(one, other)), at_horizon(curve, max(one, other))
    assert np.all(later >= earlier - 1e-15)


@SOME
@given(STEEP, HORIZON)
def test_the_next_order_day_inverts_the_curve(curve: Floats, day: float) -> None:
    share = float(at_horizon(curve, day)[0] / curve[0, -1])
    if share < 1.0:
        assert next_order_days(curve, share)[0] == pytest.approx(day, rel=1e-6, abs=1e-6)


@SOME
@given(CURVES)
def test_later_shares_have_later_days_within_the_knots(curve: Floats) -> None:
    days = [float(next_order_days(curve, share)[0]) for share in (0.1, 0.5, 0.9)]
    assert 0 <= days[0] <= days[1] <= days[2] <= CURVE_KNOTS[-1]


def test_between_knots_the_hazard_is_linear() -> None:
    curve = of_hazards([0.3, *([0.0] * 7), 0.2])
    assert at_horizon(curve, 3.5)[0] == pytest.approx(1 - math.exp(-0.15))
    assert at_horizon(curve, 100.0)[0] == pytest.approx(1 - math.exp(-0.3))
    assert at_horizon(curve, (270 + 365) / 2)[0] == pytest.approx(1 - math.exp(-0.4))


def test_columns_beyond_the_last_knot_do_not_disturb() -> None:
    curve = of_hazards([0.1] * len(CURVE_KNOTS))
    longer = np.column_stack((curve, [0.99]))
    assert at_horizon(longer, 40.0).tolist() == at_horizon(curve, 40.0).tolist()
    assert next_order_days(longer, 0.5).tolist() == next_order_days(curve, 0.5).tolist()


def test_each_customer_has_a_day_of_its_own() -> None:
    soon, late = of_hazards([1.0] + [0.0] * 8), of_hazards([0.0] * 8 + [1.0])
    days = next_order_days(np.vstack((soon, late)), 0.5)
    assert 0 < days[0] < 7 < 270 < days[1] < 365


def test_a_falling_curve_is_lifted_and_held_below_certainty() -> None:
    lifted = rising(np.array([[0.1, 0.05, 0.2], [0.5, 1.0, 0.9]]))
    assert lifted.tolist() == [[0.1, 0.1, 0.2], [0.5, LARGEST_P, LARGEST_P]]
