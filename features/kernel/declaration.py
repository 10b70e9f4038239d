"""The declaration of a feature, and the catalogue that computes declared features.

A feature is one function of a Past. Its name is the column, its description the documentation; unit, family,
needs and calendar follow from the decorator:

    @feature("Orders in the 90 days before the cutoff.", unit="orders", family="orders")
    def orders_90d(past): return past.count(days=90)
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.errors import ContractError, DeclarationError, nearest
from contracts.tables import OPTIONAL_LINE_COLUMNS
from features.kernel.buffers import as_arrow
from features.kernel.history import History
from features.kernel.lines import Names
from features.kernel.other_tables import ATTRIBUTES
from features.kernel.past import Past
from features.kernel.reference import NONE, References
from features.kernel.running import Floats, Ints
from features.kernel.source import source_text

FeatureFunction = Callable[[Past], Floats]
# What a shift of all dates may change: nothing, what depends on the day of the week, or on the time of year.
Calendar = Literal["none", "week", "year"]
NEEDS = (*OPTIONAL_LINE_COLUMNS, "events", *(f"customers.{name}" for name in ATTRIBUTES))
# Customers whose features are computed together: their arrays of one number each stay near the processor.
_TOGETHER = 2**14


@dataclass(frozen=True)
class Feature:
    """One declared column of customer features."""

    name: str
    description: str
    unit: str
    family: str
    needs: tuple[str, ...]
    calendar: Calendar
    function: FeatureFunction
    needs_reference: tuple[str, ...] = ()

    def compute(self, past: Past) -> Floats:
        """Return the feature of each customer of a past, computed once for it; (n,), not to be written to."""
        return past.once(self.function)

    @cached_property
    def source_hash(self) -> str:
        """The first 16 hex digits of the sha256 of the function's source and of what it calls (source.py)."""
        text = f"{self.name}\n{source_text(self.function, function_of=_function_of)}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def lacks(self, present: frozenset[str], references: frozenset[str] = frozenset()) -> tuple[str, ...]:
        """Return what it needs and is not there; reference tables as reference.<name>."""
        if present.issuperset(self.needs) and references.issuperset(self.needs_reference):
            return ()
        columns = (name for name in self.needs if name not in present)
        tables = (f"reference.{name}" for name in self.needs_reference if name not in references)
        return (*columns, *tables)


def feature(
    description: str,
    *,
    unit: str,
    family: str,
    needs: tuple[str, ...] = (),
    needs_reference: tuple[str, ...] = (),
    calendar: Calendar = "none",
) -> Callable[[FeatureFunction], Feature]:
    """Declare a function of a Past as a feature.

    needs: what the feature is off without: optional order-line columns, "events", "customers.<column>".
    needs_reference: reference tables by name. Raises DeclarationError for an unknown need or an empty description.
    """
    unknown = [name for name in needs if name not in NEEDS]
    if unknown:
        raise DeclarationError(
            f"feature '{description}' needs unknown columns {unknown}{nearest(unknown[0], NEEDS)}"
        )
    if not description.strip():
        raise DeclarationError("a feature has no description. Say in one sentence what it is.")

    def declare(function: FeatureFunction) -> Feature:
        return Feature(
            function.__name__, description, unit, family, needs, calendar, function, needs_reference
        )

    return declare


