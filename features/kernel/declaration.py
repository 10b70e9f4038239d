"""The declaration of a feature, and the catalogue that computes declared features.

A feature is one function of a Past. Its name is the column, its description the documentation; unit, family,
needs and calendar follow from the decorator:

    @feature("Orders in the 90 days before the cutoff.", unit="orders", family="orders")
    def orders_90d(past): return past.count(days=90)
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.errors import ContractError, DeclarationError, nearest
from contracts.tables import OPTIONAL_LINE_COLUMNS
from features.kernel.history import History
from features.kernel.past import Past
from features.kernel.running import Floats, Ints

FeatureFunction = Callable[[Past], Floats]
# What a shift of all dates may change: nothing, what depends on the day of the week, or on the time of year.
Calendar = Literal["none", "week", "year"]


@dataclass(frozen=True)
class Feature:
    """One declared column of customer features."""

    name: str
    description: str
    unit: str
    family: str
    needs: tuple[str, ...]
    calendar: Calendar
    compute: FeatureFunction

    @cached_property
    def source_hash(self) -> str:
        """The first 16 hex digits of the sha256 of the function's source and of the features it calls."""
        known = self.compute.__globals__
        called = [known[name] for name in self.compute.__code__.co_names if name in known]
        hashes = [one.source_hash for one in called if isinstance(one, Feature)]
        text = "\n".join([self.name, inspect.getsource(self.compute), *hashes])
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def feature(
    description: str,
    *,
    unit: str,
    family: str,
    needs: tuple[str, ...] = (),
    calendar: Calendar = "none",
) -> Callable[[FeatureFunction], Feature]:
    """Declare a function of a Past as a feature.

    needs: optional order-line columns without which the feature is off. Raises DeclarationError for an
    unknown column or an empty description.
    """
    unknown = [name for name in needs if name not in OPTIONAL_LINE_COLUMNS]
    if unknown or not description.strip():
        hint = nearest(unknown[0], OPTIONAL_LINE_COLUMNS) if unknown else ""
        raise DeclarationError(f"feature '{description}' needs unknown columns {unknown}{hint}")

    def declare(function: FeatureFunction) -> Feature:
        return Feature(function.__name__, description, unit, family, needs, calendar, function)

    return declare


@dataclass(frozen=True)
class FeatureTable:
    """Features of n (customer, cutoff) rows. cutoff: (n,) days; columns: (n,) each, NaN where undefined."""

    customer_id: NDArray[np.object_]
    cutoff: Ints
    columns: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.customer_id)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> FeatureTable:
        """Return some rows."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return FeatureTable(self.customer_id[rows], self.cutoff[rows], columns)

    @staticmethod
    def stack(tables: Sequence[FeatureTable]) -> FeatureTable:
        """Put tables with the same columns below each other."""
        return FeatureTable(
            np.concatenate([t.customer_id for t in tables]),
            np.concatenate([t.cutoff for t in tables]),
            {name: np.concatenate([t.columns[name] for t in tables]) for name in tables[0].columns},
        )

    def to_arrow(self) -> pa.Table:
        """Return one Arrow table: customer_id, cutoff (date), then the features."""
        cutoff = pa.array(self.cutoff.astype(np.int32)).cast(pa.date32())
        arrays = [pa.array(self.customer_id, pa.string()), cutoff, *map(pa.array, self.columns.values())]
        return pa.table(arrays, names=["customer_id", "cutoff", *self.columns])


class Catalog:
    """Declared features by name, in the order of their declaration."""

    def __init__(self, features: Iterable[Feature]) -> None:
        self._by_name: dict[str, Feature] = {}
        for one in features:
            if one.name in self._by_name:
                raise DeclarationError(f"feature '{one.name}' is declared twice")
            self._by_name[one.name] = one

    @staticmethod
    def of_module(module: object) -> Catalog:
        """Gather the features declared in a module."""
        return Catalog(value for value in vars(module).values() if isinstance(value, Feature))

    def __iter__(self) -> Iterator[Feature]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def pick(self, names: Sequence[str]) -> Catalog:
        """Return the features with these names, in this order; DeclarationError for an unknown one."""
        for name in names:
            if name not in self._by_name:
                raise DeclarationError(f"there is no feature '{name}'{nearest(name, self._by_name)}")
        return Catalog(self._by_name[name] for name in names)

    def available(self, present: frozenset[str]) -> Catalog:
        """Return the features whose needed order-line columns are present."""
        return Catalog(one for one in self if present.issuperset(one.needs))

    def switched_off(self, present: frozenset[str]) -> dict[str, tuple[str, ...]]:
        """Return the features that absent order-line columns switch off, with those columns."""
        return {
            one.name: tuple(n for n in one.needs if n not in present)
            for one in self
            if not present.issuperset(one.needs)
        }

    def compute(self, history: History, day: int) -> FeatureTable:
        """Compute every feature for the customers with an order up to the end of `day`, as known then."""
        past = Past(history, day)
        known = self._of(history, past)
        corrected = history.as_known_on(day)
        if corrected is None:
            return known
        anew = Past(corrected, day)
        kept = ~np.isin(past.rows, corrected.positions)
        both = FeatureTable.stack([known.take(kept), self._of(corrected, anew)])
        positions = np.concatenate([past.rows[kept], corrected.positions[anew.rows]])
        return both.take(np.argsort(positions))

    def _of(self, history: History, past: Past) -> FeatureTable:
        columns = {one.name: _checked(one, past) for one in self}
        return FeatureTable(history.customer_ids[past.rows], np.full(len(past), past.day), columns)


def _checked(one: Feature, past: Past) -> Floats:
    values = np.asarray(one.compute(past), dtype=np.float64)
    if values.shape != (len(past),):
        raise ContractError(
            f"feature '{one.name}' returned shape {values.shape} for {len(past)} customers; it must be one value each"
        )
    return values
