"""Small shops to test features with: order lines, events and customers as plain rows.

They have returns, cancellations, ties, several orders a day, free orders and orders that lie on two days.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from contracts.tables import CUSTOMERS, EVENT_KINDS, EVENTS, ORDER_LINES, REQUIRED_LINE_COLUMNS
from features.kernel.history import History

Row = dict[str, Any]
OPTIONAL = ("product_id", "category", "discount", "coupon", "cost", "channel", "country")
LAST_DAY = 900
SOME = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass(frozen=True)
class Shop:
    """All that a shop has: rows of contracts.tables.ORDER_LINES, EVENTS and CUSTOMERS."""

    rows: list[Row]
    events: list[Row] = field(default_factory=list)
    people: list[Row] = field(default_factory=list)

    @property
    def history(self) -> History:
        """The shop's history, sorted as the contract says."""
        lines = history_of(self.rows).lines.table
        events = sorted(self.events, key=lambda row: (row["customer_id"], row["day"], row["kind"]))
        return History.from_lines(
            lines,
            events=pa.Table.from_pylist(events, schema=EVENTS),
            customers=pa.Table.from_pylist(self.people, schema=CUSTOMERS),
        )


def line(customer: str, order: str, day: int, amount: float, **rest: Any) -> Row:
    """Return one sale line at 10:00 of an integer day; `rest` overrides any column."""
    row: Row = {
        "customer_id": customer,
        "order_id": order,
        "line": 1,
        "ordered_at": datetime(1970, 1, 1) + timedelta(days=day, minutes=rest.pop("minute", 600)),
        "day": day,
        "amount": amount,
        "quantity": 1.0,
        "returned": False,
        "reverses": False,
        "cancelled_day": None,
    }
    return {**row, **rest}


def taken_back(customer: str, order: str, day: int, amount: float, **rest: Any) -> Row:
    """Return a line that takes `amount` (above 0) back."""
    return line(customer, order, day, -amount, **{"returned": True, "quantity": -1.0, "line": 9, **rest})


def contract_order(row: Row) -> tuple[Any, ...]:
    """Return what the contract sorts order lines by."""
    return (row["customer_id"], row["day"], row["ordered_at"], row["order_id"], row["line"])


def history_of(rows: Sequence[Row], optional: Sequence[str] = OPTIONAL) -> History:
    """Sort rows as the contract says and build a history; an optional column that no row has is null."""
    schema = pa.schema([ORDER_LINES.field(name) for name in (*REQUIRED_LINE_COLUMNS, *optional)])
    ordered = sorted(rows, key=contract_order)
    return History.from_lines(
        pa.table({n: [row.get(n) for row in ordered] for n in schema.names}, schema=schema)
    )


def event(customer: str, day: int, kind: str) -> Row:
    """Return one event."""
    at = datetime(1970, 1, 1) + timedelta(days=day)
    return {"customer_id": customer, "occurred_at": at, "day": day, "kind": kind}


def known_at(shop: Shop, cutoff: int) -> Shop:
    """Return what the shop's files held at the end of the cutoff day."""
    kept = [dict(row) for row in shop.rows if row["day"] <= cutoff]
    for row in kept:
        if row["cancelled_day"] is not None and row["cancelled_day"] > cutoff:
            row["cancelled_day"] = None
    events = [row for row in shop.events if row["day"] <= cutoff]
    people = [row for row in shop.people if row["known_day"] is None or row["known_day"] <= cutoff]
    return Shop(kept, events, people)


def shifted(shop: Shop, days: int) -> Shop:
    """Return the same shop some days later."""
    later = timedelta(days=days)

    def moved(row: Row) -> Row:
        numbers = ("day", "cancelled_day", "known_day", "signed_up_day")
        times = ("ordered_at", "occurred_at", "birth_date")
        there = {name: value for name, value in row.items() if value is not None}
        return (
            row
            | {name: value + days for name, value in there.items() if name in numbers}
            | {name: value + later for name, value in there.items() if name in times}
        )

    return Shop(*(list(map(moved, rows)) for rows in (shop.rows, shop.events, shop.people)))


