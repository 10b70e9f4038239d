"""Which step of one trigger is due for whom: from dates alone, so that nothing need be remembered between nights.

A step is due on the night of as_of if its day lies after the last run (the night before, if every night is run) and
not after as_of, or if its day lies earlier and every night since then was blocked: closed, or too many messages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from campaigns.triggers.columns import Columns
from campaigns.triggers.starts import Running
from campaigns.triggers.trigger import Trigger
from features.kernel.running import Bools, Ints

# Tells which of these customers (m,) could not be written to after the night of a day.
Blocked = Callable[[Ints, int], Bools]


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


def steps_due(
    trigger: Trigger, columns: Columns, found: Running, *, last_run: int, blocked: Blocked
) -> Steps:
    """Return the steps of a trigger that are due for those whom its rules let in, on the night of the columns' day."""
    as_of = columns.facts.base.as_of
    offsets = np.array(trigger.offsets)
    who = np.flatnonzero(found.day >= 0)
    days = found.day[who, None] + offsets
    reached = (days <= as_of).sum(axis=1)
    who, days, reached = who[reached > 0], days[reached > 0], reached[reached > 0]
    day = days[np.arange(len(who)), reached - 1]
    fresh = day > last_run
    chosen = fresh | _waited(who, day, trigger, fresh, as_of=as_of, last_run=last_run, blocked=blocked)
    let_in = _let_in(trigger, columns, found) if chosen.any() else np.zeros(len(found.day), np.bool_)
    some = np.flatnonzero(chosen & let_in[who])
    at = who[some]
    skipped = ((days[some] > last_run) & (days[some] < day[some, None])).sum(axis=1)
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


def _let_in(trigger: Trigger, columns: Columns, found: Running) -> Bools:
    """Return whom the entry rule holds for and the exit rule not; (n,)."""
    started = found.day >= 0
    since = np.where(started, columns.facts.base.as_of - found.day, np.nan)
    begun = found.day + min(trigger.wait, 0)
    ordered = started & (columns.facts.base.sales.last_day > begun)
    known = {"days_since_start": since, "ordered_since_start": ordered.astype(np.float64)}
    known |= {name: columns[name] for name in trigger.columns if name not in known}
    return trigger.entry_rule.holds(known) & ~trigger.exit_rule.holds(known)
