"""Every kind of source as a raw table inside DuckDB: nothing dropped, text as it is written.

A raw table `raw_<n>` has `source_row` (1 is the first row after the header) and the columns c0, c1, …; the
source's own names stay in Python. Lines of a text file that are no rows are kept in `malformed` (source,
source_row, text), with the number of their line in the file. Text, sheets and databases are copied; Parquet,
Delta tables and tables of a DuckDB file are views.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from contracts.errors import DataError
from features.reading.addresses import parse_database
from features.reading.columns import diff_of_columns
from features.reading.databases import load_duckdb, load_sqlite, quoted
from features.reading.delta import load_delta
from features.reading.encodings import head_of, packing_of
from features.reading.locations import PARQUET_ENDINGS, Found, Item, find_files, find_items, item_of
from features.reading.objects import load_object
from features.reading.parquet import Part, keys_of, load_parquet
from features.reading.postgres import load_postgres
from features.reading.raw_table import Raw
from features.reading.text_files import load_text
from features.reading.workbooks import WORKBOOK_STARTS, load_workbook

__all__ = ["Found", "Item", "Source", "diff_of_columns", "find_files", "find_items", "load_source", "quote"]
quote = quoted
_DATABASE_STARTS = {"sqlite": (0, b"SQLite format 3\x00"), "duckdb": (8, b"DUCK")}


@dataclass(frozen=True, kw_only=True)
class Source:
    """One thing that was read: its place in the list, its name, its columns and their DuckDB types.

    notes: sentences for the reader of the report, such as which sheets were not read.
    """

    number: int
    path: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    encoding: str = "utf-8"
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        """Return the name of the raw table."""
        return f"raw_{self.number}"

    def place_of(self, column: str | None) -> int | None:
        """Return the position of a column, None if there is none of that name."""
        return self.columns.index(column) if column in self.columns else None


def load_source(
    con: duckdb.DuckDBPyConnection, number: int, item: Item | Path, *, encoding: str | None = None
) -> Source:
    """Load one thing as `raw_<number>`; the table `malformed` must exist.

    encoding: of text files, None to recognise it. Raises DataError if it cannot be read, ArtifactError if the
    package for it is not installed, DeclarationError if the encoding is unknown.
    """
    one = item if isinstance(item, Item) else item_of(item)
    raw = _load(con, number, one, encoding)
    return Source(
        number=number,
        path=one.shown,
        columns=raw.columns,
        types=raw.types,
        encoding=raw.encoding,
        notes=raw.notes,
    )


def _load(con: duckdb.DuckDBPyConnection, number: int, item: Item, encoding: str | None) -> Raw:
    if item.kind == "database":
        return _load_database(con, number, item)
    if item.kind == "object":
        return load_object(con, number, item.address, shown=item.shown)
    assert item.path is not None
    if item.kind == "delta":
        return load_delta(con, number, item.path, version=item.version)
    if item.kind == "dataset":
        parts = [Part(path=path, keys=keys_of(path, below=item.path)) for path in item.paths]
        return load_parquet(con, number, parts, where=item.shown)
    return _load_file(con, number, item.path, item.sheet, encoding)


def _load_database(con: duckdb.DuckDBPyConnection, number: int, item: Item) -> Raw:
    address = parse_database(item.address)
    load = {"sqlite": load_sqlite, "duckdb": load_duckdb}.get(address.scheme, load_postgres)
    return load(con, number, address)


def _load_file(
    con: duckdb.DuckDBPyConnection, number: int, path: Path, sheet: str | None, encoding: str | None
) -> Raw:
    packing = packing_of(path)
    head = head_of(path, packing)
    if packing == "none" and head.startswith(b"PAR1"):
        return load_parquet(con, number, [Part(path=path, keys=keys_of(path))], where=str(path))
    if path.name.casefold().endswith(PARQUET_ENDINGS):
        raise DataError(f"{path}: this is not a Parquet file, whatever its ending says. Export it again.")
    if packing == "none" and head.startswith(WORKBOOK_STARTS):
        return load_workbook(con, number, path, sheet=sheet)
    for scheme, (place, mark) in _DATABASE_STARTS.items():
        if head[place:].startswith(mark):
            raise DataError(
                f"{path}: this is a database. Name it with its table: {scheme}:///{path}?table=orders."
            )
    return load_text(con, number, path, packing=packing, encoding=encoding)
