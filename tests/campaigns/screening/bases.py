"""Small customer bases out of literal rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa

from campaigns.base import Base
from campaigns.sales import Sales
from contracts.tables import CONTACTS, CUSTOMERS, EVENTS, PERSONAL
from tests.features.shops import Row, history_of, line

AS_OF = 1000


def base_of(
    lines: Sequence[Row],
    *,
    personal: Sequence[Row] | None = None,
    customers: Sequence[Row] | None = None,
    events: Sequence[Row] | None = None,
    contacts: Sequence[Row] | None = None,
    as_of: int = AS_OF,
) -> Base:
    """Return a base of these rows; a table that is not given is None."""
    return Base(
        Sales.of(history_of(list(lines)), as_of),
        "EUR",
        "UTC",
        events=_table(events, EVENTS),
        customers=_table(customers, CUSTOMERS),
        personal=_table(personal, PERSONAL),
        contacts=_table(contacts, CONTACTS),
    )


def buyers(*names: str, day: int = AS_OF - 10) -> list[Row]:
    """Return one order of each customer."""
    return [line(name, f"{name}-1", day, 10.0) for name in names]


def orders(name: str, days: Sequence[int], **rest: Any) -> list[Row]:
    """Return an order of one customer on each day."""
    return [line(name, f"{name}-{day}", day, 10.0, **rest) for day in days]


def event(customer: str, kind: str, day: int, channel: str | None = None) -> Row:
    """Return an event at the beginning of a day."""
    at = datetime(1970, 1, 1) + timedelta(days=day)
    return {"customer_id": customer, "occurred_at": at, "day": day, "kind": kind, "channel": channel}


def contact(customer: str, day: int, **rest: Any) -> Row:
    """Return a contact of the treated arm by e-mail."""
    at = datetime(1970, 1, 1) + timedelta(days=day)
    row: Row = {"campaign_id": "c", "customer_id": customer, "sent_at": at, "day": day, "arm": "treated"}
    return {**row, "channel": "email", **rest}


def _table(rows: Sequence[Row] | None, schema: pa.Schema) -> pa.Table | None:
    return None if rows is None else pa.Table.from_pylist(list(rows), schema=schema)
