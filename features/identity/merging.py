"""Groups of ids that merge day by day, and whom each member is shown as: the changes of the canonical id.

Everything is a code: ids as 0 … C − 1 in the order of the ids, so that the smaller code is the smaller id.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
NO_ORDER = 2**30  # later than any day
_CODE_BITS = 32
_CODE = (1 << _CODE_BITS) - 1


def changes_of(a: Ints, b: Ints, day: Ints, first_order: Ints) -> tuple[Ints, Ints, Ints]:
    """Return (member, day, canonical) of every change of a canonical id.

    a, b, day: (L,) the links that join, sorted by day. first_order: (C,) first order day, NO_ORDER for none.
    """
    linked = np.full(len(first_order), NO_ORDER)
    np.minimum.at(linked, np.concatenate((a, b)), np.concatenate((day, day)))
    codes = np.arange(len(first_order), dtype=np.int64)
    # An order before the first link counts from the start; a later one is an event of its own.
    known = np.where(first_order <= linked, first_order, NO_ORDER)
    late = np.flatnonzero((first_order > linked) & (first_order < NO_ORDER))
    days = np.concatenate((day, first_order[late]))
    order = np.argsort(days, kind="stable")
    ones, others = np.concatenate((a, late))[order], np.concatenate((b, late))[order]
    groups = _Groups(((known << _CODE_BITS) + codes).tolist())
    return groups.run(days[order].tolist(), ones.tolist(), others.tolist())


class _Groups:
    """Union-find over days. The members of a group stand in a ring, so that two groups join in one step.

    best: of each root the earliest (order day, code) of the group. shown_as: of each root, whom its members are
    shown as since the day before. Flat lists of numbers: hundred thousands of small objects cost more than the work.
    """

    def __init__(self, best: list[int]) -> None:
        self.best = best
        self.parent = list(range(len(best)))
        self.size = [1] * len(best)
        self.next = list(range(len(best)))
        self.shown_as = list(range(len(best)))
        self.members: list[int] = []
        self.days: list[int] = []
        self.canonical: list[int] = []

    def run(self, days: list[int], ones: list[int], others: list[int]) -> tuple[Ints, Ints, Ints]:
        """Take the events in order of their days; an id with itself is its first order."""
        today, touched = -NO_ORDER, dict[int, list[int]]()
        for day, one, other in zip(days, ones, others, strict=True):
            if day != today:
                self._end(touched, today)
                today, touched = day, {}
            if one == other:
                self._order(touched, one, day)
            else:
                self._link(touched, one, other)
        self._end(touched, today)
        members, on, canonical = (
            np.array(column, dtype=np.int64) for column in (self.members, self.days, self.canonical)
        )
        return members, on, canonical

    def _find(self, one: int) -> int:
        parent = self.parent
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    def _order(self, touched: dict[int, list[int]], own: int, day: int) -> None:
        root = self._find(own)
        self.best[root] = min(self.best[root], (day << _CODE_BITS) + own)
        touched.setdefault(root, [root])

    def _link(self, touched: dict[int, list[int]], a: int, b: int) -> None:
        """Join two groups; `touched` keeps, of each group of today, the roots of yesterday that are in it."""
        one, other = self._find(a), self._find(b)
        if one == other:
            return
        if self.size[one] < self.size[other]:
            one, other = other, one
        self.parent[other] = one
        self.size[one] += self.size[other]
        self.best[one] = min(self.best[one], self.best[other])
        touched.setdefault(one, [one]).extend(touched.pop(other, (other,)))

    def _end(self, touched: dict[int, list[int]], day: int) -> None:
        """Write down, at the end of a day, who is shown as another one from this day on."""
        for root, parts in touched.items():
            canonical = self.best[root] & _CODE
            for part in parts:
                if self.shown_as[part] != canonical:
                    self._write(part, day, canonical)
            self.shown_as[root] = canonical
            for part in parts:
                if part != root:
                    self.next[root], self.next[part] = self.next[part], self.next[root]

    def _write(self, part: int, day: int, canonical: int) -> None:
        member = part
        while True:
            self.members.append(member)
            self.days.append(day)
            self.canonical.append(canonical)
            member = self.next[member]
            if member == part:
                return
