"""The summary of BG/NBD, a second way."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, Known, assert_equal
from tests.features.shops import DAY, SOME, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    return {
        "frequency": len(known.days) - 1,
        "recency": known.days[-1] - known.days[0],
        "tenure": known.tenure,
        "monetary_value": statistics.fmean(known.day_amounts),
    }


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_btyd_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("btyd", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_btyd_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("btyd", golden, shop, day)
