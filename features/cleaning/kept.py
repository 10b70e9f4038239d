"""The rows that are kept, as numpy columns in their canonical order: codes for texts, values for the rest."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.tables import NUMBERED_BY, OPTIONAL_LINE_COLUMNS, ORDER_LINES, REQUIRED_LINE_COLUMNS
from features.cleaning.sorting import Bools, Ints, as_words, canonical_order, codes_of
from features.kernel.buffers import as_arrow, as_numpy, is_valid

DAY_MICROSECONDS = 86_400_000_000
NO_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Kept:
    """n kept rows. row: (n,) their places among the typed rows; columns: (n,) each, by name.

    Texts are codes into `words`, their number where there is none. `twin` is the place, in this order, of the sale
    that a made line undoes, -1 for all others.
    """

    row: Ints
    columns: dict[str, NDArray[Any]]
    words: dict[str, pa.Array]

    def __len__(self) -> int:
        return len(self.row)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a column."""
        return self.columns[name]

    def take(self, rows: Ints | Bools) -> Kept:
        """Return some rows."""
        return Kept(self.row[rows], {name: values[rows] for name, values in self.columns.items()}, self.words)

    @cached_property
    def day(self) -> Ints:
        """The local calendar day of each row."""
        return np.floor_divide(self.columns["ordered_at"], DAY_MICROSECONDS)

    def ids(self, name: str) -> NDArray[np.object_]:
        """Return the distinct texts of a column, by code."""
        return np.array(self.words[name].to_pylist(), dtype=object)


def sort_kept(table: pa.Table, row: Ints, optional: tuple[str, ...]) -> tuple[Kept, Bools]:
    """Return typed rows in canonical order, and which of them equal the one before in everything."""
    columns: dict[str, NDArray[Any]] = {}
    words: dict[str, pa.Array] = {}
    for name in ("customer_id", "order_id", *optional):
        if pa.types.is_string(table[name].type) or pa.types.is_dictionary(table[name].type):
            columns[name], words[name] = codes_of(table[name])
    columns["ordered_at"] = as_numpy(table["ordered_at"])
    columns["back"] = as_numpy(table["back"])
    for name in ("quantity", "amount", *(name for name in optional if name not in words)):
        columns[name] = _numbers(table[name])
    more = [name for name in NUMBERED_BY if name in optional]
    more += [name for name in optional if name not in NUMBERED_BY]
    keys = ("customer_id", "ordered_at", "order_id", "back", *more, "quantity", "amount")
    order, alike = canonical_order([columns[name] for name in keys])
    return Kept(row, columns, words).take(order), alike


def same_but_for_its_order(kept: Kept) -> Bools:
    """Return which rows equal the row before in everything but an order number that was made."""
    same = np.ones(max(len(kept) - 1, 0), dtype=bool)
    for name, values in kept.columns.items():
        if name != "order_id":
            unknown = values != values  # NaN
            same &= (values[1:] == values[:-1]) | (unknown[1:] & unknown[:-1])
    return np.concatenate([np.zeros(min(len(kept), 1), dtype=bool), same])


def as_lines(kept: Kept, optional: tuple[str, ...], cancelled: tuple[Ints, Ints]) -> pa.Table:
    """Return the contract's order lines, text columns as dictionaries. cancelled: (rows of returns, of their sales)."""
    returns, sales = cancelled
    reverses = np.zeros(len(kept), dtype=bool)
    reverses[returns] = True
    on, known = np.zeros(len(kept), dtype=np.int32), np.zeros(len(kept), dtype=bool)
    on[sales], known[sales] = kept.day[returns], True
    made = {
        "line": as_arrow(_line_numbers(kept), pa.int32()),
        "day": as_arrow(kept.day.astype(np.int32), pa.int32()),
        "returned": as_arrow(kept["back"], pa.bool_()),
        "reverses": as_arrow(reverses, pa.bool_()),
        "cancelled_day": as_arrow(on, pa.int32(), valid=known),
    }
    names = [*REQUIRED_LINE_COLUMNS, *(name for name in OPTIONAL_LINE_COLUMNS if name in optional)]
    given = {name: _column(kept, name) for name in names if name not in made}
    return pa.table({**given, **made}).select(names)


def _column(kept: Kept, name: str) -> pa.Array:
    values = kept[name]
    if name in kept.words:
        return as_words(values, kept.words[name])
    kind = ORDER_LINES.field(name).type
    if pa.types.is_timestamp(kind):
        return as_arrow(values, kind)
    unknown = np.isnan(values)
    return as_arrow(values, kind, valid=~unknown if unknown.any() else None)


def _numbers(column: pa.ChunkedArray) -> NDArray[Any]:
    values, valid = as_numpy(column), is_valid(column)
    nothing = NO_TIME if pa.types.is_timestamp(column.type) else np.nan
    return values if valid.all() else np.where(valid, values, nothing)


def _line_numbers(kept: Kept) -> NDArray[np.int32]:
    """Return each row's position inside its (customer, order), from 1."""
    key = kept["customer_id"] * (len(kept.words["order_id"]) + 1) + kept["order_id"]
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    position = np.arange(len(key)) - np.repeat(starts, np.diff(starts, append=len(key)))
    lines = np.empty(len(key), dtype=np.int32)
    lines[order] = position + 1
    return lines
