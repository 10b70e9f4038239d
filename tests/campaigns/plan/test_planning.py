"""Who gets which option: control first, the best within the limits, and why whoever gets nothing does not."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.plan.planning import WHY_NOT, targetable
from contracts.errors import DataError, DeclarationError
from tests.campaigns.plan.small import channel, coupon, customers, economics, offer, offers_of, planned, terms


def reasons(plan_or_codes: np.ndarray) -> list[str]:
    return [WHY_NOT[one] for one in plan_or_codes.tolist()]


def test_each_gets_what_earns_most_with_them() -> None:
    # The coupon costs the loyal one more than it brings; the message costs .01 only.
    plan = planned(economics(customers([0.01, 0.05, 0.6])))
    assert offers_of(plan) == ["coupon", "coupon", "message"]


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0.01, 0.7), st.floats(5, 200)), min_size=1, max_size=5), st.floats(0.05, 3.0)
)
def test_no_other_plan_within_the_budget_earns_more(people: list[tuple[float, float]], budget: float) -> None:
    campaign = economics(
        customers([p for p, _ in people], basket=[b for _, b in people]), of_terms=terms(budget=budget)
    )
    plan = planned(campaign)
    block = campaign.block(np.arange(len(people)))
    assert block.cost is not None
    best = 0.0
    for choice in product((-1, 0, 1), repeat=len(people)):
        taken = [(one, at) for at, one in enumerate(choice) if one >= 0]
        if sum(float(block.cost[one]) for one in taken) <= budget:
            best = max(best, sum(float(block.profit[one]) for one in taken))
    assert plan.profit() == pytest.approx(best, rel=1e-3, abs=1e-3)
    assert float((plan.earned.given + plan.earned.contact).sum()) <= budget * (1 + 1e-6)


def test_the_control_group_is_never_contacted_and_keeps_its_place_outside_the_limits() -> None:
    phone = channel("phone", capacity=2, cost=0.01)
    campaign = economics(
        customers([0.1] * 4, basket=[40.0, 30.0, 20.0, 10.0]), offers=[offer()], channels=[phone]
    )
    plan = planned(campaign, control=[0])
    assert plan.contacted.tolist() == [1, 2]
    assert plan.held_back.tolist() == [0]
    assert reasons(plan.why)[0] == "in the control group"
    assert reasons(plan.why)[3] == "the limits are better used for others"


@given(st.integers(0, 10**6))
@settings(max_examples=20)
def test_the_control_would_get_what_the_treated_with_equal_numbers_get(seed: int) -> None:
    chance = np.random.default_rng(seed)
    p, basket = chance.uniform(0.01, 0.5, 60), chance.gamma(2.0, 30.0, 60)
    twice = customers([*p, *p], basket=[*basket, *basket])  # each treated has a twin in the control group
    plan = planned(economics(twice, of_terms=terms(budget=20.0)), control=range(60, 120))
    first, second = plan.choice[:60], plan.choice[60:]
    assert np.count_nonzero(first != second) <= 2  # the one or two whom the budget is split at
    assert np.count_nonzero(first >= 0) > 5


def test_who_cannot_be_contacted_is_told_why() -> None:
    people = customers(
        [0.1] * 5,
        may={"email": np.array([True, False, True, True, True])},
        waits=np.array([0, 0, 0, 2, 0], dtype=np.int8),
    )
    campaign = economics(people, offers=[coupon(when="frequency != 2")], of_terms=terms(when="frequency < 4"))
    can, why = targetable(campaign)
    assert can.tolist() == [True, False, False, False, False]
    assert reasons(why) == [
        "contacted",
        "no channel may be used",
        "no offer is for them",
        "in a stage that is contacted on platform events only, and none falls into the campaign",
        "not in this campaign",
    ]


def test_who_would_cost_more_than_they_bring_is_left_out_for_that() -> None:
    plan = planned(economics(customers([0.1, 0.1], basket=[50.0, 1.0]), channels=[channel(cost=0.1)]))
    assert reasons(plan.why) == ["contacted", "a contact would cost more than it brings"]


def test_a_campaign_for_nobody_says_why() -> None:
    nobody = customers(may={"email": np.zeros(3, dtype=np.bool_)})
    with pytest.raises(DataError, match=r"nobody can be contacted .*: 3 no channel may be used\. Widen"):
        planned(economics(nobody))


def test_a_campaign_whose_customers_are_all_control_says_so() -> None:
    with pytest.raises(DataError, match="all 3 customers who could be contacted are in the control group"):
        planned(economics(), control=[0, 1, 2])


def test_one_customer_alone_is_planned() -> None:
    assert offers_of(planned(economics(customers([0.05])))) == ["coupon"]


def test_floors_that_contradict_the_capacity_are_named() -> None:
    campaign = economics(
        customers([0.1] * 4, tier=["focus"] * 4),
        channels=[channel("phone", capacity=2)],
        of_terms=terms(floors={"focus": 3}),
    )
    with pytest.raises(
        DeclarationError, match=r"'Phone in week 1' \(at most 2 .* 'focus floor' \(at least 3"
    ):
        planned(campaign)


def test_floors_that_contradict_the_budget_are_named() -> None:
    campaign = economics(
        customers([0.1] * 4, tier=["focus"] * 4),
        channels=[channel(cost=2.0)],
        of_terms=terms(floors={"focus": 4}, budget=5.0),
    )
    with pytest.raises(DeclarationError, match=r"'budget' .* and 'focus floor'"):
        planned(campaign)


def test_a_floor_has_customers_contacted_at_a_loss() -> None:
    campaign = economics(
        customers([0.1] * 3, tier=["focus", "focus", "reduce"]),
        offers=[offer()],
        channels=[channel(cost=1.0)],
        of_terms=terms(floors={"focus": 1}),
    )
    plan = planned(campaign)
    assert len(plan.contacted) == 1 and plan.profit() < 0


def test_a_margin_of_one_and_a_customer_without_a_basket_are_planned() -> None:
    plan = planned(economics(customers([0.1, 0.1], basket=[50.0, 0.0], margin=1.0)))
    assert offers_of(plan) == ["coupon", None]


def test_capacity_holds_in_every_week() -> None:
    phone = channel("phone", capacity=2, cost=0.01)
    campaign = economics(customers([0.1] * 10), offers=[offer()], channels=[phone], of_terms=terms(weeks=3))
    plan = planned(campaign)
    assert np.bincount(plan.earned.week, minlength=3).tolist() == [2, 2, 2]
