"""The tables beside the order lines: what happened besides orders, and what is known of the person."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import ContractError, DeclarationError, nearest
from contracts.tables import CUSTOMERS, EVENT_KINDS
from features.kernel.buffers import as_numpy, filled, in_one, places_among
from features.kernel.codes import Text, group_heads
from features.kernel.level import BLANK, DayColumns, DayRows
from features.kernel.lines import Names
from features.kernel.running import Days, Floats, Ints

ATTRIBUTES = tuple(name for name in CUSTOMERS.names if name not in ("customer_id", "known_day"))
_DAYS_PER_YEAR = 365.2425


class Events(DayColumns):
    """The events of C customers (contracts.tables.EVENTS, sorted by customer_id and day): one column per kind.

    Events of customers without order lines are left out.
    """

    def __init__(self, table: pa.Table, names: Names) -> None:
        heads, ids = group_heads(table["customer_id"])
        if len(ids) > 1 and pc.any(pc.greater_equal(ids[:-1], ids[1:])).as_py():
            raise ContractError("events are not sorted by customer_id and day")
        position: Ints = places_among(ids, names.ids)
        counts = np.diff(np.append(heads, table.num_rows))
        kept = np.repeat(position >= 0, counts)
        starts = np.zeros(len(names) + 1, dtype=np.int64)
        starts[position[position >= 0] + 1] = counts[position >= 0]
        starts = np.cumsum(starts)
        day: Days = as_numpy(in_one(table["day"]))[kept]
        falls = day[1:] < day[:-1]
        falls[starts[(starts > 0) & (starts < len(day))] - 1] = False
        if falls.any():
            raise ContractError("events are not sorted by customer_id and day")
        rows, self._row = DayRows.of(day, starts)
        super().__init__(rows)
        kind = Text.of(table["kind"])
        self._kind = kind.codes[kept]
        self.kinds = {str(name): code for code, name in enumerate(kind.texts)}

    def has(self, name: str) -> bool:
        """Tell whether events of this kind are counted: a known word, or one that the shop's events use."""
        return name in self.kinds or name in EVENT_KINDS

    def make(self, name: str) -> Floats:
        """Return the number of events of a kind on each day; (rows,)."""
        of_kind = self._row[self._kind == self.kinds.get(name, -2)]
        return np.bincount(of_kind, minlength=len(self.rows)).astype(np.float64)


class Attributes:
    """What is known of C customers (contracts.tables.CUSTOMERS), each from its `known_day` on."""

    def __init__(self, table: pa.Table, names: Names) -> None:
        ids = in_one(table["customer_id"]).cast(pa.string())
        if len(pc.unique(ids)) != len(ids):
            raise ContractError("the customers table has a customer_id more than once")
        self._row = places_among(names.ids, ids)
        self._table = table
        self._kept: dict[str, NDArray[Any]] = {}
        self._texts: dict[str, Text] = {}
        self.present = frozenset(name for name in ATTRIBUTES if name in table.column_names)
        self._since = self._numbers("known_day", float(BLANK))

    def number(self, name: str, customers: Ints, day: int) -> Floats:
        """Return a number (years, days; 1 or 0 for yes or no) as known on a day, NaN where it is not; (n,).

        `age` is that on the day, by the birth date where there is one.
        """
        values = self._age(customers, day) if name == "age" else self._numbers(name)[customers]
        return np.where(self._since[customers] <= day, values, np.nan)

    def codes(self, name: str, customers: Ints, day: int) -> Ints:
        """Return the places of a text in `text(name)`, -1 where nothing is known on the day; (n,)."""
        if name not in self._kept:
            self._kept[name] = self._of(self.text(name).codes, -1)
        return np.where(self._since[customers] <= day, self._kept[name][customers], -1)

    def text(self, name: str) -> Text:
        """Return a text column of the table; DeclarationError if it is absent."""
        if name not in self._texts:
            if name not in self.present:
                raise DeclarationError(f"this customers table has no '{name}'{nearest(name, self.present)}")
            self._texts[name] = Text.of(self._table[name])
        return self._texts[name]

    def _age(self, customers: Ints, day: int) -> Floats:
        since = self._since[customers]
        told = self._numbers("age")[customers]
        told = told + np.where(since > BLANK, (day - since) / _DAYS_PER_YEAR, 0.0)
        born = self._numbers("birth_date")[customers]
        return np.where(np.isnan(born), told, (day - born) / _DAYS_PER_YEAR)

    def _numbers(self, name: str, empty: float = np.nan) -> Floats:
        """Return a column of numbers for each customer, `empty` where there is none; (C,)."""
        if name not in self._kept:
            values = np.full(self._table.num_rows, empty)
            if name in self._table.column_names:
                column = in_one(self._table[name])
                flags = pa.types.is_boolean(column.type)
                values = filled(column.cast(pa.int8()) if flags else column, np.float64(empty))
            self._kept[name] = self._of(values, empty)
        return self._kept[name]

    def _of(self, values: NDArray[Any], empty: float) -> NDArray[Any]:
        """Return a column of the table for each customer, `empty` for those who are not in it; (C,)."""
        return np.append(values, np.array(empty, dtype=values.dtype))[self._row]


def attribute_of(need: str) -> str:
    """Return the attribute that a need such as customers.region names; DeclarationError if there is none."""
    name = need.removeprefix("customers.")
    if name not in ATTRIBUTES:
        raise DeclarationError(f"customers have no '{name}'{nearest(name, ATTRIBUTES)}")
    return name
