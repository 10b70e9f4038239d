"""The look-up file: the scores as one SQLite table, found by customer_id or by rank.

Dates are integer days, times integer microseconds (UTC), the curve little-endian doubles. The file is never
changed after it is published, so it is opened read-only and immutable.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from contracts.days import to_date
from contracts.errors import ArtifactError
from contracts.tables import CURVE_KNOTS, scores_schema

Row = dict[str, Any]
_BATCH_ROWS = 50_000
_CURVE_BYTES = 8 * len(CURVE_KNOTS)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def write_lookup(path: Path, scores: pa.Table) -> None:
    """Write scores (sorted by rank) as a look-up file; sqlite3.IntegrityError on a null or repeated key."""
    names = ", ".join(f'"{name}"' for name in scores.column_names)
    marks = ", ".join("?" * scores.num_columns)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")  # the publisher syncs the finished file
        connection.execute("BEGIN")
        connection.execute(f"CREATE TABLE scores ({', '.join(map(_column, scores.schema))})")
        for batch in scores.to_batches(max_chunksize=_BATCH_ROWS):
            connection.executemany(f"INSERT INTO scores ({names}) VALUES ({marks})", _tuples(batch))
        connection.execute("CREATE UNIQUE INDEX by_customer ON scores (customer_id)")
        connection.execute("COMMIT")


def _column(field: pa.Field) -> str:
    if field.name == "rank":
        return '"rank" INTEGER PRIMARY KEY'
    null = "" if field.nullable else " NOT NULL"
    return f'"{field.name}" {_affinity(field.type)}{null}'


def _affinity(kind: pa.DataType) -> str:
    if pa.types.is_string(kind):
        return "TEXT"
    if pa.types.is_floating(kind):
        return "REAL"
    return "BLOB" if pa.types.is_list(kind) else "INTEGER"


def _tuples(batch: pa.RecordBatch) -> Iterator[tuple[Any, ...]]:
    return zip(*map(_stored, batch.columns), strict=True)


def _stored(column: pa.Array) -> list[Any]:
    """Return a column's values as SQLite keeps them."""
    if pa.types.is_list(column.type):
        data = np.ascontiguousarray(column.flatten(), dtype="<f8").tobytes()
        return [data[at : at + _CURVE_BYTES] for at in range(0, len(data), _CURVE_BYTES)]
    if pa.types.is_date32(column.type):
        return list(column.cast(pa.int32()).to_pylist())
    if pa.types.is_timestamp(column.type):
        return list(column.cast(pa.int64()).to_pylist())
    return list(column.to_pylist())


def _reader(kind: pa.DataType) -> Callable[[Any], Any] | None:
    """Return what turns a stored value back into Python, or None where it is kept as it is."""
    if pa.types.is_date32(kind):
        return to_date
    if pa.types.is_timestamp(kind):
        return lambda micros: _EPOCH + timedelta(microseconds=micros)
    if pa.types.is_list(kind):
        return lambda data: np.frombuffer(data, dtype="<f8").tolist()
    return None


class Lookup:
    """An open look-up file: one connection, shared by all threads, alive even if the file is deleted."""

    def __init__(self, path: Path, *, horizons: tuple[int, ...]) -> None:
        schema = scores_schema(horizons)
        names = ", ".join(f'"{name}"' for name in schema.names)
        self._names = schema.names
        self._readers = [(f.name, read) for f in schema if (read := _reader(f.type)) is not None]
        self._by_customer = f"SELECT {names} FROM scores WHERE customer_id = ?"
        self._by_rank = f"SELECT {names} FROM scores WHERE rank > ? ORDER BY rank LIMIT ?"
        self._lock = threading.Lock()
        uri = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
        try:
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise ArtifactError(f"{path}: the look-up file cannot be opened ({error}).") from error

    def customer(self, customer_id: str) -> Row | None:
        """Return one customer's scores, or None."""
        rows = self._rows(self._by_customer, (customer_id,))
        return rows[0] if rows else None

    def ranking(self, *, limit: int, after_rank: int) -> list[Row]:
        """Return up to `limit` customers, best first, that come after a rank."""
        return self._rows(self._by_rank, (after_rank, limit))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _rows(self, query: str, values: tuple[Any, ...]) -> list[Row]:
        try:
            with self._lock:
                found = self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise ArtifactError(
                f"the look-up file cannot be read ({error}). Publish the ranking again."
            ) from error
        return [self._row(values) for values in found]

    def _row(self, values: tuple[Any, ...]) -> Row:
        row: Row = dict(zip(self._names, values, strict=True))
        for name, read in self._readers:
            if row[name] is not None:
                row[name] = read(row[name])
        return row
