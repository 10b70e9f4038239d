"""Budget, capacities, stock, caps and floors as resources of the optimiser."""

from __future__ import annotations

from campaigns.plan.limits import resources_of
from campaigns.tiers import NAMES
from tests.campaigns.plan.small import channel, coupon, economics, offer, terms


def test_a_campaign_without_limits_has_no_resources() -> None:
    assert resources_of(economics(), currency="EUR") == ()


def test_each_limit_is_used_by_its_own_options() -> None:
    campaign = economics(
        offers=[offer(), coupon(stock=7, cap=100.0)],
        channels=[channel(), channel("phone", capacity=4)],
        of_terms=terms(budget=50.0, weeks=2),
    )
    names = [f"{one.offer.name} {one.channel.name} {one.week}" for one in campaign.options]
    found = {one.name: one for one in resources_of(campaign, currency="EUR")}
    used = {name: [names[at] for at in one.uses.nonzero()[0]] for name, one in found.items()}
    assert used == {
        "budget": names,
        "Phone in week 1": ["message phone 0", "coupon phone 0"],
        "Phone in week 2": ["message phone 1", "coupon phone 1"],
        "stock of 'Coupon'": ["coupon email -1", "coupon phone 0", "coupon phone 1"],
        "cap of 'Coupon'": ["coupon email -1", "coupon phone 0", "coupon phone 1"],
    }
    limits = {name: (one.limit, one.of_cost, one.unit) for name, one in found.items()}
    assert limits["budget"] == (50.0, True, "EUR")
    assert limits["Phone in week 2"] == (4.0, False, "contacts")
    assert limits["cap of 'Coupon'"] == (100.0, True, "EUR")


def test_a_floor_counts_the_customers_of_its_tier_and_plainer_policies_have_none() -> None:
    campaign = economics(of_terms=terms(floors={"reduce": 5}))
    (floor,) = resources_of(campaign, currency="EUR")
    assert (floor.name, floor.at_least, floor.group) == ("reduce floor", 5.0, NAMES.index("reduce"))
    assert resources_of(campaign, currency="EUR", floors=False) == ()


def test_channels_with_the_same_label_keep_limits_of_their_own() -> None:
    two = [channel("sms", label="Text", capacity=1), channel("phone", label="Text", capacity=2)]
    names = [one.name for one in resources_of(economics(channels=two), currency="EUR")]
    assert names == ["Text (sms) in week 1", "Text (phone) in week 1"]
