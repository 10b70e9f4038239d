"""Numbers worked out by hand, and outcomes computed a second way. Features family by family: tests/features/catalog."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given

from features.catalog import CATALOG
from features.panel import outcome_at
from tests.features.catalog.plain import Known
from tests.features.shops import DAY, SOME, Row, Shop, history_of, line, shops, taken_back


def golden_outcome(rows: Sequence[Row], customer: str, cutoff: int, horizon: int) -> tuple[float, int, float]:
    known = Known(Shop(list(rows)), customer, cutoff + horizon)
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


def test_some_features_of_a_literal_history_equal_numbers_worked_out_by_hand() -> None:
    history = history_of(HISTORY)
    table = CATALOG.available(history.optional).compute(history, 320)
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
