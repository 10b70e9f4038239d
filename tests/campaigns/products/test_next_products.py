"""The products that each customer may buy next, and why."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from campaigns.products.favour import Favour
from campaigns.products.goods import Goods
from campaigns.products.next_products import PICKS, Picker, Picks, next_products
from campaigns.products.roles import product_roles
from campaigns.sales import Sales
from contracts.errors import ContractError, DataError
from tests import worlds
from tests.campaigns.products.small_shop import END, basket, regulars, sales_of
from tests.features.shops import SOME, Row, line, shops, taken_back


def picked(picks: Picks, customer: str) -> dict[str, str]:
    """Return the reason of each product picked for a customer, best first."""
    rows = [row for row in picks.table().to_pylist() if row["customer_id"] == customer]
    return {row["product_id"]: row["reason"] for row in rows}


def simple(rows: list[Row], **options: object) -> Picks:
    return next_products(sales_of(rows), learn_chances=False, **options)  # type: ignore[arg-type]


OTHERS = [row for n in range(6) for row in basket(f"z{n}", f"z{n}", END - n, "milk", "cake")]


# ---------------------------------------------------------------- reasons
def test_what_is_bought_regularly_is_due_after_its_usual_gap() -> None:
    days = (END - 124, END - 94, END - 62, END - 31)
    rows = [row for n, day in enumerate(days) for row in basket("anna", str(n), day, "tea")]
    assert (
        picked(simple([*rows, *basket("bert", "9", END, "tea")]), "anna")["tea"]
        == "bought every 31 days, due"
    )


def test_before_its_time_it_is_not_due_and_long_after_it_is_overdue() -> None:
    def told(*ages: int) -> str:
        rows = [row for age in ages for row in basket("anna", str(age), END - age, "tea")]
        return picked(simple([*rows, *basket("bert", "b", END, "tea")]), "anna")["tea"]

    assert told(65, 35, 5) == "bought every 30 days, last 5 days ago"
    assert told(460, 430, 400) == "bought every 30 days, overdue, last 400 days ago"
    assert told(50, 20) == "bought twice, last 20 days ago"
    assert told(1) == "bought 1 day ago"


def test_a_product_bought_once_is_due_after_the_gap_of_others() -> None:
    rows = [*regulars(3, every=40, product="tea"), *basket("anna", "1", END - 38, "tea")]
    assert picked(simple(rows), "anna")["tea"] == "bought 38 days ago; usually bought again after 40 days"


def test_a_new_product_is_explained_by_what_it_goes_with() -> None:
    assert picked(simple([*OTHERS, *basket("anna", "1", END, "milk")]), "anna") == {
        "milk": "bought 0 days ago",
        "cake": "often bought with milk",
    }


def test_else_it_is_new_or_a_bestseller() -> None:
    old = [row for n in range(6) for row in basket(f"y{n}", f"y{n}", END - 100 - n, "pie", category="food")]
    again = [row for n in range(6) for row in basket(f"y{n}", f"x{n}", END - n, "pie", category="food")]
    fresh = [row for n in range(6) for row in basket(f"z{n}", f"z{n}", END - n, "cake", category="food")]
    told = picked(simple([*old, *again, *fresh, *basket("anna", "1", END - 300, "tea")]), "anna")
    assert told == {"pie": "bestseller in food", "cake": "new in food"}


# ---------------------------------------------------------------- what may be picked
def test_what_is_no_longer_sold_or_out_of_stock_is_not_picked() -> None:
    rows = [*OTHERS, *basket("anna", "1", END - 60, "tea"), *basket("bert", "2", END - 59, "mate")]
    assert set(picked(simple(rows), "anna")) == {"milk", "cake", "mate"}
    assert set(picked(simple(rows, exclude=("cake", "unheard-of")), "anna")) == {"milk", "mate"}


def test_what_a_customer_took_back_is_not_picked_for_that_customer() -> None:
    rows = [
        *OTHERS,
        *basket("anna", "1", END - 9, "milk"),
        *basket("bert", "2", END - 9, "milk"),
        taken_back("anna", "1", END - 3, 4.0, product_id="milk"),
    ]
    picks = simple(rows)
    assert "milk" not in picked(picks, "anna") and "milk" in picked(picks, "bert")


def test_some_picks_are_new_ones_even_where_chances_are_low() -> None:
    many = basket("anna", "1", END, *(f"p{n:02d}" for n in range(10)))
    picks = simple([*OTHERS, *many], k=6)
    mine = picks.customer == 0
    assert (mine.sum(), picks.new[mine].sum()) == (6, 2)
    assert simple([*OTHERS, *many], k=6, new_share=0.0).new[mine].sum() == 0


def test_a_stage_favours_what_suits_it() -> None:
    sales = Sales.of(worlds.history(), worlds.AS_OF)
    roles = product_roles(Goods.of(sales))
    stages = pa.array(["lost"] + [None] * (len(sales) - 1))
    demand = Picker.of(sales, learn_chances=False).candidates.demand
    favour = Favour.by_stage(roles.goods, demand, roles, stages)
    hot, cold = np.flatnonzero(roles.of("hot"))[:1], np.flatnonzero(roles.of("steady"))[:1]
    both = np.concatenate([hot, cold])
    assert favour.of(np.array([0, 0]), both).tolist() == [1.2, 1.0]
    assert favour.block(0, 2, both).tolist() == [[1.2, 1.0], [1.0, 1.0]]


def test_wrong_stages_and_wrong_numbers_are_refused() -> None:
    sales = sales_of(OTHERS)
    with pytest.raises(ContractError, match="did you mean 'lost'"):
        next_products(sales, lifecycle=["los", *[None] * (len(sales) - 1)])
    with pytest.raises(ContractError, match="1 stages were given for 6 customers"):
        next_products(sales, lifecycle=["lost"])
    with pytest.raises(ContractError, match="0 picks"):
        next_products(sales, k=0)


def test_orders_without_products_are_refused() -> None:
    with pytest.raises(DataError, match="no column product_id"):
        next_products(sales_of([line("anna", "1", 1, 5.0)], optional=()))


# ---------------------------------------------------------------- the whole
def test_picks_of_a_shop_are_ranked_once_each_and_repeat_only_what_was_bought() -> None:
    sales = Sales.of(worlds.history(), worlds.AS_OF)
    picks = next_products(sales, k=8)
    table, goods = picks.table(), Goods.of(sales)
    assert table.schema.equals(PICKS)
    bought = set(zip(goods.purchases.customer.tolist(), goods.purchases.product.tolist(), strict=True))
    pairs = list(zip(picks.customer.tolist(), picks.product.tolist(), strict=True))
    assert len(set(pairs)) == len(pairs)
    assert [pair in bought for pair in pairs] == (~picks.new).tolist()
    counts = np.bincount(picks.customer, minlength=len(sales))
    assert counts.max() == 8 and picks.rank.tolist() == [n + 1 for count in counts for n in range(count)]


def test_the_chance_falls_with_the_rank_and_is_a_chance() -> None:
    picks = next_products(Sales.of(worlds.history(), worlds.AS_OF), k=8)
    assert ((picks.chance > 0) & (picks.chance < 1)).all()
    same = np.diff(picks.customer) == 0
    assert (np.diff(picks.chance)[same] <= 0).all()


def test_some_customers_have_the_same_picks_as_among_all() -> None:
    picker = Picker.of(Sales.of(worlds.history(), worlds.AS_OF), k=5)
    alone, among = picker.picks(100, 130), Picks.stack(list(picker.parts()))
    rows = (among.customer >= 100) & (among.customer < 130)
    assert alone.product.tolist() == among.product[rows].tolist()
    assert alone.chance.tolist() == pytest.approx(among.chance[rows].tolist(), rel=1e-9)


@SOME
@given(shops())
def test_what_is_sold_later_changes_no_pick(rows: list[Row]) -> None:
    rows = [*rows, line("anna", "98", 1, 5.0, product_id="p2")]
    later = [
        *rows,
        line("zoe", "99", END + 1, 5.0, product_id="p0"),
        line("a", "97", END + 1, 5.0, product_id="p1"),
    ]
    before, after = (simple(some, k=3).table() for some in (rows, later))
    assert before.equals(after)
