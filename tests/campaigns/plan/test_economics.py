"""What each option earns and costs with each customer, against sums done by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.plan.economics import Economics
from campaigns.plan.lifts import Lift
from contracts.training import Floats
from tests.campaigns.plan.small import channel, coupon, customers, economics, offer, terms

ALL = np.arange(3)


def profits(campaign: Economics) -> Floats:
    return campaign.block(np.arange(len(campaign.customers))).profit.astype(np.float64)


def test_the_profit_of_a_coupon_is_what_it_adds_less_what_everyone_who_buys_gets() -> None:
    campaign = economics(customers([0.05], basket=50.0, margin=0.4), offers=[coupon()])
    # 5 % buy anyway, 5 % of the other 95 % are won: 9.75 %. Each leaves 20 less 5; without: 5 % leave 20.
    assert profits(campaign)[0, 0] == pytest.approx(0.0975 * (20 - 5) - 0.05 * 20 - 0.01, abs=1e-6)
    assert campaign.block(np.arange(1)).cost is not None
    earned = campaign.earned(np.array([0]), np.array([0]))
    assert (earned.p[0], earned.added[0], earned.given[0]) == pytest.approx(
        (0.05, 0.0475, 0.0975 * 5), abs=1e-6
    )
    assert (earned.contact[0], earned.left[0]) == pytest.approx((0.01, 15.0))


def test_an_option_that_loses_is_closed_unless_floors_may_ask_for_it() -> None:
    loyal = customers([0.9])
    assert profits(economics(loyal, offers=[coupon()])).tolist() == [[-np.inf]]
    floored = economics(loyal, offers=[coupon()], of_terms=terms(floors={"cultivate": 1}))
    assert profits(floored)[0, 0] == pytest.approx(0.905 * 15 - 0.9 * 20 - 0.01, abs=1e-5)


@given(
    st.floats(0.01, 0.95), st.floats(1, 500), st.floats(0.05, 1.0), st.floats(0, 0.5), st.floats(0, 0.3),
    st.floats(0, 5),
)  # fmt: skip
def test_block_and_earned_agree_with_the_formula(
    p: float, basket: float, margin: float, lift: float, share: float, cost: float
) -> None:
    given_away = coupon(share=share, lift_prior=lift)
    people = customers([p], basket=basket, margin=margin)
    campaign = economics(
        people, offers=[given_away], channels=[channel(cost=cost)], of_terms=terms(least_profit=-1e9)
    )
    earned = campaign.earned(np.array([0]), np.array([0]))
    won = lift * (1 - p)
    profit = (p + won) * (margin - share) * basket - p * margin * basket - cost
    assert earned.profit[0] == pytest.approx(profit, rel=1e-4, abs=1e-4 * basket)
    if margin - share >= 0:
        assert profits(campaign)[0, 0] == pytest.approx(profit, rel=1e-4, abs=1e-4 * basket)


def test_half_of_the_lift_gives_the_low_end() -> None:
    campaign = economics(customers([0.2]), offers=[coupon()])
    low = campaign.earned(np.array([0]), np.array([0]), bound="low")
    assert low.profit[0] == pytest.approx(0.22 * 15 - 0.2 * 20 - 0.01, abs=1e-5)


def test_a_lift_below_zero_takes_away_no_more_buyers_than_there_are() -> None:
    people = customers([0.2])
    plain = offer()
    worst = np.array([-5.0])
    bad = {"message": Lift(worst, worst, worst, 100, 100)}
    earned = economics(people, offers=[plain], lifts=bad).earned(np.array([0]), np.array([0]))
    assert earned.added[0] == pytest.approx(-0.2)


def test_an_offer_needs_its_rule_its_basket_its_level_and_the_least_margin() -> None:
    people = customers(
        [0.1] * 4, basket=[50.0, 10.0, 50.0, 50.0], levels=np.array([[1, 1, 0, 0]] * 3 + [[1, 0, 0, 0]]) == 1
    )
    fits = coupon(min_basket=20.0, when="frequency != 2")
    campaign = economics(people, offers=[fits])
    assert campaign.eligible["coupon"].tolist() == [True, False, False, False]
    least = economics(people, offers=[coupon()], of_terms=terms(least_margin=0.31))
    assert not least.eligible["coupon"].any()  # 40 % less 10 % leave 30 %


def test_nothing_is_planned_on_a_channel_by_which_a_customer_may_not_be_contacted() -> None:
    people = customers(may={"sms": np.array([False, True, False])})
    campaign = economics(people, offers=[offer(lift_prior=0.1)], channels=[channel("sms", cost=0.0)])
    assert np.isfinite(profits(campaign)[0]).tolist() == [False, True, False]


def test_only_channels_with_a_capacity_have_an_option_for_each_week() -> None:
    both = [channel(), channel("phone", capacity=5)]
    campaign = economics(offers=[offer()], channels=both, of_terms=terms(weeks=3))
    assert [(one.channel.name, one.week) for one in campaign.options] == [
        ("email", -1), ("phone", 0), ("phone", 1), ("phone", 2),
    ]  # fmt: skip


def test_each_week_away_from_the_best_one_costs_its_share_of_the_lift() -> None:
    people = customers([0.2], best_week=np.array([2.0]))
    phone = channel("phone", capacity=5)
    campaign = economics(people, offers=[offer()], channels=[phone], of_terms=terms(weeks=4, week_loss=0.5))
    added = [float(campaign.earned(np.array([0]), np.array([week])).added[0]) for week in range(4)]
    assert added == pytest.approx([0.002, 0.004, 0.008, 0.004], rel=1e-5)


def test_a_contact_moves_to_the_nearest_week_that_is_open_and_loses_for_it() -> None:
    open_weeks = np.array([[True, False, False, True], [False] * 4, [True] * 4])
    people = customers(best_week=np.array([1.0, 1.0, np.nan]), open_weeks=open_weeks)
    campaign = economics(people, offers=[offer()], of_terms=terms(weeks=4, week_loss=0.5))
    assert campaign.best_week.tolist() == [0, 1, 0]
    assert np.isfinite(profits(campaign)[0]).tolist() == [True, False, True]
    earned = campaign.earned(np.array([0, 2]), np.array([0, 0]))
    assert earned.week.tolist() == [0, 0]
    assert earned.added == pytest.approx([0.5 * 0.01 * 0.9, 0.01 * 0.7], rel=1e-5)


def test_a_closed_week_has_no_options_even_where_there_is_room() -> None:
    people = customers([0.2], open_weeks=np.array([[False, True]]))
    campaign = economics(
        people,
        offers=[offer()],
        channels=[channel("phone", capacity=5, cost=0.0)],
        of_terms=terms(weeks=2),
    )
    assert np.isfinite(profits(campaign)[:, 0]).tolist() == [False, True]


def test_customers_without_a_tier_are_a_group_of_their_own() -> None:
    block = economics(customers(tier=["reduce", None, "focus"])).block(ALL)
    assert block.group is not None and block.group.tolist() == [2, 3, 0]


def test_a_channel_that_is_answered_twice_as_much_moves_twice_as_many() -> None:
    people = customers((0.2,), answers={"sms": np.array([2.0])})
    by_mail, by_sms = (
        economics(people, offers=[offer()], channels=[channel(name)]) for name in ("email", "sms")
    )
    first = np.array([0])
    added = [one.earned(first, np.array([0])).added[0] for one in (by_mail, by_sms)]
    assert added[1] == pytest.approx(2 * added[0])
