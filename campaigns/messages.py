"""Messages to customers, and what became of each: from events and contacts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from campaigns.base import Base
from features.kernel.buffers import as_arrow, as_numpy, filled, is_valid, places_among
from features.kernel.codes import Text
from features.kernel.running import Bools, Ints

_DAY = 86_400_000_000  # microseconds
_ANSWERED_WITHIN = 30 * _DAY
_SENT = ("email_sent", "message_sent")
_RESPONSES = {
    "opened": ("email_open", "message_read"),
    "clicked": ("email_click", "message_click"),
    "unsubscribed": ("unsubscribe",),
}


@dataclass(frozen=True)
class Messages:
    """M messages that were sent to customers, by customer and time.

    customer: (M,) positions in the ids of the sales; at: microseconds; channel, offer: texts, -1 where not known;
    opened, clicked, converted, unsubscribed: (M,); source: 'contacts', 'events' or '' (none are known).
    """

    customer: Ints
    at: Ints
    channel: Text
    offer: Text
    opened: Bools
    clicked: Bools
    converted: Bools
    unsubscribed: Bools
    source: str

    @staticmethod
    def of(base: Base) -> Messages:
        """Return the messages of the events or of the contacts, whichever tell of more."""
        contacts, events = Messages.of_contacts(base), Messages.of_events(base)
        return events if len(events) > len(contacts) else contacts

    @staticmethod
    def of_contacts(base: Base) -> Messages:
        """Return what was sent to the treated arms and not known to be undelivered."""
        if base.contacts is None:
            return _no_messages()
        rows = base.contacts.combine_chunks()
        customer = _positions(rows["customer_id"], base.sales.ids)
        treated = filled(pc.equal(rows["arm"].combine_chunks(), "treated"), np.False_)
        arrived = filled(rows["delivered"].combine_chunks(), np.True_)
        known = as_numpy(rows["day"]) <= base.as_of
        at = as_numpy(rows["sent_at"])
        keep = _sorted_where((customer >= 0) & treated & arrived & known, customer, at)
        happened = {name: is_valid(rows[f"{name}_at"])[keep] for name in (*_RESPONSES, "converted")}
        channel, offer = (_taken(Text.of(rows[name]), keep) for name in ("channel", "offer"))
        return Messages(customer[keep], at[keep], channel, offer, source="contacts", **happened)

    @staticmethod
    def of_events(base: Base) -> Messages:
        """Return the sends among the events, each with the responses that followed it within 30 days.

        A response belongs to the last message of its campaign to the customer, or where no campaign fits to the last
        message at all.
        """
        if base.events is None:
            return _no_messages()
        rows = base.events.combine_chunks()
        customer = _positions(rows["customer_id"], base.sales.ids)
        inside = (customer >= 0) & (as_numpy(rows["day"]) <= base.as_of)
        kind, campaign = Text.of(rows["kind"]), Text.of(rows["campaign_id"]).codes
        at = as_numpy(rows["occurred_at"])
        keep = _sorted_where(inside & _is_one_of(kind, _SENT), customer, at)
        happened = {}
        for name, words in _RESPONSES.items():
            later = np.flatnonzero(inside & _is_one_of(kind, words))
            happened[name] = _answered(customer, campaign, at, sent=keep, later=later)
        channel = _taken(_mail_named(rows, kind), keep)
        no_offer = Text(np.full(len(keep), -1, np.int32), pa.array([], pa.string()))
        nothing = np.zeros(len(keep), dtype=np.bool_)
        return Messages(
            customer[keep], at[keep], channel, no_offer, converted=nothing, source="events", **happened
        )

    def __len__(self) -> int:
        return len(self.customer)

    @property
    def day(self) -> Ints:
        """The day of each; (M,)."""
        return np.floor_divide(self.at, _DAY)

    def where(self, chosen: Bools) -> Messages:
        """Return some of the messages."""
        rows = np.flatnonzero(chosen)
        answers = (self.opened[rows], self.clicked[rows], self.converted[rows], self.unsubscribed[rows])
        channel, offer = _taken(self.channel, rows), _taken(self.offer, rows)
        return Messages(self.customer[rows], self.at[rows], channel, offer, *answers, source=self.source)


def _positions(customer: pa.ChunkedArray, ids: pa.Array) -> Ints:
    """Return each row's place in the ids, -1 for those who never ordered."""
    return places_among(customer, ids)


def _sorted_where(chosen: Bools, customer: Ints, at: Ints) -> Ints:
    """Return the chosen rows by customer and time."""
    rows = np.flatnonzero(chosen)
    return rows[np.lexsort((at[rows], customer[rows]))]


def _is_one_of(kind: Text, words: Sequence[str]) -> Bools:
    wanted = np.array([text in words for text in kind.texts] + [False])  # the last is for -1
    return wanted[kind.codes]


def _taken(text: Text, rows: Ints) -> Text:
    return Text(text.codes[rows], text.values)


def _mail_named(rows: pa.Table, kind: Text) -> Text:
    """Return the channel; e-mail events that name none came by e-mail."""
    words = [word for word in kind.texts if word is not None and word.startswith("email_")]
    is_mail = as_arrow(_is_one_of(kind, words), pa.bool_())
    channel = rows["channel"].combine_chunks()
    return Text.of(pc.if_else(pc.and_(pc.is_null(channel), is_mail), pa.scalar("email"), channel))


def _answered(customer: Ints, campaign: NDArray[np.int32], at: Ints, *, sent: Ints, later: Ints) -> Bools:
    """Return which sends (rows) were followed by one of these responses (rows)."""
    answered = np.zeros(len(sent), dtype=np.bool_)
    if not len(later):
        return answered
    width = int(campaign.max(initial=-1)) + 2
    by_campaign = customer * width + campaign + 1
    found = _last_before(by_campaign, at, sent=sent, later=later)
    found[campaign[later] < 0] = -1
    rest = found < 0
    if rest.any():
        found[rest] = _last_before(customer, at, sent=sent, later=later[rest])
    answered[found[found >= 0]] = True
    return answered


def _last_before(key: Ints, at: Ints, *, sent: Ints, later: Ints) -> Ints:
    """Return for each later row the place in `sent` of the last one before it with the same key, -1 if none."""
    rows = np.concatenate((sent, later))
    is_later = np.arange(len(rows)) >= len(sent)
    order = np.lexsort((is_later, at[rows], key[rows]))
    place = np.maximum.accumulate(np.where(is_later[order], -1, np.arange(len(order))))
    last = order[np.maximum(place, 0)]  # a place in `sent`, which comes first in `rows`
    fits = (place >= 0) & (key[rows[last]] == key[rows[order]])
    fits &= at[rows[order]] - at[rows[last]] <= _ANSWERED_WITHIN
    found = np.full(len(rows), -1, dtype=np.int64)
    found[order] = np.where(fits, last, -1)
    return found[len(sent) :]


def _no_messages() -> Messages:
    none = Text(np.empty(0, np.int32), pa.array([], pa.string()))
    no, ints = np.empty(0, np.bool_), np.empty(0, np.int64)
    return Messages(ints, ints, none, none, no, no, no, no, source="")
