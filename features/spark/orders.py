"""Orders that Spark can read, as a source: its columns are mapped like those of a local one.

A folder of Parquet files is read as the local engine reads it: the files of one job (`part-…`) or of partition folders
are one delivery, files with names of their own are a delivery each, which may hold the same rows. A table of the
catalogue or a temporary view is one delivery.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

import duckdb

from contracts.errors import DataError
from features.reading.columns import require_distinct
from features.reading.conventions import mapping_of
from features.reading.mapping import Mapping
from features.reading.sources import Source
from features.spark.failures import spoken
from features.spark.folder import is_there

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_PARQUET = (".parquet", ".pq")
_ONE_JOB = re.compile(r"part-\d+.*")


@dataclass(frozen=True)
class SparkOrders:
    """An order history that Spark can read.

    rows: source_row, c0, c1, … (those columns that the mapping uses, and null for all others), and `file` where there
    are several deliveries; deliveries: their names, in the order of their numbers.
    """

    rows: DataFrame
    source: Source
    mapping: Mapping
    deliveries: tuple[str, ...]


def open_orders(session: SparkSession, source: Sequence[str], given: Mapping | None) -> SparkOrders:
    """Open Parquet paths, or one table or view by its name; DataError for what cannot be read or mapped.

    given: None recognises the columns.
    """
    from pyspark.sql import functions as F

    shown = ", ".join(source)
    with spoken(shown):
        table = _load(session, source)
        require_distinct(table.columns, where=shown)
        every = Source(number=0, path=shown, columns=tuple(table.columns), types=_types(table))
        mapping = mapping_of(every, given)
        used = _used(every, mapping)
        deliveries = _deliveries(table, source)
        columns = [F.col(_quoted(every.columns[place])).alias(f"c{place}") for place in used]
        if len(deliveries) > 1:
            columns.append(table.metadataColumn("_metadata")["file_path"].alias("file"))
        number = (F.monotonically_increasing_id() + 1).alias("source_row")
        return SparkOrders(table.select(*columns, number), every, mapping, deliveries)


def delivery_of(file: str, *, pattern: bool) -> str:
    """Return the delivery that a file belongs to: its table's folder, or the file itself.

    pattern: the file was found by a pattern, not in a folder.
    """
    path = re.sub("^file:/+", "/", unquote(file))
    folder, _, name = path.rpartition("/")
    above = folder
    while "=" in above.rpartition("/")[2]:
        above = above.rpartition("/")[0]
    return above if not pattern and (above != folder or _ONE_JOB.fullmatch(name)) else path


def is_pattern(source: Sequence[str]) -> bool:
    """Tell whether paths are patterns, whose files stand for themselves."""
    return any(glob.has_magic(name) for name in source)


def _load(session: SparkSession, source: Sequence[str]) -> DataFrame:
    if len(source) == 1 and not _is_path(source[0]):
        return session.table(source[0])
    tables = [name for name in source if not _is_path(name)]
    if tables:
        raise DataError(f"{tables[0]} is no path. Give Parquet paths, or one table by its name.")
    if len(source) == 1 and is_there(session, f"{source[0]}/_delta_log"):
        return session.read.format("delta").load(source[0])
    return session.read.option("mergeSchema", "true").parquet(*source)


def _is_path(name: str) -> bool:
    return "/" in name or name.endswith(_PARQUET) or glob.has_magic(name) or Path(name).exists()


def _types(table: DataFrame) -> tuple[str, ...]:
    """Return the DuckDB types of the columns as they come over Arrow."""
    empty = table.toDF(*(f"c{i}" for i in range(len(table.columns)))).limit(0).toArrow()
    with duckdb.connect() as con:
        con.register("empty", empty)
        return tuple(str(column[1]) for column in con.execute("SELECT * FROM empty").description or ())


def _used(source: Source, mapping: Mapping) -> list[int]:
    """Return the places of the columns that the mapping uses."""
    names = {*mapping.columns.values(), mapping.source_column, *mapping.order_columns}
    return [place for place, name in enumerate(source.columns) if name in names]


def _deliveries(table: DataFrame, source: Sequence[str]) -> tuple[str, ...]:
    """Return the deliveries of Parquet paths by their names; a single one is what was asked for."""
    files = table.inputFiles() if all(_is_path(name) for name in source) else []
    found = sorted({delivery_of(file, pattern=is_pattern(source)) for file in files})
    return tuple(found) if len(found) > 1 else (", ".join(source),)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def numbered(source: Source, number: int) -> Source:
    """Return a source under the number of one of its deliveries."""
    return replace(source, number=number)
