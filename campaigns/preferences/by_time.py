"""When to contact each customer: weekday, hour outside the channel's quiet hours, the best week, personal dates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.base import Base
from campaigns.calendar import WEEKDAYS
from campaigns.channels import Channel
from campaigns.preferences.by_channel import ByChannel
from campaigns.timing import best_hour, moments_of, timing_table
from features.kernel.buffers import as_arrow, in_one
from features.kernel.running import Bools, Ints

HOURS = {
    "best_hour": pa.int64(),
    "hour_share": pa.float64(),
    "hour_evidence": pa.int64(),
    "hour_own": pa.bool_(),
}
NEXT_ORDER = ("next_order_p10", "next_order_p50", "next_order_p90")
WINDOW = {
    **dict.fromkeys((*NEXT_ORDER, "contact_from", "contact_to"), pa.date32()),
    "contact_why": pa.string(),
}
WHY_WEEK = {
    "before_the_expected_order": "shortly before the order that the own rhythm expects",
    "overdue": "the order that the own rhythm expects is overdue",
    "window_opens": "from then on the next order is likely",
    "unlikely": "no order is likely within a year",
    "unknown": "the ranking does not know this customer",
}


def by_time(
    base: Base, scores: pa.Table | None, channels: Mapping[str, Channel], found: ByChannel
) -> pa.Table:
    """Return campaigns.timing.timing_table with all its columns, in words; null where nothing is known.

    The hour is one at which the recommended channel, or else the one to ask for, may send. The dates of the next order
    are those of the ranking.
    """
    masks, of_customer = _sending_hours(channels, found)
    table = timing_table(base, scores, open_hours=masks[0])
    if "best_hour" in table.column_names and len(masks) > 1:
        table = _with_hours(table, base, masks, of_customer)
    for name, kind in (HOURS | WINDOW).items():
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(table.num_rows, kind))
    dates = {} if scores is None else _next_order(scores, base.sales.ids)
    words = {
        "contact_why": _in_words(table["contact_why"], WHY_WEEK),
        "best_weekday": pa.array(WEEKDAYS, pa.string()).take(in_one(table["best_weekday"])),
    }
    for name, values in (words | dates).items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table


def _next_order(scores: pa.Table, ids: pa.Array) -> dict[str, pa.Array]:
    """Return the ranking's dates of the next order, null for whoever has no score; (n,) each."""
    place = pc.index_in(ids.cast(pa.string()), value_set=in_one(scores["customer_id"]))
    return {name: in_one(scores[name]).take(place) for name in NEXT_ORDER}


def _sending_hours(channels: Mapping[str, Channel], found: ByChannel) -> tuple[list[Bools], Ints]:
    """Return the distinct (24,) hours of sending, and which of them holds for each customer; (n,)."""
    hours = np.arange(24)
    open_at = np.stack([*(channels[name].sendable(hours) for name in found.names), np.ones(24, np.bool_)])
    used, place = np.unique(found.aim, return_inverse=True)  # -1, no channel, is the last row
    masks, of_used = np.unique(open_at[used], axis=0, return_inverse=True)
    return list(masks), of_used.reshape(-1)[place]


def _with_hours(table: pa.Table, base: Base, masks: list[Bools], of_customer: Ints) -> pa.Table:
    """Return the table with the best hour of each customer among the hours that are open to them."""
    moments = moments_of(base)
    found = [best_hour(moments, len(base.sales), allowed=mask) for mask in masks]
    habits = [habit for habit in found if habit is not None]
    slot = np.choose(of_customer, [habit.slot for habit in habits]).astype(np.int64)
    columns = {
        "best_hour": as_arrow(slot, pa.int64(), valid=slot >= 0),
        "hour_share": as_arrow(np.choose(of_customer, [habit.share for habit in habits]), pa.float64()),
        "hour_own": as_arrow(np.choose(of_customer, [habit.own for habit in habits]), pa.bool_()),
    }
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    return table


def _in_words(codes: pa.ChunkedArray, words: Mapping[str, str]) -> pa.Array:
    """Return the words of texts, null where there is none."""
    place = pc.index_in(in_one(codes), value_set=pa.array(list(words), pa.string()))
    return pa.array(list(words.values()), pa.string()).take(place)