@dataclass(frozen=True)
class FeatureTable:
    """Features of n (customer, cutoff) rows.

    names: the ids of all customers of the history; customers: (n,) positions among them, by which outcomes are
    looked up; cutoff: (n,) days; columns: (n,) each, NaN where undefined.
    """

    names: Names
    customers: Ints
    cutoff: Ints
    columns: dict[str, Floats]

    def __len__(self) -> int:
        return len(self.customers)

    @cached_property
    def customer_id(self) -> NDArray[np.object_]:
        """The customers' ids; (n,)."""
        return self.names.objects[self.customers]

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> FeatureTable:
        """Return some rows."""
        columns = {name: values[rows] for name, values in self.columns.items()}
        return FeatureTable(self.names, self.customers[rows], self.cutoff[rows], columns)

    @staticmethod
    def stack(tables: Sequence[FeatureTable]) -> FeatureTable:
        """Put tables with the same columns below each other."""
        names, customers = Names.stack([(t.names, t.customers) for t in tables])
        return FeatureTable(
            names,
            customers,
            np.concatenate([t.cutoff for t in tables]),
            {name: np.concatenate([t.columns[name] for t in tables]) for name in tables[0].columns},
        )

    def to_arrow(self) -> pa.Table:
        """Return one Arrow table: customer_id, cutoff (date), then the features."""
        ids = self.names.ids.take(as_arrow(self.customers, pa.int64()))
        cutoff = as_arrow(self.cutoff.astype(np.int32), pa.date32())
        columns = [as_arrow(values, pa.float64()) for values in self.columns.values()]
        return pa.table([ids, cutoff, *columns], names=["customer_id", "cutoff", *self.columns])


class Catalog:
    """Declared features by name, in the order of their declaration."""

    def __init__(self, features: Iterable[Feature]) -> None:
        self._by_name: dict[str, Feature] = {}
        # What the features have summed so far, so that a small past sums all of it at once.
        self._asked: dict[frozenset[str], dict[tuple[str, int], None]] = {}
        for one in features:
            if one.name in self._by_name:
                raise DeclarationError(f"feature '{one.name}' is declared twice")
            self._by_name[one.name] = one

    @staticmethod
    def of_module(module: object) -> Catalog:
        """Gather the features declared in a module, without those that it imports."""
        name = getattr(module, "__name__", None)
        found = [value for value in vars(module).values() if isinstance(value, Feature)]
        return Catalog(one for one in found if name in (None, one.function.__module__))

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

    def available(self, present: frozenset[str], references: Iterable[str] = ()) -> Catalog:
        """Return the features for which everything needed is present."""
        tables = frozenset(references)
        return Catalog(one for one in self if not one.lacks(present, tables))

    def switched_off(
        self, present: frozenset[str], references: Iterable[str] = ()
    ) -> dict[str, tuple[str, ...]]:
        """Return the features that something absent switches off, with what is absent."""
        tables = frozenset(references)
        lacking = ((one.name, one.lacks(present, tables)) for one in self)
        return {name: absent for name, absent in lacking if absent}

    def compute(self, history: History, day: int, *, references: References = NONE) -> FeatureTable:
        """Compute every feature for the customers with an order up to the end of `day`, as known then.

        Rows stand in the order of the customers' ids.
        """
        past = Past(history, day, references=references)
        asked = self._asked.setdefault(history.optional, {})
        if past.is_small:
            past.sum_at_once(tuple(asked))
        block = np.empty((len(self), len(past)))  # one piece of memory costs the system less than many
        for some, part in past.parts(_TOGETHER):
            once, shape = part.once, (len(part),)
            found = []
            for one in self._by_name.values():
                values = once(one.function)
                if values.__class__ is not np.ndarray or values.shape != shape:
                    values = _checked(one, values, shape)
                found.append(values)
            if part is past:
                np.concatenate(found, out=block.reshape(-1), casting="unsafe")
            else:
                for column, values in zip(block, found, strict=True):
                    column[some] = values
            asked.update(dict.fromkeys(part.asked))
        columns = dict(zip(self._by_name, block, strict=True))
        return FeatureTable(history.names, past.customers, np.full(len(past), past.day), columns)


def _function_of(value: object) -> object:
    return value.function if isinstance(value, Feature) else value


def _checked(one: Feature, values: object, shape: tuple[int]) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.shape != shape:
        raise ContractError(
            f"feature '{one.name}' returned shape {found.shape} for {shape[0]} customers; it must be one value each"
        )
    return found
