"""What a campaign may use, as resources of the options that use it."""

from __future__ import annotations

import numpy as np
import pytest

from campaigns.knapsack import Option, limits_of
from contracts.errors import DeclarationError

OPTIONS = [Option("gift", "email", 1), Option("gift", "sms", 1), Option("coupon", "email", 2)]


def test_each_limit_is_used_by_the_options_that_it_names() -> None:
    found = limits_of(
        OPTIONS,
        currency="EUR",
        budget=500,
        capacity={("email", 1): 40, ("email", None): 60},
        stock={"gift": 7},
        caps={"coupon": 90},
        floors={"focus": (2, 30)},
    )
    assert {one.name: (one.uses.tolist(), one.limit, one.unit) for one in found} == {
        "budget": ([1, 1, 1], 500, "EUR"),
        "capacity of email in week 1": ([1, 0, 0], 40, "messages"),
        "capacity of email": ([1, 0, 1], 60, "messages"),
        "stock of gift": ([1, 1, 0], 7, "pieces"),
        "cap of coupon": ([0, 0, 1], 90, "EUR"),
        "floor of focus": ([1, 1, 1], np.inf, "customers"),
    }
    assert [one.name for one in found if one.of_cost] == ["budget", "cap of coupon"]
    assert (found[-1].group, found[-1].at_least) == (2, 30)


def test_nothing_limited_is_no_resource() -> None:
    assert limits_of(OPTIONS, currency="EUR") == ()


def test_an_unknown_offer_names_the_nearest() -> None:
    with pytest.raises(DeclarationError, match="no option has the offer 'gifts', did you mean 'gift'"):
        limits_of(OPTIONS, currency="EUR", stock={"gifts": 3})


def test_an_unknown_channel_names_those_that_are_known() -> None:
    with pytest.raises(DeclarationError, match=r"the channel 'post'.*Known: email, sms"):
        limits_of(OPTIONS, currency="EUR", capacity={("post", 1): 3})


def test_a_week_without_options_names_those_with() -> None:
    with pytest.raises(
        DeclarationError, match="capacity of sms in week 2: no option is in this week, only in week 1"
    ):
        limits_of(OPTIONS, currency="EUR", capacity={("sms", 2): 3})
