"""Tables of scores on their way into a store: checked one by one and against each other, cut to size."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import ContractError
from contracts.tables import CURVE_KNOTS, scores_schema
from features.kernel.buffers import as_numpy, in_one
from serving.stored.manifest import Contents
from serving.stored.packed import PLACES

_ONE_PER_STORE = ("as_of", "currency", "model_version")
_REPEATED = "the scores have a null or a repeated key"
_HORIZON = re.compile(r"p_repurchase_(\d+)d")


class RankedTables(Iterator[pa.Table]):
    """Yields tables that are a ranking: the contract's columns, by rank, of one day, currency and model.

    A table is sorted within itself; from one to the next the ranks must rise. Raises ContractError. What all of them
    say together stands in `horizons`, `contents` and `parts` (by part of the details the greatest row named).
    """

    def __init__(self, tables: Iterable[pa.Table]) -> None:
        self._tables = iter(tables)
        self.horizons: tuple[int, ...] = ()
        self.parts: dict[int, int] = {}
        self._rows = self._last_rank = 0
        self._same: dict[str, Any] = {}
        self._scored_at = datetime.min
        self._valid_until = date.max

    def __next__(self) -> pa.Table:
        """Return the next table that is not empty."""
        table = self._checked_columns(next(self._tables))
        while not table.num_rows:
            table = self._checked_columns(next(self._tables))
        table = self._in_order(table)
        self._note(table)
        return table

    @property
    def contents(self) -> Contents:
        """What the tables so far say of themselves."""
        return Contents(
            rows=self._rows,
            horizons=self.horizons,
            scored_at=self._scored_at,
            valid_until=self._valid_until,
            **self._same,
        )

    def _checked_columns(self, table: pa.Table) -> pa.Table:
        """Return exactly the contract's columns, and the places of details where they are there."""
        found = tuple(int(match[1]) for match in map(_HORIZON.fullmatch, table.column_names) if match)
        self.horizons = self.horizons or found
        schema = scores_schema(self.horizons)
        wrong = sorted(set(schema.names) ^ set(table.column_names).difference(PLACES))
        if not self.horizons or wrong:
            raise ContractError(f"not a scores table: columns missing or unknown: {wrong}")
        for name in PLACES:
            if name in table.column_names:
                schema = schema.append(pa.field(name, pa.int32(), nullable=False))
        return _as_declared(table.select(schema.names), schema)

    def _in_order(self, table: pa.Table) -> pa.Table:
        for field in table.schema:
            _check_column(table[field.name], field)
        ranks = as_numpy(table["rank"])
        if (ranks[1:] <= ranks[:-1]).any():
            table = table.sort_by("rank")
            ranks = as_numpy(table["rank"])
            if (ranks[1:] == ranks[:-1]).any():
                raise ContractError(f"{_REPEATED} (rank)")
        if ranks[0] <= self._last_rank:
            raise ContractError(f"scores: rank {ranks[0]} comes after rank {self._last_rank}")
        self._last_rank = int(ranks[-1])
        return table

    def _note(self, table: pa.Table) -> None:
        for name in _ONE_PER_STORE:
            value = table[name][0].as_py()
            if self._same.setdefault(name, value) != value:
                raise ContractError(f"scores: {name} must be the same for all customers of a ranking")
        self._rows += table.num_rows
        scored_at = pc.max(table["scored_at"]).as_py()
        self._scored_at = scored_at if self._scored_at == datetime.min else max(self._scored_at, scored_at)
        self._valid_until = min(self._valid_until, pc.min(table["valid_until"]).as_py())
        if PLACES[0] in table.column_names:
            self._note_parts(table)

    def _note_parts(self, table: pa.Table) -> None:
        part, at = (as_numpy(in_one(table[name])) for name in PLACES)
        if ((part >= 0) != (at >= 0)).any():
            raise ContractError("scores: part and at must both be known, or both -1")
        for number in np.unique(part[part >= 0]).tolist():
            self.parts[number] = max(self.parts.get(number, -1), int(at[part == number].max()))


def _as_declared(table: pa.Table, schema: pa.Schema) -> pa.Table:
    for field in schema:
        if not field.nullable and (nulls := table[field.name].null_count):
            raise ContractError(f"scores: {field.name} has {nulls} nulls")
    try:
        return table.cast(schema)
    except pa.ArrowException as error:
        raise ContractError(f"not a scores table: {error}") from error


def _check_column(column: pa.ChunkedArray, field: pa.Field) -> None:
    if pa.types.is_list(field.type):
        lengths = pc.list_value_length(column)
        if pc.any(pc.not_equal(lengths, len(CURVE_KNOTS))).as_py():
            raise ContractError(f"scores: {field.name} must have {len(CURVE_KNOTS)} knots")
        column = pc.list_flatten(column)
    numbers = pa.types.is_floating(column.type)
    if numbers and (column.null_count or not pc.all(pc.is_finite(column)).as_py()):
        raise ContractError(f"scores: {field.name} has values that are not finite")
    if field.name in _ONE_PER_STORE and pc.count_distinct(column).as_py() != 1:
        raise ContractError(f"scores: {field.name} must be the same for all customers of a ranking")


def in_pieces(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Yield the same rows in tables of exactly `rows`, each column in one piece; the last one may be shorter."""
    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        start = 0
        while count + table.num_rows - start >= rows:
            taken = rows - count
            yield pa.concat_tables([*waiting, table.slice(start, taken)]).combine_chunks()
            waiting, count, start = [], 0, start + taken
        if start < table.num_rows:
            waiting.append(table.slice(start))
            count += table.num_rows - start
    if waiting:
        yield pa.concat_tables(waiting).combine_chunks()
