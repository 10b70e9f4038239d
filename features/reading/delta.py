"""A Delta table (a folder with `_delta_log`) as a raw view: the files of one version, as its log names them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import duckdb
import pyarrow as pa

from contracts.errors import ArtifactError, DataError
from features.reading.parquet import Part, load_parquet
from features.reading.raw_table import Raw

if TYPE_CHECKING:
    from deltalake import DeltaTable

LOG_FOLDER = "_delta_log"


def load_delta(con: duckdb.DuckDBPyConnection, number: int, path: Path, *, version: int | None) -> Raw:
    """Make view `raw_<number>` over one version, the latest unless one is named."""
    table = _open(path, version)
    _require_plain(table, path)
    parts = sorted(_parts(table, path), key=lambda part: str(part.path))
    if not parts:
        raise DataError(f"{path}: version {table.version()} of this Delta table has no rows.")
    columns = [field.name for field in table.schema().fields]
    return load_parquet(con, number, parts, where=str(path), columns=columns)


def _open(path: Path, version: int | None) -> DeltaTable:
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError:
        raise ArtifactError(
            f"{path}: Delta tables need the package deltalake, which is not installed. "
            "Run `uv sync --group reading`."
        ) from None
    try:
        latest = DeltaTable(str(path))
    except (DeltaError, OSError, ValueError) as error:
        raise DataError(f"{path}: the Delta table cannot be read ({_first_line(error)}).") from None
    if version is None or version == latest.version():
        return latest
    try:
        return DeltaTable(str(path), version=version)
    except (DeltaError, OSError, ValueError):
        raise DataError(
            f"{path}: the Delta table has no version {version} any more, or not yet; its latest is "
            f"{latest.version()}."
        ) from None


def _require_plain(table: DeltaTable, path: Path) -> None:
    """Refuse what the files alone do not say: deleted rows, renamed columns."""
    features = table.protocol().reader_features or []
    mode = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    if "deletionVectors" in features and any(batch.num_rows for batch in _deleted(table)):
        raise DataError(
            f"{path}: this Delta table marks rows as deleted without rewriting its files. "
            "Run REORG TABLE … APPLY (PURGE) on it, or export it to Parquet."
        )
    if mode != "none":
        raise DataError(f"{path}: this Delta table maps its column names ({mode}). Export it to Parquet.")


def _deleted(table: DeltaTable) -> Iterable[Any]:
    return pa.RecordBatchReader.from_stream(table.deletion_vectors())


def _parts(table: DeltaTable, path: Path) -> Iterable[Part]:
    partitions = table.metadata().partition_columns
    for action in pa.table(table.get_add_actions(flatten=True)).to_pylist():
        keys = tuple((name, _text(action.get(f"partition.{name}"))) for name in partitions)
        yield Part(path=_local(path, str(action["path"])), keys=keys)


def _local(path: Path, name: str) -> Path:
    """Return where a file of the log is: its name there is written as in a URL."""
    for candidate in (path / unquote(name), path / name):
        if candidate.is_file():
            return candidate
    raise DataError(f"{path}: the file {name} of this Delta table is not there. Copy the whole folder.")


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
