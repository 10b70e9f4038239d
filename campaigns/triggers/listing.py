"""A night's list as tables and words: what is sent, what is not and why, and how many of each trigger."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campaigns.triggers.due import SENT, Dues, Found, why
from campaigns.triggers.sending import at_hour
from campaigns.triggers.starts import STARTS
from campaigns.triggers.trigger import CHANNELS, Trigger
from contracts.days import to_date
from features.kernel.buffers import as_arrow
from features.kernel.running import Ints

DUE = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("trigger", pa.string(), nullable=False),
        pa.field("step", pa.int64(), nullable=False),  # 1 is the first
        pa.field("steps", pa.int64(), nullable=False),
        pa.field("offer_level", pa.string(), nullable=False),
        pa.field("channel", pa.string(), nullable=False),
        pa.field("reachable", pa.string(), nullable=False),  # yes or unknown
        pa.field("send_at", pa.timestamp("us"), nullable=False),  # the shop's local time
        pa.field("campaign_id", pa.string(), nullable=False),  # what to log the contact under
        pa.field("product_id", pa.string()),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("suppressed", pa.string(), nullable=False),
    ]
)
HELD = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("trigger", pa.string(), nullable=False),
        pa.field("step", pa.int64(), nullable=False),
        pa.field("due_on", pa.date32(), nullable=False),
        pa.field("state", pa.string(), nullable=False),  # priority, contacts, closed, channel or late
        pa.field("why", pa.string(), nullable=False),
    ]
)


def due_table(found: Found) -> pa.Table:
    """Return what is sent: one row per customer."""
    dues, rows = found.dues, np.flatnonzero(found.dues.state == SENT)
    of = [dues.triggers[place] for place in dues.trigger[rows]]
    step = dues.steps.step[rows]
    columns = [
        _ids(found, rows),
        pa.array([one.name for one in of], pa.string()),
        as_arrow(step, pa.int64()),
        pa.array([len(one.offers) for one in of], pa.int64()),
        pa.array([one.offers[number - 1] for one, number in zip(of, step, strict=True)], pa.string()),
        pa.array([CHANNELS[place] for place in dues.channel[rows]], pa.string()),
        pa.array(["yes" if sure else "unknown" for sure in dues.sure[rows]], pa.string()),
        at_hour(np.full(len(rows), found.base.as_of + 1), dues.hour[rows]),
        pa.array([f"{one.name}-{number}" for one, number in zip(of, step, strict=True)], pa.string()),
        _products(found, rows),
        pa.array([_reason(dues, int(row)) for row in rows], pa.string()),
        pa.array(_suppressed(dues, rows), pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=DUE)


def held_table(found: Found) -> pa.Table:
    """Return what was due and is not sent, with the reason."""
    dues, rows = found.dues, np.flatnonzero(found.dues.state != SENT)
    columns = [
        _ids(found, rows),
        pa.array([dues.triggers[place].name for place in dues.trigger[rows]], pa.string()),
        as_arrow(dues.steps.step[rows], pa.int64()),
        as_arrow(dues.steps.day[rows].astype(np.int32), pa.date32()),
        pa.array([str(state) for state in dues.state[rows]], pa.string()),
        pa.array([why(dues, found.base, int(row)) for row in rows], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=HELD)


def counts(found: Found, triggers: tuple[Trigger, ...]) -> pa.Table:
    """Return how many of each trigger are sent, suppressed and held back, and what a trigger that is off needs."""
    dues, rows = found.dues, []
    place = {one.name: number for number, one in enumerate(dues.triggers)}
    for one in triggers:
        state = dues.state[dues.trigger == place.get(one.name, -1)]
        sent, lower = int((state == SENT).sum()), int((state == "priority").sum())
        needs = ", ".join(found.needed.get(one.name, ()))
        rows.append(
            {
                "trigger": one.name,
                "due": sent,
                "suppressed": lower,
                "held_back": len(state) - sent - lower,
                "needs": needs,
                "adds": one.adds if needs else "",
            }
        )
    return pa.Table.from_pylist(rows, schema=_COUNTS)


_COUNTS = pa.schema(
    [("trigger", pa.string()), ("due", pa.int64()), ("suppressed", pa.int64()), ("held_back", pa.int64()),
     ("needs", pa.string()), ("adds", pa.string())]
)  # fmt: skip


def _reason(dues: Dues, row: int) -> str:
    one, number = dues.triggers[dues.trigger[row]], int(dues.steps.step[row])
    start = int(dues.steps.start[row])
    days = int(dues.steps.day[row]) - start
    when = _when(days, STARTS[one.start].says, to_date(start).isoformat())
    step = f", step {number} of {len(one.offers)}" if len(one.offers) > 1 else ""
    return f"{one.label}: {when}{step}"


def _when(days: int, what: str, date: str) -> str:
    if days == 0:
        return (
            f"on the day that {what} ({date})" if " was " in what or " had " in what else f"{what} ({date})"
        )
    unit = "day" if abs(days) == 1 else "days"
    return f"{abs(days)} {unit} {'after' if days > 0 else 'before'} {what} ({date})"


def _suppressed(dues: Dues, rows: Ints) -> list[str]:
    """Return for each sent row what else was due for the same customer, and the steps that it replaces."""
    others: dict[int, list[str]] = {}
    for row in np.flatnonzero((dues.state != SENT) & (dues.first >= 0)):
        one = dues.triggers[dues.trigger[row]]
        others.setdefault(int(dues.first[row]), []).append(f"{one.name} step {int(dues.steps.step[row])}")
    for row in rows[dues.steps.skipped[rows] > 0]:
        last = int(dues.steps.step[row])
        earlier = ", ".join(str(number) for number in range(last - int(dues.steps.skipped[row]), last))
        name = dues.triggers[dues.trigger[row]].name
        others.setdefault(int(row), []).append(f"{name} step {earlier} (a later step is due)")
    return ["; ".join(others.get(int(row), ())) for row in rows]


def _ids(found: Found, rows: Ints) -> pa.Array:
    return found.base.sales.ids.take(as_arrow(found.dues.steps.customer[rows], pa.int64()))


def _products(found: Found, rows: Ints) -> pa.Array:
    product = found.dues.steps.product[rows]
    if not (product >= 0).any():
        return pa.nulls(len(rows), pa.string())
    values = found.base.sales.text("product_id").values.cast(pa.string())
    return values.take(as_arrow(np.maximum(product, 0), pa.int64(), valid=product >= 0))
