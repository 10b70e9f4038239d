"""The control group: its size by the power calculation or as asked, its members by hash."""

from __future__ import annotations

import numpy as np
import pytest

from campaigns.control import draws
from campaigns.plan.holdout import LEAST, MOST, USUAL, Holdout, holdout_of
from campaigns.plan.planning import make_plan
from campaigns.power import Question, smallest_share
from contracts.errors import DeclarationError
from tests.campaigns.plan.small import coupon, customers, economics, offer, terms


def held(n: int = 400, lift: float = 0.05, **rest: object) -> Holdout:
    campaign = economics(customers([0.1] * n), offers=[coupon(lift_prior=lift)], of_terms=terms(**rest))
    return holdout_of(campaign, currency="EUR")


def test_the_asked_share_is_drawn_by_the_hash_of_campaign_and_id() -> None:
    found = held(control_share=0.25)
    ids = customers([0.1] * 400).ids
    assert found.control.tolist() == (draws(ids, "spring") < 0.25).tolist()
    assert found.log["controls"] == int(found.control.sum())


def test_another_campaign_draws_others_and_the_same_one_the_same() -> None:
    first, again, other = held(control_share=0.3), held(control_share=0.3), held(control_share=0.3, name="b")
    assert first.control.tolist() == again.control.tolist() != other.control.tolist()


def test_without_a_share_the_smallest_that_shows_the_effect_within_bounds_is_taken() -> None:
    needed = smallest_share(Question(4_000, 0.1), 0.15 * 0.9)
    assert needed is not None
    found = held(4_000, lift=0.15)
    assert found.share == pytest.approx(float(np.clip(needed, LEAST, MOST)), rel=1e-3)
    assert held(400, lift=0.04).share == USUAL  # nothing shows it


def test_a_wanted_lift_goes_into_the_calculation() -> None:
    assert "from 10.00% to 30.00% is found" in " ".join(held(4_000, wanted_lift=0.2).words)


def test_too_few_contacts_to_measure_leave_nobody_alone_unless_asked() -> None:
    found = held(10)
    assert (found.share, found.control.sum()) == (0.0, 0)
    assert found.words[0].startswith("Only 10 customers would be contacted: too few to measure")
    assert held(10, control_share=0.5).share == 0.5


def test_no_control_group_is_said_to_measure_nothing() -> None:
    found = held(control_share=0.0)
    assert not found.control.any()
    assert "cannot be measured" in found.words[0]


def test_nobody_who_cannot_be_contacted_is_drawn() -> None:
    campaign = economics(
        customers([0.1] * 100), of_terms=terms(control_share=0.5, when="frequency < 50"), offers=[offer()]
    )
    found = holdout_of(campaign, currency="EUR")
    assert found.control[:50].any() and not found.control[50:].any()
    assert found.log["customers"] == 50


def test_floors_that_cannot_be_met_are_left_to_the_plan_which_names_its_own_numbers() -> None:
    campaign = economics(
        customers([0.1] * 60, tier=["reduce"] * 60), of_terms=terms(floors={"focus": 5}, control_share=0.1)
    )
    found = holdout_of(campaign, currency="EUR")
    with pytest.raises(DeclarationError, match=r"'focus floor' \(at least 5 customers\) cannot be met"):
        make_plan(campaign, currency="EUR", control=found.control)
