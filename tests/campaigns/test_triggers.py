"""Who is due what: one message at most for a customer, each step once, nobody lost over nights that were not run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from campaigns.base import Base
from campaigns.triggers.columns import known_columns, known_on
from campaigns.triggers.due import SENT, Found, Night, due_on
from campaigns.triggers.listing import counts, due_table, held_table
from campaigns.triggers.loyalty import read_tiers
from campaigns.triggers.sending import SendRules
from campaigns.triggers.starts import STARTS
from campaigns.triggers.trigger import Trigger, read_triggers
from contracts.errors import ContractError
from tests.campaigns.screening.bases import base_of, contact, event, orders
from tests.features.shops import SOME, Row, line

OURS = read_triggers(starts=STARTS, columns=known_columns())
RULES = SendRules()
TIERS = read_tiers()
FEW = settings(SOME, max_examples=6)  # each walks over many nights


def made(name: str = "t", *, start: str = "order", offers: Sequence[str] = ("none",), **more: Any) -> Trigger:
    given = {"priority": 1, "late": 60, **more}
    return Trigger(name=name, label=name, says=name, start=start, offers=tuple(offers), **given)


def night(last_run: int, **more: Any) -> Night:
    return Night(last_run, more.pop("rules", RULES), TIERS, **more)


def listed(base: Base, triggers: Sequence[Trigger], day: int, **more: Any) -> Found:
    """Return the list of one night, with the base as known then."""
    last_run = more.pop("last_run", day - 1)
    return due_on(known_on(base, day), triggers, night(last_run, **more))


def steps(found: Found, *, sent: bool = False) -> list[tuple[str, str, int, int]]:
    """Return customer, trigger, step and start of all rows, or of those that are sent."""
    dues, ids = found.dues, found.base.sales.ids.to_pylist()
    rows = zip(dues.steps.customer, dues.trigger, dues.steps.step, dues.steps.start, dues.state, strict=True)
    return [
        (ids[who], dues.triggers[place].name, int(step), int(start))
        for who, place, step, start, state in rows
        if not sent or state == SENT
    ]


def with_replaced(found: Found) -> list[tuple[str, str, int, int]]:
    """Return the same with the steps that a later one replaces."""
    every = zip(steps(found), found.dues.steps.skipped, strict=True)
    return [(who, name, step - k, start) for (who, name, step, start), more in every for k in range(more + 1)]


HISTORIES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.integers(0, 130), st.sampled_from(["p", "q"])), min_size=1, max_size=25
)  # fmt: skip


def shop(rows: list[tuple[str, int, str]], **more: Any) -> Base:
    lines: list[Row] = [
        line(who, f"{number}", day, 10.0, product_id=product, category="c")
        for number, (who, day, product) in enumerate(rows)
    ]
    return base_of(lines, as_of=200, **more)


# ---------------------------------------------------------------- what must always hold
@SOME
@given(HISTORIES, st.integers(0, 3), st.integers(1, 20))
def test_a_customer_gets_one_message_a_night_at_most(
    rows: list[tuple[str, int, str]], gap: int, span: int
) -> None:
    base = shop([*rows, ("a", 0, "p")])
    many = [
        made(f"t{k}", start=start, wait=gap, priority=k)
        for k, start in enumerate(("order", "first_order", "month"))
    ]
    found = due_on(base, [*many, *OURS], night(200 - span))
    assert max(Counter(who for who, *_ in steps(found, sent=True)).values(), default=0) <= 1
    waiting = {who for who, *_ in steps(found)}
    assert {who for who, *_ in steps(found, sent=True)} <= waiting


@FEW
@given(HISTORIES, st.integers(0, 150))
def test_each_step_of_a_start_falls_due_on_one_night_only(
    rows: list[tuple[str, int, str]], since: int
) -> None:
    base = shop([*rows, ("a", 0, "p")])
    seen = Counter(one for day in range(since, since + 50) for one in steps(listed(base, OURS, day)))
    assert all(count == 1 for count in seen.values())


@FEW
@example([("a", 11, "p"), ("a", 12, "p")], 1, [10], 0)
@given(HISTORIES, st.integers(0, 20), st.lists(st.integers(1, 15), max_size=2), st.integers(0, 40))
def test_the_steps_are_those_that_a_plain_walk_over_the_days_finds(
    rows: list[tuple[str, int, str]], wait: int, between: list[int], cooldown: int
) -> None:
    base = shop([*rows, ("a", 0, "p")])
    one = made(wait=wait, between=tuple(between), offers=["none"] * (len(between) + 1), cooldown=cooldown)
    found = {
        (who, step, start) for day in range(200) for who, _, step, start in steps(listed(base, [one], day))
    }
    assert found == walked([*rows, ("a", 0, "p")], one)


def walked(rows: list[tuple[str, int, str]], trigger: Trigger) -> set[tuple[str, int, int]]:
    """Find the steps of a trigger that each order starts: customer by customer, night by night."""
    found = set()
    for who in {who for who, *_ in rows}:
        for night in range(200):
            days = sorted({day for one, day, _ in rows if one == who and day <= night})
            ladders: list[int] = []
            for start, following in pairwise([*days, 10**6]):
                late_enough = not ladders or start >= ladders[-1] + trigger.cooldown
                if late_enough and following > start + trigger.wait:
                    ladders.append(start)
            for number, offset in enumerate(trigger.offsets, start=1):
                if ladders and ladders[-1] + offset == night:
                    found.add((who, number, ladders[-1]))
    return found


def test_an_order_that_begins_a_ladder_anew_ends_the_one_before_at_once() -> None:
    base = shop([("a", 0, "p"), ("a", 11, "p"), ("a", 12, "p")])
    ladder = made(wait=1, between=(10,), offers=["none"] * 2)
    found = [one for day in range(30) for one in steps(listed(base, [ladder], day))]
    assert found == [("a", "t", 1, 0), ("a", "t", 1, 12), ("a", "t", 2, 12)]


@FEW
@given(HISTORIES, st.lists(st.integers(1, 9), min_size=1, max_size=40))
def test_nights_that_are_not_run_lose_nobody_and_double_nobody(
    rows: list[tuple[str, int, str]], pauses: list[int]
) -> None:
    # No order after day 130, so that no ladder begins anew while nobody looks.
    base = shop([*rows, ("a", 0, "p")])
    many = [
        made("once", wait=3, priority=1),
        made("ladder", start="first_order", offers=["none"] * 3, between=(10, 12), wait=40, priority=2),
        made("silent", start="silence", offers=["none"] * 2, between=(14,), priority=3),
        made("fresh", wait=20, entry="days_since_first_order <= 100", priority=4),
    ]
    nights = [140, *(140 + int(day) for day in np.cumsum(pauses) if day < 60), 200]
    every = Counter(
        one for day in range(141, 201) for one in steps(due_on(known_on(base, day), many, night(day - 1)))
    )
    skipped = Counter(
        one
        for last, day in pairwise(dict.fromkeys(nights))
        for one in with_replaced(due_on(known_on(base, day), many, night(last)))
    )
    assert every == skipped


@SOME
@given(HISTORIES, st.integers(60, 190))
def test_the_rows_of_another_customer_change_nothing(rows: list[tuple[str, int, str]], day: int) -> None:
    alone = [("a", 0, "p"), *(row for row in rows if row[0] == "a")]
    plain = [one for one in OURS if one.start not in ("loyalty", "month")]
    among = shop([*alone, *(row for row in rows if row[0] != "a")])
    first = [one for one in steps(listed(among, plain, day)) if one[0] == "a"]
    assert first == steps(listed(shop(alone), plain, day))


# ---------------------------------------------------------------- ladders
def test_a_ladder_climbs_step_by_step_and_an_order_in_between_stops_it() -> None:
    base = base_of([*orders("kept", [0]), *orders("back", [0, 25])], as_of=60)
    (second,) = (one for one in OURS if one.name == "second_order")
    found = [(day, who, step) for day in range(61) for who, _, step, _ in steps(listed(base, [second], day))]
    assert found == [(20, "back", 1), (20, "kept", 1), (30, "kept", 2), (40, "kept", 3)]


def test_win_back_comes_in_three_steps_and_ends_with_an_order() -> None:
    base = base_of([*orders("lost", [0, 20, 40]), *orders("back", [0, 20, 40, 115])], as_of=200)
    (back,) = (one for one in OURS if one.name == "win_back")
    found = [(day, who, step) for day in range(201) for who, _, step, _ in steps(listed(base, [back], day))]
    # Three own gaps of 20 days after day 40; the order of day 115 starts a silence of its own.
    assert [one for one in found if one[1] == "lost"] == [
        (100, "lost", 1),
        (114, "lost", 2),
        (144, "lost", 3),
    ]
    assert [one for one in found if one[1] == "back"] == [(100, "back", 1), (114, "back", 2)]


def test_an_order_on_a_night_that_was_not_run_stops_the_ladder_and_the_entry_counts_as_it_was() -> None:
    base = base_of([*orders("kept", [0]), *orders("back", [0, 22])], as_of=25)
    (second,) = (one for one in OURS if one.name == "second_order")
    assert [who for who, *_ in steps(due_on(base, [second], night(18)))] == ["kept"]
    young = made(start="first_order", wait=20, entry="days_since_first_order <= 20")
    assert [who for who, *_ in steps(due_on(base, [young], night(18)))] == ["back", "kept"]


def test_of_two_steps_since_the_last_run_the_later_one_is_sent_and_the_other_is_named() -> None:
    base = base_of(orders("a", [0]), as_of=12)
    one = made(offers=["none", "large"], between=(5,), wait=5, start="first_order")
    (row,) = due_table(due_on(base, [one], night(2))).to_pylist()
    assert (row["step"], row["offer_level"]) == (2, "large")
    assert row["suppressed"] == "t step 1 (a later step is due)"


def test_a_step_whose_night_was_not_run_is_too_late_after_some_days_and_said_to_be() -> None:
    base = base_of(orders("a", [0]), as_of=30)
    found = due_on(base, [made(wait=5, late=10)], night(0))
    assert due_table(found).num_rows == 0
    assert held_table(found).to_pylist()[0]["why"] == "was due on 1970-01-06, more than 10 days ago"


# ---------------------------------------------------------------- one message for each customer
def test_the_lower_number_goes_first_and_the_other_is_listed() -> None:
    base = base_of(orders("a", [0]), as_of=3)
    found = due_on(base, [made("first", wait=3), made("second", wait=3, priority=2)], night(2))
    (row,), (held,) = due_table(found).to_pylist(), held_table(found).to_pylist()
    assert (row["trigger"], row["suppressed"]) == ("first", "second step 1")
    assert (held["trigger"], held["why"]) == ("second", "first goes first")


def test_one_that_no_channel_reaches_leaves_room_for_the_next_one() -> None:
    base = base_of(orders("a", [0]), as_of=3)
    reach = {"sms": np.array([0], np.int8), "email": np.array([-1], np.int8)}
    many = [made("first", wait=3, channels=("sms",)), made("second", wait=3, priority=2, channels=("email",))]
    found = due_on(base, many, night(2, reach=reach))
    (row,) = due_table(found).to_pylist()
    assert (row["trigger"], row["channel"], row["reachable"]) == ("second", "email", "unknown")
    assert held_table(found)["why"].to_pylist() == ["none of its channels reaches the customer (sms)"]


def test_a_channel_that_is_known_to_be_open_goes_before_one_that_may_be() -> None:
    base = base_of(orders("a", [0]), as_of=3)
    reach = {"sms": np.array([1], np.int8), "email": np.array([-1], np.int8)}
    found = due_on(base, [made(wait=3, channels=("email", "sms"))], night(2, reach=reach))
    (row,) = due_table(found).to_pylist()
    assert (row["channel"], row["reachable"]) == ("sms", "yes")


def test_whoever_had_enough_messages_waits_for_the_first_free_day() -> None:
    base = base_of(orders("a", [0]), contacts=[contact("a", 8), contact("a", 9)], as_of=40)
    found = {day: listed(base, [made(wait=10)], day).dues.state.tolist() for day in range(9, 18)}
    # Two messages in seven days are the most: on day 15 the one of day 8 is seven days old.
    assert {day: state for day, state in found.items() if state} == {
        10: ["contacts"], 11: ["contacts"], 12: ["contacts"], 13: ["contacts"], 14: ["due"],
    }  # fmt: skip


def test_a_step_that_waits_too_long_is_given_up() -> None:
    often = [contact("a", day) for day in range(1, 40, 2)]
    base = base_of(orders("a", [0]), contacts=often, as_of=40)
    found = {day: listed(base, [made(wait=10, late=4)], day).dues.state.tolist() for day in range(9, 30)}
    assert {day for day, state in found.items() if state} == {10, 11, 12, 13, 14}


def test_control_contacts_and_other_customers_hold_nobody_back() -> None:
    contacts = [contact("a", 8, arm="control"), contact("a", 9, arm="control"), contact("b", 9)]
    base = base_of(orders("a", [0]), contacts=contacts, as_of=10)
    assert listed(base, [made(wait=10)], 10).dues.state.tolist() == ["due"]


def test_what_is_due_before_a_closed_day_goes_out_with_the_list_of_the_last_closed_night() -> None:
    # Day 10 was a Sunday, and day 11 is closed besides.
    rules, base = SendRules(closed_weekdays=("sunday",)), base_of(orders("a", [0]), as_of=40)
    found = {
        day: listed(base, [made(wait=9)], day, rules=rules, closed={11}).dues.state.tolist()
        for day in range(8, 14)
    }
    assert {day: state for day, state in found.items() if state} == {
        9: ["closed"],
        10: ["closed"],
        11: ["due"],
    }


def test_the_message_goes_out_on_the_day_after_at_the_customers_hour_outside_the_quiet_hours() -> None:
    base = base_of([line("a", "1", 0, 5.0, minute=22 * 60), line("b", "2", 0, 5.0, minute=840)], as_of=1)
    found = due_table(due_on(base, [made(wait=1)], night(0)))
    assert [str(at) for at in found["send_at"].to_pylist()] == ["1970-01-03 14:00:00"] * 2


# ---------------------------------------------------------------- what the shop has and lacks
def test_with_orders_alone_all_that_needs_no_more_works_and_the_rest_says_what_it_needs() -> None:
    found = due_on(base_of(orders("a", [0]), as_of=5), OURS, night(4))
    table = {row["trigger"]: row for row in counts(found, OURS).to_pylist()}
    off = {name: row["needs"] for name, row in table.items() if row["needs"]}
    assert off == {"cart_abandoned": "events.cart", "birthday": "customers.birth_date"}
    assert table["cart_abandoned"]["adds"].startswith("carts (cart_abandon or cart_add in --events)")


def test_a_rule_over_scores_needs_a_ranking_and_then_works() -> None:
    one = made(wait=5, entry="lifecycle == 'new' and p_repurchase_90d > 0.5")
    base = base_of([*orders("a", [0]), *orders("b", [0]), *orders("c", [0])], as_of=5)
    assert due_on(base, [one], night(4)).needed == {"t": ("a ranking",)}
    scores = pa.table(
        {"customer_id": ["b", "a"], "lifecycle": ["new", "new"], "p_repurchase_90d": [0.9, 0.1]}
    )
    assert due_table(due_on(base, [one], night(4, scores=scores)))["customer_id"].to_pylist() == ["b"]


def test_a_left_cart_is_answered_by_an_order_of_the_same_day_or_a_later_one() -> None:
    carts = [event(who, "cart_abandon", 50) for who in ("left", "same", "later")]
    rows = [*orders("left", [0]), *orders("same", [0, 50]), *orders("later", [0, 52])]
    base = base_of(rows, events=carts, as_of=60)
    (cart,) = (one for one in OURS if one.name == "cart_abandoned")
    found = [
        (day, who, step) for day in range(49, 61) for who, _, step, _ in steps(listed(base, [cart], day))
    ]
    assert found == [(50, "later", 1), (50, "left", 1), (53, "left", 2)]


def test_a_last_run_that_is_not_before_the_day_is_refused() -> None:
    with pytest.raises(ContractError, match="is not before"):
        due_on(base_of(orders("a", [0]), as_of=5), [made()], night(5))
