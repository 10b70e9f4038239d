"""What is bought together, counted a second way."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest

from campaigns.products.affinity import bought_together, lift_of, neighbours
from campaigns.products.goods import Goods
from campaigns.sales import Sales
from contracts.errors import ContractError
from tests import worlds
from tests.campaigns.products.small_shop import END, basket, sales_of
from tests.features.shops import Row


def rows_of(baskets: Mapping[str, tuple[str, ...]], *, day: int = END) -> list[Row]:
    return [row for who, products in baskets.items() for row in basket(who, who, day, *products)]


def test_pairs_are_what_plain_loops_count() -> None:
    sales = Sales.of(worlds.history(), worlds.AS_OF)
    goods = Goods.of(sales)
    baskets: dict[int, set[int]] = {}
    for order, day, product in zip(sales.order, sales.orders.day[sales.order], goods.product, strict=True):
        if day > worlds.AS_OF - 365:
            baskets.setdefault(int(order), set()).add(int(product))
    both = Counter(pair for held in baskets.values() for pair in itertools.combinations(sorted(held), 2))
    ids, found = goods.ids.to_pylist(), bought_together(goods, least_support=5)
    told = {(row["product_a"], row["product_b"]): row["orders_both"] for row in found.table.to_pylist()}
    assert told == {(ids[a], ids[b]): count for (a, b), count in both.items() if count >= 5}
    assert found.orders == len(baskets)


def test_the_lift_is_the_share_of_both_over_that_by_chance() -> None:
    shop = {f"c{number}": ("a", "b") for number in range(10)} | {f"d{number}": ("e",) for number in range(30)}
    (row,) = bought_together(Goods.of(sales_of(rows_of(shop)))).table.to_pylist()
    assert (row["lift"], row["support"], row["confidence_ab"]) == pytest.approx((4.0, 0.25, 1.0))
    assert row["lift_lower"] < 4.0 < row["lift_upper"]


def test_the_interval_of_the_lift_holds_the_truth_nineteen_times_of_twenty() -> None:
    chance = np.random.default_rng(3)
    p = np.array([0.04, 0.06, 0.11, 0.79])
    cells = chance.multinomial(2_000, p, size=4_000)
    both, a, b = cells[:, 0], cells[:, 0] + cells[:, 1], cells[:, 0] + cells[:, 2]
    _, lower, upper = lift_of(both.astype(float), a.astype(float), b.astype(float), 2_000)
    truth = 0.04 / (0.10 * 0.15)
    assert ((lower <= truth) & (truth <= upper)).mean() == pytest.approx(0.95, abs=0.015)


def test_pairs_with_little_support_and_orders_that_are_stock_are_left_out() -> None:
    stock = {"big": tuple(f"p{number:03d}" for number in range(101))}
    found = bought_together(Goods.of(sales_of(rows_of({f"c{n}": ("a", "b") for n in range(9)} | stock))))
    assert (found.table.num_rows, found.orders, found.left_out) == (0, 9, 1)


def test_nearness_is_the_shrunk_cosine_of_recent_weights() -> None:
    rows = rows_of({"anna": ("a", "b"), "bert": ("a", "b"), "carl": ("a",)}) + basket(
        "dora", "9", END - 30, "a", "b"
    )
    goods = Goods.of(sales_of(rows))
    near = neighbours(goods.purchases, np.array([1]), half_life_days=30, shrink=2.0, keep=5).toarray()
    cosine = (1 + 1 + 0.25) / (math.sqrt((3 + 0.25) * (2 + 0.25)) + 2.0)
    assert near.tolist() == [[pytest.approx(cosine)], [0.0]]


def test_only_the_nearest_are_kept() -> None:
    goods = Goods.of(sales_of(rows_of({"anna": ("a", "b", "c"), "bert": ("a", "b")})))
    near = neighbours(goods.purchases, np.array([0]), half_life_days=30, shrink=2.0, keep=1).toarray()
    assert near[:, 0].nonzero()[0].tolist() == [1]
    with pytest.raises(ContractError, match="at least 1"):
        neighbours(goods.purchases, np.array([0]), half_life_days=30, shrink=2.0, keep=0)
