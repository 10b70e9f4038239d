"""The coming season one year before, a second way."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, NAN, Known, assert_equal, over
from tests.features.shops import DAY, SOME, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    now, ago = known.day, known.day - 364
    there = known.days[0] <= ago
    long_there = known.days[0] <= ago - 89
    orders = known.orders(ago - 89, ago) if long_there else NAN
    spend = known.net(ago - 89, ago) if long_there else NAN
    coming = known.orders(ago + 1, ago + 90)
    return {
        **{f"orders_season_{d}d": known.orders(ago + 1, ago + d) if there else NAN for d in (30, 90)},
        **{f"spend_season_{d}d": known.net(ago + 1, ago + d) if there else NAN for d in (30, 90)},
        "season_share_90d": over(coming, known.orders(ago + 1)) if there else NAN,
        "orders_year_ago_90d": orders,
        "spend_year_ago_90d": spend,
        "orders_growth_90d": known.orders(now - 89) - orders,
        "spend_growth_90d": known.net(now - 89) - spend,
    }


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_season_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("season", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_season_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("season", golden, shop, day)
