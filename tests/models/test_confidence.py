"""Confidence: one word for each score, and why."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.confidence import GRADES, HIGH_UP_TO, MEDIUM_UP_TO, Known, grade

KNOWN = Known(horizon=90, learnt_until=90, history_days=800, level_sd=0.1)


def graded(deviation: float, order_days: float, known: Known = KNOWN, value: float = 20.0) -> tuple[str, str]:
    """Return grade and reason of one customer whose value varies by `deviation` of itself."""
    variance = np.array([(deviation * value) ** 2])
    grades, reasons = grade(np.array([value]), variance, np.array([order_days]), known=known)
    return grades[0], reasons[0]


@pytest.mark.parametrize(
    ("deviation", "order_days", "expected", "why"),
    [
        (0.8, 9, "high", "off by 125% or less"),
        (0.8, 2, "medium", "two orders only"),
        (0.8, 1, "low", "one order only"),
        (2.0, 9, "medium", "off by 125% to 250%"),
        (4.0, 9, "low", "unlikely to order"),
    ],
)
def test_the_grade_follows_from_the_spread_and_the_order_days(
    deviation: float, order_days: int, expected: str, why: str
) -> None:
    found, reason = graded(deviation, order_days)
    assert found == expected and why in reason


def test_a_horizon_beyond_what_was_learnt_is_low_for_everybody() -> None:
    assert graded(0.5, 30, replace(KNOWN, horizon=180)) == ("low", "beyond the learnt 90 days: extrapolated")
    assert graded(0.5, 30, replace(KNOWN, learnt_until=0)) == ("low", "not learnt: extrapolated")


def test_a_shop_without_a_year_of_history_has_no_high_grades() -> None:
    known = replace(KNOWN, history_days=364)
    assert graded(0.5, 30, known) == (
        "medium",
        "history of the shop is shorter than a year: season unknown",
    )
    assert graded(4.0, 30, known)[0] == "low"


def test_an_uncertain_level_caps_the_grade() -> None:
    found, reason = graded(0.5, 30, replace(KNOWN, level_sd=0.3))
    assert found == "medium" and "varies by 30%" in reason


def test_a_value_of_nothing_is_low() -> None:
    assert graded(1.0, 5, value=0.0)[0] == "low"


def test_more_spread_never_raises_the_grade() -> None:
    deviations = np.linspace(0.1, 2 * MEDIUM_UP_TO, 200)
    grades, _ = grade(np.ones(200), deviations**2, np.full(200, 8.0), known=KNOWN)
    places = [GRADES.index(one) for one in grades]
    assert places == sorted(places) and set(places) == {0, 1, 2}
    assert grades[deviations <= HIGH_UP_TO][-1] == "high"


def test_grades_and_reasons_are_texts_for_every_customer() -> None:
    grades, reasons = grade(np.ones(3), np.ones(3), np.array([1.0, 2.0, 3.0]), known=KNOWN)
    assert grades.dtype == reasons.dtype == np.object_
    assert grades.tolist() == ["low", "medium", "high"] and all(reasons)
