"""How many days to leave between two messages to each group, with what was seen after shorter and longer gaps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from campaigns.contact_interval import ContactInterval, contact_intervals
from campaigns.messages import Messages
from campaigns.preferences.groups import ALL, Groups
from features.kernel.running import Floats

INTERVALS = pa.schema(
    [
        pa.field("grouped_by", pa.string(), nullable=False),  # all, rfm or activity
        pa.field("segment", pa.string(), nullable=False),
        pa.field("customers", pa.int64(), nullable=False),
        pa.field("contact_interval_days", pa.int64()),  # null: unknown
        pa.field("measure", pa.string()),  # clicks or opens
        pa.field("repeated_messages", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("missing", pa.string()),  # what would tell, where it is unknown
        # One row per class of gaps: the days since the customer's message before. Null without any class.
        pa.field("gap_from_days", pa.int64()),
        pa.field("gap_to_days", pa.int64()),  # null: or more
        pa.field("messages", pa.int64()),
        pa.field("opens", pa.int64()),
        pa.field("clicks", pa.int64()),
        pa.field("unsubscribes", pa.int64()),
        pa.field("unsubscribed_share", pa.float64()),
        pa.field("ratio", pa.float64()),  # response over that of the same customers after longer gaps
        pa.field("ratio_lower", pa.float64()),  # 8 of 10 lie between these two
        pa.field("ratio_upper", pa.float64()),
        pa.field("verdict", pa.string()),  # longest, holds, falls, unclear
    ]
)
NO_MESSAGES = (
    "sent messages with what became of them: --contacts (sent_at, opened_at, clicked_at, unsubscribed_at), or --events "
    "(email_sent, email_open, email_click, unsubscribe)"
)
TOO_FEW = (
    "more messages to the same customers, with opens and clicks recorded, after gaps of different length"
)


@dataclass(frozen=True)
class GroupInterval:
    """The interval of one group. by: ALL, RFM or ACTIVITY; customers: how many are in it."""

    by: str
    customers: int
    found: ContactInterval
    missing: str | None


def intervals_of(messages: Messages, groups: Groups, *, as_of: int) -> tuple[GroupInterval, ...]:
    """Return the interval of all customers, then of each group by name."""
    size = len(groups.name)
    found = []
    for by, name in ((ALL, np.full(size, ALL, dtype=object)), (groups.by, groups.name)):
        names, counts = np.unique(name.astype(np.str_), return_counts=True)
        customers = dict(zip(names.tolist(), counts.tolist(), strict=True))
        for one in contact_intervals(messages, name, as_of=as_of):
            missing = None if one.days is not None else TOO_FEW if len(messages) else NO_MESSAGES
            found.append(GroupInterval(by, customers[one.segment], one, missing))
    return tuple(found)


def days_of(intervals: tuple[GroupInterval, ...], groups: Groups) -> Floats:
    """Return the days to leave between messages to each customer: their group's, else those of all, else NaN; (n,)."""
    own = {one.found.segment: one.found.days for one in intervals if one.by == groups.by}
    whole = next((one.found.days for one in intervals if one.by == ALL), None)
    found = np.full(len(groups.name), np.nan)
    for name, days in own.items():
        known = days if days is not None else whole
        found[groups.name == name] = np.nan if known is None else known
    return found


def interval_table(intervals: tuple[GroupInterval, ...]) -> pa.Table:
    """Return INTERVALS."""
    return pa.Table.from_pylist([row for one in intervals for row in _rows(one)], schema=INTERVALS)


def _rows(one: GroupInterval) -> Iterator[dict[str, Any]]:
    found = one.found
    group = {
        "grouped_by": one.by, "segment": found.segment, "customers": one.customers,
        "contact_interval_days": found.days, "measure": found.measure or None, "repeated_messages": found.messages,
        "reason": found.reason, "missing": one.missing,
    }  # fmt: skip
    if not found.classes:
        yield group
    for gap in found.classes:
        ratios = {"ratio": gap.ratio, "ratio_lower": gap.lower, "ratio_upper": gap.upper}
        yield {
            **group,
            "gap_from_days": gap.first,
            "gap_to_days": gap.last,
            "messages": gap.messages,
            "opens": gap.opens,
            "clicks": gap.clicks,
            "unsubscribes": gap.unsubscribes,
            "unsubscribed_share": gap.unsubscribes / gap.messages,
            **{name: None if np.isnan(value) else value for name, value in ratios.items()},
            "verdict": gap.verdict,
        }
