"""Products, their categories, and who bought them when."""

from __future__ import annotations

import pytest
from hypothesis import given

from campaigns.products.goods import NO_CATEGORY, WHOLE_SHOP, Goods
from contracts.errors import DataError
from tests.campaigns.products.small_shop import sales_of
from tests.features.shops import SOME, Row, line, shops

ROWS = [
    line("anna", "1", 10, 20.0, product_id="q", category="tea"),
    line("anna", "2", 10, 5.0, product_id="q", category="tea", minute=700),
    line("anna", "3", 30, 5.0, product_id="p"),
    line("bert", "4", 12, 9.0, product_id="q", category="coffee"),
]


def test_two_orders_of_a_product_on_one_day_are_one_purchase() -> None:
    bought = Goods.of(sales_of(ROWS)).purchases
    rows = zip(bought.customer.tolist(), bought.product.tolist(), bought.day.tolist(), strict=True)
    assert list(rows) == [(0, 0, 30), (0, 1, 10), (1, 1, 12)]


def test_a_product_has_the_category_that_its_lines_name_most_often() -> None:
    goods = Goods.of(sales_of(ROWS))
    names = [goods.categories[place] for place in goods.category]
    assert (goods.ids.to_pylist(), names) == (["p", "q"], [NO_CATEGORY, "tea"])


def test_without_categories_the_whole_shop_is_one() -> None:
    goods = Goods.of(sales_of(ROWS, optional=("product_id",)))
    assert (goods.categories, goods.has_categories) == ((WHOLE_SHOP,), False)


@pytest.mark.parametrize("optional", [(), ("product_id",)])
def test_orders_without_products_are_refused_with_what_is_missing(optional: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="product_id"):
        Goods.of(sales_of([line("anna", "1", 10, 20.0)], optional=optional))


@SOME
@given(shops())
def test_what_is_sold_later_changes_no_purchase_of_before(rows: list[Row]) -> None:
    later = line("zoe", "99", 1000, 5.0, product_id="p0")
    rows = [*rows, line("anna", "98", 1, 5.0, product_id="p2")]
    before, after = (Goods.of(sales_of(some)) for some in (rows, [*rows, later]))
    assert before.ids.equals(after.ids)
    assert before.purchases.day.tolist() == after.purchases.day.tolist()
