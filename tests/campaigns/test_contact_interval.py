"""Contact intervals: messages from events and contacts, and the days to leave between two of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from campaigns.base import Base
from campaigns.contact_interval import ContactInterval, contact_intervals
from campaigns.messages import Messages
from campaigns.sales import Sales
from contracts.tables import CONTACTS, EVENTS
from features.kernel.codes import Text
from tests.features.shops import Row, history_of, line

AS_OF = 1000
SALES = Sales.of(history_of([line("anna", "1", 10, 20.0), line("bert", "2", 12, 9.0)]), AS_OF)


def at(day: int, hour: int = 12) -> datetime:
    return datetime(1970, 1, 1) + timedelta(days=day, hours=hour)


def event(customer: str, day: int, kind: str, hour: int = 12, **rest: Any) -> Row:
    return {"customer_id": customer, "occurred_at": at(day, hour), "day": day, "kind": kind, **rest}


def contact(customer: str, day: int, **rest: Any) -> Row:
    row = {"campaign_id": "c", "customer_id": customer, "sent_at": at(day), "day": day, "arm": "treated"}
    return {**row, **rest}


def base_of(*, events: list[Row] | None = None, contacts: list[Row] | None = None) -> Base:
    return Base(
        SALES,
        "EUR",
        "UTC",
        events=None if events is None else pa.Table.from_pylist(events, schema=EVENTS),
        contacts=None if contacts is None else pa.Table.from_pylist(contacts, schema=CONTACTS),
    )


def made(customer: Any, day: Any, clicked: Any, unsubscribed: Any, opened: Any = None) -> Messages:
    """Messages of plain columns, put in order."""
    rows = np.lexsort((day, customer))
    none = Text(np.full(len(rows), -1, np.int32), pa.array([], pa.string()))
    time = np.asarray(day)[rows] * 86_400_000_000
    clicks, gone = np.asarray(clicked)[rows], np.asarray(unsubscribed)[rows]
    opens = clicks if opened is None else np.asarray(opened)[rows]
    converted = np.zeros(len(rows), np.bool_)
    return Messages(np.asarray(customer)[rows], time, none, none, opens, clicks, converted, gone, "events")


def test_a_click_belongs_to_the_last_mail_of_its_campaign() -> None:
    rows = [
        event("anna", 20, "email_sent", campaign_id="a"),
        event("anna", 22, "email_sent", campaign_id="b"),
        event("anna", 23, "email_click", campaign_id="a"),
        event("bert", 23, "email_sent", campaign_id="a"),
    ]
    messages = Messages.of(base_of(events=rows))
    assert messages.clicked.tolist() == [True, False, False]
    assert messages.customer.tolist() == [0, 0, 1]


def test_an_open_without_a_campaign_belongs_to_the_last_mail_before_it() -> None:
    rows = [event("anna", day, "email_sent") for day in (20, 22, 80)]
    rows += [event("anna", 23, "email_open"), event("anna", 80, "email_open", hour=9)]
    messages = Messages.of(base_of(events=rows))
    assert messages.opened.tolist() == [False, True, False]  # the second open came 58 days after a mail


def test_control_customers_strangers_undelivered_and_later_messages_were_not_sent() -> None:
    rows = [
        contact("anna", 20, clicked_at=at(21)),
        contact("anna", 30, arm="control"),
        contact("nobody", 20),
        contact("bert", 40, delivered=False),
        contact("bert", AS_OF + 1),
    ]
    messages = Messages.of(base_of(contacts=rows))
    assert (len(messages), messages.clicked.tolist(), messages.source) == (1, [True], "contacts")


def test_without_events_and_contacts_there_are_no_messages_and_the_interval_is_unknown() -> None:
    messages = Messages.of(base_of())
    (found,) = contact_intervals(messages, np.array(["all", "all"]), as_of=AS_OF)
    assert (len(messages), found.days, found.messages) == (0, None, 0)
    assert found.reason.startswith("unknown: 0 responses to 0 repeated messages")


def world(*, worse_until: int, leave_until: int = -1, customers: int = 2000) -> Messages:
    """Keen customers get mails more often; whoever gets one within `worse_until` days clicks 40 % as often."""
    chance = np.random.default_rng(5)
    keen = chance.beta(2, 6, customers)
    rows = []
    for customer in range(customers):
        day = 0
        often = (0.4, 0.3, 0.2, 0.1)
        for gap in chance.choice([1, 4, 8, 16], p=often if keen[customer] > 0.25 else often[::-1], size=20):
            day += int(gap)
            click = chance.random() < keen[customer] * (0.4 if gap <= worse_until else 1.0)
            rows.append((customer, day, click, chance.random() < (0.02 if gap <= leave_until else 0.0005)))
    return made(*map(np.array, zip(*rows, strict=True)))


def judged(messages: Messages, **rest: Any) -> ContactInterval:
    segment = np.full(int(messages.customer.max()) + 1, "all")
    return contact_intervals(messages, segment, as_of=AS_OF, **rest)[0]


def test_the_interval_is_the_shortest_after_which_clicks_do_not_fall() -> None:
    found = judged(world(worse_until=2))
    assert (found.days, found.measure) == (3, "clicks")
    assert [one.verdict for one in found.classes] == ["longest", "holds", "holds", "falls"]
    assert found.classes[-1].ratio == pytest.approx(0.4, abs=0.05)


def test_that_keen_customers_get_more_mails_is_no_reason_to_write_more() -> None:
    messages = world(worse_until=0)  # the gap changes nothing, but short gaps have keener customers
    gap, clicked = np.diff(messages.day), messages.clicked[1:]
    inside = np.diff(messages.customer) == 0
    naive = clicked[inside & (gap == 1)].mean() / clicked[inside & (gap > 1)].mean()
    found = judged(messages)
    assert naive > 1.2
    assert found.classes[-1].ratio == pytest.approx(1.0, abs=0.05)
    assert found.days == 1


def test_the_interval_keeps_unsubscribes_below_the_limit() -> None:
    found = judged(world(worse_until=0, leave_until=5))
    assert found.days == 7
    assert {one.first: one.verdict for one in found.classes}[3] == "falls"


def test_equal_gaps_compare_nothing_and_the_interval_is_unknown() -> None:
    customer, week = np.divmod(np.arange(20_000), 20)
    messages = made(customer, 7 * week, np.arange(20_000) % 5 == 0, np.zeros(20_000, np.bool_))
    found = judged(messages)
    assert found.days is None
    assert "alike gaps" in found.reason


def test_few_messages_are_unknown_for_their_segment_only() -> None:
    messages = world(worse_until=2)
    segment = np.where(np.arange(2000) < 10, "small", "large")
    large, small = contact_intervals(messages, segment, as_of=AS_OF)
    assert (large.segment, large.days, small.segment, small.days) == ("large", 3, "small", None)


def test_the_ratio_equals_mantel_and_haenszels_by_plain_loops() -> None:
    messages = world(worse_until=2, customers=300)
    short, top, bottom = judged(messages).classes[-1], 0.0, 0.0
    for customer in range(300):
        mine = np.flatnonzero(messages.customer == customer)
        gap, click = np.diff(messages.day[mine]), messages.clicked[mine][1:]
        is_short = gap <= short.last if short.last is not None else gap >= 0
        top += click[is_short].sum() * (~is_short).sum() / len(gap)
        bottom += click[~is_short].sum() * is_short.sum() / len(gap)
    assert short.ratio == pytest.approx(top / bottom)


def test_the_interval_of_the_ratio_covers_the_truth_as_often_as_it_says() -> None:
    chance, inside = np.random.default_rng(8), 0
    for _ in range(40):
        customer = np.repeat(np.arange(200), 9)
        gap = chance.choice([1, 10], size=len(customer))
        day = np.concatenate([np.cumsum(gap[k : k + 9]) for k in range(0, len(gap), 9)])
        click = chance.random(len(gap)) < np.where(gap == 1, 0.15, 0.3)
        short = judged(made(customer, day, click, np.zeros(len(gap), np.bool_))).classes[-1]
        inside += short.lower < 0.5 < short.upper
    assert 0.65 <= inside / 40 <= 0.93  # 80 %, of 40
