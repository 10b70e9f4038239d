"""What followed the sending, counted from orders by a second, plain computation."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.results.log import Log
from campaigns.results.outcomes import as_written, from_orders
from campaigns.sales import Sales
from contracts.days import to_day
from contracts.errors import DataError
from tests.campaigns.results.contact_rows import SENT, contacts, order_lines, people

END = to_day(SENT) + 60


def bought(
    hours_after: float, amount: float = 10.0, *, window_days: int = 30, as_of: int = END
) -> tuple[float, float]:
    """Return whether customer a bought, and for how much, by one order so many hours after the sending."""
    log = Log.of(contacts([{"customer_id": "a"}]))
    lines = order_lines(
        [("a", datetime(2023, 1, 1), 5.0), ("a", SENT + timedelta(hours=hours_after), amount)]
    )
    found = from_orders(log, Sales.of_lines(lines, as_of), window_days=window_days)
    return float(found.customer_bought[0]), float(found.customer_revenue[0])


def test_an_order_before_the_sending_is_no_outcome() -> None:
    assert bought(-1) == (0.0, 0.0)


def test_an_order_counts_from_the_hour_of_the_sending_to_the_end_of_the_window() -> None:
    assert bought(0) == (1.0, 10.0)
    assert bought(30 * 24 - 1) == (1.0, 10.0)
    assert bought(30 * 24) == (0.0, 0.0)


def test_a_return_in_the_window_is_taken_off() -> None:
    log = Log.of(contacts([{"customer_id": "a"}]))
    lines = order_lines([("a", SENT + timedelta(days=1), 30.0), ("a", SENT + timedelta(days=5), -12.0)])
    found = from_orders(log, Sales.of_lines(lines, END), window_days=30)
    assert (found.customer_bought[0], found.customer_revenue[0]) == (1.0, 18.0)


def test_a_window_that_is_not_over_is_shortened_for_both_arms() -> None:
    log = Log.of(contacts([{"customer_id": "a"}, {"customer_id": "b", "arm": "control"}]))
    lines = order_lines([("a", SENT + timedelta(days=1), 30.0), ("b", SENT + timedelta(days=9), 12.0)])
    found = from_orders(log, Sales.of_lines(lines, to_day(SENT) + 9), window_days=30)
    assert found.days is not None and list(found.days) == [9]
    assert list(found.customer_bought) == [1.0, 0.0]


def test_a_campaign_of_today_has_no_outcome_yet() -> None:
    log = Log.of(contacts([{"customer_id": "a"}]))
    lines = order_lines([("a", SENT, 30.0)])
    assert not from_orders(log, Sales.of_lines(lines, to_day(SENT)), window_days=30).known.any()


def test_of_several_messages_the_last_one_before_an_order_has_it() -> None:
    log = Log.of(contacts([{"customer_id": "a"}, {"customer_id": "a", "sent_at": SENT + timedelta(days=7)}]))
    lines = order_lines([("a", SENT + timedelta(days=9), 30.0)])
    found = from_orders(log, Sales.of_lines(lines, END), window_days=30)
    assert list(found.bought) == [0.0, 1.0] and list(found.customer_bought) == [1.0]


def test_arms_logged_at_different_hours_count_the_whole_day() -> None:
    control = {"customer_id": "b", "arm": "control", "sent_at": datetime(2024, 3, 1)}
    log = Log.of(contacts([{"customer_id": "a"}, control]))
    lines = order_lines([("a", SENT - timedelta(hours=2), 30.0), ("b", SENT - timedelta(hours=2), 30.0)])
    found = from_orders(log, Sales.of_lines(lines, END), window_days=30)
    assert found.whole_days == {0} and list(found.customer_bought) == [1.0, 1.0]


def test_contacts_of_other_ids_than_the_orders_are_refused() -> None:
    lines = order_lines([("x", SENT, 30.0)])
    with pytest.raises(
        DataError, match="none of the 1 contacted customers is among the 1 customers with orders"
    ):
        from_orders(Log.of(contacts([{"customer_id": "a"}])), Sales.of_lines(lines, END), window_days=30)


def test_a_conversion_before_the_sending_does_not_count() -> None:
    early = {"customer_id": "a", "converted_at": SENT - timedelta(days=1), "revenue": 9.0}
    log = Log.of(contacts([early, *people("treated", 2, 1)]))
    found = as_written(log)
    assert found.customer_bought.sum() == 1 and found.customer_revenue.sum() == 10.0
    assert log.early.sum() == 1


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.integers(-200, 2000), st.integers(-5, 50)),
        min_size=1,
        max_size=40,
    ),
    st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 40)), min_size=1, max_size=12, unique=True),
)
def test_outcomes_are_those_of_plain_loops(
    orders: list[tuple[str, int, int]], sent: list[tuple[str, int]]
) -> None:
    lines = [(who, SENT + timedelta(hours=hours), float(paid)) for who, hours, paid in orders if paid >= 0]
    lines += [("a", SENT - timedelta(days=100), 1.0)]
    log = Log.of(
        contacts(
            [
                {"customer_id": "a"},
                *({"customer_id": w, "sent_at": SENT + timedelta(days=d)} for w, d in sent),
            ]
        )
    )
    as_of = to_day(SENT) + 200
    found = from_orders(log, Sales.of_lines(order_lines(lines), as_of), window_days=30)
    firsts = {"a": SENT} | {
        who: min(SENT + timedelta(days=d) for w, d in [*sent, ("a", 0)] if w == who) for who, _ in sent
    }
    inside = {
        who: [paid for w, at, paid in lines if w == who and first <= at < first + timedelta(days=30)]
        for who, first in firsts.items()
    }
    golden = [(float(bool(inside[who])), sum(inside[who])) for who in sorted(firsts)]
    names = [log.customer.texts[code] for code in log.customer.codes[log.first]]
    mine = sorted(zip(names, found.customer_bought, found.customer_revenue, strict=True))
    assert [one[1:] for one in mine] == [pytest.approx(pair) for pair in golden]
    assert np.all(found.revenue >= 0)
