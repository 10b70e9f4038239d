"""Features and outcomes computed a second way: plain loops over rows, sharing no code with features/."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given

from features.catalog import CATALOG
from features.panel import outcome_at
from tests.features.test_properties import DAY, SOME, Row, contract_order, history_of, line, shops, taken_back

NAN = math.nan


def over(above: float, below: float) -> float:
    return above / below if below else NAN


class Known:
    """One customer's rows as known at the end of a day."""

    def __init__(self, rows: Sequence[Row], customer: str, day: int) -> None:
        self.day = day
        self.rows = [
            r for r in sorted(rows, key=contract_order) if r["customer_id"] == customer and r["day"] <= day
        ]
        self.sold = [r for r in self.rows if not r["returned"] and not self.is_cancelled(r)]
        self.back = [r for r in self.rows if r["returned"]]
        self.opens: dict[str, Row] = {}
        for row in self.sold:
            self.opens.setdefault(row["order_id"], row)
        self.days = sorted({row["day"] for row in self.opens.values()})
        self.gaps = [late - early for early, late in zip(self.days, self.days[1:], strict=False)]
        self.day_amounts = [sum(r["amount"] for r in self.sold if r["day"] == day) for day in self.days]

    def is_cancelled(self, row: Row) -> bool:
        return row["cancelled_day"] is not None and row["cancelled_day"] <= self.day

    def orders(self, first: int = -(10**6), last: int = 10**6) -> int:
        return sum(first <= row["day"] <= last for row in self.opens.values())

    def net(self, first: int = -(10**6), last: int = 10**6) -> float:
        return math.fsum(row["amount"] for row in self.rows if first <= row["day"] <= last)

    def total(self, column: str) -> float:
        return math.fsum(row.get(column) or 0.0 for row in self.sold)

    def new(self, column: str, *, since: int = -(10**6)) -> int:
        firsts: dict[str, int] = {}
        for row in self.sold:
            if row.get(column) is not None:
                firsts.setdefault(row[column], row["day"])
        return sum(day >= since for day in firsts.values())

    def on(self, day: int, column: str) -> float:
        return math.fsum(row[column] for row in self.sold if row["day"] == day)


def btyd_and_rhythm(known: Known) -> dict[str, float]:
    days, gaps, now = known.days, known.gaps, known.day
    mean = statistics.fmean(gaps) if gaps else NAN
    deviation = statistics.pstdev(gaps) if len(gaps) >= 2 else NAN
    log_mean = statistics.fmean(map(math.log, gaps)) if gaps else NAN
    recency = now - days[-1]
    return {
        "frequency": len(days) - 1,
        "recency": days[-1] - days[0],
        "tenure": now - days[0],
        "recency_days": recency,
        "recency_share": recency / (now - days[0] + 1),
        "gap_mean": mean,
        "gap_deviation": deviation,
        "gap_variation": deviation / mean,
        "gap_log_mean": log_mean,
        "regularity": log_mean - math.log(mean) if gaps else NAN,
        "gap_last": gaps[-1] if gaps else NAN,
        "gap_before_last": gaps[-2] if len(gaps) > 1 else NAN,
        "gap_longest": max(gaps, default=NAN),
        "gap_first": gaps[0] if gaps else NAN,
        "gap_trend": gaps[-1] / mean if gaps else NAN,
        "overdue_ratio": recency / mean,
        "overdue_longest": recency / max(gaps, default=NAN),
        "overdue_deviations": (recency - mean) / (deviation + 1),
        "days_since_second_last": now - days[-2] if len(days) > 1 else NAN,
        "days_since_third_last": now - days[-3] if len(days) > 2 else NAN,
        "days_since_fifth_last": now - days[-5] if len(days) > 4 else NAN,
    }


