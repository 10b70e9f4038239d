"""Channels and countries, a second way."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, NAN, Known, assert_equal, rank
from tests.features.shops import DAY, SOME, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    channels, countries = known.values("channel"), known.values("country")
    using = [set(one.values("channel")) for one in known.everyone]
    living = [set(one.values("country")) for one in known.everyone]
    return {
        "channels": len(set(channels)),
        "channel_mode_share": known.mode_share("channel"),
        "channel_switched": float(channels[0] != channels[-1]) if channels else NAN,
        "channel_mode_rank": rank(known.commonest("channel"), using),
        "channel_last_rank": rank(channels[-1] if channels else None, using),
        "country_rank": rank(countries[-1] if countries else None, living),
    }


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_channel_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("channel", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_channel_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("channel", golden, shop, day)
