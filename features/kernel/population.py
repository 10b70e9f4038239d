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
from features.kernel.codes import Codes, Seen, Text
from features.kernel.history import History
from features.kernel.known import Known
from features.kernel.other_tables import attribute_of
from features.kernel.past import Past
from features.kernel.quarters import FIRST_QUARTER, QUARTERS
from features.kernel.reference import Reference, References
from features.kernel.running import Floats, Ints

Sums = Mapping[str, Floats]
_OF_LINES = ("product_id", "category", "coupon", "channel", "country")
_OF_CUSTOMERS = ("customers.gender", "customers.region", "customers.device", FIRST_QUARTER)
KEYS = (*_OF_LINES, *_OF_CUSTOMERS)


class Population:
    """The standing sale lines of all customers up to the end of a day, by the K values of a key.

    The key is a text column of the lines, a text that is known of the lines' customer (customers.<name>), or
    the quarter of the customer's first order day.
    """

    def __init__(self, history: History, day: int, key: str) -> None:
        self.day = day
        self._lines = history.lines
        known = history.known_on(day)
        if key in _OF_LINES:
            self._line = _standing(known, known.valued(key), day)
            self._text = self._lines.text(key)
            self._codes: Codes = self._text.codes[self._line]
            return
        line = _standing(known, np.flatnonzero(known.live), day)
        self._text, of_customer = _of_customers(history, day, key)
        codes = of_customer.astype(np.int32)[self._lines.customer[line]]
        self._line = line[codes >= 0]
        self._codes = codes[codes >= 0]

    @cached_property
    def keys(self) -> list[str]:
        """The values; (K,)."""
        return [str(one) for one in self._text.texts]

    def lines(self, *, days: int | None = None) -> Floats:
        """Count the lines of each value in the last `days` days (all time if None); (K,)."""
        return self._count(self._codes[self._inside(days)])

    def customers(self, *, days: int | None = None) -> Floats:
        """Count the customers of each value in the last `days` days (all time if None); (K,)."""
        some = self._inside(days)
        codes = self._codes[some]
        return self._count(codes[Seen.of(codes, self._customer[some]).firsts])

    def days(self) -> Floats:
        """Count the days on which each customer bought each value, over all customers; (K,)."""
        codes, _, _ = self._by_customer
        return self._count(codes)

    def gaps(self) -> tuple[Floats, Floats]:
        """Sum the days between a customer's days with the same value, and count these gaps; (K,) each."""
        codes, same, gap = self._by_customer
        sums = np.bincount(codes[1:][same], gap[same], len(self.keys)).astype(np.float64)
        return sums, self._count(codes[1:][same])

    def sum(self, column: str, *, days: int | None = None) -> Floats:
        """Sum a number of the lines (amount, quantity, discount, cost) of each value; (K,)."""
        some = self._inside(days)
        values = self._lines.number(column)[self._line[some]]
        return np.bincount(self._codes[some], values, len(self.keys)).astype(np.float64)

    @cached_property
    def _by_customer(self) -> tuple[Codes, NDArray[np.bool_], Ints]:
        """Each (customer, value, day) once: its value; whether the next is of the same two, and the gap to it."""
        seen = Seen.of(self._codes, self._customer)  # lines of a customer stand by day
        day = self._lines.day[self._line[seen.at]].astype(np.int64)
        new = seen.is_first.copy()
        new[1:] |= day[1:] != day[:-1]
        day = day[new]
        return self._codes[seen.at[new]], ~seen.is_first[new][1:], np.diff(day)

    @cached_property
    def _customer(self) -> Codes:
        return self._lines.customer[self._line]

    def _inside(self, days: int | None) -> Ints | slice:
        if days is None:
            return slice(None)
        return np.flatnonzero(self._lines.day[self._line] > self.day - days)

    def _count(self, codes: NDArray[np.integer]) -> Floats:
        return np.bincount(codes, minlength=len(self.keys)).astype(np.float64)


def _standing(known: Known, at: Ints, day: int) -> Ints:
    """Return the order lines among some lines of the views that stand at the end of a day."""
    line = known.origin(at)
    kept = known.lines.day[line] <= day
    views = known.views.on(day)
    if views is not None:
        valid = np.zeros(len(known.rows.runs), dtype=np.bool_)
        valid[views] = True
        kept &= valid[known.owner.take(at)]
    return line[kept]


def _of_customers(history: History, day: int, key: str) -> tuple[Text, Ints]:
    """Return the values of a key of the customers, and the place of each customer's, -1 if it has none; (C,)."""
    if key == FIRST_QUARTER:
        past, codes = Past(history, day), np.full(len(history.names), -1)
        codes[past.customers] = past.first_quarter()
        return QUARTERS, codes
    if history.attributes is None:
        raise DeclarationError(f"there is no customers table to take the key {key} from")
    name, everyone = attribute_of(key), np.arange(len(history.names))
    return history.attributes.text(name), history.attributes.codes(name, everyone, day)


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
        """Return what the customers of a history add, as known at the end of a day: values that stand then."""
        population = Population(history, day, self.key)
        sums, keys = self.sums(population), population.keys
        order = sorted(np.flatnonzero(population.lines()).tolist(), key=keys.__getitem__)
        return Partial(day, tuple(keys[i] for i in order), {name: one[order] for name, one in sums.items()})

    def fit(self, parts: Sequence[Partial]) -> Reference:
        """Add up the partitions and make the table; a key for which no number is defined is left out."""
        keys = tuple(sorted({key for part in parts for key in part.keys}))
        place = {key: i for i, key in enumerate(keys)}
        totals = {name: np.zeros(len(keys)) for name in parts[0].sums}
        for part in parts:
            at = np.array([place[key] for key in part.keys], dtype=np.int64)
            for name, values in part.sums.items():
                totals[name][at] += values
        values = self.finish(totals)
        defined = np.flatnonzero(~np.isnan(values))
        return Reference(parts[0].day, tuple(keys[i] for i in defined), values[defined])


def reference(
    description: str, *, key: str, finish: Callable[[Sums], Floats]
) -> Callable[[Callable[[Population], Sums]], DeclaredReference]:
    """Declare a function of a Population as a reference table; DeclarationError for an unknown key."""
    if key not in KEYS:
        hint = nearest(key, KEYS) or f". Keys are {', '.join(KEYS)}."
        raise DeclarationError(f"reference '{description}' has the unknown key '{key}'{hint}")

    def declare(function: Callable[[Population], Sums]) -> DeclaredReference:
        return DeclaredReference(function.__name__, description, key, function, finish)

    return declare


def fit_references(declared: Iterable[DeclaredReference], history: History, day: int) -> References:
    """Fit reference tables on a whole base at the end of a day; those without their key are left out."""
    return References(
        {one.name: one.fit([one.partial(history, day)]) for one in possible(declared, history.optional)}
    )


def possible(declared: Iterable[DeclaredReference], present: frozenset[str]) -> tuple[DeclaredReference, ...]:
    """Return the reference tables whose key is there; present: History.optional."""
    return tuple(one for one in declared if one.key in present or one.key == FIRST_QUARTER)
