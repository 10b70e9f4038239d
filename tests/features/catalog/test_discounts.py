"""Discounts and coupons, a second way."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, Known, assert_equal, over
from tests.features.shops import DAY, SOME, Row, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    lines, since = len(known.sold), known.last(90)
    recent = [row for row in known.sold if row["day"] >= since]
    cheap, with_coupon = known.sold, known.sold
    cheap = [row for row in cheap if (row.get("discount") or 0) > 0]
    with_coupon = [row for row in with_coupon if row.get("coupon") is not None]
    share, share_90d = discounted(known.sold), discounted(recent)
    return {
        "discount_share": share,
        "discount_share_90d": share_90d,
        "discount_trend": share_90d - share,
        "discounted_lines_share": len(cheap) / lines,
        "discount_day_share": on_order_days(known, cheap),
        "discount_last": discounted([row for row in known.sold if row["day"] == known.days[-1]]),
        "days_since_discount": known.days_since([row["day"] for row in cheap]),
        "coupon_share": len(with_coupon) / lines,
        "coupon_share_90d": over(sum(row["day"] >= since for row in with_coupon), len(recent)),
        "coupon_day_share": on_order_days(known, with_coupon),
        "days_since_coupon": known.days_since([row["day"] for row in with_coupon]),
        "coupons": len({row["coupon"] for row in with_coupon}),
    }


def discounted(rows: list[Row]) -> float:
    discount = sum(row.get("discount") or 0.0 for row in rows)
    return over(discount, sum(row["amount"] for row in rows) + discount)


def on_order_days(known: Known, rows: list[Row]) -> float:
    return len({row["day"] for row in rows} & set(known.days)) / len(known.days)


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_discounts_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("discounts", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_discounts_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("discounts", golden, shop, day)
