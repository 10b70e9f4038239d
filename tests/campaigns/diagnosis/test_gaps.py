"""The time between orders, by order number."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from campaigns.diagnosis.gaps import ANY, gaps
from tests.campaigns.diagnosis.small import SHOPS, order_days, real, sales_of


def test_gaps_are_told_by_order_number_and_all_together() -> None:
    found = {one.after: one for one in gaps(sales_of({"a": [0, 10, 40], "b": [5, 25]}, 300))}
    assert (found["order 1"].median, found["order 1"].count, found["order 2"].median) == (15.0, 2, 30.0)
    assert (found[ANY].median, found[ANY].count, found[ANY].of) == (20.0, 3, 5)


def test_the_chance_of_the_next_order_counts_who_is_still_awaited() -> None:
    found = {one.after: one for one in gaps(sales_of({"a": [0, 10], "b": [0], "c": [280]}, 300))}
    assert found["order 1"].again == pytest.approx(
        1 / 3
    )  # 1 - (1 - 1/3): c leaves on day 20, after a ordered


def test_pooled_orders_have_no_interval_since_a_customer_counts_several_times() -> None:
    found = {one.after: one for one in gaps(sales_of({"a": list(range(0, 100, 10))}, 300))}
    assert "order 6 and later" in found and math.isnan(found["order 6 and later"].lower)
    assert math.isnan(found[ANY].upper) and not math.isnan(found["order 1"].upper)


def test_without_a_second_order_no_time_is_told() -> None:
    (first, every) = gaps(sales_of({"a": [0], "b": [3]}, 300))
    assert (first.count, every.count) == (0, 0) and math.isnan(every.median) and every.again == 0.0


@pytest.mark.parametrize("shop", SHOPS)
def test_the_quartiles_are_those_of_a_plain_loop_over_real_customers(shop: str) -> None:
    waits = [b - a for days in order_days(shop).values() for a, b in pairwise(days)]
    every = gaps(real(shop))[-1]
    assert every.count == len(waits)
    assert [every.quarter, every.median, every.three_quarters] == np.percentile(waits, [25, 50, 75]).tolist()