# ---------------------------------------------------------------- small shops
MONEY = st.sampled_from([0.0, 0.1, 0.2, 0.3, 9.99, 10.0, 33.33, 1e-3, 123456.78])
DAY = st.one_of(st.integers(0, 40), st.integers(0, 450), st.integers(0, LAST_DAY))
LINE = st.fixed_dictionaries(
    {
        "later": st.sampled_from([0, 0, 0, 1, 30]),  # days after the first line of the order
        "amount": MONEY,
        "quantity": st.sampled_from([1.0, 2.0, 12.0]),
        "product_id": st.sampled_from([None, "p1", "p2", "p3"]),
        "category": st.sampled_from([None, "c1", "c2"]),
        "discount": st.sampled_from([None, 0.0, 1.5]),
        "coupon": st.sampled_from([None, "TEN", "GIFT"]),
        "cost": st.sampled_from([None, 0.05, 4.2]),
        "channel": st.sampled_from([None, "web", "shop"]),
        "country": st.sampled_from([None, "FR", "DE", "AT"]),
        "cancelled_after": st.sampled_from([None, None, None, 0, 1, 60]),
    }
)
ORDER = st.tuples(
    st.sampled_from("abcde"),
    st.sampled_from(["1", "2", "3", "10", "11", "12", "13", "14"]),
    DAY,
    st.sampled_from([0, 600, 600, 1100, 1439]),
    st.lists(LINE, min_size=1, max_size=3),
)
RETURN = st.tuples(st.sampled_from("abcde"), DAY, MONEY)


@st.composite
def shops(draw: st.DrawFn) -> list[Row]:
    """Draw the rows of a shop of up to five customers, in the contract's order."""
    rows: list[Row] = []
    for customer, order, day, minute, lines in draw(st.lists(ORDER, min_size=1, max_size=14)):
        for number, one in enumerate(lines):
            rows += _sold(one, customer, order, day, (minute + number) % 1440, len(rows) + 1)
    for customer, day, amount in draw(st.lists(RETURN, max_size=4)):
        rows.append(taken_back(customer, "r", day, amount, line=len(rows) + 1))
    return sorted(rows, key=contract_order)


def _sold(one: dict[str, Any], customer: str, order: str, day: int, minute: int, number: int) -> list[Row]:
    """Return a sale line and, if it is cancelled, the line that undoes it."""
    values = {name: value for name, value in one.items() if name not in ("later", "cancelled_after")}
    day += one["later"]
    sale = line(customer, order, day, minute=minute, line=number, **values)
    if one["cancelled_after"] is None:
        return [sale]
    sale["cancelled_day"] = day + one["cancelled_after"]
    undo = {**values, "amount": -one["amount"], "quantity": -one["quantity"], "discount": None, "cost": None}
    undo |= {"returned": True, "reverses": True, "line": number + 1000}
    return [sale, line(customer, order, sale["cancelled_day"], minute=1439, **undo)]


EVENT = st.tuples(st.sampled_from("abcdez"), DAY, st.sampled_from(EVENT_KINDS))
PERSON = st.fixed_dictionaries(
    {
        "known_day": st.none() | DAY,
        "birth_date": st.none() | st.dates(date(1930, 1, 1), date(1969, 12, 31)),
        "age": st.none() | st.sampled_from([19.5, 40.0]),
        "gender": st.sampled_from([None, "f", "m"]),
        "region": st.sampled_from([None, "north", "south", "west"]),
        "device": st.sampled_from([None, "phone", "desktop"]),
        "signed_up_day": st.none() | DAY,
        "consent_email": st.sampled_from([None, True, False]),
        "consent_sms": st.sampled_from([None, True, False]),
        "consent_push": st.sampled_from([None, True, False]),
    }
)


@st.composite
def whole_shops(draw: st.DrawFn) -> Shop:
    """Draw a shop with events and customers, some of whom never ordered."""
    events = [event(*one) for one in draw(st.lists(EVENT, max_size=12))]
    people = draw(st.dictionaries(st.sampled_from("abcdez"), PERSON, max_size=6))
    return Shop(draw(shops()), events, [{"customer_id": name, **one} for name, one in people.items()])
