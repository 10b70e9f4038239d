"""The channels: what each costs and allows, how customers answered by it, who may be contacted, and which to choose.

Highly active customers are met on the shop's own channels, others fetched by direct ones. Response rates are
beta-binomial, drawn towards customers who are as active (campaigns.sensitivity.shrunk_rates).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.base import Base
from campaigns.contact_interval import RESPONSE_DAYS
from campaigns.declarations import read_declarations
from campaigns.messages import Messages
from campaigns.screening.activity import ACTIVE, Activity
from campaigns.screening.channels import CHANNELS, channel_of
from campaigns.screening.reachability import NO, YES, Reach, aligned
from campaigns.shrinkage import shrunk_rates
from contracts.errors import DataError, DeclarationError, nearest
from contracts.tables import CUSTOMERS
from features.kernel.buffers import filled
from features.kernel.running import Bools, Floats, Ints

REASONS: Mapping[str, str] = {
    "ok": "may be contacted",
    "no_capacity": "the channel has no capacity",
    "not_reachable": "not reachable, or refused",
    "reach_unknown": "not known to be reachable and agreed",
    "consent_refused": "consent refused",
    "cap_7_days": "contacted too often in the last 7 days",
    "cap_30_days": "contacted too often in the last 30 days",
}
_PLACE = {name: place for place, name in enumerate(REASONS)}


@dataclass(frozen=True)
class Channel:
    """One channel; what the fields mean stands in channels.toml."""

    name: str
    label: str
    cost: float
    most_7d: int
    most_30d: int
    own: bool
    quiet_from: int = 0
    quiet_until: int = 0
    capacity: int | None = None
    consent: str | None = None
    currency: str | None = None
    cost_source: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.name not in CHANNELS:
            hint = nearest(self.name, CHANNELS) or "."
            raise DeclarationError(f"there is no channel '{self.name}'{hint} Known: {', '.join(CHANNELS)}.")
        for problem in self._problems():
            raise DeclarationError(problem)

    def _problems(self) -> Iterable[str]:
        """Name what is wrong with the values."""
        if not 0.0 <= self.cost < math.inf:
            yield f"cost is {self.cost:g}. Write an amount of at least 0."
        for key in ("quiet_from", "quiet_until"):
            if not 0 <= getattr(self, key) <= 24:
                yield f"{key} is {getattr(self, key)}. Write an hour from 0 to 24."
        if not 0 < self.most_7d <= self.most_30d:
            found = f"most_7d is {self.most_7d}, most_30d {self.most_30d}"
            yield f"{found}. Write 1 or more, and no fewer in 30 days than in 7."
        if self.capacity is not None and self.capacity < 0:
            yield f"capacity is {self.capacity}. Write contacts per week, or leave it out for no limit."
        consents = [name for name in CUSTOMERS.names if name.startswith("consent_")]
        if self.consent is not None and self.consent not in consents:
            yield f"consent is '{self.consent}'{nearest(self.consent, consents) or '.'} Known: {', '.join(consents)}."

    def sendable(self, hour: Ints) -> Bools:
        """Return whether something may be sent in these hours of the day (0-23)."""
        first, until = self.quiet_from % 24, self.quiet_until % 24
        if first == until:
            return np.ones(np.shape(hour), dtype=np.bool_)
        quiet = (hour >= first) & (hour < until) if first < until else (hour >= first) | (hour < until)
        return np.asarray(~quiet)


def read_channels(path: Path | None = None) -> dict[str, Channel]:
    """Read our channels and the shop's; DeclarationError names the entry, what was found and the fix."""
    return read_declarations(Channel, section="channels", default="channels.toml", path=path)


def check_channels(channels: Mapping[str, Channel], *, currency: str) -> list[str]:
    """Return what is assumed of the channels, as sentences; DeclarationError where one counts in another currency."""
    odd = [one for one in channels.values() if one.currency not in (None, currency)]
    if odd:
        raise DeclarationError(
            f"[channels.{odd[0].name}]: its cost is in {odd[0].currency}, the shop's money in {currency}. Write the "
            f"cost in {currency}."
        )
    assumed = [
        f"{one.label} {one.cost:g}" for one in channels.values() if one.cost_source.startswith("assumption")
    ]
    return [f"Costs per contact are assumed, in {currency}: {', '.join(assumed)}."] if assumed else []


# ---------------------------------------------------------------- past response
@dataclass(frozen=True)
class ChannelScores:
    """How customers answered by channel. names: (k,); the rest (n, k).

    rate: expected share of messages that are clicked or lead to an order; NaN where nobody's answers by the channel are
    recorded, or the customer cannot be reached by it. evidence: messages received; responded: how many were answered.
    """

    ids: pa.Array
    names: tuple[str, ...]
    rate: Floats
    evidence: Ints
    responded: Ints
    notes: tuple[str, ...]


