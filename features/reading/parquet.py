"""Parquet as a raw view, never copied: one file, or the many files of one table read as one.

The files of one table must have the same columns; where a column changes its type from file to file, it is
read as the type that holds all its values, text at the widest. What a partition folder says (`country=DE`)
becomes a column.
"""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import DataError
from features.reading.columns import diff_of_columns, require_distinct
from features.reading.dates import literal
from features.reading.raw_table import Raw

_WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})
_TIMES = frozenset({"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})
_RESERVED = frozenset({"file_row_number", "file_index"})
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One file of a table and what its partition says; None is null."""

    path: Path
    keys: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Group:
    """Files of one table with equal schemas: their names as DuckDB sees them, their types, where rows begin."""

    parts: tuple[Part, ...]
    starts: tuple[int, ...]
    columns: tuple[str, ...]
    inside: tuple[str, ...]
    types: tuple[str, ...]


def keys_of(path: Path, *, below: Path | None = None) -> tuple[tuple[str, str | None], ...]:
    """Return the partition keys in the folders right above a file, such as (('country', 'DE'),)."""
    folders = path.relative_to(below).parts[:-1] if below is not None else path.parts[:-1]
    keys = []
    for folder in reversed(folders):
        name, mark, value = folder.partition("=")
        if not mark or not name:
            break
        keys.append((unquote(name), None if value == _NO_VALUE else unquote(value)))
    return tuple(reversed(keys))


def load_parquet(
    con: duckdb.DuckDBPyConnection,
    number: int,
    parts: Sequence[Part],
    *,
    where: str,
    columns: Sequence[str] | None = None,
) -> Raw:
    """Make view `raw_<number>` over the files of one table; DataError if one cannot be read or differs.

    columns: what the table's own catalogue says; a file may then lack some of them. None: as the first file.
    """
    groups = _groups(con, parts)
    keys = tuple(dict.fromkeys(name for part in parts for name, _ in part.keys))
    names = list(columns if columns is not None else dict.fromkeys((*groups[0].columns, *keys)))
    if columns is None:
        for group in groups[1:]:
            _require_alike(groups[0], group, keys)
    types = [_common(groups, name) for name in names]
    selects = " UNION ALL ".join(_select(group, names, types) for group in groups)
    _run(con, f"CREATE OR REPLACE TEMP VIEW raw_{number} AS {selects}", where)
    _run(con, f"SELECT count(*) FROM raw_{number}", where)
    return Raw(columns=tuple(names), types=tuple(types))


def _groups(con: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> list[_Group]:
    """Return the files by their schemas; rows are numbered through, in the order of the files."""
    found: dict[str, tuple[list[Part], list[int]]] = {}
    start = 0
    for part in parts:
        schema, rows = _footer(part.path)
        require_distinct(schema.names, where=str(part.path))
        together, starts = found.setdefault(str(schema.remove_metadata()), ([], []))
        together.append(part)
        starts.append(start)
        start += rows
    return [_group(con, together, starts) for together, starts in found.values()]


def _group(con: duckdb.DuckDBPyConnection, parts: list[Part], starts: list[int]) -> _Group:
    path = parts[0].path
    cursor = _run(con, f"SELECT * FROM {_read([parts[0]])} LIMIT 0", str(path))
    inside = tuple(column[0] for column in cursor.description or ())
    columns = tuple(_footer(path)[0].names)
    reserved = _RESERVED & {name.casefold() for name in columns}
    if reserved:
        raise DataError(
            f"{path}: the column name '{min(reserved)}' is taken by the reader. Rename the column."
        )
    types = tuple(str(column[1]) for column in cursor.description or ())
    return _Group(parts=tuple(parts), starts=tuple(starts), columns=columns, inside=inside, types=types)


def _footer(path: Path) -> tuple[pa.Schema, int]:
    try:
        with pq.ParquetFile(path) as file:
            return file.schema_arrow, int(file.metadata.num_rows)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(str(path), error) from None


def _require_alike(first: _Group, other: _Group, keys: Sequence[str]) -> None:
    diff = diff_of_columns([*first.columns, *keys], [*other.columns, *keys])
    if diff:
        raise DataError(
            f"{other.parts[0].path}: its columns are not those of {first.parts[0].path}: {diff}. Export the "
            "files of one table with the same columns."
        )


def _common(groups: Sequence[_Group], name: str) -> str:
    """Return the type that holds a column's values in all files."""
    kinds = {group.types[group.columns.index(name)] for group in groups if name in group.columns}
    if len(kinds) == 1:
        return kinds.pop()
    if not kinds:
        return "VARCHAR"
    if kinds <= _WHOLE:
        return "BIGINT"
    if kinds <= _TIMES:
        return "TIMESTAMP"
    numbers = all(kind in _WHOLE | {"FLOAT", "DOUBLE"} for kind in kinds)
    return "DOUBLE" if numbers else "VARCHAR"


def _select(group: _Group, names: Sequence[str], types: Sequence[str]) -> str:
    place = "file_index::BIGINT + 1"
    starts = ", ".join(map(str, group.starts))
    fields = [f"[{starts}][{place}]::BIGINT + file_row_number + 1 AS source_row"]
    for i, (name, kind) in enumerate(zip(names, types, strict=True)):
        if name in group.columns:
            at = group.columns.index(name)
            value = _cast(_quoted(group.inside[at]), group.types[at], kind)
        else:
            keys = [dict(part.keys).get(name) for part in group.parts]
            listed = ", ".join("NULL" if key is None else literal(key) for key in keys)
            value = f"([{listed}]::VARCHAR[])[{place}]::{kind}"
        fields.append(f"{value} AS c{i}")
    return f"SELECT {', '.join(fields)} FROM {_read(group.parts)}"


def _cast(column: str, kind: str, wanted: str) -> str:
    if kind == wanted:
        return column
    if wanted == "VARCHAR" and kind in ("FLOAT", "DOUBLE"):
        whole = f"{column} = floor({column}) AND abs({column}) < 1e15"
        return f"CASE WHEN {whole} THEN {column}::BIGINT::VARCHAR ELSE {column}::VARCHAR END"
    return f"{column}::{wanted}"


def _read(parts: Sequence[Part]) -> str:
    files = ", ".join(literal(glob.escape(str(part.path))) for part in parts)
    return f"read_parquet([{files}], hive_partitioning = false)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _run(con: duckdb.DuckDBPyConnection, sql: str, where: str) -> duckdb.DuckDBPyConnection:
    try:
        return con.execute(sql)
    except duckdb.Error as error:
        raise _unreadable(where, error) from None


def _unreadable(where: str, error: Exception) -> DataError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return DataError(f"{where}: the Parquet file cannot be read ({reason}). Export it again.")
