"""E-mails, visits and carts, a second way."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, NAN, Known, assert_equal, over
from tests.features.shops import DAY, SOME, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    def since(kind: str) -> float:
        return known.days_since([row["day"] for row in known.events if row["kind"] == kind])

    counted = {"email_opens": "email_open", "email_clicks": "email_click", "visits": "visit"}
    happened = known.happened
    answers = happened("email_open", 90) + happened("email_click", 90)
    left = happened("cart_abandon", 365)
    return {
        **{f"{name}_{d}d": happened(kind, d) for name, kind in counted.items() for d in (30, 90, 365)},
        "email_open_rate_90d": over(happened("email_open", 90), happened("email_sent", 90)),
        "email_open_rate_365d": over(happened("email_open", 365), happened("email_sent", 365)),
        "email_click_rate_365d": over(happened("email_click", 365), happened("email_sent", 365)),
        "days_since_email_open": since("email_open"),
        "days_since_email_click": since("email_click"),
        "subscriber_active": float(answers > 0) if happened("email_sent", 90) else NAN,
        "unsubscribed": float(happened("unsubscribe") > 0),
        "days_since_visit": since("visit"),
        "visits_trend_30d": 2 * happened("visit", 30) - happened("visit", 60),
        "visits_per_order": happened("visit") / known.orders(),
        "cart_adds_30d": happened("cart_add", 30),
        "cart_adds_90d": happened("cart_add", 90),
        "days_since_cart_add": since("cart_add"),
        "cart_abandons_90d": happened("cart_abandon", 90),
        "cart_abandon_share": over(left, left + known.orders(known.last(365))),
        "messages_read_90d": happened("message_read", 90),
    }


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_engagement_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("engagement", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_engagement_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("engagement", golden, shop, day)
