"""Triggers, tiers and sending rules as declared: what a marketer may write, and what is refused with the fix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from campaigns.triggers.columns import known_columns
from campaigns.triggers.loyalty import read_tiers
from campaigns.triggers.sending import ContactDays, SendRules, closed_days, read_send_rules, send_days
from campaigns.triggers.starts import STARTS
from campaigns.triggers.trigger import Trigger, read_triggers
from contracts.errors import DeclarationError
from tests.campaigns.screening.bases import base_of, contact, event, orders

GOOD = "label = 'T'\nsays = 't'\nstart = 'order'\noffers = ['none']\npriority = 5\n"


def read(folder: Path, text: str) -> tuple[Trigger, ...]:
    path = folder / "my.toml"
    path.write_text(text)
    return read_triggers(path, starts=STARTS, columns=known_columns())


def test_ours_have_all_the_ladders_of_a_shop_in_the_order_of_their_priority() -> None:
    ours = read_triggers(starts=STARTS, columns=known_columns())
    assert {one.name for one in ours} == {
        "welcome", "thank_you", "second_order", "replenishment", "cart_abandoned", "category_news", "anniversary",
        "birthday", "win_back", "review_request", "loyalty_reached", "subscription", "referral",
    }  # fmt: skip
    assert [one.priority for one in ours] == sorted({one.priority for one in ours})
    (second,) = (one for one in ours if one.name == "second_order")
    assert second.offsets == (20, 30, 40)


def test_a_marketers_new_trigger_is_one_entry(tmp_path: Path) -> None:
    text = f"[triggers.vip_thanks]\n{GOOD}entry = \"tier == 'focus' and order_days > 3\"\n"
    found = {one.name: one for one in read(tmp_path, text)}
    assert found["vip_thanks"].columns == {"tier", "order_days"}
    assert len(found) == 14


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "entry = 'order_day > 3'", r"\[triggers.x\].*'order_day'.*did you mean 'order_days'"),
        (GOOD + "exit = 'order_days >'", "exit: the rule"),
        (GOOD.replace("'order'", "'ordr'"), "did you mean 'order'"),
        (GOOD.replace("['none']", "['nome']"), "did you mean 'none'"),
        (GOOD.replace("['none']", "['none', 'small']"), "one number less of days"),
        (GOOD + "between = [0]\noffers2 = 1", "unknown key 'offers2'"),
        (GOOD + "channels = ['mail']", "did you mean 'email'"),
        (GOOD + "cooldown = -1", "cooldown is -1"),
        (GOOD + "wait = -90", "wait is -90"),
        (GOOD.replace("priority = 5\n", ""), "'priority' is missing"),
    ],
)
def test_a_trigger_that_cannot_work_is_refused_with_the_fix(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        read(tmp_path, f"[triggers.x]\n{text}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label = 'L'\nlevel = 3", "either spend"),
        ("label = 'L'\nlevel = 3\ntop = 2.0", "top is 2"),
        ("label = 'L'\nlevel = 1\ntop = 0.2", "same level"),
    ],
)
def test_a_tier_that_says_nothing_clear_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "my.toml"
    path.write_text(f"[loyalty.x]\n{text}\n")
    with pytest.raises(DeclarationError, match=message):
        read_tiers(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hour = 23", "lies in the quiet hours"),
        ("closed_weekdays = ['sonntag']", "no day of the week"),
        ("closed_dates = ['24.12.']", "not a date"),
        ("most_7d = 0", "at least 1"),
        ("quiet_from = 24", "0 to 23"),
    ],
)
def test_sending_rules_that_cannot_be_kept_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "my.toml"
    path.write_text(f"[sending.shop]\n{text}\n")
    with pytest.raises(DeclarationError, match=message):
        read_send_rules(path)


# ---------------------------------------------------------------- sending
def test_quiet_hours_may_lie_over_midnight_or_inside_the_day() -> None:
    assert np.flatnonzero(SendRules(quiet_from=21, quiet_until=8).open_hours).tolist() == list(range(8, 21))
    assert np.flatnonzero(~SendRules(quiet_from=12, quiet_until=14, hour=9).open_hours).tolist() == [12, 13]


def test_no_message_on_a_configured_date_and_none_on_holidays_without_a_country() -> None:
    rules = SendRules(closed_dates=("1970-01-03",))
    assert set(closed_days(rules, 0, 30, country=None)) == {2}


def test_a_message_waits_for_an_open_day_and_for_the_customers_own_weekday() -> None:
    # Day 3 was a Sunday, day 5 a Tuesday.
    rules, one = SendRules(closed_weekdays=("sunday",)), np.zeros(1, np.int64)
    assert send_days(one, np.array([3]), rules=rules).tolist() == [4]
    assert send_days(one, np.array([3]), rules=rules, weekday=np.array([1])).tolist() == [5]
    assert send_days(one, np.array([3]), rules=rules, closed=range(2, 20)).tolist() == [-1]


def test_caps_count_the_days_with_a_message_in_7_and_30_days() -> None:
    base = base_of(
        [*orders("a", [0]), *orders("b", [0])],
        contacts=[contact("a", day) for day in (10, 10, 12)],
        events=[event("b", "email_sent", day) for day in (1, 5, 9, 13, 17, 21)],
        as_of=30,
    )
    days = ContactDays.of(base)
    assert days is not None
    at = {name: [bool(days.full(np.array([k]), np.array([day]), SendRules())[0]) for day in (16, 17, 29, 31)]
          for k, name in enumerate("ab")}  # fmt: skip
    assert at == {"a": [True, False, False, False], "b": [False, False, True, False]}


def test_a_shop_that_logs_no_contacts_has_no_caps() -> None:
    assert ContactDays.of(base_of(orders("a", [0]), events=[event("a", "visit", 1)], as_of=9)) is None
