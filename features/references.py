"""Reference tables around a base: fitted in one pass over its partitions, read back from a bundle for scoring.

A table knows the values that were sold by its day, at most the MOST_KEYS with the most lines; every other value has
no number (NaN), at a training cutoff as in a bundle. So the largest shop keeps tables of a few megabytes.

A feature names its tables (`needs_reference=`). Each is declared in the feature's own file, imported to it, or
declared in the catalogue.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.errors import DeclarationError, nearest
from contracts.tables import CUSTOMERS, ORDER_LINES
from features.catalog import REFERENCES
from features.kernel.declaration import Catalog
from features.kernel.history import History
from features.kernel.population import DeclaredReference, Population, possible
from features.kernel.reference import Reference, References
from features.kernel.running import Floats

MOST_KEYS = 100_000
_FEW_KEYS = 1_000


def references_of(catalog: Catalog) -> tuple[DeclaredReference, ...]:
    """Return the tables that the features of a catalogue need, by name; DeclarationError if one is not declared."""
    found: dict[str, DeclaredReference] = {}
    for one in catalog:
        known = declared_beside(one.function.__globals__) if one.needs_reference else {}
        for name in one.needs_reference:
            table = known.get(name)
            if table is None:
                raise DeclarationError(
                    f"feature '{one.name}' needs the reference table '{name}', which is not declared"
                    f"{nearest(name, known) or '.'}"
                )
            if found.setdefault(name, table) is not table:
                raise DeclarationError(f"the reference table '{name}' is declared twice. Rename one of them.")
    return tuple(found[name] for name in sorted(found))


def declared_beside(values: Mapping[str, Any]) -> dict[str, DeclaredReference]:
    """Return the tables of the catalogue and those among the names of a module, by their own name."""
    tables = (*REFERENCES, *(one for one in values.values() if isinstance(one, DeclaredReference)))
    return {one.name: one for one in tables}


def fit_over(partitions: Iterable[History], days: Iterable[int], catalog: Catalog) -> dict[int, References]:
    """Fit the tables that a catalogue needs at the end of each day, in one pass over the partitions of a base.

    Tables without their key column are left out. Raises DeclarationError if a table's functions answer wrongly.
    """
    declared, asked = references_of(catalog), sorted({int(day) for day in days})
    totals: dict[tuple[int, str], _Totals] = {}
    for history in partitions:
        present = possible(declared, history.optional)
        if present:
            history.prepare(asked)
        for day in asked:
            for one in present:
                totals.setdefault((day, one.name), _Totals(one, day)).add(history)
    return {
        day: References({name: one.table() for (of, name), one in totals.items() if of == day})
        for day in asked
    }


def references_for(plain: Mapping[str, Any], history: History, day: int) -> References:
    """Return a bundle's tables for scoring as of a day, long ones narrowed to the texts that a history holds.

    So the cost follows the history, not the tables. A table that was fitted after `day` is used as it is, like all
    other numbers of the model; `rank` warns of it, and a fair look back needs a model trained as of that day.
    """
    words = _words(history) if any(len(one["keys"]) > _FEW_KEYS for one in plain.values()) else []
    return References({name: _narrowed(one, words, day) for name, one in plain.items()})


class _Totals:
    """The sums of one table as of one day, added up over partitions."""

    def __init__(self, declared: DeclaredReference, day: int) -> None:
        self._declared = declared
        self._day = day
        self._place: dict[str, int] = {}
        self._lines: Floats = np.zeros(0)
        self._sums: dict[str, Floats] = {}

    def add(self, history: History) -> None:
        """Add what the customers of a partition sum up to; values that nobody bought by then are none."""
        population = Population(history, self._day, self._declared.key)
        keys, lines = population.keys, population.lines()
        sums = self._declared.sums(population)
        sold = np.flatnonzero(lines)
        place = self._place
        at = np.array([place.setdefault(keys[i], len(place)) for i in sold], dtype=np.int64)
        self._lines = _added(self._lines, at, lines[sold], len(place))
        for name, values in sums.items():
            if np.shape(values) != (len(keys),):
                raise self._wrong(f"sums '{name}' to shape {np.shape(values)}", len(keys))
            before = self._sums.get(name, np.zeros(0))
            self._sums[name] = _added(before, at, np.asarray(values, dtype=np.float64)[sold], len(place))

    def table(self) -> Reference:
        """Make the table: of all values' sums, kept for those with the most lines that have a number."""
        keys = sorted(self._place)
        if not keys:
            return Reference(self._day, (), np.zeros(0))
        order = np.array([self._place[key] for key in keys], dtype=np.int64)
        values = self._declared.finish({name: sums[order] for name, sums in self._sums.items()})
        if np.shape(values) != (len(keys),):
            raise self._wrong(f"makes shape {np.shape(values)}", len(keys))
        if np.isinf(values).any():
            key = keys[int(np.flatnonzero(np.isinf(values))[0])]
            raise DeclarationError(f"reference '{self._declared.name}' has an infinite number for '{key}'")
        kept = np.flatnonzero(_most_seen(self._lines[order]) & ~np.isnan(values))
        return Reference(self._day, tuple(keys[i] for i in kept), np.asarray(values, dtype=np.float64)[kept])

    def _wrong(self, what: str, keys: int) -> DeclarationError:
        return DeclarationError(
            f"reference '{self._declared.name}' {what}; it must be one number for each of {keys} values"
        )


def _added(sums: Floats, at: np.ndarray, values: Floats, size: int) -> Floats:
    """Add values at their places to sums that grow to `size`."""
    grown = np.concatenate([sums, np.zeros(size - len(sums))])
    np.add.at(grown, at, values)
    return grown


def _most_seen(lines: Floats) -> np.ndarray:
    """Return which values are among the MOST_KEYS with the most lines; of equals the first."""
    kept = np.ones(len(lines), dtype=np.bool_)
    if len(lines) > MOST_KEYS:
        kept[np.argsort(-lines, kind="stable")[MOST_KEYS:]] = False
    return kept


def _words(history: History) -> list[str]:
    """Return every text of the order lines and the customers, ascending."""
    lines, people = history.lines, history.attributes
    texts = [lines.text(name) for name in _texts_of(ORDER_LINES) if name in lines.optional]
    if people is not None:
        texts += [people.text(name) for name in _texts_of(CUSTOMERS) if name in people.present]
    return sorted({word for text in texts for word in text.texts if word is not None})


def _texts_of(schema: pa.Schema) -> list[str]:
    return [field.name for field in schema if field.type == pa.string()]


def _narrowed(plain: Mapping[str, Any], words: Sequence[str], day: int) -> Reference:
    keys, values, known = plain["keys"], plain["values"], min(int(plain["day"]), day)
    if len(keys) <= _FEW_KEYS:
        return Reference(known, tuple(keys), np.array(values, dtype=np.float64))
    places = [(word, bisect_left(keys, word)) for word in words]
    found = [(word, at) for word, at in places if at < len(keys) and keys[at] == word]
    numbers = np.array([values[at] for _, at in found], dtype=np.float64)
    return Reference(known, tuple(word for word, _ in found), numbers)
