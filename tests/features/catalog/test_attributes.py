"""Baskets and persons, a second way."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, NAN, Known, assert_equal, over, rank
from tests.features.shops import DAY, SOME, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    first = [row for row in known.sold if row["day"] == known.days[0]]
    last = [row for row in known.sold if row["day"] == known.days[-1]]
    amount, discount = (sum(row.get(name) or 0.0 for row in first) for name in ("amount", "discount"))
    channels = known.values("channel")
    return {
        "items_first": sum(row["quantity"] for row in first),
        "items_last": sum(row["quantity"] for row in last),
        "lines_first": len(first),
        "lines_last": len(last),
        "free_share": sum(row["amount"] == 0 for row in known.sold) / len(known.sold),
        "item_price_first": over(amount, sum(row["quantity"] for row in first)),
        "products_first": len({row["product_id"] for row in first if row.get("product_id")}),
        "categories_first": len({row["category"] for row in first if row.get("category")}),
        "discount_share_first": over(discount, amount + discount),
        "coupon_first": float(any(row.get("coupon") for row in first)),
        "channel_first_rank": rank(
            channels[0] if channels else None, [set(one.values("channel")) for one in known.everyone]
        ),
        **person(known),
    }


def person(known: Known) -> dict[str, float]:
    told = known.person
    joined = told.get("signed_up_day")
    since = known.day - joined if joined is not None and joined <= known.day else NAN
    return {
        "age": age(known),
        "age_band": age(known) // 10 * 10,
        "days_since_signup": since,
        "signup_to_order_days": since - known.tenure,
        **{f"consent_{by}": yes_or_no(told.get(f"consent_{by}")) for by in ("email", "sms", "push")},
        **{f"{name}_rank": rank_of_person(known, name) for name in ("gender", "region", "device")},
    }


def rank_of_person(known: Known, name: str) -> float:
    everyone = [{one.person[name]} for one in known.everyone if one.person.get(name) is not None]
    return rank(known.person.get(name), everyone)


def yes_or_no(value: bool | None) -> float:
    return NAN if value is None else float(value)


def age(known: Known) -> float:
    told, year = known.person, 365.2425
    if told.get("birth_date") is not None:
        return (date(1970, 1, 1) + timedelta(days=known.day) - told["birth_date"]).days / year
    if told.get("age") is None:
        return NAN
    since = known.day if told["known_day"] is None else told["known_day"]
    return float(told["age"] + (known.day - since) / year)


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_attributes_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("attributes", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_attributes_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("attributes", golden, shop, day)
