"""Contacts as events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pyarrow as pa

from contracts.tables import CONTACTS, EVENTS
from features.tables.contact_events import events_of

AT = datetime(2024, 3, 1, 9)


def contact(**values: Any) -> dict[str, Any]:
    return {
        "campaign_id": "spring",
        "customer_id": "a",
        "sent_at": AT,
        "day": 19783,
        "arm": "treated",
        **values,
    }


def kinds(*contacts: dict[str, Any]) -> list[tuple[str, str]]:
    table = events_of(pa.Table.from_pylist(list(contacts), schema=CONTACTS))
    assert table.schema == EVENTS
    return list(zip(table["customer_id"].to_pylist(), table["kind"].to_pylist(), strict=True))


def test_an_e_mail_that_was_opened_and_clicked_is_three_events_at_their_times() -> None:
    opened, clicked = datetime(2024, 3, 2, 23, 59), datetime(2024, 3, 3)
    rows = [contact(opened_at=opened, clicked_at=clicked, channel="Email")]
    found = events_of(pa.Table.from_pylist(rows, schema=CONTACTS)).to_pylist()
    assert [(one["kind"], one["occurred_at"], one["day"]) for one in found] == [
        ("email_sent", AT, 19783), ("email_open", opened, 19784), ("email_click", clicked, 19785),
    ]  # fmt: skip
    assert {one["campaign_id"] for one in found} == {"spring"}


def test_nothing_was_sent_to_the_control_arm() -> None:
    assert kinds(contact(arm="control", opened_at=AT)) == []


def test_what_did_not_arrive_was_not_sent() -> None:
    assert kinds(contact(delivered=False), contact(customer_id="b", delivered=True)) == [("b", "email_sent")]


def test_other_channels_have_their_own_kinds() -> None:
    assert kinds(contact(channel="SMS", opened_at=AT, unsubscribed_at=AT)) == [
        ("a", "message_read"), ("a", "message_sent"), ("a", "unsubscribe"),
    ]  # fmt: skip


def test_events_are_sorted_by_customer_and_time() -> None:
    found = kinds(contact(customer_id="b"), contact(opened_at=datetime(2024, 2, 1)), contact(customer_id="B"))
    assert found == [("B", "email_sent"), ("a", "email_open"), ("a", "email_sent"), ("b", "email_sent")]


def test_no_contacts_are_no_events() -> None:
    assert kinds() == []
