"""Fitting reference tables from everyone's order lines up to the end of one day.

    def share(totals): return totals["buyers"] / totals["buyers"].sum()

    @reference("Share of a year's buyers who bought the product.", key="product_id", finish=share)
    def item_popularity(population): return {"buyers": population.customers(days=365)}

The sums of the partitions of a base add up to those of the whole base, so a partitioned run fits the same table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from contracts.errors import DeclarationError, nearest
from features.kernel.history import History
from features.kernel.level import BLANK
from features.kernel.reference import Reference, References
from features.kernel.running import Floats, Ints

Sums = Mapping[str, Floats]
KEYS = ("product_id", "category", "coupon", "channel", "country")


class Population:
    """The standing sale lines of all customers up to the end of a day, by the K values of one text column."""

    def __init__(self, history: History, day: int, key: str) -> None:
        self.day = day
        self._lines = history.lines
        known = history.known_on(day)
        views = known.views.on(day)
        valued = known.valued(key)
        owner = known.owner.take(valued)
        valid = np.ones(len(known.rows.runs), dtype=np.bool_)
        if views is not None:
            valid[:] = False
            valid[views] = True
        line = known.origin(valued)
        kept = valid[owner] & (self._lines.day[line] <= day)
        self._line: Ints = line[kept]
        self._text = self._lines.text(key)
        self._codes = self._text.codes[self._line]

    @property
    def keys(self) -> list[str]:
        """The values; (K,)."""
        return [str(one) for one in self._text.texts]

    def lines(self, *, days: int | None = None) -> Floats:
        """Count the lines of each value in the last `days` days (all time if None); (K,)."""
        return self._count(self._codes[self._inside(days)])

    def customers(self, *, days: int | None = None) -> Floats:
        """Count the customers of each value in the last `days` days (all time if None); (K,)."""
        some = self._inside(days)
        pairs = np.unique(self._customer[some] * max(len(self.keys), 1) + self._codes[some])
        return self._count(pairs % max(len(self.keys), 1))

    def sum(self, column: str, *, days: int | None = None) -> Floats:
        """Sum a number of the lines (amount, quantity, discount, cost) of each value; (K,)."""
        some = self._inside(days)
        values = self._lines.number(column)[self._line[some]]
        return np.bincount(self._codes[some], values, len(self.keys)).astype(np.float64)

    @cached_property
    def _customer(self) -> Ints:
        return self._lines.customer[self._line].astype(np.int64)

    def _inside(self, days: int | None) -> Ints:
        low = BLANK if days is None else self.day - days
        return np.flatnonzero(self._lines.day[self._line] > low)

    def _count(self, codes: NDArray[np.integer]) -> Floats:
        return np.bincount(codes, minlength=len(self.keys)).astype(np.float64)


@dataclass(frozen=True)
class Partial:
    """What one partition adds to a reference table. keys: ascending; sums: named (keys,) numbers that add up."""

    day: int
    keys: tuple[str, ...]
    sums: Sums


@dataclass(frozen=True)
class DeclaredReference:
    """How a reference table is made: sums over a partition, then numbers from the sums of all."""

    name: str
    description: str
    key: str
    sums: Callable[[Population], Sums]
    finish: Callable[[Sums], Floats]

    def partial(self, history: History, day: int) -> Partial:
        """Return what the customers of a history add, as known at the end of a day."""
        population = Population(history, day, self.key)
        sums, keys = self.sums(population), population.keys
        order = sorted(range(len(keys)), key=keys.__getitem__)
        return Partial(day, tuple(keys[i] for i in order), {name: one[order] for name, one in sums.items()})

    def fit(self, parts: Sequence[Partial]) -> Reference:
        """Add up the partitions and make the table."""
        keys = tuple(sorted({key for part in parts for key in part.keys}))
        place = {key: i for i, key in enumerate(keys)}
        totals = {name: np.zeros(len(keys)) for name in parts[0].sums}
        for part in parts:
            at = np.array([place[key] for key in part.keys], dtype=np.int64)
            for name, values in part.sums.items():
                totals[name][at] += values
        return Reference(parts[0].day, keys, self.finish(totals))


def reference(
    description: str, *, key: str, finish: Callable[[Sums], Floats]
) -> Callable[[Callable[[Population], Sums]], DeclaredReference]:
    """Declare a function of a Population as a reference table; DeclarationError for an unknown key column."""
    if key not in KEYS:
        hint = nearest(key, KEYS) or f". Text columns are {', '.join(KEYS)}."
        raise DeclarationError(f"reference '{description}' has the unknown key '{key}'{hint}")

    def declare(function: Callable[[Population], Sums]) -> DeclaredReference:
        return DeclaredReference(function.__name__, description, key, function, finish)

    return declare


def fit_references(declared: Iterable[DeclaredReference], history: History, day: int) -> References:
    """Fit reference tables on a whole base at the end of a day; those without their key column are left out."""
    present = history.lines.optional
    return References(
        {one.name: one.fit([one.partial(history, day)]) for one in declared if one.key in present}
    )
