"""The columns that rules ask for: what they say of small histories, and what they need."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from campaigns.base import Base
from campaigns.triggers.columns import COLUMNS, known_columns, known_on, lacking, trigger_columns
from campaigns.triggers.loyalty import read_tiers
from contracts.days import to_day
from contracts.errors import ContractError
from tests.campaigns.screening.bases import base_of, contact, event, orders
from tests.features.shops import Row, line, taken_back


def values(base: Base, *names: str) -> list[Any]:
    columns = trigger_columns(base, base.as_of)
    return [columns[name].tolist()[0] for name in names]


def test_rhythm_and_age_are_counted_in_days_up_to_the_end_of_as_of() -> None:
    base = base_of(orders("a", [0, 10, 20, 30]), as_of=42)
    names = (
        "days_since_first_order", "days_since_last_order", "order_days", "own_gap_days", "previous_gap_days",
        "regularity",
    )  # fmt: skip
    assert values(base, *names) == [42.0, 12.0, 4.0, 10.0, 10.0, 1.0]


def test_dates_ahead_are_zero_on_the_day() -> None:
    people = [{"customer_id": "a", "birth_date": date(1980, 6, 1)}]
    base = base_of(
        [line("a", "1", to_day(date(2020, 5, 20)), 5.0)], customers=people, as_of=to_day(date(2021, 5, 20))
    )
    assert values(base, "days_to_anniversary", "days_to_birthday") == [0.0, 12.0]


def test_the_next_product_that_is_due_counts_and_overdue_is_below_zero() -> None:
    rows = [line("a", f"{day}", day, 5.0, product_id="p") for day in (0, 30, 60)]
    assert values(base_of(rows, as_of=80), "replenishment_due_in_days") == [10.0]
    assert values(base_of(rows, as_of=95), "replenishment_due_in_days") == [-5.0]


def test_shares_of_returns_and_discounts_are_of_what_was_paid_and_of_the_orders() -> None:
    rows = [
        line("a", "1", 0, 80.0, discount=20.0),
        line("a", "2", 5, 20.0, discount=0.0),
        taken_back("a", "1", 9, 25.0, product_id="p"),
    ]
    base = base_of(rows, as_of=20)
    assert values(base, "returned_share", "days_since_return", "discounted_share") == [0.25, 11.0, 0.5]


def test_a_tier_is_reached_on_one_day_and_spend_is_that_of_a_year(tmp_path: Any) -> None:
    path = tmp_path / "own.toml"
    path.write_text("[loyalty.silver]\nlabel = 'S'\nlevel = 1\nspend = 50.0\n[loyalty.gold]\noff = true\n")
    base = base_of([line("a", "1", 3, 30.0), line("a", "2", 9, 30.0)], as_of=10)
    found = {}
    for day in (8, 9, 10):
        columns = trigger_columns(base, day, tiers=read_tiers(path))
        found[day] = [columns[name][0] for name in ("loyalty_reached", "loyalty_level", "spend_last_365")]
    assert found == {8: [0, 0, 30], 9: [1, 1, 60], 10: [0, 1, 60]}


def test_news_are_products_first_sold_lately_in_the_favourite_category() -> None:
    def sold(who: str, day: int, product: str, category: str = "c") -> Row:
        return line(who, f"{who}{day}{product}", day, 5.0, product_id=product, category=category)

    old = [sold("a", day, "p1") for day in (0, 1, 2)]
    new = [sold("b", 90, "n1"), sold("b", 91, "n2"), sold("b", 92, "n3", "d"), sold("b", 30, "n0")]
    columns = trigger_columns(base_of([*old, *new], as_of=100), 100)
    assert columns["favourite_category"].tolist() == ["c", "c"]
    assert columns["new_in_category_30d"].tolist() == [2.0, 2.0]


def test_opens_and_carts_come_from_events_up_to_the_day() -> None:
    events = [event("a", "email_open", 5), event("a", "email_click", 8), event("a", "cart_add", 12)]
    base = base_of(orders("a", [0]), events=events, as_of=20)
    assert values(base, "opens_90d", "days_since_open", "days_since_cart_abandon") == [2.0, 12.0, 8.0]
    assert trigger_columns(base, 6)["opens_90d"].tolist() == [1.0]


def test_a_column_that_the_shop_has_not_got_is_absent_with_what_it_needs() -> None:
    columns = trigger_columns(base_of(orders("a", [0]), as_of=5), 5)
    assert "opens_90d" not in columns and columns.absent["opens_90d"] == ("events",)
    with pytest.raises(KeyError, match=r"opens_90d needs events"):
        columns["opens_90d"]


def test_scores_are_found_by_customer_and_unknown_where_there_is_none() -> None:
    scores = pa.table({"customer_id": ["b"], "tier": ["focus"], "p_alive": [0.5]})
    columns = trigger_columns(base_of([*orders("a", [0]), *orders("b", [0])], as_of=5), 5, scores)
    assert columns["tier"].tolist() == [None, "focus"]
    assert columns["p_alive"].tolist()[1] == 0.5 and columns["p_alive"][0] != columns["p_alive"][0]


def test_every_column_has_one_value_per_customer_and_is_known_to_rules() -> None:
    rows = [*orders("a", [0, 30, 60], product_id="p", category="c"), *orders("b", [4], product_id="p")]
    people = [{"customer_id": "a", "birth_date": date(1950, 1, 1)}]
    base = base_of(rows, events=[event("a", "cart_add", 3)], customers=people, as_of=90)
    columns = trigger_columns(base, 90)
    assert lacking(base) == frozenset() and set(columns) == set(COLUMNS) <= known_columns()
    assert {name: len(columns[name]) for name in columns} == dict.fromkeys(COLUMNS, 2)


def test_the_base_of_an_earlier_day_knows_nothing_later() -> None:
    base = base_of(
        [*orders("a", [0, 9]), *orders("b", [9])],
        events=[event("a", "visit", 3), event("a", "visit", 9)],
        contacts=[contact("a", 9)],
        as_of=10,
    )
    early = known_on(base, 5)
    assert early.events is not None and early.contacts is not None
    assert (early.sales.ids.to_pylist(), early.events.num_rows, early.contacts.num_rows) == (["a"], 1, 0)
    with pytest.raises(ContractError, match="ends on day 10"):
        known_on(base, 11)
