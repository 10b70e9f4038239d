"""What came of earlier messages, by channel: who answered, whose address bounced, who unsubscribed or complained.

Taken from events (contracts.tables.EVENTS) and from contacts (CONTACTS). The last word counts: whoever subscribed again
after unsubscribing is subscribed; a bounce before a sign of life is forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.base import Base
from campaigns.screening.channels import APP, CHANNELS, EMAIL, SMS, channel_of
from features.kernel.buffers import as_arrow, as_numpy, filled, in_one, is_valid, places_among
from features.kernel.codes import Text
from features.kernel.running import Bools, Ints
from features.reading.presets import fold

ANSWERED, UNSUBSCRIBED, SUBSCRIBED, COMPLAINED, BOUNCED = range(5)
# Folded words; those that name their channel are of that one, whatever the event's channel says.
_MEANINGS: Mapping[int, tuple[str, ...]] = {
    ANSWERED: ("emailopen", "emailclick", "messageread", "messageclick"),
    UNSUBSCRIBED: ("unsubscribe", "smsunsubscribe", "smsoptout", "unsubscribedfromsms", "unsubscribedfromsmsmarketing",
                   "pushunsubscribe", "pushoptout"),
    SUBSCRIBED: ("subscribe", "subscribed", "resubscribe", "resubscribed", "optin", "optedin", "subscribedtolist",
                 "subscribedtoemailmarketing", "emailsubscribe", "smssubscribe", "smsoptin",
                 "subscribedtosmsmarketing", "pushoptin"),
    COMPLAINED: ("complaint", "complained", "spamcomplaint", "spamreport", "spamreported", "markedasspam",
                 "markedemailasspam", "emailcomplaint", "reportedspam", "spam"),
    BOUNCED: ("bounce", "bounced", "emailbounce", "emailbounced", "bouncedemail", "hardbounce", "hardbounced",
              "emailhardbounce", "bouncehard", "bouncedhard", "invalidemail"),
}  # fmt: skip
_BY_WORD = {word: meaning for meaning, words in _MEANINGS.items() for word in words}
_OF_CHANNEL = {"email": EMAIL, "sms": SMS, "push": APP}
_LONG_AGO = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Messages:
    """By channel, (n,) each by customer. answered: some message arrived (read, clicked, delivered).

    left: unsubscribed, and not subscribed again. complained: called a message spam after subscribing last.
    bounces: days with a bounce since the last sign of life.
    """

    answered: Mapping[str, Bools]
    left: Mapping[str, Bools]
    complained: Mapping[str, Bools]
    bounces: Mapping[str, Ints]

    @staticmethod
    def of(base: Base) -> Messages:
        """Gather what the events and contacts of a base say about its customers."""
        happened = _joined([*_of_events(base), *_of_contacts(base)])
        by_channel = {name: happened.among(happened.channel == i) for i, name in enumerate(CHANNELS)}
        count = len(base.sales)
        left, complained = {}, {}
        for name, rows in by_channel.items():
            joined = rows.last(SUBSCRIBED, count)
            left[name] = rows.last(UNSUBSCRIBED, count) > joined
            complained[name] = rows.last(COMPLAINED, count) > joined
        return Messages(
            {name: rows.last(ANSWERED, count) > _LONG_AGO for name, rows in by_channel.items()},
            left,
            complained,
            {name: rows.bounces(count) for name, rows in by_channel.items()},
        )


@dataclass(frozen=True)
class _Rows:
    """What happened. customer: places; at: microseconds; channel: places in CHANNELS, -1 unknown; each (m,)."""

    customer: Ints
    at: Ints
    channel: Ints
    meaning: Ints

    def among(self, chosen: Bools) -> _Rows:
        return _Rows(self.customer[chosen], self.at[chosen], self.channel[chosen], self.meaning[chosen])

    def last(self, meaning: int, count: int) -> Ints:
        """Return when each customer last did this; (count,), very long ago for never."""
        found = np.full(count, _LONG_AGO)
        chosen = self.meaning == meaning
        np.maximum.at(found, self.customer[chosen], self.at[chosen])
        return found

    def bounces(self, count: int) -> Ints:
        """Return on how many days since the last sign of life something bounced; (count,)."""
        alive = self.last(ANSWERED, count)
        some = self.among((self.meaning == BOUNCED) & (self.at > alive[self.customer]))
        days = some.at // 86_400_000_000
        pairs = np.unique(np.stack([some.customer, days]), axis=1)
        return np.bincount(pairs[0], minlength=count)


def _joined(parts: list[_Rows]) -> _Rows:
    nothing = np.empty(0, dtype=np.int64)
    every = [*parts, _Rows(nothing, nothing, nothing, nothing)]
    columns = [[getattr(one, name) for one in every] for name in ("customer", "at", "channel", "meaning")]
    customer, at, channel, meaning = (np.concatenate(column) for column in columns)
    rows = _Rows(customer, at, channel, meaning)
    return rows.among((customer >= 0) & (channel >= 0))


def _of_events(base: Base) -> list[_Rows]:
    if base.events is None:
        return []
    kind = Text.of(base.events["kind"])
    words = [fold(str(word)) for word in kind.texts]
    meaning = np.array([*(_BY_WORD.get(word, -1) for word in words), -1])[kind.codes]
    rows = np.flatnonzero(meaning >= 0)
    events = base.events.take(as_arrow(rows, pa.int64()))
    said = np.array([*(_channel_in(word) for word in words), -1])[kind.codes[rows]]
    return [
        _Rows(
            customers_of(events, base.sales.ids),
            _microseconds(events["occurred_at"]),
            np.where(said >= 0, said, _channels(events, "channel")),
            meaning[rows].astype(np.int64),
        )
    ]


def _of_contacts(base: Base) -> list[_Rows]:
    """Return what contacts of the treated arm say; what was not delivered bounced on the day it was sent."""
    if base.contacts is None:
        return []
    treated = as_numpy(pc.equal(in_one(base.contacts["arm"]), "treated"))
    contacts = base.contacts.filter(as_arrow(treated, pa.bool_()))
    customer, channel = customers_of(contacts, base.sales.ids), _channels(contacts, "channel")
    delivered = in_one(contacts["delivered"])
    arrived, said = as_numpy(pc.fill_null(delivered, False)), is_valid(delivered)
    found = [
        (ANSWERED, "sent_at", arrived),
        (BOUNCED, "sent_at", said & ~arrived),
        (ANSWERED, "opened_at", is_valid(contacts["opened_at"])),
        (ANSWERED, "clicked_at", is_valid(contacts["clicked_at"])),
        (UNSUBSCRIBED, "unsubscribed_at", is_valid(contacts["unsubscribed_at"])),
    ]
    return [
        _Rows(customer, _microseconds(contacts[time]), channel, np.full(len(customer), meaning)).among(
            happened
        )
        for meaning, time, happened in found
    ]


def customers_of(table: pa.Table, ids: pa.Array) -> Ints:
    """Return for each row of a table the place of its customer among `ids`, -1 where it is none of them; (m,)."""
    return places_among(table["customer_id"], ids)


def _microseconds(times: pa.ChunkedArray) -> Ints:
    return filled(in_one(times).cast(pa.timestamp("us")).cast(pa.int64()), np.int64(_LONG_AGO))


def _channels(table: pa.Table, column: str) -> Ints:
    """Return places in CHANNELS: e-mail where nothing is said, -1 for words that are not known."""
    if column not in table.column_names:
        return np.full(table.num_rows, CHANNELS.index(EMAIL))
    text = Text.of(table[column].cast(pa.string()))
    place = {name: i for i, name in enumerate(CHANNELS)}
    known = [place.get(channel_of(word) or "", -1) for word in text.texts]
    return np.array([*known, place[EMAIL]], dtype=np.int64)[text.codes]


def _channel_in(word: str) -> int:
    """Return the channel that a kind names itself, -1 if it does not."""
    return next((CHANNELS.index(channel) for part, channel in _OF_CHANNEL.items() if part in word), -1)
