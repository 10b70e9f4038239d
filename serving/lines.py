"""Posted histories become the contract's order lines, as cleaning makes them of the same rows in a file.

Order ids that were not posted, the order of ties, line numbers and which return undoes which sale follow
from the content of one customer's entries (features/cleaning does it for a base).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from contracts.days import EPOCH, to_date
from contracts.tables import NUMBERED_BY, OPTIONAL_LINE_COLUMNS, ORDER_LINES
from features.kernel.buffers import as_arrow
from serving.problems import refused
from serving.shapes.posted import PostedHistory, PostedOrder

_EPOCH = EPOCH.toordinal()
_MIDNIGHT = time.min
_NUMBERS = {pa.int32(): np.int32, pa.float64(): np.float64, pa.bool_(): np.bool_}


@dataclass(slots=True)
class Line:
    """One order line; `content` orders lines of one time and order (nulls last).

    Not frozen: a request of 100,000 lines is named and numbered in place.
    """

    customer_id: str
    order_id: str
    line: int
    ordered_at: datetime
    amount: float
    quantity: float
    returned: bool
    reverses: bool
    cancelled_at: date | None
    content: tuple[Any, ...]
    posted: PostedOrder


def order_lines(histories: Sequence[PostedHistory], zone: ZoneInfo, *, until: int) -> pa.Table:
    """Return posted histories as ORDER_LINES; optional columns that nobody posted are absent.

    Naive times are the shop's, others are converted to `zone`. What comes after the day `until` is not seen.
    Problem 422 if a sale is cancelled before it was placed.
    """
    optional = _optional(histories)
    ordered = sorted(histories, key=lambda history: history.customer_id)
    last = to_date(until)
    lines = [line for history in ordered for line in _lines_of(history, zone, last, optional)]
    return _table(lines, optional)


def _optional(histories: Sequence[PostedHistory]) -> tuple[str, ...]:
    """Return the optional columns that somebody posted."""
    posted = set[str]().union(*(order.model_fields_set for each in histories for order in each.orders))
    return tuple(name for name in OPTIONAL_LINE_COLUMNS if name in posted)


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a moment as the shop's naive local time."""
    return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)


def _lines_of(history: PostedHistory, zone: ZoneInfo, until: date, optional: tuple[str, ...]) -> list[Line]:
    content = tuple(name for name in NUMBERED_BY if name in optional)
    end = until.toordinal()
    lines = [
        _line(history.customer_id, order, at, until, content)
        for order in history.orders
        if (at := local(order.ordered_at, zone)).toordinal() <= end
    ]
    numbered = _numbered(_named(lines))
    taken_back = _reversals(numbered)
    _match(numbered)
    if taken_back:
        numbered += taken_back
        numbered.sort(key=lambda line: (line.ordered_at, line.order_id, line.line))
    return numbered


def _line(customer_id: str, order: PostedOrder, at: datetime, until: date, content: tuple[str, ...]) -> Line:
    back, cancelled = order.takes_back, order.cancelled_at
    if cancelled is not None and cancelled < at.date():
        raise refused(("body", "customers"), "cancelled_at", "An order is cancelled before it was placed.")
    pieces = abs(1.0 if order.quantity is None else order.quantity)
    quantity = -pieces if back else pieces
    amount = 0.0 - abs(order.amount) if back else abs(order.amount)
    values = [_known(getattr(order, name)) for name in content]
    return Line(
        customer_id,
        order.order_id or "",
        0,
        at,
        amount,
        quantity,
        back,
        False,
        None if cancelled is None or cancelled > until else cancelled,
        (back, *((value is None, value) for value in values), quantity, amount),
        order,
    )


def _known(value: Any) -> Any:
    return None if value == "" else value


def _named(lines: list[Line]) -> list[Line]:
    """Give the lines without an order_id one from customer and time.

    Each is an order of its own, but if the history names products, the lines of one second are one order.
    """
    named, unnamed = ([line for line in lines if bool(line.order_id) is has] for has in (True, False))
    of_products = any(line.posted.product_id for line in lines)
    unnamed.sort(key=lambda line: (line.ordered_at, line.returned, line.quantity, line.amount, line.content))
    second, number = None, 0
    for line in unnamed:
        at = line.ordered_at.replace(microsecond=0) if line.ordered_at.microsecond else line.ordered_at
        second, number = at, number + 1 if at == second else 1
        made = f"{line.customer_id}-{_stamp(line.ordered_at)}"
        line.order_id = made if of_products else f"{made}-{number}"
    return named + unnamed


