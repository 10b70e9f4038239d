"""A few literal customers on whom a declared feature is tried before any order is read."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pyarrow as pa

from contracts.days import EPOCH, to_day
from contracts.tables import CUSTOMERS, EVENTS, ORDER_LINES
from features.kernel.history import History

TRIAL_DAY = to_day(date(2024, 3, 31))
# customer, order, line, days before the trial's day, hour, amount, quantity, product, category, discount, coupon,
# channel, days before at which it was cancelled
_SALES = (
    ("a", "a1", 1, 420, 9, 30.0, 2.0, "p1", "c1", 0.0, None, "web", None),
    ("a", "a1", 2, 420, 9, 12.5, 1.0, "p2", "c2", 2.5, "TEN", "web", None),
    ("a", "a2", 1, 200, 23, 18.0, 3.0, "p1", "c1", 0.0, None, "shop", None),
    ("a", "a3", 1, 45, 14, 40.0, 1.0, "p3", "c2", 5.0, "TEN", "web", None),
    ("a", "a4", 1, 6, 11, 0.0, 1.0, "p4", None, 0.0, None, "web", None),
    ("b", "b1", 1, 80, 8, 99.0, 10.0, "p2", "c2", 0.0, None, None, None),
    ("b", "b2", 1, 20, 19, 15.0, 1.0, "p2", "c2", 0.0, None, "shop", 10),
    ("c", "c1", 1, 0, 12, 7.0, 1.0, None, "c3", None, None, "web", None),
    ("d", "d1", 1, 365, 7, 21.0, 1.0, "p1", "c1", 0.0, None, "web", None),
    ("d", "d2", 1, 300, 7, 22.0, 1.0, "p3", "c1", 0.0, None, "web", None),
)
_RETURNS = (
    ("b", "b2", 2, 10, 10, -15.0, -1.0, "p2", "c2", 0.0, None, "shop", None),
    ("d", "d3", 1, 290, 16, -10.0, -1.0, "p3", "c1", 0.0, None, "web", None),
)
_EVENTS = (("a", 30, "email_sent"), ("a", 29, "email_open"), ("b", 5, "visit"), ("d", 100, "email_click"))


def trial_history() -> History:
    """Return four customers with every optional column, events and attributes."""
    rows = sorted((*_SALES, *_RETURNS), key=lambda row: (row[0], -row[3], row[4], row[1], row[2]))
    lines = pa.Table.from_pylist([_line(*row) for row in rows], schema=ORDER_LINES)
    events = [
        {"customer_id": who, "occurred_at": _time(ago), "day": TRIAL_DAY - ago, "kind": kind}
        for who, ago, kind in _EVENTS
    ]
    people = [
        {"customer_id": "a", "birth_date": date(1980, 5, 17), "gender": "f", "region": "north", "device": "phone",
         "signed_up_day": TRIAL_DAY - 430, "consent_email": True},
        {"customer_id": "b", "known_day": TRIAL_DAY - 50, "age": 35.0, "gender": "m", "region": "south",
         "consent_email": False, "consent_sms": True},
        {"customer_id": "d", "known_day": TRIAL_DAY + 5, "age": 61.0, "region": "north"},
    ]  # fmt: skip
    return History.from_lines(
        lines,
        events=pa.Table.from_pylist(events, schema=EVENTS),
        customers=pa.Table.from_pylist(people, schema=CUSTOMERS),
    )


def _line(
    customer: str, order: str, line: int, ago: int, hour: int, amount: float, quantity: float, product: str | None,
    category: str | None, discount: float | None, coupon: str | None, channel: str | None, cancelled: int | None,
) -> dict[str, object]:  # fmt: skip
    return {
        "customer_id": customer, "order_id": order, "line": line, "ordered_at": _time(ago, hour),
        "day": TRIAL_DAY - ago, "amount": amount, "quantity": quantity, "returned": quantity < 0,
        "reverses": customer == "b" and quantity < 0,
        "cancelled_day": None if cancelled is None else TRIAL_DAY - cancelled,
        "unit_price": abs(amount / quantity), "product_id": product, "category": category, "discount": discount,
        "coupon": coupon, "cost": 0.6 * abs(amount), "channel": channel, "country": "DE",
    }  # fmt: skip


def _time(ago: int, hour: int = 12) -> datetime:
    return datetime(EPOCH.year, EPOCH.month, EPOCH.day) + timedelta(days=TRIAL_DAY - ago, hours=hour)
