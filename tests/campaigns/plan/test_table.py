"""The plan as a table: who gets what and when, in numbers and words."""

from __future__ import annotations

import json
from datetime import date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.plan.planning import Plan
from campaigns.plan.table import PLAN, SendTimes, _shown, plan_table
from campaigns.timing import Moments
from contracts.days import to_day
from tests.campaigns.plan.small import AS_OF, channel, coupon, customers, economics, offer, planned, terms

EVIL = '<script>alert("1")</script>\\'


def times(n: int, *, weekday: int = 2, hour: int = 10, closed: tuple[int, ...] = ()) -> SendTimes:
    hours = {name: np.full(n, hour) for name in ("email", "sms", "phone")}
    return SendTimes(np.full(n, weekday), hours, np.array(closed, dtype=np.int64))


def example(**rest: object) -> Plan:
    campaign = economics(customers([0.02, 0.5, 0.05, 0.1]), of_terms=terms(when="frequency < 3"), **rest)  # type: ignore[arg-type]
    return planned(campaign, control=[2])


def rows_of(plan: Plan, **rest: object) -> list[dict[str, object]]:
    found = plan_table(plan, times(len(plan.choice)), as_of=AS_OF, **rest)
    assert found.schema == PLAN
    return [dict(one) for one in found.to_pylist()]


def test_every_customer_has_one_row_with_their_arm_and_action() -> None:
    rows = rows_of(example())
    assert [(one["customer_id"], one["arm"], one["action"], one["offer"]) for one in rows] == [
        ("c0", "treated", "contact", "coupon"),
        ("c1", "treated", "contact", "message"),
        ("c2", "control", "none", "coupon"),
        ("c3", None, "none", None),
    ]


def test_the_numbers_are_those_of_the_chosen_option() -> None:
    row = rows_of(example())[0]
    buys = 0.02 + 0.05 * 0.98
    assert (row["p_without"], row["p_with"]) == pytest.approx((0.02, buys), rel=1e-5)
    assert row["expected_cost"] == pytest.approx(0.01 + buys * 5)
    assert row["expected_profit"] == pytest.approx(buys * 15 - 0.02 * 20 - 0.01, rel=1e-5)
    low = (0.02 + 0.025 * 0.98) * 15 - 0.02 * 20 - 0.01
    assert row["profit_low"] == pytest.approx(low, rel=1e-4)


def test_the_reason_says_the_numbers_in_words() -> None:
    rows = rows_of(example())
    assert rows[0]["reason"] == (
        "2.0 % chance to buy within 30 days anyway; Coupon adds 4.90 points (assumed); expected profit 0.63 EUR"
    )
    assert rows[2]["reason"] == "control group: left alone to measure (would get Coupon)"
    assert rows[3]["reason"] == "not in this campaign"


@given(st.floats(-1e6, 1e6), st.integers(1, 3))
def test_numbers_in_reasons_are_rounded_as_python_does(value: float, digits: int) -> None:
    found = _shown(np.array([value]), digits)[0].as_py()
    assert float(found) == pytest.approx(value, abs=0.51 * 10**-digits)
    assert len(found.split(".")[1]) == digits


def test_slots_are_json_whatever_the_names_hold() -> None:
    products = pa.array([["a,b", EVIL], None, ["x"], []], pa.list_(pa.string()))
    rows = rows_of(example(offers=[offer(label="=1+1"), coupon(label=EVIL)]), products=products)
    assert json.loads(str(rows[0]["slots"])) == {"offer": EVIL, "products": ["a,b", EVIL]}
    assert json.loads(str(rows[1]["slots"])) == {"offer": "=1+1", "products": []}
    assert [rows[2]["slots"], rows[3]["slots"]] == [None, None]  # nobody is sent anything
    assert rows[2]["products"] == ["x"]


def test_without_products_slots_hold_the_offer_alone() -> None:
    assert json.loads(str(rows_of(example())[0]["slots"])) == {"offer": "Coupon"}


@given(
    st.integers(18_000, 19_000), st.integers(0, 6), st.sets(st.integers(0, 6), max_size=6), st.integers(0, 5)
)
def test_a_contact_is_sent_inside_its_week_never_on_a_closed_day(
    begin: int, weekday: int, closed: set[int], week: int
) -> None:
    first = begin + 7 * week
    sent = times(1, weekday=weekday, closed=tuple(first + day for day in closed)).at(
        np.array([0]), "email", week_begins=np.array([first])
    )
    day = to_day(sent[0].astype(datetime).date())
    assert first <= day < first + 7 and day - first not in closed
    if (weekday - (first + 3)) % 7 not in closed:
        assert (day + 3) % 7 == weekday


def test_a_closed_day_gives_way_to_the_next_one_first() -> None:
    monday = to_day(date(2022, 1, 10))
    sent = times(1, weekday=2, closed=(monday + 2, monday + 3)).at(
        np.array([0]), "email", week_begins=np.array([monday])
    )
    assert sent[0].astype(datetime) == datetime(2022, 1, 11, 10)


@given(st.integers(0, 24), st.integers(0, 24), st.lists(st.integers(0, 23), min_size=1, max_size=30))
def test_nothing_is_sent_in_quiet_hours(quiet_from: int, quiet_until: int, hours: list[int]) -> None:
    moments = Moments(np.zeros(len(hours), np.int64), np.zeros(len(hours), np.int64), np.array(hours))
    sms = channel("sms", quiet_from=quiet_from, quiet_until=quiet_until)
    found = SendTimes.of(moments, 2, [sms]).hour["sms"]
    assert sms.sendable(found).all()


def test_whose_times_nobody_knows_are_written_to_on_a_tuesday_at_ten_or_the_nearest_open_hour() -> None:
    nothing = Moments(*(np.zeros(0, np.int64) for _ in range(3)))
    late = channel("sms", quiet_from=0, quiet_until=14)
    found = SendTimes.of(nothing, 1, [channel(), late])
    assert (found.weekday.tolist(), found.hour["email"].tolist(), found.hour["sms"].tolist()) == (
        [1],
        [10],
        [14],
    )


def test_labels_that_the_shop_has_not_are_empty() -> None:
    plan = planned(economics(customers(labels={"tier": np.array([None] * 3, dtype=object)})))
    row = rows_of(plan)[0]
    assert (row["tier"], row["lifecycle"], row["segment"]) == (None, None, None)
