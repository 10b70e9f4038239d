"""Raw tables for the tests of this folder: what the loaders leave in DuckDB, without a file."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from features.reading.sources import Source


def connect() -> duckdb.DuckDBPyConnection:
    """Return an empty database as the readers set it up."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    return con


def source_of(
    con: duckdb.DuckDBPyConnection, columns: Sequence[str], *rows: Sequence[str | None], number: int = 0
) -> Source:
    """Make the raw table of a text file with these columns and rows."""
    fields = "".join(f", c{i} VARCHAR" for i in range(len(columns)))
    con.execute(f"CREATE TEMP TABLE raw_{number} (source_row BIGINT{fields})")
    for place, row in enumerate(rows, start=1):
        con.execute(f"INSERT INTO raw_{number} VALUES (?{', ?' * len(columns)})", [place, *row])
    types = ("VARCHAR",) * len(columns)
    return Source(number=number, path=f"file{number}.csv", columns=tuple(columns), types=types)
