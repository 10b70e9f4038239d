"""Returns and cancellations, a second way."""

from __future__ import annotations

import math

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, Known, assert_equal, over
from tests.features.shops import DAY, SOME, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    lines, sales, year = len(known.sold), known.total("amount"), known.last(365)
    refunds = -math.fsum(row["amount"] for row in known.back)
    refunds_365d = -math.fsum(row["amount"] for row in known.back if row["day"] >= year)
    cancelled = sum(row["reverses"] for row in known.back)
    return {
        "refund_share": over(refunds, sales + refunds),
        "refunds_365d": refunds_365d,
        "refund_share_365d": over(refunds_365d, known.total("amount", year) + refunds_365d),
        "return_rate": len(known.back) / lines,
        "returns_90d": sum(row["day"] >= known.last(90) for row in known.back),
        "cancellations": cancelled,
        "cancellation_rate": cancelled / (lines + cancelled),
        "days_since_return": known.days_since([row["day"] for row in known.back]),
    }


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_returns_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("returns", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_returns_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("returns", golden, shop, day)
