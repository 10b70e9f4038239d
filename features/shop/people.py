"""Which own ids are one customer from which day to which.

Ids are linked as time goes by, so a person is one customer with some own ids until a day and another one, with more
of them, from that day on. Here each such set of ids, with the days on which it was one customer, is an entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import ContractError
from features.identity.components import places
from features.kernel.buffers import as_arrow, as_numpy, places_among
from features.kernel.running import Bools, Ints

BEGINNING, NEVER = -(2**31), 2**31  # before and after all days
_SHIFT, _ROOM = 2**31, 2**33
_BEHIND = "\0"  # before every other letter, so that keys stand in the order of the ids


@dataclass(frozen=True)
class People:
    """P entries: sets of own ids that are one customer from day `since` until the day before `until`.

    canonical: (P,) the id that stands for each; sorted by it and `since`. own, entry: (M,) the own ids of each entry,
    by entry.
    """

    canonical: pa.Array
    since: Ints
    until: Ints
    own: pa.Array
    entry: Ints

    @staticmethod
    def of(
        history: pa.Table, *, seen: pa.Array, seen_from: Ints, days: Sequence[int] | None = None
    ) -> People:
        """Return the entries of a history of ids (features.identity.components.HISTORY).

        seen, seen_from: the ids that have order lines, and the day of the first one of each. days: the only days that
        will be asked for. Entries without a line before they end, or without such a day, are left out.
        """
        own, canonical, first, last, ids = _memberships(history)
        # An entry lasts until somebody joins or leaves the ids of its canonical id.
        turns = np.unique(np.concatenate((_key(canonical, first), _key(canonical, last))))
        begin, end = (
            np.searchsorted(turns, _key(canonical, first)),
            np.searchsorted(turns, _key(canonical, last)),
        )
        entry = np.repeat(begin - np.cumsum(end - begin) + (end - begin), end - begin) + np.arange(
            (end - begin).sum()
        )
        member = np.repeat(own, end - begin)
        since = turns % _ROOM - _SHIFT
        until = np.append(since[1:], NEVER)
        kept = _ever_seen(ids, member, entry, until, seen, seen_from)
        kept &= _asked(since, until, days)
        order = np.lexsort((member, entry))
        order = order[kept[entry[order]]]
        number = np.cumsum(kept) - 1
        return People(
            ids.take(as_arrow((turns // _ROOM)[kept], pa.int64())),
            since[kept],
            until[kept],
            ids.take(as_arrow(member[order], pa.int64())),
            number[entry[order]],
        )

    def __len__(self) -> int:
        return len(self.since)

    @cached_property
    def keys(self) -> pa.Array:
        """A text for each entry, no two alike, in the order of the entries."""
        number = pc.utf8_lpad(as_arrow(np.arange(len(self)), pa.int64()).cast(pa.string()), 10, "0")
        return pc.binary_join_element_wise(self.canonical, number, _BEHIND)

    def stand(self, day: int) -> Bools:
        """Tell which entries are a customer on a day; (P,)."""
        return (self.since <= day) & (day < self.until)

    def on(self, entries: Ints, day: int) -> Ints:
        """Return the entries that the customers of some entries belong to on a later day."""
        asked = self._codes(self.canonical.take(as_arrow(entries, pa.int64())))
        keys, entry = self._by_own
        place = np.searchsorted(keys, _key(asked, np.full(len(asked), day)), "right") - 1
        found = entry[place]
        if not (self.stand(day)[found] & (keys[place] // _ROOM == asked)).all():
            raise ContractError(f"day {day} was not asked for when these people were gathered")
        return found

    @cached_property
    def _by_own(self) -> tuple[Ints, Ints]:
        """The keys (own id, since) of all members, ascending, and their entries."""
        keys = _key(self._codes(self.own), self.since[self.entry])
        order = np.argsort(keys)
        return keys[order], self.entry[order]

    @cached_property
    def _ids(self) -> pa.Array:
        found = pc.unique(self.own)
        return found.take(pc.sort_indices(found))

    def _codes(self, ids: pa.Array) -> Ints:
        return places(ids, self._ids)


def _memberships(history: pa.Table) -> tuple[Ints, Ints, Ints, Ints, pa.Array]:
    """Return (own, canonical, first day, day after the last) of all ids of a history, and the ids behind the codes."""
    names = pc.unique(pa.concat_arrays([history[name].combine_chunks() for name in ("own_id", "canonical")]))
    ids = names.take(pc.sort_indices(names))
    own, canonical = (places(history[name].combine_chunks(), ids) for name in ("own_id", "canonical"))
    day = as_numpy(history["from_day"]).astype(np.int64)
    everyone = np.arange(len(ids))
    # Each id stands for itself until the first change.
    own, canonical = np.concatenate((everyone, own)), np.concatenate((everyone, canonical))
    first = np.concatenate((np.full(len(ids), BEGINNING), day))
    order = np.lexsort((first, own))
    own, canonical, first = own[order], canonical[order], first[order]
    last = np.append(first[1:], NEVER)
    last[np.append(own[1:] != own[:-1], True)] = NEVER
    return own, canonical, first, last, ids


def _key(code: Ints, day: Ints) -> Ints:
    return code * _ROOM + (day + _SHIFT)


def _ever_seen(
    ids: pa.Array, member: Ints, entry: Ints, until: Ints, seen: pa.Array, seen_from: Ints
) -> Bools:
    """Tell which entries have an order line before they end."""
    first = np.full(len(ids), NEVER)
    place = places_among(seen, ids)
    first[place[place >= 0]] = seen_from[place >= 0]
    of_entry = np.full(len(until), NEVER)
    np.minimum.at(of_entry, entry, first[member])
    return of_entry < until


def _asked(since: Ints, until: Ints, days: Sequence[int] | None) -> Bools:
    """Tell which entries stand on one of the days."""
    if days is None:
        return np.ones(len(since), dtype=np.bool_)
    asked = np.append(np.sort(np.array(days, dtype=np.int64)), NEVER)
    return asked[np.searchsorted(asked[:-1], since)] < until