def orders_and_money(known: Known) -> dict[str, float]:
    now, orders, lines = known.day, known.orders(), len(known.sold)
    tenure, sales, items, amounts = (
        now - known.days[0],
        known.total("amount"),
        known.total("quantity"),
        known.day_amounts,
    )
    windows = {f"orders_{d}d": known.orders(now - d + 1) for d in (7, 14, 30, 60, 90, 180, 365)}
    spends = {f"spend_{d}d": known.net(now - d + 1) for d in (7, 14, 30, 60, 90, 180, 365)}
    return {
        **windows,
        **spends,
        "orders": orders,
        "lines": lines,
        "lines_per_order": lines / orders,
        "items_per_order": items / orders,
        "order_rate": 30 * orders / (tenure + 30),
        "orders_trend_90d": known.orders(now - 89) - known.orders(now - 179, now - 90),
        "orders_share_90d": known.orders(now - 89) / orders,
        "orders_half_year_trend": over(known.orders(now - 181), known.orders(now - 363)),
        "monetary_value": statistics.fmean(amounts),
        "spend": known.net(),
        "spend_rate": 30 * known.net() / (tenure + 30),
        "spend_trend_90d": known.net(now - 89) - known.net(now - 179, now - 90),
        "order_value": sales / orders,
        "item_price": over(sales, items),
        "amount_log_mean": statistics.fmean(map(math.log1p, amounts)),
        "amount_deviation": statistics.pstdev(amounts) if len(amounts) > 1 else NAN,
        "amount_largest": max(amounts),
        "amount_last": amounts[-1],
        "amount_first": amounts[0],
        "amount_last_share": over(amounts[-1], statistics.fmean(amounts)),
    }


def goods_and_returns(known: Known) -> dict[str, float]:
    lines, sales, since = len(known.sold), known.total("amount"), known.day - 89
    first, last = known.days[0], known.days[-1]
    discount = known.total("discount")
    refunds = -math.fsum(row["amount"] for row in known.back)
    return {
        "items_first": known.on(first, "quantity"),
        "items_last": known.on(last, "quantity"),
        "lines_first": sum(row["day"] == first for row in known.sold),
        "lines_last": sum(row["day"] == last for row in known.sold),
        "free_share": sum(row["amount"] == 0 for row in known.sold) / lines,
        "products": known.new("product_id"),
        "new_products_90d": known.new("product_id", since=since),
        "product_variety": known.new("product_id") / lines,
        "categories": known.new("category"),
        "new_categories_90d": known.new("category", since=since),
        "channels": known.new("channel"),
        "discount_share": over(discount, sales + discount),
        "discounted_lines_share": sum((row.get("discount") or 0) > 0 for row in known.sold) / lines,
        "coupon_share": sum(row.get("coupon") is not None for row in known.sold) / lines,
        "margin_share": over(sales - known.total("cost"), sales),
        "refund_share": over(refunds, sales + refunds),
        "return_rate": len(known.back) / lines,
        "returns_90d": sum(row["day"] >= since for row in known.back),
        "cancellations": sum(row["reverses"] for row in known.back),
    }


def calendar(known: Known) -> dict[str, float]:
    opened = [row["ordered_at"] for row in known.opens.values()]
    dates = [next(row["ordered_at"].date() for row in known.sold if row["day"] == day) for day in known.days]
    return {
        "weekend_share": sum(at.isoweekday() > 5 for at in opened) / len(opened),
        "weekday_last": dates[-1].weekday(),
        "holiday_share": sum(day.month > 10 for day in dates) / len(dates),
        "holiday_first": float(dates[0].month > 10),
        "month_day_mean": statistics.fmean(day.day - 1 for day in dates),
        "hour_mean": sum(at.hour for at in opened) / len(opened),
        "evening_share": sum(at.hour >= 18 for at in opened) / len(opened),
    }


def golden(rows: Sequence[Row], customer: str, day: int) -> dict[str, float]:
    known = Known(rows, customer, day)
    return btyd_and_rhythm(known) | orders_and_money(known) | goods_and_returns(known) | calendar(known)


def golden_outcome(rows: Sequence[Row], customer: str, cutoff: int, horizon: int) -> tuple[float, int, float]:
    known = Known(rows, customer, cutoff + horizon)
    order_days = sum(day > cutoff for day in known.days)
    return float(order_days > 0), order_days, known.net(cutoff + 1)


# Days 0 ... 420; two orders on day 30, one on two days (60 and 61), a free one, one cancelled on day 130.
HISTORY = [
    line("a", "1", 0, 20.0, product_id="p1", category="c1", discount=2.0, cost=8.0, channel="web"),
    line("a", "1", 0, 5.5, line=2, quantity=3.0, product_id="p2", category="c1", coupon="TEN", channel="web"),
    line("a", "2", 30, 12.25, product_id="p1", category="c1", cost=6.0, channel="shop", minute=1100),
    line("a", "3", 30, 0.0, product_id="p3", category="c2", minute=1200),
    line("a", "4", 60, 40.0, minute=1439, product_id="p2", category="c1", discount=10.0),
    line("a", "4", 61, 4.0, minute=1, line=2),
    line("a", "5", 120, 99.0, cancelled_day=130, product_id="p4", category="c3", channel="phone"),
    taken_back("a", "5", 130, 99.0, reverses=True, product_id="p4"),
    taken_back("a", "2", 131, 12.25),
    line("a", "6", 310, 8.0, quantity=2.0, product_id="p4", category="c3", minute=30),
    line("b", "7", 125, 1.0),
]


