"""Numbers of orders, a second way."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.features.catalog.plain import LITERAL, Known, assert_equal, over
from tests.features.shops import DAY, SOME, Shop, whole_shops


def golden(known: Known) -> dict[str, float]:
    now, orders, lines = known.day, known.orders(), len(known.sold)
    weeks = {k: known.orders(now - 7 * k + 1, now - 7 * k + 7) for k in (1, 2, 3, 4, 5)}
    months = [known.orders(now - 30 * k + 1, now - 30 * k + 30) for k in range(1, 7)]
    return {
        **{f"orders_{d}d": known.orders(known.last(d)) for d in (7, 14, 30, 60, 90, 180, 365)},
        **{f"orders_week_{k}": weeks[k] for k in (2, 3, 4, 5)},
        "active_weeks": sum(count > 0 for count in weeks.values()),
        "active_months": sum(count > 0 for count in months),
        "orders": orders,
        "lines": lines,
        "lines_per_order": lines / orders,
        "items_per_order": known.total("quantity") / orders,
        "orders_per_day": orders / len(known.days),
        "order_rate": 30 * orders / (known.tenure + 30),
        "orders_trend_90d": known.orders(now - 89) - known.orders(now - 179, now - 90),
        "orders_share_90d": known.orders(now - 89) / orders,
        "orders_half_year_trend": over(known.orders(now - 181), known.orders(now - 363)),
    }


@pytest.mark.parametrize(("shop", "day"), LITERAL)
def test_orders_features_of_literal_shops_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("orders", golden, shop, day, rel=1e-9)


@SOME
@given(whole_shops(), DAY)
def test_orders_features_of_any_shop_equal_plain_loops(shop: Shop, day: int) -> None:
    assert_equal("orders", golden, shop, day)
