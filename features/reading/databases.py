"""Tables of an SQLite or DuckDB file as raw tables; the file is opened for reading only."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote as url_quote

import duckdb

from contracts.errors import DataError, nearest
from features.reading.addresses import Address
from features.reading.cells import Cells
from features.reading.columns import require_distinct
from features.reading.dates import literal
from features.reading.raw_table import Raw

_BATCH_ROWS = 20_000
_USUAL = ("orders", "order_lines")


def choose_table(names: Sequence[str], address: Address) -> str:
    """Return the table that is meant: the one named, the only one, or the one called orders or order_lines."""
    listed = ", ".join(sorted(names)[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
    if not names:
        raise DataError(f"{address.shown}: the database has no table or view that can be read.")
    if address.table is not None:
        if address.table in names:
            return address.table
        raise DataError(
            f"{address.shown}: there is no table or view '{address.table}'{nearest(address.table, names) or '.'} "
            f"There are: {listed}."
        )
    usual = [name for name in names if name.rpartition(".")[2].casefold() in _USUAL]
    chosen = list(names) if len(names) == 1 else usual
    if len(chosen) != 1:
        raise DataError(f"{address.shown}: say which table to read, as ?table=name. There are: {listed}.")
    return chosen[0]


def load_sqlite(con: duckdb.DuckDBPyConnection, number: int, address: Address) -> Raw:
    """Load a table, view or query of an SQLite file as `raw_<number>`, in batches."""
    path = _file(address)
    uri = f"file:{url_quote(str(path.resolve()))}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as database:
            database.text_factory = lambda data: data.decode("utf-8", "replace")
            return _copy_sqlite(con, number, database, address)
    except sqlite3.Error as error:
        raise DataError(
            f"{address.shown}: SQLite cannot read this ({error}). Check the file and the query."
        ) from None


def load_duckdb(con: duckdb.DuckDBPyConnection, number: int, address: Address) -> Raw:
    """Make `raw_<number>` of a DuckDB file: a view of a table, a copy of a view or query."""
    path = _file(address)
    try:
        name = _attach(con, path)
        if address.query is None:
            tables = _duckdb_tables(con, name)
            chosen = choose_table(list(tables), address)
            return _take(
                con, number, f"{name}.{chosen_sql(tables, chosen)}", copy=tables[chosen][2], address=address
            )
        before = con.execute("SELECT current_catalog() || '.' || current_schema()").fetchall()[0][0]
        con.execute(f"USE {name}")
        try:
            return _take(con, number, f"({address.query})", copy=True, address=address)
        finally:
            con.execute(f"USE {before}")
    except duckdb.Error as error:
        raise DataError(
            f"{address.shown}: DuckDB cannot read this ({str(error).splitlines()[0]}). Check the file and the query."
        ) from None


def quoted(name: str) -> str:
    """Return a name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def chosen_sql(tables: dict[str, tuple[str, str, bool]], chosen: str) -> str:
    """Return schema and table as SQL identifiers."""
    schema, table, _ = tables[chosen]
    return f"{quoted(schema)}.{quoted(table)}"


def _file(address: Address) -> Path:
    path = Path(address.path)
    if not path.is_file():
        siblings = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
        raise DataError(
            f"{address.shown}: there is no file {path}{nearest(path.name, siblings) or '.'} Three slashes mean a "
            "path from here, four one from the root."
        )
    return path


def _copy_sqlite(
    con: duckdb.DuckDBPyConnection, number: int, database: sqlite3.Connection, address: Address
) -> Raw:
    asked = f"({address.query})"
    if address.query is None:
        found = database.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite@_%' ESCAPE '@'"
        )
        asked = quoted(choose_table([name for (name,) in found], address))
    cursor = database.execute(f"SELECT * FROM {asked}")
    columns = tuple(str(entry[0]) for entry in cursor.description)
    require_distinct(columns, where=address.shown)
    cells = Cells(con, number, width=len(columns))
    while rows := cursor.fetchmany(_BATCH_ROWS):
        for row in rows:
            cells.add(row)
    return Raw(columns=columns, types=cells.close())


def _attach(con: duckdb.DuckDBPyConnection, path: Path) -> str:
    """Attach a file for reading and return its name here; a file that is attached already keeps its name."""
    known = con.execute(
        "SELECT database_name, path FROM duckdb_databases() WHERE path IS NOT NULL"
    ).fetchall()
    for name, place in known:
        if Path(place).resolve() == path.resolve():
            return quoted(name)
    name = f"source_{len(known)}"
    con.execute(f"ATTACH {literal(str(path.resolve()))} AS {name} (READ_ONLY)")
    return quoted(name)


def _duckdb_tables(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, tuple[str, str, bool]]:
    """Return each table and view as it may be named -> its schema, its name, and whether it is a view."""
    rows = con.execute(
        """SELECT schema_name, table_name, false FROM duckdb_tables() WHERE quoted = $1 AND NOT internal
           UNION ALL SELECT schema_name, view_name, true FROM duckdb_views() WHERE quoted = $1 AND NOT internal
           ORDER BY 1, 2""".replace("quoted", "'\"' || database_name || '\"'"),
        [name],
    ).fetchall()
    return {
        table if schema == "main" else f"{schema}.{table}": (schema, table, is_view)
        for schema, table, is_view in rows
    }


def _take(con: duckdb.DuckDBPyConnection, number: int, relation: str, *, copy: bool, address: Address) -> Raw:
    cursor = con.execute(f"SELECT * FROM {relation} LIMIT 0")
    described = cursor.description or []
    columns, types = tuple(entry[0] for entry in described), tuple(str(entry[1]) for entry in described)
    require_distinct(columns, where=address.shown)
    fields = "".join(f", {quoted(column)} AS c{i}" for i, column in enumerate(columns))
    row, made = ("row_number() OVER ()", "TABLE") if copy else ("rowid + 1", "VIEW")
    con.execute(
        f"CREATE OR REPLACE TEMP {made} raw_{number} AS SELECT {row} AS source_row{fields} FROM {relation}"
    )
    return Raw(columns=columns, types=types)
