"""Typed cells (of a sheet or an SQLite table) as a raw table: a column of one kind of value gets its type."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import duckdb

from features.reading.raw_table import RawTable

# Of the kinds that a column holds, the DuckDB type that holds them all; else it is text.
_TYPES = {
    frozenset({"whole"}): "BIGINT",
    frozenset({"number"}): "DOUBLE",
    frozenset({"whole", "number"}): "DOUBLE",
    frozenset({"time"}): "TIMESTAMP",
}


class Cells:
    """A raw table filled with Python values; `close` says which type each column has."""

    def __init__(self, con: duckdb.DuckDBPyConnection, number: int, *, width: int) -> None:
        """Make the empty table."""
        self._con, self._width = con, width
        self._table = RawTable(con, number, width=width)
        self._kinds: list[set[str]] = [set() for _ in range(width)]

    @property
    def rows(self) -> int:
        """Return how many rows were taken."""
        return self._table.rows

    def add(self, values: Sequence[Any], *, source_row: int | None = None) -> None:
        """Take one row of `width` values."""
        row = []
        for kinds, value in zip(self._kinds, values, strict=True):
            kind, text = _written(value)
            if text:
                kinds.add(kind)
            row.append(text)
        self._table.add(row, source_row=source_row)

    def close(self) -> tuple[str, ...]:
        """Write what is pending, give each column its type, and return the types."""
        self._table.flush()
        types = tuple(_TYPES.get(frozenset(kinds), "VARCHAR") for kinds in self._kinds)
        for place, kind in enumerate(types):
            if kind != "VARCHAR":
                self._con.execute(f"ALTER TABLE {self._table.name} ALTER COLUMN c{place} TYPE {kind}")
        return types


def _written(value: Any) -> tuple[str, str | None]:
    """Return the kind of a value and its text: a whole number has no '.0', a day is its midnight."""
    if value is None or value == "":
        return "text", None
    if isinstance(value, bool):
        return "text", "true" if value else "false"
    if isinstance(value, int):
        return ("whole" if -(2**63) <= value < 2**63 else "text"), str(value)
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 2**53
        return ("whole", str(int(value))) if whole else ("number", repr(value))
    if isinstance(value, datetime):
        return "time", value.isoformat(sep=" ")
    if isinstance(value, date):
        return "time", f"{value.isoformat()} 00:00:00"
    if isinstance(value, bytes):
        return "text", value.decode("utf-8", "replace")
    return "text", str(value)
