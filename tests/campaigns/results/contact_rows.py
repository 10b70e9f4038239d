"""Contacts as the tests write them down: one short tuple each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from contracts.days import to_day
from contracts.tables import CONTACTS, ORDER_LINES

SENT = datetime(2024, 3, 1, 10)


def contacts(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Return CONTACTS; what a row does not say: campaign c, sent on SENT, treated, all else empty."""
    full = [{"campaign_id": "c", "sent_at": SENT, "arm": "treated", **row} for row in rows]
    days = [{"day": to_day(row["sent_at"]), **row} for row in full]
    return pa.Table.from_pylist(days, schema=CONTACTS)


def people(arm: str, n: int, bought: int, **more: Any) -> list[dict[str, Any]]:
    """Return n contacts of an arm, of which the first `bought` converted an hour later for 10."""
    prefix = "".join((arm[0], *map(str, more.values())))
    later = SENT + timedelta(hours=1)
    return [
        {"customer_id": f"{prefix}{i:05d}", "arm": arm, **more}
        | ({"converted_at": later, "revenue": 10.0} if i < bought else {})
        for i in range(n)
    ]


def order_lines(orders: Sequence[tuple[str, datetime, float]]) -> pa.Table:
    """Return ORDER_LINES of one line per order; an amount below 0 takes something back."""
    rows = [
        {
            "customer_id": customer, "order_id": f"o{number:05d}", "line": 1, "ordered_at": at, "day": to_day(at),
            "amount": amount, "quantity": 1.0 if amount >= 0 else -1.0, "returned": amount < 0, "reverses": False,
        }
        for number, (customer, at, amount) in enumerate(sorted(orders, key=lambda one: (one[0], one[1])))
    ]  # fmt: skip
    names = ORDER_LINES.names[:10]
    return pa.Table.from_pylist(rows, schema=pa.schema([ORDER_LINES.field(name) for name in names]))
