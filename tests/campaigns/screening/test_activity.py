"""Active, low, silent."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns.screening.activity import LEVELS, activity_of
from tests.campaigns.screening.bases import AS_OF, base_of, event, orders
from tests.features.shops import Row

WEEKLY = orders("weekly", range(AS_OF - 340, AS_OF - 59, 7))  # 40 gaps of 7 days, silent for 60
YEARLY = orders("yearly", [AS_OF - 60 - 365 * k for k in (0, 1, 2)])


def levels(lines: list[Row], events: list[Row] | None = None, *, which: str = "level") -> dict[str, Any]:
    base = base_of(lines, events=events)
    found = activity_of(base.sales, base.events)
    return dict(zip(found.ids.to_pylist(), (LEVELS[code] for code in getattr(found, which)), strict=True))


def test_the_same_silence_is_much_to_one_and_little_to_another() -> None:
    assert levels(WEEKLY + YEARLY) == {"weekly": "silent", "yearly": "active"}


def test_a_gap_is_shrunk_to_the_shops_median_as_if_it_had_one_such_gap() -> None:
    once = orders("once", [AS_OF - 5])
    two = orders("two", [AS_OF - 30, AS_OF - 20])  # one gap of 10 days
    three = orders("three", [AS_OF - 80, AS_OF - 40, AS_OF])  # two gaps of 40 days
    base = base_of(once + two + three)
    found = activity_of(base.sales, None)
    assert found.shop_gap_days == 25.0
    assert found.gap_days.tolist() == [25.0, (25 + 80) / 3, (25 + 10) / 2]


def test_without_any_second_order_nothing_is_said() -> None:
    assert levels(orders("a", [AS_OF - 5]) + orders("b", [AS_OF - 900])) == {"a": "unknown", "b": "unknown"}


@pytest.mark.parametrize(("silent", "expected"), [(20, "active"), (21, "low"), (40, "low"), (41, "silent")])
def test_active_until_two_gaps_low_until_four(silent: int, expected: str) -> None:
    lines = orders("a", range(AS_OF - silent - 100, AS_OF - silent + 1, 10))
    assert levels(lines)["a"] == expected


def test_a_click_or_opens_on_two_days_make_an_active_reader() -> None:
    events = [event("weekly", "email_click", AS_OF - 89), event("yearly", "email_open", AS_OF)]
    assert levels(WEEKLY + YEARLY, events, which="by_email") == {"weekly": "active", "yearly": "low"}
    again = [*events, event("yearly", "email_open", AS_OF - 1)]
    assert levels(WEEKLY + YEARLY, again, which="by_email")["yearly"] == "active"


def test_opens_before_the_window_do_not_count() -> None:
    events = [event("weekly", "email_click", AS_OF - 90)]
    assert levels(WEEKLY, events, which="by_email") == {"weekly": "unknown"}


def test_three_unopened_emails_make_a_silent_reader_two_say_nothing() -> None:
    sent = [event("weekly", "email_sent", AS_OF - day) for day in (1, 2, 3)]
    assert levels(WEEKLY, sent, which="by_email") == {"weekly": "silent"}
    assert levels(WEEKLY, sent[:2], which="by_email") == {"weekly": "unknown"}


def test_an_active_reader_is_one_step_more_active_than_the_orders_say() -> None:
    clicks = [event(name, "email_click", AS_OF - 3) for name in ("weekly", "yearly")]
    assert levels(WEEKLY + YEARLY, clicks) == {"weekly": "low", "yearly": "active"}


def test_a_silent_reader_who_buys_is_active() -> None:
    sent = [event("yearly", "email_sent", AS_OF - day) for day in (1, 2, 3)]
    assert levels(YEARLY, sent) == {"yearly": "active"}


def test_active_for_long_needs_a_year() -> None:
    young = orders("young", [AS_OF - 100, AS_OF - 50, AS_OF - 1])
    found = activity_of(base_of(young + YEARLY).sales, None)
    assert dict(zip(found.ids.to_pylist(), found.for_long.tolist(), strict=True)) == {
        "yearly": True,
        "young": False,
    }


def test_events_of_strangers_and_of_other_customers_change_nothing() -> None:
    events = [event("nobody", "email_click", AS_OF - 3), event("yearly", "email_click", AS_OF - 3)]
    assert levels(WEEKLY + YEARLY, events, which="by_email") == {"weekly": "unknown", "yearly": "active"}
