"""Who is due what on the night of a day: all triggers together, at most one message for each customer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.base import Base
from campaigns.calendar import WEEKDAYS
from campaigns.timing import best_hour, moments_of
from campaigns.triggers.columns import OF_START, Columns, lacking
from campaigns.triggers.loyalty import LoyaltyTier
from campaigns.triggers.sending import ContactDays, SendRules
from campaigns.triggers.starts import STARTS, Asked, running
from campaigns.triggers.steps import Days, Steps, steps_due
from campaigns.triggers.trigger import CHANNELS, Trigger
from contracts.days import to_date
from contracts.errors import ContractError
from features.kernel.running import Bools, Ints

# Reach by channel: 1 yes, 0 no, -1 unknown; (n,) each, for the customers of base.sales.ids.
Reach = Mapping[str, NDArray[np.int8]]
SENT, LOWER, FULL, CLOSED, NO_CHANNEL, LATE = "due", "priority", "contacts", "closed", "channel", "late"


@dataclass(frozen=True)
class Night:
    """How a night's list is made. last_run: the night that was run before; closed: days without messages; reach: None
    where nothing is known; scores: a table of scores, None without a ranking."""

    last_run: int
    rules: SendRules
    tiers: tuple[LoyaltyTier, ...]
    closed: Collection[int] = ()
    reach: Reach | None = None
    scores: pa.Table | None = None


@dataclass(frozen=True)
class Dues:
    """Every step that is due, by customer and priority. All (m,).

    trigger: places in `triggers`; channel: places in CHANNELS, -1 none; sure: whether the channel is known to be open;
    hour: of the day after as_of; own_hour: whether it is the customer's own; state: SENT for at most one of each
    customer, else why not; first: the place of the row that is sent to the same customer, -1 none.
    """

    triggers: tuple[Trigger, ...]
    steps: Steps
    trigger: Ints
    channel: Ints
    sure: Bools
    hour: Ints
    own_hour: Bools
    state: NDArray[np.str_]
    first: Ints


@dataclass(frozen=True)
class Found:
    """A night's list. base: as known on the day; needed: by trigger that is off, what it needs; caps: whether it is
    known who was contacted when."""

    base: Base
    dues: Dues
    needed: Mapping[str, tuple[str, ...]]
    caps: bool


def due_on(base: Base, triggers: Sequence[Trigger], night: Night) -> Found:
    """Return who is due what on the night of base.as_of; raise ContractError if the last run is not before it."""
    if night.last_run >= base.as_of:
        raise ContractError(f"the last run {night.last_run} is not before {base.as_of}")
    days = Days(base, night.scores, night.tiers)
    lacks = lacking(base)
    contacts = ContactDays.of(base)
    needed, parts, ready = {}, [], []
    for one in triggers:
        missing = _missing(one, days.columns, lacks)
        if missing:
            needed[one.name] = missing
            continue
        starts = STARTS[one.start].made(Asked(base, one.wait, night.tiers))
        found = running(
            starts, customers=len(base.sales), as_of=base.as_of, wait=one.wait, cooldown=one.cooldown
        )
        parts.append(steps_due(one, days, found, last_run=night.last_run, blocked=_Blocked(night, contacts)))
        ready.append(one)
    return Found(base, _together(base, ready, parts, night, contacts), needed, contacts is not None)


@dataclass(frozen=True)
class _Blocked:
    night: Night
    contacts: ContactDays | None

    def __call__(self, customers: Ints, night: int) -> Bools:
        if is_closed(night + 1, self.night):
            return np.ones(len(customers), dtype=np.bool_)
        if self.contacts is None:
            return np.zeros(len(customers), dtype=np.bool_)
        return self.contacts.full(customers, np.full(len(customers), night + 1), self.night.rules)


def is_closed(day: int, night: Night) -> bool:
    """Tell whether nothing is sent on a day."""
    return day in night.closed or WEEKDAYS[(day + 3) % 7] in night.rules.closed_weekdays


def _missing(trigger: Trigger, columns: Columns, lacks: Collection[str]) -> tuple[str, ...]:
    """Return what a trigger needs and the shop has not got."""
    needs = [need for need in STARTS[trigger.start].needs if need in lacks]
    for name in sorted(trigger.columns - set(OF_START) - set(columns)):
        needs += columns.absent.get(name, ("a ranking",))
    return tuple(dict.fromkeys(needs))


def _together(
    base: Base, triggers: list[Trigger], parts: list[Steps], night: Night, contacts: ContactDays | None
) -> Dues:
    """Put the steps of all triggers together; the first one of each customer that can be sent is sent."""
    place = np.repeat(np.arange(len(parts)), [len(part.customer) for part in parts])
    steps = _stacked(parts)
    rank = np.lexsort((place, steps.customer))
    steps, place = _taken(steps, rank), place[rank]
    channel, sure = _channels(triggers, place, steps.customer, night.reach)
    late = np.array([one.late for one in triggers], dtype=np.int64)[place]
    full = _Blocked(night, contacts)(steps.customer, base.as_of)
    shut = is_closed(base.as_of + 1, night)
    state = np.select(
        [steps.day < base.as_of - late, channel < 0, full],
        [LATE, NO_CHANNEL, CLOSED if shut else FULL],
        default=SENT,
    ).astype("U8")
    state, first = _one_each(steps.customer, state)
    hour, own = _hours(base, steps.customer, night.rules)
    return Dues(tuple(triggers), steps, place, channel, sure, hour, own, state, first)


def _one_each(customer: Ints, state: NDArray[np.str_]) -> tuple[NDArray[np.str_], Ints]:
    """Leave the first row of each customer that can be sent; return the states, and that row for each row."""
    can = np.flatnonzero(state == SENT)
    lead = can[np.append(True, np.diff(customer[can]) != 0)[: len(can)]]
    state = state.copy()
    state[np.setdiff1d(can, lead, assume_unique=True)] = LOWER
    at = np.searchsorted(customer[lead], customer)
    found = np.full(len(customer), -1)
    inside = np.flatnonzero(at < len(lead))
    same = inside[customer[lead[at[inside]]] == customer[inside]]
    found[same] = lead[at[same]]
    return state, found


def _channels(
    triggers: list[Trigger], place: Ints, customer: Ints, reach: Reach | None
) -> tuple[Ints, Bools]:
    """Return the first channel that is known to be open, else the first one not known to be shut; -1: all are shut."""
    found, sure = np.full(len(place), -1), np.zeros(len(place), dtype=np.bool_)
    for number, one in enumerate(triggers):
        rows = np.flatnonzero(place == number)
        for wanted in (1, -1):
            for name in one.channels:
                state = np.full(len(rows), -1) if reach is None else reach[name][customer[rows]]
                free = rows[(found[rows] < 0) & (state == wanted)]
                found[free], sure[free] = CHANNELS.index(name), wanted == 1
    return found, sure


def _hours(base: Base, customer: Ints, rules: SendRules) -> tuple[Ints, Bools]:
    """Return each customer's best open hour: their own, else the shop's profile, else the hour of the rules."""
    habit = best_hour(moments_of(base), len(base.sales), allowed=rules.open_hours)
    if habit is None:
        return np.full(len(customer), rules.hour), np.zeros(len(customer), dtype=np.bool_)
    return habit.slot[customer], habit.own[customer]


def _stacked(parts: list[Steps]) -> Steps:
    names = ("customer", "step", "start", "day", "product", "skipped")
    empty = np.empty(0, dtype=np.int64)
    return Steps(*(np.concatenate([empty, *(getattr(part, name) for part in parts)]) for name in names))


def _taken(steps: Steps, rows: Ints) -> Steps:
    return Steps(*(getattr(steps, name)[rows] for name in steps.__dataclass_fields__))


def why(dues: Dues, base: Base, row: int) -> str:
    """Return in words why a row is not sent."""
    one = dues.triggers[dues.trigger[row]]
    match str(dues.state[row]):
        case "priority":
            lead = dues.triggers[dues.trigger[dues.first[row]]]
            return f"{lead.name} goes first"
        case "contacts":
            return "enough messages lately; waits for a free day"
        case "closed":
            return f"nothing is sent on {to_date(base.as_of + 1)}; waits for the next open day"
        case "channel":
            return f"none of its channels reaches the customer ({', '.join(one.channels)})"
        case "late":
            return f"was due on {to_date(int(dues.steps.day[row]))}, more than {one.late} days ago"
    return ""
