"""Files, folders and globs as raw tables inside DuckDB: every column of a text file as text, nothing dropped.

A raw table `raw_<n>` has `source_row` (1 is the first row after the header) and the columns c0, c1, …; the
source's own names stay in Python. Lines of a text file with too many or too few fields are kept in
`malformed`.
"""

from __future__ import annotations

import glob
import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from contracts.errors import DataError, nearest
from features.reading.text_files import load_text

TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
PARQUET_ENDINGS = (".parquet", ".pq")
_HEAD_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Source:
    """One file as a raw table: its place in the list, its path, its column names and their DuckDB types."""

    number: int
    path: str
    columns: tuple[str, ...]
    types: tuple[str, ...]
    encoding: str = "utf-8"

    @property
    def table(self) -> str:
        """Return the name of the raw table."""
        return f"raw_{self.number}"

    def place_of(self, column: str | None) -> int | None:
        """Return the position of a column, None if there is none of that name."""
        return self.columns.index(column) if column in self.columns else None


def find_files(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the files that paths, folders or globs name, each once, in order of their paths."""
    given = [source] if isinstance(source, str | Path) else list(source)
    if not given:
        raise DataError("No file is named. Give a file, a folder or a pattern such as orders/*.csv.")
    found = {path.resolve(): path for item in given for path in _expand(item)}
    return sorted(found.values(), key=str)


def load_source(con: duckdb.DuckDBPyConnection, number: int, path: Path) -> Source:
    """Load one file as table `raw_<number>`; raise DataError if it is not what its ending says."""
    head = _head(path)
    if head.startswith(b"PAR1"):
        return _load_parquet(con, number, path)
    if path.name.casefold().endswith(PARQUET_ENDINGS):
        raise DataError(f"{path}: this is not a Parquet file, whatever its ending says. Export it again.")
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(f"{path}: this is a workbook or an archive, not text. Save the sheet as CSV.")
    columns, encoding = load_text(con, number, path, head)
    types = ("VARCHAR",) * len(columns)
    return Source(number=number, path=str(path), columns=tuple(columns), types=types, encoding=encoding)


def quote(name: str) -> str:
    """Return a column name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _expand(item: str | Path) -> list[Path]:
    path = Path(item)
    if path.is_file():
        return [path]
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file() and _is_readable(path, file)]
        if not files:
            endings = ", ".join(TEXT_ENDINGS + PARQUET_ENDINGS)
            raise DataError(
                f"{path}: the folder has no readable file. Readable are files ending in {endings}."
            )
        return files
    if glob.has_magic(str(item)):
        found = sorted(glob.glob(str(item), recursive=True))  # noqa: PTH207 (a pattern may be absolute)
        files = [Path(name) for name in found if Path(name).is_file()]
        if not files:
            raise DataError(f"{item}: no file matches this pattern. Check the folder and the ending.")
        return files
    siblings = [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []
    raise DataError(f"{path}: there is no such file{nearest(path.name, siblings) or '.'} Check the path.")


def _is_readable(folder: Path, file: Path) -> bool:
    hidden = any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    return not hidden and file.name.casefold().endswith(TEXT_ENDINGS + PARQUET_ENDINGS)


def _head(path: Path) -> bytes:
    """Return the first bytes of a file, unpacked if it is gzipped."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if not head:
                raise DataError(f"{path}: the file is empty. Export it again.")
            if not head.startswith(b"\x1f\x8b"):
                if path.suffix == ".gz":
                    raise DataError(
                        f"{path}: this is not a gzip file, whatever its ending says. Export it again."
                    )
                return head
        _verify_gzip(path)
        with gzip.open(path, "rb") as packed:
            return packed.read(_HEAD_BYTES)
    except OSError as error:
        raise DataError(
            f"{path}: the file cannot be read ({error.strerror or error}). Check its rights."
        ) from None


def _verify_gzip(path: Path) -> None:
    """Read a gzip file to its end: DuckDB does not check its sum."""
    try:
        with gzip.open(path, "rb") as packed:
            while packed.read(1 << 20):
                pass
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise DataError(f"{path}: the gzip file is cut off or damaged. Copy or export it again.") from None


def _load_parquet(con: duckdb.DuckDBPyConnection, number: int, path: Path) -> Source:
    try:
        relation = con.read_parquet(glob.escape(str(path)), file_row_number=True)
        columns, types = relation.columns[:-1], [str(kind) for kind in relation.types[:-1]]
        named = ", ".join(f"{quote(column)} AS c{i}" for i, column in enumerate(columns))
        relation.project(f"file_row_number + 1 AS source_row, {named}").create_view(f"raw_{number}")
        con.execute(f"SELECT count(*) FROM raw_{number}").fetchall()
    except duckdb.Error as error:
        raise DataError(
            f"{path}: the Parquet file cannot be read ({_first_line(error)}). Export it again."
        ) from None
    return Source(number=number, path=str(path), columns=tuple(columns), types=tuple(types))


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]
