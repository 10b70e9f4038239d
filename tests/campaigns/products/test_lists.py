"""The two lists: what is new, what sells best."""

from __future__ import annotations

from campaigns.products.demand import Demand
from campaigns.products.goods import Goods
from campaigns.products.lists import bestsellers, new_products, new_products_note
from tests.campaigns.products.small_shop import END, basket, sales_of
from tests.features.shops import Row

OLD = basket("anna", "0", END - 200, "tea", category="drinks")


def goods_of(*baskets: list[Row]) -> tuple[Goods, Demand]:
    goods = Goods.of(sales_of([row for one in baskets for row in one]))
    return goods, Demand.of(goods, half_life_days=10, new_half_life_days=7)


def test_new_is_what_was_first_sold_in_the_last_sixty_days() -> None:
    goods, demand = goods_of(
        OLD,
        basket("bert", "1", END - 60, "mate"),
        basket("carl", "2", END - 59, "chai"),
        basket("dora", "3", END, "tea", "milk"),
    )
    rows = new_products(goods, demand).to_pylist()
    assert [(row["rank"], row["product_id"], row["days_on_sale"]) for row in rows] == [
        (1, "milk", 1),
        (2, "chai", 60),
    ]


def test_nothing_is_new_where_orders_are_known_for_too_short() -> None:
    goods, demand = goods_of(basket("anna", "1", END - 20, "tea"), basket("bert", "2", END, "milk"))
    assert new_products(goods, demand).num_rows == 0
    assert "cannot be told before 1972-07-29" in (new_products_note(goods) or "")


def test_bestsellers_are_ranked_by_customers_of_the_last_days_and_then_by_orders() -> None:
    goods, demand = goods_of(
        OLD,
        basket("anna", "1", END, "tea", "milk", category="drinks"),
        basket("bert", "2", END - 3, "tea", category="drinks"),
        basket("bert", "3", END - 2, "tea", category="drinks"),
        basket("bert", "4", END - 29, "cake", category="food"),
        basket("carl", "5", END - 30, "cake", category="food"),
    )
    told = bestsellers(goods, demand).select(["list", "rank", "product_id", "customers_30d", "orders_30d"])
    assert [tuple(row.values()) for row in told.to_pylist()] == [
        ("whole shop", 1, "tea", 2, 3),
        ("whole shop", 2, "cake", 1, 1),
        ("whole shop", 3, "milk", 1, 1),
        ("drinks", 1, "tea", 2, 3),
        ("drinks", 2, "milk", 1, 1),
        ("food", 1, "cake", 1, 1),
    ]


def test_each_list_holds_no_more_than_asked() -> None:
    goods, demand = goods_of(OLD, basket("anna", "1", END, "tea", "milk", "cake", "pie"))
    assert bestsellers(goods, demand, most=2)["rank"].to_pylist()[:2] == [1, 2]
    assert bestsellers(goods, demand, most=2)["list"].to_pylist().count("whole shop") == 2
