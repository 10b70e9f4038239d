"""What is bought, a second way; with what the population buys."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, NAN, Known, assert_equal, mean, over, rank
from tests.features.shops import DAY, SOME, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    since = known.last(90)
    mode, values = known.commonest("category"), known.values("category")
    shares = [count / len(values) for count in Counter(values).values()]
    return {
        "products": known.new("product_id"),
        "new_products_90d": known.new("product_id", since=since),
        "new_product_share_90d": over(
            known.new("product_id", since=since), sum(row["day"] >= since for row in known.sold)
        ),
        "product_variety": known.new("product_id") / len(known.sold),
        "product_mode_share": known.mode_share("product_id"),
        "categories": known.new("category"),
        "new_categories_90d": known.new("category", since=since),
        "category_mode_share": known.mode_share("category"),
        "category_entropy": -sum(share * math.log(share) for share in shares) if shares else NAN,
        "category_last_is_mode": float(values[-1] == mode) if values else NAN,
        "days_since_category_mode": known.days_since(
            [row["day"] for row in known.sold if mode and row.get("category") == mode]
        ),
        **against_the_population(known),
    }


def against_the_population(known: Known) -> dict[str, float]:
    mode, categories = known.commonest("category"), known.values("category")
    having = [set(one.values("category")) for one in known.everyone]
    products, recent = known.values("product_id"), known.values("product_id", since=known.last(90))
    popular = popularity(known)
    clock = category_clock(known, mode)
    last = [row["day"] for row in known.sold if mode and row.get("category") == mode]
    return {
        "category_mode_rank": rank(mode, having),
        "category_last_rank": rank(categories[-1] if categories else None, having),
        "product_popularity": mean([popular[one] for one in products if one in popular]),
        "product_popularity_90d": mean([popular[one] for one in recent if one in popular]),
        "product_popularity_first": popular.get(products[0], NAN) if products else NAN,
        "product_popularity_last": popular.get(products[-1], NAN) if products else NAN,
        "category_clock_days": clock,
        "category_overdue": over(known.days_since(last), clock),
    }


def popularity(known: Known) -> dict[str, float]:
    year = known.last(365)
    pairs = [value for one in known.everyone for value in set(one.values("product_id", since=year))]
    ever = {value for one in known.everyone for value in one.values("product_id")}
    return {value: pairs.count(value) / len(pairs) for value in ever} if pairs else {}


def category_clock(known: Known, category: str | None) -> float:
    gaps: list[int] = []
    for one in known.everyone:
        days = sorted({row["day"] for row in one.sold if category and row.get("category") == category})
        gaps += [late - early for early, late in pairwise(days)]
    return mean(gaps)


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_products_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("products", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_products_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("products", golden, shop, day)
