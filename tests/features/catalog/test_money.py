"""Amounts, a second way."""

from __future__ import annotations

import math
import statistics
from datetime import date, timedelta

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, NAN, Known, assert_equal, over
from tests.features.shops import DAY, SOME, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    return totals(known) | windows(known) | of_days(known)


def totals(known: Known) -> dict[str, float]:
    orders, sales, cost = known.orders(), known.total("amount"), known.total("cost")
    year = known.last(365)
    return {
        "spend": known.net(),
        "spend_rate": 30 * known.net() / (known.tenure + 30),
        "order_value": sales / orders,
        "item_price": over(sales, known.total("quantity")),
        "margin_share": over(sales - cost, sales),
        "margin_per_order": (sales - cost) / orders,
        "margin_365d": known.total("amount", year) - known.total("cost", year),
        "cohort_spend_ratio": over(statistics.fmean(known.day_amounts), cohort_amount(known)),
    }


def windows(known: Known) -> dict[str, float]:
    now, since = known.day, known.last(90)
    recent = over(known.total("amount", since), known.orders(since))
    return {
        **{f"spend_{d}d": known.net(known.last(d)) for d in (7, 14, 30, 60, 90, 180, 365)},
        **{f"spend_week_{k}": known.net(now - 7 * k + 1, now - 7 * k + 7) for k in (2, 3, 4, 5)},
        "spend_trend_90d": known.net(now - 89) - known.net(now - 179, now - 90),
        "spend_share_90d": over(known.total("amount", since), known.total("amount")),
        "order_value_90d": recent,
        "order_value_trend": over(recent, known.total("amount") / known.orders()),
    }


def of_days(known: Known) -> dict[str, float]:
    amounts = known.day_amounts
    usual = statistics.fmean(amounts)
    deviation = statistics.pstdev(amounts) if len(amounts) > 1 else NAN
    return {
        "amount_log_mean": statistics.fmean(map(math.log1p, amounts)),
        "amount_deviation": deviation,
        "amount_variation": over(deviation, usual),
        "amount_largest": max(amounts),
        "amount_last": amounts[-1],
        "amount_before_last": amounts[-2] if len(amounts) > 1 else NAN,
        "amount_first": amounts[0],
        "amount_last_share": over(amounts[-1], usual),
    }


def quarter(day: int) -> tuple[int, int]:
    on = date(1970, 1, 1) + timedelta(days=day)
    return on.year, (on.month - 1) // 3


def cohort_amount(known: Known) -> float:
    mates = [one for one in known.everyone if quarter(one.days[0]) == quarter(known.days[0])]
    days = sum(len({row["day"] for row in one.sold}) for one in mates)
    return math.fsum(one.total("amount") for one in mates) / days


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_money_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("money", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_money_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("money", golden, shop, day)
