"""Events and attributes: counted from their own day, known from the day on which they were."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contracts.errors import ContractError, DeclarationError
from contracts.tables import CUSTOMERS, EVENTS
from features.kernel.history import History
from features.kernel.past import Past
from tests.features.test_properties import history_of, line

LINES = history_of([line("a", "1", 5, 1.0), line("b", "2", 5, 1.0, cancelled_day=8), line("b", "3", 6, 1.0)])
SEEN = [
    ("a", 3, "email_open"),
    ("a", 3, "email_open"),
    ("a", 9, "visit"),
    ("aa", 4, "visit"),
    ("b", 7, "email_open"),
]


def events(rows: list[tuple[str, int, str]]) -> pa.Table:
    values = [
        {"customer_id": who, "day": day, "kind": kind, "occurred_at": datetime(1970, 1, 1)}
        for who, day, kind in rows
    ]
    return pa.Table.from_pylist(values, schema=EVENTS)


def with_events(rows: list[tuple[str, int, str]]) -> History:
    return History.from_lines(LINES.lines.table, events=events(rows))


def with_customers(*rows: dict[str, Any], columns: tuple[str, ...] = tuple(CUSTOMERS.names)) -> History:
    table = pa.Table.from_pylist(list(rows), schema=CUSTOMERS).select(list(columns))
    return History.from_lines(LINES.lines.table, customers=table)


def test_events_are_counted_by_kind_in_windows() -> None:
    history = with_events(SEEN)
    assert "events" in history.optional
    assert Past(history, 7).sum("events.email_open").tolist() == [2, 1]
    assert Past(history, 9).sum("events.email_open", days=3).tolist() == [0, 1]
    assert Past(history, 9).sum("events.visit").tolist() == [1, 0]


def test_a_known_kind_that_never_happened_is_zero_and_an_unknown_one_is_refused() -> None:
    history = with_events(SEEN)
    assert Past(history, 9).sum("events.cart_add").tolist() == [0, 0]
    with pytest.raises(DeclarationError, match=r"no column 'events\.email_opened'"):
        Past(history, 9).sum("events.email_opened")


def test_without_events_their_columns_are_refused() -> None:
    with pytest.raises(DeclarationError, match=r"no column 'events\.visit'"):
        Past(LINES, 9).sum("events.visit")


def test_the_last_day_of_an_event_is_the_last_one_so_far() -> None:
    history = with_events(SEEN)
    np.testing.assert_array_equal(Past(history, 6).last_day_of("events.email_open"), [3, np.nan])
    np.testing.assert_array_equal(Past(history, 9).last_day_of("events.email_open"), [3, 7])
    np.testing.assert_array_equal(Past(history, 9).last_day_of("returns"), [np.nan, np.nan])


def test_events_of_people_without_order_lines_are_left_out() -> None:
    with_others = with_events([("", 1, "visit"), *SEEN, ("z", 1, "visit")])
    assert Past(with_others, 9).sum("events.visit").tolist() == [1, 0]
    assert Past(with_events([("z", 1, "visit")]), 9).sum("events.visit").tolist() == [0, 0]


def test_some_customers_keep_their_events() -> None:
    some = with_events(SEEN).of_customers(np.array([1]))
    assert Past(some, 9).sum("events.email_open").tolist() == [1]


@pytest.mark.parametrize("rows", [[SEEN[4], SEEN[0]], [SEEN[2], SEEN[0]], [SEEN[0], SEEN[4], SEEN[2]]])
def test_unsorted_events_are_a_contract_error(rows: list[tuple[str, int, str]]) -> None:
    with pytest.raises(ContractError, match="events are not sorted"):
        with_events(rows)


def test_attributes_are_known_from_their_day_on() -> None:
    history = with_customers(
        {"customer_id": "a", "known_day": 7, "region": "north", "signed_up_day": 2, "consent_email": True},
        {"customer_id": "b", "region": "south", "consent_email": False},
    )
    early, late = Past(history, 6), Past(history, 7)
    np.testing.assert_array_equal(early.number("signed_up_day"), [np.nan, np.nan])
    np.testing.assert_array_equal(late.number("signed_up_day"), [2, np.nan])
    np.testing.assert_array_equal(late.number("consent_email"), [1, 0])
    assert [history.attributes is not None, early.code("region")[0]] == [True, -1]
    texts = late.text("customers.region").texts
    assert [texts[code] for code in late.code("region")] == ["north", "south"]


def test_age_is_that_of_the_day_by_the_birth_date_or_as_told() -> None:
    history = with_customers(
        {"customer_id": "a", "birth_date": date(1950, 1, 1), "age": 3.0},
        {"customer_id": "b", "known_day": 10, "age": 40.0},
    )
    assert Past(history, 10).number("age").tolist() == pytest.approx([20.03, 40], abs=0.01)
    assert Past(history, 375).number("age").tolist() == pytest.approx([21.03, 41], abs=0.01)


def test_attributes_of_unknown_people_are_undefined() -> None:
    past = Past(with_customers({"customer_id": "zz", "age": 3.0, "gender": "f"}), 9)
    assert np.isnan(past.number("age")).all()
    assert past.code("gender").tolist() == [-1, -1]


def test_what_is_present_is_named_by_table() -> None:
    history = with_customers({"customer_id": "a"}, columns=("customer_id", "known_day", "region"))
    assert {name for name in history.optional if name.startswith("customers.")} == {"customers.region"}


def test_an_unknown_attribute_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(DeclarationError, match="no 'regoin', did you mean 'region'"):
        Past(with_customers({"customer_id": "a"}), 9).code("regoin")


def test_a_customer_who_stands_twice_is_a_contract_error() -> None:
    with pytest.raises(ContractError, match="more than once"):
        with_customers({"customer_id": "a"}, {"customer_id": "a"})
