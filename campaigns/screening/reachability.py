"""Through which channels each customer may and can be reached, and why not.

A channel is open where all three hold: there is an address that can work, nothing came back or was refused, and the
customer agreed. `no` needs a reason that is known; what is not known is `unknown`, never `yes`.

| channel | address | agreement |
|---|---|---|
| email | e-mail address by its letters, or an earlier e-mail was read | consent_email |
| sms | a mobile number, or an earlier one was read | consent_sms |
| phone, messenger | a number; a mobile number | none of our tables holds one: unknown |
| app | told by consent_push, or an earlier one was read | consent_push |
| post | none of our tables holds one: unknown | unknown |
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.base import Base
from campaigns.screening.channels import APP, CHANNELS, EMAIL, PHONE, POST, SMS
from campaigns.screening.email_addresses import JUDGEMENTS, judge
from campaigns.screening.messages import Messages, customers_of
from campaigns.screening.phone_numbers import KINDS, MOBILE, Numbers, no_numbers
from campaigns.screening.settings import Settings
from contracts.errors import DeclarationError
from contracts.tables import CUSTOMERS, PERSONAL
from features.kernel.buffers import as_arrow, filled, in_one
from features.kernel.codes import Text
from features.kernel.running import Bools, Ints

YES, NO, UNKNOWN = 1, 0, -1
STATES = {NO: "no", YES: "yes", UNKNOWN: "unknown"}
UNKNOWN_CONSENT = ("ask", "allow")
# What `reachable` as a whole goes by: for the other channels our tables can never say yes or no for sure.
TOLD = (EMAIL, SMS, APP)
REASONS: Mapping[str, str] = {
    "ok": "nothing speaks against it",
    "consent_assumed": "nobody asked for consent; allowed by --unknown-consent allow",
    "unsubscribed": "unsubscribed",
    "complained": "called a message spam",
    "consent_refused": "consent was refused",
    "bounced": "messages came back",
    "no_address": "no address is known",
    "bad_syntax": "the address cannot be one",
    "reserved_domain": "the address is a test (RFC 2606)",
    "throwaway_domain": "the address is of a provider of addresses that last minutes",
    "no_reply_box": "the address is a box that nobody reads",
    "misspelt_domain": "the domain looks misspelt",
    "role_box": "the address is a role's, not a person's",
    "letters_beyond_ascii": "the address has letters that many mail servers refuse",
    "no_number": "no valid number is known",
    "invalid_number": "the number is not valid",
    "fixed_line": "the number is a fixed line",
    "other_number": "the number is neither mobile nor a fixed line",
    "no_personal_data": "the tables hold no addresses or numbers",
    "consent_unknown": "consent is not known",
    "no_app": "whether the app is there is not known",
    "no_postal_address": "our tables hold no postal address",
}
_PLACE = {name: i for i, name in enumerate(REASONS)}
_DOUBTFUL = ("misspelt_domain", "role_box", "letters_beyond_ascii", "other_number", "no_personal_data")
_KINDS = {field.name: field.type for schema in (CUSTOMERS, PERSONAL) for field in schema}
_CONSENTS = {EMAIL: "consent_email", SMS: "consent_sms", APP: "consent_push"}


@dataclass(frozen=True)
class Reach:
    """Who can be reached by which channel; aligned with `ids` (the base's sales.ids).

    state: by channel (n,) int8: 1 yes, 0 no, -1 unknown. reason: by channel (n,) places in REASONS.
    region: (n,) the country of the telephone number, as codes.
    """

    ids: pa.Array
    state: Mapping[str, NDArray[np.int8]]
    reason: Mapping[str, NDArray[np.int8]]
    region: Text

    @property
    def any(self) -> NDArray[np.int8]:
        """1 where some channel is open, 0 where e-mail, SMS and app are all closed, else -1; (n,)."""
        every = np.stack([self.state[name] for name in CHANNELS])
        told = np.stack([self.state[name] for name in TOLD])
        closed = np.where((told == NO).all(axis=0), NO, UNKNOWN)
        return np.where((every == YES).any(axis=0), YES, closed).astype(np.int8)

    def counts(self, channel: str) -> dict[str, dict[str, int]]:
        """Return state -> reason -> customers, the most first."""
        names = list(REASONS)
        found: dict[str, dict[str, int]] = {word: {} for word in ("yes", "no", "unknown")}
        pairs = np.stack([self.state[channel], self.reason[channel]])
        values, counts = np.unique(pairs, axis=1, return_counts=True)
        for at in np.argsort(-counts, kind="stable"):
            found[STATES[int(values[0, at])]][names[values[1, at]]] = int(counts[at])
        return found


def reach_of(base: Base, *, unknown_consent: str = "ask", settings: Settings | None = None) -> Reach:
    """Return through which channels each customer of a base may and can be reached.

    unknown_consent: 'ask' leaves customers unknown whose consent nobody wrote down; 'allow' takes them as agreed.
    """
    if unknown_consent not in UNKNOWN_CONSENT:
        raise DeclarationError(f"unknown consent is '{unknown_consent}'. Write 'ask' or 'allow'.")
    settings = settings or Settings.ours()
    messages, facts = Messages.of(base), _Facts(base, settings)
    state, reason = {}, {}
    for channel in CHANNELS:
        address = facts.address(channel, messages.answered[channel])
        found = np.full(len(base.sales), _PLACE["ok"], dtype=np.int8)
        consent = facts.consent(channel)
        unasked = "consent_assumed" if unknown_consent == "allow" else "consent_unknown"
        tests: list[tuple[Bools, Ints | int]] = [
            (messages.left[channel], _PLACE["unsubscribed"]),
            (messages.complained[channel], _PLACE["complained"]),
            (consent == NO, _PLACE["consent_refused"]),
            (messages.bounces[channel] >= settings.limits["hard_bounces"], _PLACE["bounced"]),
            (address != _PLACE["ok"], address),
            (consent == UNKNOWN, _PLACE[unasked]),
        ]
        for holds, value in reversed(tests):
            found = np.where(holds, value, found).astype(np.int8)
        state[channel], reason[channel] = _STATE_OF[found], found
    return Reach(base.sales.ids, state, reason, facts.numbers.region)


def _state_of(name: str) -> int:
    if name in ("ok", "consent_assumed"):
        return YES
    return UNKNOWN if name in (*_DOUBTFUL, "consent_unknown", "no_app", "no_postal_address") else NO


_STATE_OF = np.array([_state_of(name) for name in REASONS], dtype=np.int8)


class _Facts:
    """Addresses, numbers and consents of the customers of a base."""

    def __init__(self, base: Base, settings: Settings) -> None:
        self._base, self._count = base, len(base.sales)
        emails, phones = (known_column(base.personal, name, base.sales.ids) for name in ("email", "phone"))
        self._judged = None if emails is None else judge(emails, settings)
        self._has_numbers = phones is not None
        self.numbers = no_numbers(self._count) if phones is None else Numbers.of(phones)

    def address(self, channel: str, answered: Bools) -> Ints:
        """Return what is wrong with the address that a channel needs, as places in REASONS; (n,)."""
        if channel == POST:
            return np.full(self._count, _PLACE["no_postal_address"])
        if channel == APP:
            known = answered | (self.consent(APP) == YES)
            return np.where(known, _PLACE["ok"], _PLACE["no_app"])
        if (channel == EMAIL and self._judged is None) or (channel != EMAIL and not self._has_numbers):
            return np.where(answered, _PLACE["ok"], _PLACE["no_personal_data"])
        if channel == EMAIL:
            return _EMAIL_REASON[self._judged]
        kind = self.numbers.kind.astype(np.int64)
        fits = kind == MOBILE
        if channel == PHONE:
            fits |= np.isin(kind, [KINDS.index("fixed_line"), KINDS.index("other_number")])
        return np.where(fits, _PLACE["ok"], _PHONE_REASON[kind])

    def consent(self, channel: str) -> Ints:
        """Return 1 agreed, 0 refused, -1 not known; (n,)."""
        customers, column = self._base.customers, _CONSENTS.get(channel)
        if customers is None or column is None:
            return np.full(self._count, UNKNOWN)
        return filled(aligned(customers, column, self._base.sales.ids).cast(pa.int8()), np.int64(UNKNOWN))


_EMAIL_REASON = np.array([_PLACE.get(name, _PLACE["ok"]) for name in JUDGEMENTS])
_PHONE_REASON = np.array([_PLACE.get(name, _PLACE["ok"]) for name in KINDS])


def has_values(table: pa.Table | None, column: str) -> bool:
    """Tell whether a table is there and holds anything in a column."""
    if table is None or column not in table.column_names:
        return False
    return bool(table[column].null_count < table.num_rows)


def known_column(table: pa.Table | None, column: str, ids: pa.Array) -> pa.Array | None:
    """Return a column in the order of `ids`, None where the table or all its values are missing; (n,)."""
    return aligned(table, column, ids) if table is not None and has_values(table, column) else None


def aligned(table: pa.Table, column: str, ids: pa.Array) -> pa.Array:
    """Return a column of a table with one row per customer in the order of `ids`; (n,).

    Null where there is no row or, for CUSTOMERS and PERSONAL, no such column.
    """
    if column not in table.column_names:
        return pa.nulls(len(ids), _KINDS[column])
    customer = customers_of(table, ids)
    row = np.full(len(ids), -1)
    inside = customer >= 0
    row[customer[inside]] = np.flatnonzero(inside)
    return in_one(table[column]).take(as_arrow(np.maximum(row, 0), pa.int64(), valid=row >= 0))
