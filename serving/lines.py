"""Posted histories become the contract's order lines, as cleaning makes them of the same rows in a file.

Order ids that were not posted, the order of ties, line numbers and which return undoes which sale follow
from the content of one customer's entries (features/cleaning does it for a base).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from itertools import groupby
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import pyarrow as pa

from contracts.days import to_date, to_day
from contracts.tables import NUMBERED_BY, OPTIONAL_LINE_COLUMNS, ORDER_LINES
from serving.posted import PostedHistory, PostedOrder
from serving.problems import refused


class Line(NamedTuple):
    """One order line; `content` orders lines of one time and order (nulls last)."""

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
    lines = [line for history in ordered for line in _lines_of(history, zone, to_date(until), optional)]
    return _table(lines, optional)


def _optional(histories: Sequence[PostedHistory]) -> tuple[str, ...]:
    """Return the optional columns that somebody posted."""
    posted = set[str]().union(*(order.model_fields_set for each in histories for order in each.orders))
    return tuple(name for name in OPTIONAL_LINE_COLUMNS if name in posted)


def local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a moment as the shop's naive local time."""
    return moment if moment.tzinfo is None else moment.astimezone(zone).replace(tzinfo=None)


def _lines_of(history: PostedHistory, zone: ZoneInfo, until: date, optional: tuple[str, ...]) -> list[Line]:
    times = [local(order.ordered_at, zone) for order in history.orders]
    posted = [
        _line(history.customer_id, order, at, until, optional)
        for order, at in zip(history.orders, times, strict=True)
        if at.date() <= until
    ]
    numbered = _numbered(_named(posted))
    lines = _matched(numbered) + _reversals(numbered)
    return sorted(lines, key=lambda line: (line.ordered_at, line.order_id, line.line))


def _line(customer_id: str, order: PostedOrder, at: datetime, until: date, optional: tuple[str, ...]) -> Line:
    back, cancelled = order.takes_back, order.cancelled_at
    if cancelled is not None and cancelled < at.date():
        raise refused(("body", "customers"), "cancelled_at", "An order is cancelled before it was placed.")
    pieces = abs(1.0 if order.quantity is None else order.quantity)
    quantity = -pieces if back else pieces
    amount = 0.0 - abs(order.amount) if back else abs(order.amount)
    values = [_known(getattr(order, name)) for name in NUMBERED_BY if name in optional]
    return Line(
        customer_id=customer_id,
        order_id=order.order_id or "",
        line=0,
        ordered_at=at,
        amount=amount,
        quantity=quantity,
        returned=back,
        reverses=False,
        cancelled_at=None if cancelled is None or cancelled > until else cancelled,
        content=(back, *((value is None, value) for value in values), quantity, amount),
        posted=order,
    )


def _known(value: Any) -> Any:
    return None if value == "" else value


def _named(lines: list[Line]) -> Iterable[Line]:
    """Return the lines, those without an order_id with one from customer and time.

    Each is an order of its own, but if the history names products, the lines of one second are one order.
    """
    yield from (line for line in lines if line.order_id)
    unnamed = [line for line in lines if not line.order_id]
    of_products = any(line.posted.product_id for line in lines)
    unnamed.sort(key=lambda line: (line.ordered_at, line.returned, line.quantity, line.amount, line.content))
    for _, same in groupby(unnamed, key=lambda line: line.ordered_at.replace(microsecond=0)):
        for number, line in enumerate(same, start=1):
            made = f"{line.customer_id}-{_stamp(line.ordered_at)}"
            yield line._replace(order_id=made if of_products else f"{made}-{number}")


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%d" if at.time() == time.min else "%Y%m%dT%H%M%S")


def _numbered(lines: Iterable[Line]) -> list[Line]:
    """Number the lines of each order from 1, by time and content; a line that stands twice in an order counts once."""
    last: dict[str, int] = defaultdict(int)
    numbered: list[Line] = []
    before = None
    for line in sorted(lines, key=lambda line: (line.ordered_at, line.order_id, line.content)):
        same = (line.ordered_at, line.order_id, line.content, line.posted.cancelled_at)
        if line.posted.order_id and same == before:
            continue
        before = same
        last[line.order_id] += 1
        numbered.append(line._replace(line=last[line.order_id]))
    return numbered


def _reversals(lines: list[Line]) -> list[Line]:
    """Return the lines that take back the sales posted as cancelled."""
    sizes = Counter(line.order_id for line in lines)
    return [
        sale._replace(
            line=sizes[sale.order_id] + sale.line,
            ordered_at=max(sale.ordered_at, datetime.combine(sale.cancelled_at, time.min)),
            amount=0.0 - sale.amount,
            quantity=-sale.quantity,
            returned=True,
            reverses=True,
            cancelled_at=None,
        )
        for sale in lines
        if sale.cancelled_at is not None
    ]


def _matched(lines: list[Line]) -> list[Line]:
    """Mark returns that undo one whole earlier sale line, and those sales."""
    if not any(line.returned for line in lines):
        return lines
    of_products = any(line.posted.product_id for line in lines)
    priced = any(line.posted.unit_price is not None for line in lines)
    open_sales: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    marked = list(lines)
    for at in sorted(range(len(lines)), key=lambda at: _in_time(lines[at])):
        line = lines[at]
        price = line.posted.unit_price if priced else None
        goods = (_known(line.posted.product_id), abs(line.quantity), price)
        key = goods if of_products else (abs(line.amount),)
        if not line.returned and line.cancelled_at is None:
            open_sales[key].append(at)
        elif line.returned and open_sales[key]:
            sale = open_sales[key].pop()
            marked[at] = line._replace(reverses=True)
            marked[sale] = lines[sale]._replace(cancelled_at=line.ordered_at.date())
    return marked


def _in_time(line: Line) -> tuple[Any, ...]:
    return (line.ordered_at, line.returned, line.order_id, line.line)


def _table(lines: list[Line], optional: tuple[str, ...]) -> pa.Table:
    columns: dict[str, list[Any]] = {
        "customer_id": [line.customer_id for line in lines],
        "order_id": [line.order_id for line in lines],
        "line": [line.line for line in lines],
        "ordered_at": [line.ordered_at for line in lines],
        "day": [to_day(line.ordered_at) for line in lines],
        "amount": [line.amount for line in lines],
        "quantity": [line.quantity for line in lines],
        "returned": [line.returned for line in lines],
        "reverses": [line.reverses for line in lines],
        "cancelled_day": [line.cancelled_at and to_day(line.cancelled_at) for line in lines],
    }
    for name in optional:
        values = [_known(getattr(line.posted, name)) for line in lines]
        if any(value is not None for value in values):
            columns[name] = values
    schema = pa.schema([ORDER_LINES.field(name) for name in columns])
    return pa.table(columns, schema=schema)
