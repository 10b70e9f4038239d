"""Where the revenue comes from: the tree, the best customers, a point of retention."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.diagnosis.retention import Returned
from campaigns.diagnosis.revenue import (
    FACTORS,
    Branches,
    concentration,
    contributions,
    point_of_retention,
    trees,
)
from campaigns.diagnosis.shares import Share
from tests.campaigns.diagnosis.small import SHOPS, real, sales_of, sales_of_rows
from tests.features.shops import line

POSITIVE = st.floats(0.01, 1e6)
FOUR = st.tuples(POSITIVE, POSITIVE, POSITIVE, POSITIVE)


def branches(factors: tuple[float, float, float, float]) -> Branches:
    return Branches(0, 1, math.prod(factors), *factors)


def test_revenue_is_the_product_of_its_four_factors() -> None:
    rows = [
        line("a", "1", 95, 12.0, quantity=3.0),
        line("a", "2", 99, 8.0),
        line("b", "3", 100, 4.0, quantity=2.0),
    ]
    (tree,) = trees(sales_of_rows([*rows, line("a", "0", 85, 6.0)], 100), length=8)
    now = tree.now
    assert (now.customers, now.frequency, now.basket, now.price) == (2.0, 1.5, 2.0, 4.0)
    assert (now.revenue, tree.before.revenue) == (24.0, 6.0)


@given(FOUR, FOUR)
def test_the_contributions_add_up_to_the_change(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    before, now = branches(a), branches(b)  # type: ignore[arg-type]
    parts = contributions(before, now)
    largest = max(now.revenue, before.revenue)
    assert sum(parts.values()) == pytest.approx(now.revenue - before.revenue, abs=1e-9 * largest)


def test_a_factor_that_did_not_change_added_nothing_and_equal_ones_share_alike() -> None:
    parts = contributions(branches((10.0, 1.0, 2.0, 5.0)), branches((20.0, 2.0, 2.0, 5.0)))
    assert parts == pytest.approx({"customers": 150.0, "frequency": 150.0, "basket": 0.0, "price": 0.0})


def test_without_revenue_in_one_period_no_factor_is_named() -> None:
    (tree,) = trees(sales_of({"a": [1, 25]}, 30), length=10)
    assert (tree.change, tree.parts) == (10.0, {})


def test_the_same_days_of_the_year_before_stand_beside_the_period_before() -> None:
    found = trees(sales_of({"a": [0, 400, 460]}, 460), length=30)
    assert [(one.name, one.before.end) for one in found] == [
        ("the days before", 430),
        ("the same days a year before", 95),
    ]


@pytest.mark.parametrize("shop", SHOPS)
def test_on_real_shops_the_parts_add_up_to_the_change(shop: str) -> None:
    for tree in trees(real(shop), length=90):
        assert set(tree.parts) == set(FACTORS)
        assert sum(tree.parts.values()) == pytest.approx(tree.change, rel=1e-9)


# ---------------------------------------------------------------- the best customers
def test_the_best_tenth_is_counted_from_the_customers_of_the_last_days() -> None:
    rows = [line(f"c{n}", f"c{n}", 400, 100.0 if n == 0 else 10.0) for n in range(10)]
    found = concentration(sales_of_rows([*rows, line("old", "old", 1, 9999.0)], 400))
    assert (found.customers, found.revenue) == (10, 190.0)
    assert found.shares[0.1] == pytest.approx(100 / 190) and found.half == 0.1
    assert (found.up[0], found.up[-1]) == (0.0, 1.0)


def test_free_orders_alone_have_no_best_customers() -> None:
    found = concentration(sales_of_rows([line("a", "1", 10, 0.0)], 20))
    assert found.shares == {} and math.isnan(found.half)


# ---------------------------------------------------------------- a point of retention
def test_a_point_is_worth_what_one_of_a_hundred_more_would_spend_in_a_year() -> None:
    periods = (
        Returned(0, 73, Share.of_counts(40, 100), 800.0),
        Returned(0, 73, Share.of_counts(60, 300), 1200.0),
    )
    found = point_of_retention(periods)
    assert found is not None
    assert (found.active, found.spent, found.periods) == (200.0, 20.0, 2)
    assert found.worth == pytest.approx(0.01 * 200 * 20 * 5)


def test_only_the_periods_of_the_last_year_count() -> None:
    last = [Returned(0, 180, Share.of_counts(1, 10), 5.0)] * 2
    found = point_of_retention((*last, Returned(0, 180, Share.of_counts(9, 10), 900.0)))
    assert found is not None and (found.periods, found.spent) == (2, 5.0)


def test_where_nobody_came_back_it_is_not_known() -> None:
    assert point_of_retention(()) is None
    assert point_of_retention((Returned(0, 90, Share.of_counts(0, 10), 0.0),)) is None