def _stamp(at: datetime) -> str:
    day = f"{at.year}{at.month:02}{at.day:02}"
    return day if at.time() == _MIDNIGHT else f"{day}T{at.hour:02}{at.minute:02}{at.second:02}"


def _numbered(lines: list[Line]) -> list[Line]:
    """Number the lines of each order from 1, by time and content; a line that stands twice in an order counts once.

    They are returned in the order of time, order and number.
    """
    last: dict[str, int] = {}
    numbered: list[Line] = []
    before: Line | None = None
    for line in sorted(lines, key=lambda line: (line.ordered_at, line.order_id, line.content)):
        if before is not None and line.posted.order_id and _is_same(line, before):
            continue
        before = line
        line.line = last[line.order_id] = last.get(line.order_id, 0) + 1
        numbered.append(line)
    return numbered


def _is_same(line: Line, before: Line) -> bool:
    return (
        line.order_id == before.order_id
        and line.ordered_at == before.ordered_at
        and line.content == before.content
        and line.posted.cancelled_at == before.posted.cancelled_at
    )


def _reversals(lines: list[Line]) -> list[Line]:
    """Return the lines that take back the sales posted as cancelled."""
    if all(line.cancelled_at is None for line in lines):
        return []
    sizes = Counter(line.order_id for line in lines)
    return [
        replace(
            sale,
            line=sizes[sale.order_id] + sale.line,
            ordered_at=max(sale.ordered_at, datetime.combine(sale.cancelled_at, _MIDNIGHT)),
            amount=0.0 - sale.amount,
            quantity=-sale.quantity,
            returned=True,
            reverses=True,
            cancelled_at=None,
        )
        for sale in lines
        if sale.cancelled_at is not None
    ]


def _match(lines: list[Line]) -> None:
    """Mark returns that undo one whole earlier sale line, and those sales."""
    if not any(line.returned for line in lines):
        return
    of_products = any(line.posted.product_id for line in lines)
    priced = any(line.posted.unit_price is not None for line in lines)
    open_sales: dict[tuple[Any, ...], list[Line]] = defaultdict(list)
    for line in sorted(lines, key=_in_time):
        price = line.posted.unit_price if priced else None
        goods = (_known(line.posted.product_id), abs(line.quantity), price)
        key = goods if of_products else (abs(line.amount),)
        if not line.returned and line.cancelled_at is None:
            open_sales[key].append(line)
        elif line.returned and open_sales[key]:
            open_sales[key].pop().cancelled_at = line.ordered_at.date()
            line.reverses = True


def _in_time(line: Line) -> tuple[Any, ...]:
    return (line.ordered_at, line.returned, line.order_id, line.line)


def _table(lines: list[Line], optional: tuple[str, ...]) -> pa.Table:
    columns: dict[str, list[Any]] = {
        "customer_id": [line.customer_id for line in lines],
        "order_id": [line.order_id for line in lines],
        "line": [line.line for line in lines],
        "ordered_at": [line.ordered_at for line in lines],
        "day": [line.ordered_at.toordinal() - _EPOCH for line in lines],
        "amount": [line.amount for line in lines],
        "quantity": [line.quantity for line in lines],
        "returned": [line.returned for line in lines],
        "reverses": [line.reverses for line in lines],
        "cancelled_day": [line.cancelled_at and line.cancelled_at.toordinal() - _EPOCH for line in lines],
    }
    for name in optional:
        values = [_known(getattr(line.posted, name)) for line in lines]
        if any(value is not None for value in values):
            columns[name] = values
    fields = [ORDER_LINES.field(name) for name in columns]
    arrays = [_array(columns[field.name], field) for field in fields]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _array(values: list[Any], field: pa.Field) -> pa.Array:
    """Return values as Arrow; numbers by way of numpy, which is quicker for few."""
    kind = None if field.nullable else _NUMBERS.get(field.type)
    return (
        pa.array(values, field.type) if kind is None else as_arrow(np.array(values, dtype=kind), field.type)
    )
