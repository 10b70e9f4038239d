"""A plan in figures: sums against a plain loop, break-even, and the words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from campaigns.plan.planning import Plan
from campaigns.plan.summary import break_even, summary_of
from tests.campaigns.plan.small import channel, customers, economics, offer, offers_of, planned, terms

PEOPLE = customers(
    [0.02, 0.05, 0.3, 0.4], basket=[50.0, 80.0, 20.0, 60.0], tier=["focus", None, "focus", "reduce"]
)


def example() -> Plan:
    return planned(economics(PEOPLE), control=[3])


def test_totals_are_the_sums_of_the_contacts_without_the_control_group() -> None:
    plan = example()
    whole, want = summary_of(plan).whole, np.zeros(3)
    for p, basket, name in zip([0.02, 0.05, 0.3], [50.0, 80.0, 20.0], offers_of(plan)[:3], strict=True):
        lift, share = (0.05, 0.1) if name == "coupon" else (0.01, 0.0)
        buys = p + lift * (1 - p)
        want += [buys * share * basket, buys * (0.4 - share) * basket - p * 0.4 * basket - 0.01, 1]
    assert (whole.given, whole.profit, whole.customers) == pytest.approx(tuple(want), rel=1e-5)
    assert whole.cost == pytest.approx(want[0] + 0.03)


def test_every_grouping_adds_up_to_the_whole_and_no_tier_is_unknown() -> None:
    summary = summary_of(example())
    assert set(summary.groups["tier"]) == {"focus", "unknown"}
    assert set(summary.groups["offer"]) == {"Message", "Coupon"}
    for groups in summary.groups.values():
        assert sum(one.customers for one in groups.values()) == summary.whole.customers
        assert sum(one.profit for one in groups.values()) == pytest.approx(summary.whole.profit)
    assert summary.left_out == {"in the control group": 1}


def test_at_the_break_even_share_of_the_lift_the_plan_earns_nothing() -> None:
    plan = example()
    share = break_even(plan)
    assert share is not None and 0 < share < 1
    lifts = plan.economics.lifts
    weaker = economics(
        PEOPLE,
        lifts={name: replace(one, share=share * one.share) for name, one in lifts.items()},
        of_terms=terms(least_profit=-1e9),
    )
    earned = weaker.earned(plan.contacted, plan.choice[plan.contacted])
    assert float(earned.profit.sum()) == pytest.approx(0.0, abs=1e-6)


def test_a_plan_that_costs_nothing_cannot_lose() -> None:
    plan = planned(economics(offers=[offer()], channels=[channel(cost=0.0)]))
    assert break_even(plan) is None


def test_low_and_high_are_half_and_one_and_a_half_of_what_is_assumed() -> None:
    plan = planned(economics(customers([0.1]), offers=[offer()], channels=[channel(cost=0.0)]))
    whole = summary_of(plan).whole
    assert (whole.low, whole.high) == pytest.approx((0.5 * whole.profit, 1.5 * whole.profit), rel=1e-5)


def test_a_plan_with_nobody_in_it_is_summed_up_too() -> None:
    plan = planned(economics(channels=[channel(cost=9.0)]))
    summary = summary_of(plan)
    assert (summary.whole.customers, summary.whole.profit, summary.break_even) == (0, 0.0, None)
    assert summary.left_out == {"a contact would cost more than it brings": 3}


def test_the_words_name_the_shadow_price_and_the_proof() -> None:
    people = customers(list(np.linspace(0.01, 0.5, 50)))
    sentences = summary_of(planned(economics(people, of_terms=terms(budget=2.0)))).sentences
    assert "more of 'budget' would earn about" in sentences[0]
    assert sentences[-1].startswith("This is the best plan within these limits: none is expected to earn")


def test_a_plainer_policy_says_what_it_does_not_look_at() -> None:
    campaign = economics(of_terms=terms(floors={"cultivate": 1}))
    assert summary_of(planned(campaign, policy="value")).sentences == (
        "Chosen by 'value': the highest first, without weighing what a contact adds.",
        "This policy does not look at floors (cultivate).",
    )


def test_plain_values_have_no_numbers_of_numpy() -> None:
    found = summary_of(example()).to_dict()
    assert type(found["whole"]["profit"]) is float and type(found["left_out"]["in the control group"]) is int