def channel_scores(
    base: Base,
    reach: Reach | None,
    channels: Mapping[str, Channel],
    activity: Activity,
    *,
    messages: Messages | None = None,
) -> ChannelScores:
    """Return each customer's response rate by channel, with the evidence.

    reach: who cannot be reached has no rate (None: not looked at). messages: of the base, where they have been made
    already; those of its last 7 days are not judged yet.
    """
    messages = Messages.of(base) if messages is None else messages
    messages = messages.where(messages.day + RESPONSE_DAYS <= base.as_of)
    by, answered = _channels_of(messages), messages.clicked | messages.converted
    names, size = tuple(channels), len(base.sales)
    rate = np.full((size, len(names)), np.nan)
    evidence, responded = np.zeros(rate.shape, np.int64), np.zeros(rate.shape, np.int64)
    notes = []
    for place, name in enumerate(names):
        here = by == CHANNELS.index(name)
        if not (here & answered).any():
            notes.append(_silent_note(channels[name], int(here.sum())))
            continue
        evidence[:, place] = np.bincount(messages.customer[here], minlength=size)
        responded[:, place] = np.bincount(messages.customer[here & answered], minlength=size)
        groups = activity.level.astype(np.int64)
        rate[:, place] = shrunk_rates(responded[:, place], evidence[:, place], groups).rate
        if reach is not None and name in reach.state:
            rate[reach.state[name] == NO, place] = np.nan
    return ChannelScores(base.sales.ids, names, rate, evidence, responded, tuple(notes))


def _silent_note(channel: Channel, messages: int) -> str:
    if not messages:
        return f"{channel.label}: no messages are known, so its response is unknown."
    return f"{channel.label}: {messages:,} messages, but no click or order is recorded, so its response is unknown."


def _channels_of(messages: Messages) -> Ints:
    """Return the channel of each message as a place in CHANNELS, -1 for a word that is not known; (M,)."""
    found = [channel_of(text) for text in (*messages.channel.texts, None)]  # the last is for -1: e-mail
    return np.array([-1 if name is None else CHANNELS.index(name) for name in found])[messages.channel.codes]


# ---------------------------------------------------------------- who may be contacted
@dataclass(frozen=True)
class Allowed:
    """Who may be contacted by which channel. ok: by channel, (n,); reason: by channel, (n,) places in REASONS."""

    ok: Mapping[str, Bools]
    reason: Mapping[str, NDArray[np.int8]]

    def counts(self, channel: str) -> dict[str, int]:
        """Return how many customers each reason holds for, the most first."""
        counts = np.bincount(self.reason[channel], minlength=len(REASONS))
        names = list(REASONS)
        return {names[at]: int(counts[at]) for at in np.argsort(-counts, kind="stable") if counts[at]}

    def empty(self) -> list[str]:
        """Say which channels nobody can be contacted by, and why."""
        return [
            f"[channels.{name}]: nobody can be contacted: {self._why(name)}."
            for name, ok in self.ok.items()
            if not ok.any()
        ]

    def require(self, wanted: Iterable[str] | None = None) -> None:
        """Raise if a wanted channel is empty, or without wanted ones if all are.

        DeclarationError for a name that is no channel, DataError with the reasons for an empty one.
        """
        for name in wanted or ():
            if name not in self.ok:
                raise DeclarationError(f"there is no channel '{name}'{nearest(name, self.ok) or '.'}")
        names = list(self.ok) if wanted is None else list(wanted)
        empty = [name for name in names if not self.ok[name].any()]
        if not names:
            raise DeclarationError("there is no channel at all. Leave one on in the channels file.")
        if empty and (wanted is not None or len(empty) == len(names)):
            said = "\n".join(
                text for text in self.empty() if text.split("]")[0].removeprefix("[channels.") in empty
            )
            raise DataError(
                f"{said}\nGive customers with consent and addresses (--customers), set unknown_reach = 'allow' in the "
                "campaign's file, or take the channel out (off = true)."
            )

    def _why(self, channel: str) -> str:
        counts = self.counts(channel)
        return (
            ", ".join(f"{count:,} {REASONS[name]}" for name, count in counts.items())
            or "there are no customers"
        )


