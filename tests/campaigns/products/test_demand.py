"""What is asked for now, what is gone."""

from __future__ import annotations

import numpy as np

from campaigns.products.demand import Demand, is_gone, rank_in, sale_days
from campaigns.products.goods import Goods
from tests.campaigns.products.small_shop import END, basket, sales_of
from tests.features.shops import Row


def sold_on(product: str, *ages: int) -> list[Row]:
    return [row for age in ages for row in basket("anna", f"{product}{age}", END - age, product)]


def test_a_product_is_gone_after_sixty_days_unless_it_was_always_sold_rarely() -> None:
    rows = [*sold_on("daily", 62, 61, 60), *sold_on("rare", 320, 190, 60), *sold_on("once", 60)]
    goods = Goods.of(sales_of([*rows, *sold_on("now", 0)]))
    assert dict(zip(goods.ids.to_pylist(), is_gone(goods).tolist(), strict=True)) == {
        "daily": True, "now": False, "once": True, "rare": False,
    }  # fmt: skip


def test_sale_days_are_the_first_the_last_and_how_many() -> None:
    goods = Goods.of(sales_of([*sold_on("tea", 9, 4, 1), *basket("bert", "b", END - 9, "tea", "milk")]))
    assert [days.tolist() for days in sale_days(goods)] == [[END - 9, END - 9], [END - 9, END - 1], [1, 3]]


def test_demand_halves_with_each_half_life_and_first_purchases_are_counted_apart() -> None:
    goods = Goods.of(sales_of([*sold_on("tea", 20, 10, 0)]))
    demand = Demand.of(goods, half_life_days=10, new_half_life_days=20)
    assert (demand.sold.tolist(), demand.to_new_buyers.tolist()) == ([1.75], [0.5])


def test_ranks_begin_anew_in_each_group_and_ties_keep_their_order() -> None:
    ranks = rank_in(np.array([1, 0, 1, 0, 1]), np.array([2.0, 5.0, 3.0, 5.0, 2.0]))
    assert ranks.tolist() == [2, 1, 1, 2, 3]
