"""The earliest time at which a customer may be written to: quiet hours, closed days, and how often at most."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.base import Base
from campaigns.calendar import WEEKDAYS, holidays_between
from campaigns.declarations import read_declarations
from contracts.days import parse_day
from contracts.errors import DataError, DeclarationError, nearest
from features.kernel.buffers import as_arrow, as_numpy, in_one, places_among
from features.kernel.running import Bools, Ints

SECTION, DEFAULT = "sending", "triggers/triggers.toml"
SENT = ("email_sent", "message_sent")


@dataclass(frozen=True, kw_only=True)
class SendRules:
    """When a shop sends. Hours are 0 … 23 of the shop's local time; nothing is sent from quiet_from to quiet_until.

    hour: the hour where the customers' own is not known; closed_weekdays, closed_dates (YYYY-MM-DD): no messages on
    these; holidays: none on public holidays of the country; most_7d, most_30d: days with a message in any 7 or 30 days;
    within: how many days a message may wait for an open day.
    """

    name: str = "shop"
    quiet_from: int = 21
    quiet_until: int = 8
    hour: int = 10
    closed_weekdays: tuple[str, ...] = ()
    closed_dates: tuple[str, ...] = ()
    holidays: bool = True
    most_7d: int = 2
    most_30d: int = 6
    within: int = 7

    def __post_init__(self) -> None:
        """Raise DeclarationError for what can never be kept."""
        for key in ("quiet_from", "quiet_until", "hour"):
            if not 0 <= getattr(self, key) <= 23:
                raise DeclarationError(f"{key} is {getattr(self, key)}. Write an hour from 0 to 23.")
        if not self.open_hours[self.hour]:
            raise DeclarationError(
                f"hour {self.hour} lies in the quiet hours {self.quiet_from} to {self.quiet_until}. Change one of them."
            )
        for key in ("most_7d", "most_30d", "within"):
            if getattr(self, key) < 1:
                raise DeclarationError(f"{key} is {getattr(self, key)}. Write at least 1.")
        for word in self.closed_weekdays:
            if word not in WEEKDAYS:
                raise DeclarationError(
                    f"closed_weekdays: '{word}' is no day of the week{nearest(word, WEEKDAYS)}"
                )
        if len(set(self.closed_weekdays)) == len(WEEKDAYS):
            raise DeclarationError(
                "closed_weekdays has all seven days; nothing could ever be sent. Leave one out."
            )
        try:
            _ = [parse_day(text) for text in self.closed_dates]
        except DataError as error:
            raise DeclarationError(f"closed_dates: {error}") from None

    @property
    def open_hours(self) -> Bools:
        """The hours that are not quiet; (24,)."""
        hours = np.arange(24)
        quiet = (hours - self.quiet_from) % 24 < (self.quiet_until - self.quiet_from) % 24
        return ~quiet


def read_send_rules(path: Path | None = None) -> SendRules:
    """Return the shop's rules, [sending.shop] of its file, else ours; raise DeclarationError."""
    found = read_declarations(SendRules, section=SECTION, default=DEFAULT, path=path)
    if set(found) != {"shop"}:
        raise DeclarationError(f"[{SECTION}.NAME]: the one name is 'shop'. Write [{SECTION}.shop].")
    return found["shop"]


def closed_days(rules: SendRules, first: int, last: int, *, country: str | None) -> Collection[int]:
    """Return the days first … last on which nothing is sent, weekdays apart; raise as holidays_between does."""
    closed = {parse_day(text) for text in rules.closed_dates}
    if country is not None and rules.holidays:
        closed |= {one.first for one in holidays_between(first, last, country=country)}
    return closed


@dataclass(frozen=True)
class ContactDays:
    """The different days on which customers were contacted, by customer and day. customer, day: (m,)."""

    customer: Ints
    day: Ints

    @staticmethod
    def of(base: Base) -> ContactDays | None:
        """Return the days of contacts (treated arm) and of sent messages among the events; None without both."""
        parts = []
        if base.contacts is not None:
            parts.append(_rows(base.contacts, pc.equal(base.contacts["arm"], "treated"), base.sales.ids))
        if base.events is not None:
            sent = pc.is_in(base.events["kind"], value_set=pa.array(SENT, pa.string()))
            parts.append(_rows(base.events, sent, base.sales.ids))
        if base.contacts is None and not sum(len(customer) for customer, _ in parts):
            return None
        customer, day = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        both = np.unique(np.stack((customer, day)), axis=1)
        return ContactDays(both[0], both[1])

    def between(self, customers: Ints, first: Ints, last: Ints) -> Ints:
        """Return how many contact days each of these customers has from `first` to `last`, both inside."""
        if not len(self.day):
            return np.zeros(len(customers), dtype=np.int64)
        low = min(int(self.day.min()), int(first.min(initial=0))) - 1
        span = max(int(self.day.max()), int(last.max(initial=0))) - low + 2
        keys = self.customer * span + (self.day - low)
        begin = np.searchsorted(keys, customers * span + (first - low), side="left")
        return np.searchsorted(keys, customers * span + (last - low), side="right") - begin

    def full(self, customers: Ints, day: Ints, rules: SendRules) -> Bools:
        """Tell for whom one more message on `day` would be too many in 7 or in 30 days."""
        week = self.between(customers, day - 6, day - 1) >= rules.most_7d
        return week | (self.between(customers, day - 29, day - 1) >= rules.most_30d)


def send_days(
    customers: Ints,
    first: Ints,
    *,
    rules: SendRules,
    closed: Collection[int] = (),
    weekday: Ints | None = None,
    contacts: ContactDays | None = None,
) -> Ints:
    """Return the day on which to write to each customer, from `first` on and within rules.within days; -1: none.

    weekday: (n,) the customers' best ones (0 Monday; -1 none), taken where one of the open days has it.
    """
    day, best = np.full(len(first), -1), np.full(len(first), -1)
    shut = np.array(sorted(closed), dtype=np.int64)
    weekdays = np.array([name in rules.closed_weekdays for name in WEEKDAYS])
    for later in range(rules.within):
        at = first + later
        free = ~weekdays[(at + 3) % 7] & ~np.isin(at, shut)
        if contacts is not None:
            free &= ~contacts.full(customers, at, rules)
        day = np.where((day < 0) & free, at, day)
        if weekday is not None:
            best = np.where((best < 0) & free & ((at + 3) % 7 == weekday), at, best)
    return np.where(best >= 0, best, day)


def _rows(table: pa.Table, chosen: pa.ChunkedArray, ids: pa.Array) -> tuple[Ints, Ints]:
    rows = table.filter(chosen)
    owner = places_among(rows["customer_id"], ids)
    day = as_numpy(in_one(rows["day"])).astype(np.int64)
    return owner[owner >= 0], day[owner >= 0]


def at_hour(day: Ints, hour: Ints) -> pa.Array:
    """Return the times of these days and hours (local time of the shop); (n,) timestamp."""
    return as_arrow((day * 24 + hour) * 3_600_000_000, pa.timestamp("us"))