def allowed(
    base: Base,
    reach: Reach,
    channels: Mapping[str, Channel],
    *,
    allow_unknown: bool = False,
    messages: Messages | None = None,
) -> Allowed:
    """Return who may be contacted by which channel on the day after the base's, and why not.

    allow_unknown: contact also those who are not known to be reachable (never those who are known not to be).
    messages: of the base, where they have been made already.
    """
    messages = Messages.of(base) if messages is None else messages
    by, size = _channels_of(messages), len(base.sales)
    ok, reason = {}, {}
    for name, channel in channels.items():
        state = reach.state[name]
        mine = by == CHANNELS.index(name)
        # The next 7 days begin with tomorrow's contact: 6 days back and tomorrow.
        recent = [
            np.bincount(messages.customer[mine & (messages.day > base.as_of + 1 - days)], minlength=size)
            for days in (7, 30)
        ]
        tests: list[tuple[str, Bools | bool]] = [
            ("no_capacity", channel.capacity == 0),
            ("not_reachable", state == NO),
            ("consent_refused", _refused(base, channel)),
            ("reach_unknown", (state != YES) & (state != NO) & (not allow_unknown)),
            ("cap_7_days", recent[0] >= channel.most_7d),
            ("cap_30_days", recent[1] >= channel.most_30d),
        ]
        found = np.zeros(size, dtype=np.int8)
        for word, holds in reversed(tests):
            found[np.broadcast_to(holds, size)] = _PLACE[word]
        ok[name], reason[name] = found == _PLACE["ok"], found
    return Allowed(ok, reason)


def _refused(base: Base, channel: Channel) -> Bools:
    """Return who said no in the column that the channel asks for; (n,)."""
    if (
        base.customers is None
        or channel.consent is None
        or channel.consent not in base.customers.column_names
    ):
        return np.zeros(len(base.sales), dtype=np.bool_)
    return ~filled(aligned(base.customers, channel.consent, base.sales.ids), np.True_)


# ---------------------------------------------------------------- which to choose
@dataclass(frozen=True)
class Choice:
    """One channel for each customer. channel: (n,) places in `names`, -1 for none; reason: (n,) words."""

    names: tuple[str, ...]
    channel: Ints
    reason: NDArray[np.object_]


def choose(
    scores: ChannelScores,
    may: Allowed,
    channels: Mapping[str, Channel],
    activity: Activity,
    *,
    worth: Floats | float,
    priority: Floats | None = None,
) -> Choice:
    """Return the channel of each customer: of the fitting kind first, then by response x worth - cost, within capacity.

    worth: (n,) or one, what a response earns (margin, currency). priority: (n,) who chooses first where a channel is
    short, the highest first (default: in order). A rate that is not known counts as the lowest mean rate that is known.
    """
    names, size = scores.names, len(scores.ids)
    active = activity.level == ACTIVE
    own = np.array([channels[name].own for name in names])
    ok = np.column_stack([may.ok[name] for name in names]) if names else np.zeros((size, 0), np.bool_)
    cost = np.array([channels[name].cost for name in names])
    net = _filled_rates(scores) * np.broadcast_to(worth, size)[:, None] - cost
    fits = own[None, :] == active[:, None]
    ranked = np.lexsort((-net, ~fits, ~ok), axis=-1)
    first = np.arange(size) if priority is None else np.argsort(-priority, kind="stable")
    found = _within_capacity(ranked, ok, first, [channels[name].capacity for name in names])
    return Choice(names, found, _reasons(found, ok, fits, own, names))


def _filled_rates(scores: ChannelScores) -> Floats:
    """Return the rates, the lowest mean of a known channel in place of an unknown one, 0 where none is known."""
    known = ~np.isnan(scores.rate)
    means = [column[here].mean() for column, here in zip(scores.rate.T, known.T, strict=True) if here.any()]
    return np.where(known, scores.rate, min(means, default=0.0))


def _within_capacity(ranked: Ints, ok: Bools, first: Ints, capacity: list[int | None]) -> Ints:
    """Give each customer, in the order `first`, the best ranked channel that has room; a round per rank."""
    found = np.full(len(ranked), -1, dtype=np.int64)
    left = [math.inf if one is None else one for one in capacity]
    for rank in range(ranked.shape[1]):
        wish = ranked[:, rank]
        for place in range(ranked.shape[1]):
            asks = first[(found[first] < 0) & (wish[first] == place) & ok[first, place]]
            given = asks if len(asks) <= left[place] else asks[: int(left[place])]
            found[given] = place
            left[place] -= len(given)
    return found


def _reasons(found: Ints, ok: Bools, fits: Bools, own: Bools, names: tuple[str, ...]) -> NDArray[np.object_]:
    """Say why each customer got the channel, or none; (n,)."""
    words = np.full(len(found), "no channel is allowed", dtype=object)
    words[(found < 0) & ok.any(axis=1)] = "all allowed channels are full"
    for place in range(len(names)):
        kind = "the shop's own channel" if own[place] else "a direct channel"
        here = found == place
        words[here & fits[:, place]] = (
            f"{kind}, for {'an active customer' if own[place] else 'one who is less active'}"
        )
        words[here & ~fits[:, place]] = f"{kind}, since no fitting one is open or has room"
    return words
