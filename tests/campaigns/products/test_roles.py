"""Product roles: held against plain loops on a generated shop, and one by one on small ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache

import pytest

from campaigns.products.goods import Goods
from campaigns.products.roles import Roles, product_roles
from campaigns.sales import Sales
from contracts.errors import ContractError
from features.kernel.history import History
from tests import worlds
from tests.campaigns.products.small_shop import END, sales_of
from tests.features.shops import Row, line

FIGURES = (
    "reach", "orders", "first_basket_share", "orders_per_week", "trend_in_category", "margin_share", "price_level",
)  # fmt: skip


@cache
def world() -> tuple[Roles, list[Row]]:
    history: History = worlds.history()
    rows = [row for row in history.lines.table.to_pylist() if row["day"] <= worlds.AS_OF]
    standing = [
        row
        for row in rows
        if not row["returned"] and (row["cancelled_day"] is None or row["cancelled_day"] > worlds.AS_OF)
    ]
    return product_roles(Goods.of(Sales.of(history, worlds.AS_OF))), standing


def figures_by_loops(rows: list[Row], as_of: int) -> dict[str, dict[str, float | None]]:
    """Compute every figure once more, product by product."""
    first: dict[str, int] = {}
    for row in rows:
        first[row["customer_id"]] = min(first.get(row["customer_id"], 10**9), row["day"])
    category = {row["product_id"]: row["category"] for row in rows}
    late = [row for row in rows if row["day"] > as_of - 365]
    orders, firsts, now, then = (_empty(category) for _ in range(4))
    for row in rows:
        order, product = (row["customer_id"], row["order_id"]), row["product_id"]
        if row["day"] > as_of - 365:
            orders[product].add(order)
            if row["day"] == first[row["customer_id"]]:
                firsts[product].add(order)
        if row["day"] > as_of - 56:
            now[product].add(order)
        elif row["day"] > as_of - 112:
            then[product].add(order)
    return {
        product: {
            "reach": len({row["customer_id"] for row in late if row["product_id"] == product}),
            "orders": len(orders[product]),
            "first_basket_share": _share(product, category, firsts, orders),
            "orders_per_week": len(now[product]) / 8,
            "trend_in_category": _trend(product, category, now, then),
            "margin_share": _margin(late, product),
            "price_level": _price(late, product) / _median(
                [_price(late, one) for one in category if category[one] == category[product]]
            ),
        }
        for product in category
    }  # fmt: skip


Sets = dict[str, set[tuple[str, str]]]


def _empty(products: Iterable[str]) -> Sets:
    return {product: set() for product in products}


def _share(product: str, category: dict[str, str], firsts: Sets, orders: Sets) -> float:
    same = [one for one in category if category[one] == category[product]]
    usual = sum(len(firsts[one]) for one in same) / sum(len(orders[one]) for one in same)
    return (len(firsts[product]) + 20 * usual) / (len(orders[product]) + 20)


def _trend(product: str, category: dict[str, str], now: Sets, then: Sets) -> float:
    same = [one for one in category if category[one] == category[product]]
    usual = (sum(len(now[one]) for one in same) + 5) / (sum(len(then[one]) for one in same) + 5)
    return (len(now[product]) + 5) / (len(then[product]) + 5) / usual


def _margin(rows: list[Row], product: str) -> float | None:
    mine = [row for row in rows if row["product_id"] == product and row["cost"] is not None]
    paid = sum(row["amount"] for row in mine)
    return (paid - sum(row["cost"] for row in mine)) / paid if mine else None


def _price(rows: list[Row], product: str) -> float:
    mine = [row for row in rows if row["product_id"] == product]
    money = sum(row["amount"] + (row["discount"] or 0.0) for row in mine)
    return money / sum(row["quantity"] for row in mine)


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2


def role_by_loops(found: dict[str, dict[str, float | None]], same: list[str], product: str) -> str:
    """Judge one product beside the others of its category, by counting."""

    def standing(name: str) -> float:
        mine = found[product][name]
        if mine is None:
            return 0.0
        others = [value for one in same if (value := found[one][name]) is not None]
        return sum((value < mine) + (value <= mine) for value in others) / 2 / len(others)

    strength = {
        "traffic": standing("first_basket_share")
        * (standing("reach") > 0.6 and standing("first_basket_share") > 0.75),
        "hot": standing("orders_per_week")
        * (standing("orders_per_week") > 0.8 and (found[product]["trend_in_category"] or 0.0) >= 1),
        "profit": standing("margin_share")
        * (standing("margin_share") > 0.75 and standing("margin_per_week") > 0.5),
    }
    best = max(strength, key=lambda role: strength[role])
    if strength[best]:
        return best
    return "steady" if standing("reach") >= 0.5 else "long_tail"


def test_every_figure_is_what_plain_loops_say() -> None:
    roles, rows = world()
    told = {row["product_id"]: row for row in roles.table().to_pylist()}
    found = figures_by_loops(rows, worlds.AS_OF)
    assert set(told) == set(found)
    for product, figures in found.items():
        for name in FIGURES:
            assert told[product][name] == pytest.approx(figures[name]), (product, name)


def test_every_role_is_what_plain_loops_say() -> None:
    roles, rows = world()
    found = figures_by_loops(rows, worlds.AS_OF)
    weeks = min(365, worlds.AS_OF - min(row["day"] for row in rows) + 1) / 7
    late = [row for row in rows if row["day"] > worlds.AS_OF - 365 and row["cost"] is not None]
    for product, figures in found.items():
        earned = [row["amount"] - row["cost"] for row in late if row["product_id"] == product]
        figures["margin_per_week"] = sum(earned) / weeks if earned else None
    category = {row["product_id"]: row["category"] for row in rows}
    judged = [one for one, figures in found.items() if (figures["orders"] or 0) >= 20]
    told = {row["product_id"]: row["role"] for row in roles.table().to_pylist()}
    for product in judged:
        same = [one for one in judged if category[one] == category[product]]
        assert len(same) >= 8
        assert told[product] == role_by_loops(found, same, product), product
    assert {"traffic", "hot", "profit", "steady", "long_tail"} <= set(told.values())


# ---------------------------------------------------------------- one by one
def sold(
    product: str, *, orders: int, day: int = END, category: str = "tea", cost: float = 5.0
) -> Iterator[Row]:
    """Yield orders of different customers, each with an earlier order of something else."""
    for number in range(orders):
        who = f"{product}-{number}"
        yield line(who, f"{who}a", day - 400, 10.0, product_id="first", category="first")
        yield line(who, f"{who}b", day, 10.0, product_id=product, category=category, cost=cost)


def roles_of(
    *parts: Iterator[Row], optional: tuple[str, ...] = ("product_id", "category", "cost")
) -> dict[str, str]:
    rows = [row for part in parts for row in part]
    table = product_roles(Goods.of(sales_of(rows, optional=optional))).table()
    return dict(zip(table["product_id"].to_pylist(), table["role"].to_pylist(), strict=True))


def test_a_product_without_a_sale_for_sixty_days_is_gone() -> None:
    found = roles_of(sold("old", orders=30, day=END - 60), sold("now", orders=30, day=END - 59))
    assert (found["old"], found["now"] == "gone") == ("gone", False)


def test_too_few_orders_are_a_long_tail_whatever_they_earn() -> None:
    parts = [sold(f"p{number}", orders=25 + number) for number in range(10)]
    assert roles_of(*parts, sold("rare", orders=19, cost=0.1))["rare"] == "long_tail"


def test_the_best_margin_is_a_profit_item_and_unknown_costs_are_none() -> None:
    parts = [list(sold(f"p{n}", orders=30, cost=9.0 - n / 10, day=END)) for n in range(8)]
    best = list(sold("rich", orders=30, cost=1.0))
    assert roles_of(*map(iter, [*parts, best]))["rich"] == "profit"
    assert "profit" not in roles_of(*map(iter, [*parts, best]), optional=("product_id", "category")).values()


def test_a_small_category_is_compared_with_the_whole_shop() -> None:
    parts = [sold(f"p{number}", orders=25 + number) for number in range(9)]
    roles = product_roles(
        Goods.of(
            sales_of([row for part in (*parts, sold("lone", orders=40, category="odd")) for row in part])
        )
    )
    told = {row["product_id"]: row["compared_with"] for row in roles.table().to_pylist()}
    assert (told["lone"], told["p3"]) == ("whole shop", "tea")
    assert any("compared with the whole shop" in note for note in roles.notes)


def test_what_is_missing_is_said() -> None:
    roles = product_roles(Goods.of(sales_of(list(sold("p", orders=3)), optional=("product_id",))))
    assert not roles.profit_known
    assert [note.split(":")[0] for note in roles.notes[:2]] == [
        "The orders name no category",
        "No cost is known",
    ]


def test_an_unknown_role_is_refused() -> None:
    roles = product_roles(Goods.of(sales_of(list(sold("p", orders=3)))))
    with pytest.raises(ContractError, match="did you mean 'profit'"):
        roles.of("profits")
