"""Which step of one trigger is due for whom: from dates alone, so that nothing need be remembered between nights.

A step is due on the night of as_of if its day lies after the last run (the night before, if every night is run) and
not after as_of, or if its day lies earlier and every night since then was blocked: closed, or too many messages. The
entry rule is looked at as on the step's own day, whenever the list is made; the exit rule on the night of the list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from campaigns.base import Base
from campaigns.rules import Rule
from campaigns.triggers.columns import Columns, trigger_columns
from campaigns.triggers.loyalty import LoyaltyTier
from campaigns.triggers.starts import Running
from campaigns.triggers.trigger import Trigger
from features.kernel.buffers import places_among
from features.kernel.running import Bools, Ints

# Tells which of these customers (m,) could not be written to after the night of a day.
Blocked = Callable[[Ints, int], Bools]


@dataclass(frozen=True)
class Known:
    """The columns of a day. place: (n,) where the customers of as_of stand in them, -1 who was none yet."""

    columns: Columns
    place: Ints


class Days:
    """The columns of as_of and of earlier days, each made when it is asked for first."""

    def __init__(self, base: Base, scores: pa.Table | None, tiers: tuple[LoyaltyTier, ...]) -> None:
        self.base, self._scores, self._tiers = base, scores, tiers
        self._known: dict[int, Known] = {}

    @property
    def columns(self) -> Columns:
        """The columns of as_of."""
        return self.on(self.base.as_of).columns

    def on(self, day: int) -> Known:
        """Return what was known at the end of a day."""
        if day not in self._known:
            columns = trigger_columns(self.base, day, self._scores, tiers=self._tiers)
            ids = columns.facts.base.sales.ids
            place = places_among(self.base.sales.ids, ids)
            self._known[day] = Known(columns, place)
        return self._known[day]


@dataclass(frozen=True)
class Steps:
    """Steps of a trigger that are due. All (m,), by customer.

    customer: positions; step: 1 is the first; start: the day that started it; day: the day of the step; product: what
    it is about, -1 nothing; skipped: earlier steps that fell due since the last run too, and that this one replaces.
    """

    customer: Ints
    step: Ints
    start: Ints
    day: Ints
    product: Ints
    skipped: Ints


def steps_due(trigger: Trigger, days: Days, found: Running, *, last_run: int, blocked: Blocked) -> Steps:
    """Return the steps of a trigger that are due on the night of as_of for those whom its rules let in."""
    as_of = days.base.as_of
    who = np.flatnonzero(found.day >= 0)
    on = found.day[who, None] + np.array(trigger.offsets)
    reached = (on <= as_of).sum(axis=1)
    who, on, reached = who[reached > 0], on[reached > 0], reached[reached > 0]
    day = on[np.arange(len(who)), reached - 1]
    fresh = day > last_run
    waited = _waited(who, day, trigger, fresh, as_of=as_of, last_run=last_run, blocked=blocked)
    some = np.flatnonzero(fresh | waited)
    some = some[_let_in(trigger, days, found, who[some], day[some])]
    at = who[some]
    skipped = ((on[some] > last_run) & (on[some] < day[some, None])).sum(axis=1)
    return Steps(at, reached[some], found.day[at], day[some], found.product[at], skipped)


def _waited(
    who: Ints, day: Ints, trigger: Trigger, fresh: Bools, *, as_of: int, last_run: int, blocked: Blocked
) -> Bools:
    """Tell which older steps had to wait: blocked on each night from their day to the last run; (m,)."""
    waiting = np.flatnonzero(~fresh & (day >= as_of - trigger.late))
    for night in range(last_run, as_of - trigger.late - 1, -1):
        asked = day[waiting] <= night
        stopped = blocked(who[waiting[asked]], night)
        free = waiting[asked][~stopped]
        waiting = np.setdiff1d(waiting, free, assume_unique=True)
        if not len(waiting):
            break
    found = np.zeros(len(who), dtype=np.bool_)
    found[waiting] = True
    return found


def _let_in(trigger: Trigger, days: Days, found: Running, who: Ints, day: Ints) -> Bools:
    """Tell whom the entry rule lets in on the day of the step, and the exit rule does not stop by as_of; (m,)."""
    entered = np.zeros(len(who), dtype=np.bool_)
    for one in np.unique(day):
        rows = np.flatnonzero(day == one)
        # A rule that reads no column says the same on every day.
        asked = int(one) if trigger.entry_rule.columns else days.base.as_of
        known = days.on(asked)
        place = known.place[who[rows]]
        rows, place = rows[place >= 0], place[place >= 0]
        if len(rows):
            entered[rows] = _holds(trigger.entry_rule, trigger, known, found, asked)[place]
    if not entered.any():
        return entered
    now = days.on(days.base.as_of)
    return entered & ~_holds(trigger.exit_rule, trigger, now, found, days.base.as_of)[who]


def _holds(rule: Rule, trigger: Trigger, known: Known, found: Running, day: int) -> Bools:
    """Return whom of the customers of a day a rule holds for."""
    sales = known.columns.facts.base.sales
    start = np.full(len(sales), -1)
    there = known.place >= 0
    start[known.place[there]] = found.day[there]
    started = start >= 0
    since = np.where(started, day - start, np.nan)
    ordered = started & (sales.last_day > start + min(trigger.wait, 0))
    columns = {"days_since_start": since, "ordered_since_start": ordered.astype(np.float64)}
    columns |= {name: known.columns[name] for name in rule.columns if name not in columns}
    return rule.holds(columns)
