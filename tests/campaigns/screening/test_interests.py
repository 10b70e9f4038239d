"""What a customer buys more often than the shop."""

from __future__ import annotations

from campaigns.screening.interests import interests_of
from tests.campaigns.screening.bases import base_of, orders

BOOKS = orders("books", range(900, 906), category="books")
MIXED = orders("mixed", range(900, 906), category="toys") + orders("mixed", range(910, 914), category="books")


def test_an_interest_is_bought_more_often_than_in_the_shop() -> None:
    found = interests_of(base_of(BOOKS + MIXED).sales)
    assert found is not None
    assert found.names(2).to_pylist() == [["books"], ["toys"]]
    assert found.first(2).to_pylist() == ["books", "toys"]


def test_the_lift_is_shrunk_to_the_shops_share() -> None:
    found = interests_of(base_of(BOOKS + MIXED).sales)
    assert found is not None
    share = 10 / 16  # of the shop's orders
    assert abs(found.lift[0] - (6 + 3 * share) / (6 + 3) / share) < 1e-12


def test_one_order_is_no_interest() -> None:
    found = interests_of(base_of(orders("a", [900], category="rare") + MIXED).sales)
    assert found is not None
    assert found.names(2).to_pylist()[0] == []


def test_lines_of_one_order_count_once() -> None:
    twice = [{**row, "line": 2} for row in orders("a", [900], category="rare")]
    found = interests_of(base_of(orders("a", [900], category="rare") + twice + MIXED).sales)
    assert found is not None
    assert found.first(2).to_pylist()[0] is None


def test_at_most_three_are_named_the_strongest_first() -> None:
    many = [
        one
        for k, name in enumerate("abcd")
        for one in orders("x", range(100 * k, 100 * k + 3 + k), category=name)
    ]
    crowd = [one for k in range(20) for one in orders(f"y{k}", [900, 910], category="other")]
    found = interests_of(base_of(many + crowd).sales)
    assert found is not None
    assert found.names(21).to_pylist()[0] == ["d", "c", "b"]


def test_orders_without_categories_have_no_interests() -> None:
    found = interests_of(base_of(orders("a", [900, 910])).sales)
    assert found is None or len(found.customer) == 0