@pytest.mark.parametrize("day", [0, 29, 30, 61, 119, 120, 129, 130, 131, 309, 310, 399, 420])
def test_all_features_of_a_literal_history_equal_plain_loops(day: int) -> None:
    table = CATALOG.compute(history_of(HISTORY), day)
    found = {name: float(values[0]) for name, values in table.columns.items()}
    assert found == pytest.approx(golden(HISTORY, "a", day), rel=1e-9, abs=1e-9, nan_ok=True)


@SOME
@given(shops(), DAY)
def test_all_features_of_any_shop_equal_plain_loops(rows: list[Row], day: int) -> None:
    table = CATALOG.compute(history_of(rows), day)
    for i, customer in enumerate(table.customer_id):
        found = {name: float(values[i]) for name, values in table.columns.items()}
        assert found == pytest.approx(golden(rows, customer, day), rel=1e-7, abs=1e-6, nan_ok=True)


def test_the_second_way_covers_the_whole_catalogue() -> None:
    assert set(golden(HISTORY, "a", 420)) == {one.name for one in CATALOG}


def test_some_features_of_a_literal_history_equal_numbers_worked_out_by_hand() -> None:
    table = CATALOG.compute(history_of(HISTORY), 320)
    found = {name: float(values[0]) for name, values in table.columns.items()}
    assert (found["orders"], found["frequency"], found["recency"], found["tenure"]) == (5, 3, 310, 320)
    assert (found["gap_first"], found["gap_last"], found["gap_longest"]) == (30, 250, 250)
    assert found["monetary_value"] == (25.5 + 12.25 + 40 + 8) / 4  # 4.00 of day 61 lies on no order day
    assert found["spend"] == 25.5 + 12.25 + 40 + 4 + 8 - 12.25
    assert (found["products"], found["new_products_90d"], found["cancellations"]) == (4, 1, 1)
    assert found["refund_share"] == (99 + 12.25) / (89.75 + 99 + 12.25)


@pytest.mark.parametrize("cutoff", [0, 29, 30, 90, 99, 100, 119, 120, 129])
@pytest.mark.parametrize("horizon", [1, 30, 200])
def test_outcomes_of_a_literal_history_equal_plain_loops(cutoff: int, horizon: int) -> None:
    found = outcome_at(history_of(HISTORY), np.array([0, 1]), cutoff, horizon)
    for i, customer in enumerate("ab"):
        row = (found.bought[i], found.order_days[i], found.value[i])
        assert row == pytest.approx(golden_outcome(HISTORY, customer, cutoff, horizon))


@SOME
@given(shops(), DAY, DAY.map(lambda day: day + 1))
def test_outcomes_of_any_shop_equal_plain_loops(rows: list[Row], cutoff: int, horizon: int) -> None:
    history = history_of(rows)
    found = outcome_at(history, np.arange(len(history.customer_ids)), cutoff, horizon)
    for i, customer in enumerate(history.customer_ids):
        row = (found.bought[i], found.order_days[i], found.value[i])
        assert row == pytest.approx(golden_outcome(rows, customer, cutoff, horizon), rel=1e-9, abs=1e-6)


def test_the_spread_of_large_amounts_keeps_its_digits() -> None:
    amounts = [5e7 + cents / 100 for cents in (1, 2, 4, 4)]
    rows = [line("a", str(day), day, amount) for day, amount in enumerate(amounts)]
    found = CATALOG.pick(["amount_deviation"]).compute(history_of(rows), 9).columns["amount_deviation"]
    assert found.tolist() == pytest.approx([statistics.pstdev(amounts)], rel=1e-5)


def test_the_spread_of_equal_amounts_is_zero() -> None:
    rows = [line("a", str(day), day, 0.1) for day in range(9)]
    found = CATALOG.pick(["amount_deviation"]).compute(history_of(rows), 9).columns["amount_deviation"]
    assert found.tolist() == [0]
