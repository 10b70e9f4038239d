"""Load sources as they stand, before any cleaning."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from features.reading.sources import Source, find_files, load_source

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Loaded:
    """The sources, the rows of all (without their numbers), and the lines that were set aside."""

    sources: tuple[Source, ...]
    rows: list[Row]
    numbers: list[int]
    malformed: list[tuple[int, str]]

    @property
    def columns(self) -> tuple[str, ...]:
        return self.sources[0].columns

    @property
    def types(self) -> tuple[str, ...]:
        return self.sources[0].types


@cache
def connection() -> duckdb.DuckDBPyConnection:
    """Open DuckDB once for all tests: each test has a cursor with temporary tables of its own."""
    con = duckdb.connect()
    con.execute("SET GLOBAL TimeZone = 'UTC'; SET enable_external_file_cache = false")
    return con


def load(source: str | Path | list[str | Path], *, encoding: str | None = None) -> Loaded:
    """Load what a source names with DuckDB, as reading orders does."""
    items = find_files(source)
    with connection().cursor() as con:
        con.execute("CREATE TEMP TABLE malformed (source INTEGER, source_row BIGINT, text VARCHAR)")
        try:
            sources = tuple(load_source(con, i, item, encoding=encoding) for i, item in enumerate(items))
            rows = [row for one in sources for row in con.execute(_select(one)).fetchall()]
            malformed = con.execute("SELECT source_row, text FROM malformed ORDER BY ALL").fetchall()
        finally:
            attached = "SELECT database_name FROM duckdb_databases() WHERE path IS NOT NULL"
            for (name,) in con.execute(attached).fetchall():
                con.execute(f"DETACH {name}")
    return Loaded(sources, [row[1:] for row in rows], [row[0] for row in rows], malformed)


def _select(source: Source) -> str:
    """Return the SQL of all rows; a time with a zone comes as UTC, since DuckDB needs a package to give one."""
    fields = [
        f"timezone('UTC', c{i})" if "TIME ZONE" in kind else f"c{i}" for i, kind in enumerate(source.types)
    ]
    return f"SELECT {', '.join(['source_row', *fields])} FROM {source.table} ORDER BY 1"


def load_bytes(folder: Path, content: bytes, *, name: str = "o.csv", encoding: str | None = None) -> Loaded:
    """Write bytes under a name and load them."""
    path = folder / name
    path.write_bytes(content)
    return load(path, encoding=encoding)
