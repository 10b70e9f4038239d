"""What is known of each customer: the chance between days from the curve."""

from __future__ import annotations

import numpy as np
import pytest

from campaigns.plan.customers import Customers
from tests.campaigns.plan.small import coupon, curve, customers, offer


def test_the_chance_of_the_first_days_is_the_curves_own() -> None:
    assert customers([0.1, 0.4]).chance(after=0, days=30) == pytest.approx([0.1, 0.4])


def test_the_chance_between_days_is_that_of_an_order_given_none_before() -> None:
    steps = np.array([[0.07, 0.14, 0.30, 0.60, 0.62, 0.64, 0.66, 0.68, 0.70]])
    people = customers([0.5], curve=steps)
    # 14 days after 14 days end at day 28, read off the hazard that is linear from day 14 to 30.
    h14, h30 = -np.log(1 - 0.14), -np.log(1 - 0.30)
    day28 = 1 - np.exp(-(h14 + 14 / 16 * (h30 - h14)))
    assert people.chance(after=14, days=14) == pytest.approx([1 - (1 - day28) / (1 - 0.14)])


def test_with_a_constant_hazard_every_week_has_the_same_chance_whenever_the_campaign_begins() -> None:
    now, later = customers([0.3]), customers([0.3], begins=45)
    assert now.chance(after=21, days=30) == pytest.approx([0.3])
    assert later.chance(after=7, days=30) == pytest.approx([0.3])


def test_nothing_happens_beyond_the_curve_or_after_a_certain_order() -> None:
    assert customers([0.3], begins=365).chance(after=0, days=30).tolist() == [0.0]
    sure = customers([0.3], curve=np.ones((1, 9)))
    assert sure.chance(after=7, days=30).tolist() == [1.0]


def test_taste_multiplies_the_kinds_lift_but_not_that_of_a_plain_message() -> None:
    people = customers([0.1, 0.2], taste={"coupon": np.array([0.5, 1.5])})
    assert people.taste_of(coupon()).tolist() == [0.5, 1.5]
    assert people.taste_of(offer()).tolist() == [1.0, 1.0]


def test_some_customers_keep_all_that_is_known_of_them() -> None:
    people = customers(
        [0.1, 0.2, 0.3],
        best_week=np.array([0.0, 1.0, 2.0]),
        open_weeks=np.array([[True], [False], [True]]),
        waits=np.array([0, 2, 0], dtype=np.int8),
        begins=5,
    )
    some: Customers = people.of(np.array([2, 1]))
    assert some.ids.to_pylist() == ["c2", "c1"]
    assert some.curve == pytest.approx(curve([0.3, 0.2]))
    assert some.best_week is not None and some.best_week.tolist() == [2.0, 1.0]
    assert some.waits is not None and some.waits.tolist() == [0, 2]
    assert some.open_weeks is not None and some.open_weeks[:, 0].tolist() == [True, False]
    assert (some.begins, some.columns["frequency"].tolist()) == (5, [2.0, 1.0])
