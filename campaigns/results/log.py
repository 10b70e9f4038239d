"""The log of contacts as columns: one row per message or held-back customer, sorted by campaign, customer, time."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from features.kernel.buffers import as_numpy, filled, in_one, is_valid
from features.kernel.codes import Text
from features.kernel.running import Bools, Floats, Ints

HOUR = 3_600_000_000  # microseconds
RESPONSES = ("opened_at", "clicked_at", "converted_at", "unsubscribed_at")


@dataclass(frozen=True)
class Log:
    """N contacts. campaign, customer, offer, channel: texts; sent_hour: hours since 1970; day: of the sending.

    treated: false for the control; cost: NaN where unknown; delivered: 1, 0, or -1 unknown; opened, clicked,
    unsubscribed: whether a time is written; converted: 1 or 0, by a time not before the sending, else by revenue;
    early: a conversion before the sending; revenue: 0 where empty. absent: the response columns that hold nothing.
    """

    campaign: Text
    customer: Text
    sent_hour: Ints
    day: Ints
    treated: Bools
    offer: Text
    channel: Text
    cost: Floats
    delivered: Ints
    opened: Bools
    clicked: Bools
    unsubscribed: Bools
    converted: Floats
    early: Bools
    revenue: Floats
    absent: frozenset[str]

    @staticmethod
    def of(contacts: pa.Table) -> Log:
        """Read contacts.tables.CONTACTS."""
        texts = {name: Text.of(contacts[name]) for name in ("campaign_id", "customer_id", "offer", "channel")}
        sent = as_numpy(in_one(contacts["sent_at"]).cast(pa.timestamp("us")))
        times = {name: in_one(contacts[name]) for name in RESPONSES}
        said = {name: is_valid(values) for name, values in times.items()}
        absent = {name for name in (*RESPONSES, "delivered", "cost", "revenue") if _is_empty(contacts[name])}
        revenue = filled(in_one(contacts["revenue"]), np.float64(0.0))
        after = said["converted_at"] & (as_numpy(times["converted_at"].fill_null(0)) >= sent)
        converted = revenue > 0 if "converted_at" in absent else after
        early = said["converted_at"] & ~after
        log = Log(
            campaign=texts["campaign_id"],
            customer=texts["customer_id"],
            sent_hour=sent // HOUR,
            day=as_numpy(in_one(contacts["day"])).astype(np.int64),
            treated=_equals(contacts["arm"], "treated"),
            offer=texts["offer"],
            channel=texts["channel"],
            cost=filled(in_one(contacts["cost"]), np.float64(np.nan)),
            delivered=filled(in_one(contacts["delivered"]).cast(pa.int8()), np.int8(-1)).astype(np.int64),
            opened=said["opened_at"],
            clicked=said["clicked_at"],
            unsubscribed=said["unsubscribed_at"],
            converted=converted.astype(np.float64),
            early=early,
            revenue=np.where(early, 0.0, revenue),
            absent=frozenset(absent),
        )
        rank = np.lexsort((log.sent_hour, log.customer.codes, log.campaign.codes))
        return log if np.all(np.diff(rank) == 1) else log.take(rank)

    def take(self, rows: Ints) -> Log:
        """Return the log of these rows."""
        values: dict[str, Any] = {one.name: getattr(self, one.name) for one in fields(self)}
        for name, column in values.items():
            if isinstance(column, Text):
                values[name] = Text(column.codes[rows], column.values)
            elif name != "absent":
                values[name] = column[rows]
        return Log(**values)

    def __len__(self) -> int:
        return len(self.day)

    @cached_property
    def first(self) -> Ints:
        """The first contact of each campaign and customer; (F,) rows, rising."""
        campaign, customer = self.campaign.codes, self.customer.codes
        new = (np.diff(campaign) != 0) | (np.diff(customer) != 0)
        return np.flatnonzero(np.append(True, new)[: len(self)])

    @cached_property
    def place(self) -> Ints:
        """Which of `first` each row belongs to; (N,)."""
        heads = np.zeros(len(self), dtype=np.int64)
        heads[self.first[1:]] = 1
        return np.cumsum(heads)

    @property
    def has_control(self) -> bool:
        """Whether anybody was held back."""
        return not bool(self.treated.all())


def _equals(column: pa.ChunkedArray, word: str) -> Bools:
    text = Text.of(column)
    return np.array([one == word for one in [*text.texts, None]], dtype=np.bool_)[text.codes]


def _is_empty(column: pa.ChunkedArray) -> bool:
    return bool(column.null_count == len(column))
