"""A raw table filled from Python: rows of text in batches, so that memory holds one batch only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import duckdb
import numpy as np
import pyarrow as pa

from features.kernel.buffers import as_arrow

_BATCH_ROWS = 20_000
_BATCH_LETTERS = 1 << 24


@dataclass(frozen=True, kw_only=True)
class Raw:
    """What a loader found: the source's column names, their DuckDB types, the encoding, and what to tell."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    encoding: str = "utf-8"
    notes: tuple[str, ...] = ()


class RawTable:
    """The table `raw_<number>` while it is filled: `source_row` and c0, c1, … as text; an empty text is null."""

    def __init__(self, con: duckdb.DuckDBPyConnection, number: int, *, width: int) -> None:
        """Make the empty table."""
        self.name = f"raw_{number}"
        self.rows = 0
        self.misfits = 0
        self._letters = 0
        self._con, self._number, self._width, self._written = con, number, width, 0
        self._pending: list[Sequence[str | None]] = []
        self._places: list[int] = []
        self._malformed: list[tuple[int, int, str]] = []
        self._make()

    def add(self, fields: Sequence[str | None], *, source_row: int | None = None) -> None:
        """Take one row; without a number it is the one after the last.

        A row may have fewer fields than the table: they are null. A longer one makes the table wider.
        """
        self.rows += 1
        self._pending.append(fields)
        self._places.append(self.rows if source_row is None else source_row)
        self._letters += sum(len(field) for field in fields if field)
        if len(self._pending) >= _BATCH_ROWS or self._letters >= _BATCH_LETTERS:
            self.flush()

    def set_aside(self, text: str, *, line: int) -> None:
        """Keep a line that is no row, with its number in the file."""
        self.misfits += 1
        self._malformed.append((self._number, line, text.strip("\r\n")))
        self._letters += len(text)
        if len(self._malformed) >= _BATCH_ROWS or self._letters >= _BATCH_LETTERS:
            self.flush()

    def flush(self) -> None:
        """Write what is pending."""
        if self._pending:
            columns = list(zip_longest(*self._pending))
            self._widen(len(columns))
            columns += [(None,) * len(self._pending)] * (self._width - len(columns))
            self._insert(self.name, [_numbers(self._places), *(text_array(column) for column in columns)])
        if self._malformed:
            sources, lines, texts = zip(*self._malformed, strict=True)
            places = as_arrow(np.asarray(sources, dtype=np.int32), pa.int32())
            self._insert("malformed", [places, _numbers(lines), text_array(texts)])
        self._written, self._letters = self.rows, 0
        self._pending, self._places, self._malformed = [], [], []

    def _make(self) -> None:
        fields = "".join(f", c{i} VARCHAR" for i in range(self._width))
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE {self.name} (source_row BIGINT{fields})")

    def _widen(self, width: int) -> None:
        """Add columns up to this width; earlier rows have nulls there."""
        old, self._width = self._width, max(self._width, width)
        if self._width > old and not self._written:
            self._make()
            return
        for place in range(old, self._width):
            self._con.execute(f"ALTER TABLE {self.name} ADD COLUMN c{place} VARCHAR")

    def _insert(self, table: str, arrays: list[pa.Array]) -> None:
        batch = pa.Table.from_arrays(arrays, names=[f"c{i}" for i in range(len(arrays))])
        self._con.register("incoming", batch)
        try:
            self._con.execute(f"INSERT INTO {table} SELECT * FROM incoming")
        finally:
            self._con.unregister("incoming")


def text_array(values: Iterable[str | None]) -> pa.Array:
    """Return texts as an Arrow array; None and the empty text are null, half a surrogate pair becomes '?'."""
    texts = [value or "" for value in values]
    joined = "".join(texts)
    if joined.isascii():
        data, sizes = joined.encode(), np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    else:
        parts = [text.encode("utf-8", "replace") for text in texts]
        data, sizes = b"".join(parts), np.fromiter(map(len, parts), dtype=np.int64, count=len(parts))
    ends = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(sizes, out=ends[1:])
    bits = pa.py_buffer(np.packbits(sizes > 0, bitorder="little"))
    return pa.Array.from_buffers(
        pa.large_string(), len(texts), [bits, pa.py_buffer(ends), pa.py_buffer(data)]
    )


def _numbers(values: Sequence[int]) -> pa.Array:
    return as_arrow(np.asarray(values, dtype=np.int64), pa.int64())
