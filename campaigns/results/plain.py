"""CSV and Parquet files as they are: named columns, ids as text exactly as written."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as text_csv
import pyarrow.parquet as pq

from contracts.errors import DataError, nearest
from features.kernel.buffers import filled, in_one
from features.kernel.codes import Text
from features.kernel.running import Floats
from features.reading.delimited import find_form
from features.reading.encodings import head_of, packing_of, read_text

_NO_TEXT = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"SQLite format 3\x00")


def read_plain(path: Path, columns: Collection[str] | None = None) -> pa.Table:
    """Read these columns (None: all) of a Parquet file, typed, or of a CSV file, as text with null for empty.

    Raises DataError for no such file, an unreadable one, or a column that is not there.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file. Give a CSV or Parquet file.")
    head = head_of(path, packing_of(path))
    if head.startswith(_NO_TEXT):
        raise DataError(f"{path}: this is neither CSV nor Parquet. Save the table as one of them.")
    table = _parquet(path) if head.startswith(b"PAR1") else _csv(path)
    for name in columns or ():
        if name not in table.column_names:
            found = ", ".join(table.column_names[:20])
            raise DataError(
                f"{path}: there is no column '{name}'{nearest(name, table.column_names) or '.'} Found: {found}."
            )
    return table if columns is None else table.select(list(dict.fromkeys(columns)))


def read_by_customer(path: Path) -> pa.Table:
    """Read a file with one row per customer_id; DataError if a customer stands there twice or has no id."""
    table = read_plain(path)
    if "customer_id" not in table.column_names:
        found = ", ".join(table.column_names[:8])
        raise DataError(
            f"{path}: there is no column customer_id (found: {found}). Give that name to the ids."
        )
    place = table.column_names.index("customer_id")
    table = table.set_column(place, "customer_id", table["customer_id"].cast(pa.string()))
    return unique_customers(table, where=str(path))


def unique_customers(table: pa.Table, *, where: str) -> pa.Table:
    """Return a table whose customers have an id and stand there once; else DataError."""
    ids = table["customer_id"]
    if ids.null_count:
        raise DataError(f"{where}: {ids.null_count:,} rows have no customer_id. Leave them out.")
    again = len(ids) - pc.count_distinct(ids).as_py()
    if again:
        raise DataError(f"{where}: {again:,} rows repeat a customer_id. Keep one row per customer.")
    return table


def numbers(table: pa.Table, name: str, *, where: str) -> Floats:
    """Return a column as numbers, NaN where empty; DataError for text that is none."""
    try:
        column = in_one(table[name].cast(pa.float64()))
    except pa.ArrowInvalid as error:
        raise DataError(
            f"{where}, column '{name}': {str(error).splitlines()[0]}. Write numbers such as 12.50 in every row."
        ) from None
    return filled(column, np.float64(np.nan))


def labels(table: pa.Table, name: str) -> Text:
    """Return a column as labels."""
    return Text.of(table[name].cast(pa.string()))


def is_text(table: pa.Table, name: str) -> bool:
    """Tell whether a column holds labels: text that is not all numbers."""
    kind = table.schema.field(name).type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind)):
        return False
    try:
        pc.unique(table[name].cast(pa.string())).cast(pa.float64())
    except pa.ArrowInvalid:
        return True
    return False


def _parquet(path: Path) -> pa.Table:
    try:
        return pq.ParquetFile(path).read()
    except pa.ArrowException as error:
        raise DataError(f"{path}: this Parquet file cannot be read ({str(error).splitlines()[0]}).") from None


def _csv(path: Path) -> pa.Table:
    with tempfile.TemporaryDirectory(prefix="repurchase-") as folder:
        text = read_text(path, packing=packing_of(path), declared=None, folder=Path(folder))
        form = find_form(text.sample, whole=text.whole, where=str(path))
        if not form.plain or not form.header:
            raise DataError(f"{path}: this is no CSV file with a header. Save the table as CSV.")
        names = list(form.columns)
        options = {
            "read_options": text_csv.ReadOptions(skip_rows=form.skip + 1, column_names=names),
            "parse_options": text_csv.ParseOptions(delimiter=form.separator, newlines_in_values=True),
            "convert_options": text_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        }
        try:
            with text.open() as file:
                return text_csv.read_csv(file, **options)
        except pa.ArrowException as error:
            raise DataError(f"{path}: {str(error).splitlines()[0]}. Correct the file.") from None
