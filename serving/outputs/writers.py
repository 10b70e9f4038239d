"""Tables as files, one table after the other: CSV (RFC 4180), JSON Lines, Parquet.

A writer takes tables of one schema, any number of them, and holds one slice at a time. What is unknown (null or NaN)
is an empty cell, `null`, or a Parquet null. Dates are ISO 8601, times are UTC with a Z.

A million customers with 47 columns take about 5 CPU seconds as CSV (712 MB) and 9 as JSON Lines (1.6 GB).
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from contracts.errors import ContractError
from contracts.formulas import harmless, is_formula

_SLICE = 10_000  # customers at once: about 16 MB as JSON
_CSV_ROWS = 2_048  # rows that Arrow formats at once: their bytes stay in the processor's cache
_FEW = 1_000
_TIME = "%Y-%m-%dT%H:%M:%S"


class Writer(Protocol):
    """Writes tables of one schema into a file, in the order they come."""

    def write(self, table: pa.Table) -> None:
        """Add rows."""

    def close(self) -> None:
        """Finish the file."""


class _Closing:
    """Closes a writer at the end of its `with` block."""

    def close(self) -> None:
        """Finish the file."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ParquetWriter(_Closing):
    """Writes Parquet, compressed with zstd."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._file = pq.ParquetWriter(path, schema, compression="zstd")

    def write(self, table: pa.Table) -> None:
        """Add rows; ContractError if they have other columns."""
        self._file.write_table(_as_declared(table, self._schema))

    def close(self) -> None:
        """Write the footer."""
        self._file.close()


class CsvWriter(_Closing):
    """Writes CSV: a header, CRLF, quoted texts, quotes doubled, nulls empty. Lists (the curve) are left out.

    excel_safe: texts that a spreadsheet would take for a formula get a leading '. Numbers stay numbers.
    """

    def __init__(self, path: Path, schema: pa.Schema, *, excel_safe: bool = False) -> None:
        self._schema = schema
        self._flat = pa.schema([_flat_field(each, excel_safe) for each in schema if not _is_list(each.type)])
        self._excel_safe = excel_safe
        self._file = _CrlfFile(path.open("wb"))
        self._csv = pacsv.CSVWriter(
            pa.PythonFile(self._file, mode="w"),
            self._flat,
            write_options=pacsv.WriteOptions(batch_size=_CSV_ROWS),
        )

    def write(self, table: pa.Table) -> None:
        """Add rows; ContractError if they have other columns."""
        for part in _slices(_as_declared(table, self._schema)):
            columns = [self._cells(part[each.name]) for each in self._schema if not _is_list(each.type)]
            self._file.scan = any(_has_line_ends(each) for each in columns)
            self._csv.write_table(pa.Table.from_arrays(columns, schema=self._flat))

    def _cells(self, column: pa.ChunkedArray) -> pa.ChunkedArray:
        cells = _plain(column)
        return harmless(cells) if self._excel_safe and pa.types.is_string(cells.type) else cells

    def close(self) -> None:
        """Hand everything to the operating system."""
        try:
            self._csv.close()
        finally:
            self._file.close()


class JsonLinesWriter(_Closing):
    """Writes one JSON object a line, UTF-8, every column in every line."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        import duckdb  # here: a server that exports nothing saves 20 MB

        self._schema = schema
        self._file = path.open("wb")
        self._engine = duckdb.connect(config={"threads": 1})

    def write(self, table: pa.Table) -> None:
        """Add rows; ContractError if they have other columns."""
        for part in _slices(_as_declared(table, self._schema)):
            columns = [_plain(part[name]) for name in self._schema.names]
            plain = pa.Table.from_arrays(columns, names=self._schema.names)
            self._engine.register("plain", plain)
            lines = self._engine.sql("SELECT to_json(plain)::VARCHAR || chr(10) AS line FROM plain")
            for chunk in lines.to_arrow_table()["line"].chunks:
                self._file.write(_bytes_of(chunk))

    def close(self) -> None:
        """Hand everything to the operating system."""
        self._engine.close()
        self._file.close()


class _CrlfFile:
    """A file that ends records with CRLF and leaves line ends inside quotes alone.

    scan: whether texts may hold line ends; without them the quotes need not be counted.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._quoted = False
        self.scan = False
        self.closed = False

    def write(self, data: pa.Buffer) -> int:
        """Write what Arrow hands over; a quote opens or closes text (a doubled one does both)."""
        if not self.scan:
            return self._file.write(bytes(data).replace(b"\n", b"\r\n"))
        parts = bytes(data).split(b'"')
        for at in range(int(self._quoted), len(parts), 2):
            parts[at] = parts[at].replace(b"\n", b"\r\n")
        self._quoted ^= len(parts) % 2 == 0
        return self._file.write(b'"'.join(parts))

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Close the file, once."""
        self.closed = True
        self._file.close()


def _as_declared(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the columns in the order and types of the schema."""
    if set(table.column_names) != set(schema.names):
        wrong = sorted(set(table.column_names) ^ set(schema.names))
        raise ContractError(f"this table has other columns than the file: {wrong}")
    return table.select(schema.names).cast(schema)


def _slices(table: pa.Table) -> list[pa.Table]:
    return [table.slice(start, _SLICE) for start in range(0, table.num_rows, _SLICE)]


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_large_string(kind))


def _flat_field(field: pa.Field, excel_safe: bool) -> pa.Field:
    """Return a column as the CSV file holds it."""
    name = f"'{field.name}" if excel_safe and is_formula(field.name) else field.name
    as_text = _is_text(field.type) or pa.types.is_timestamp(field.type)
    return pa.field(name, pa.string() if as_text else field.type)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column with times and words as texts, and null for what is no number."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        return _times(column)
    if pa.types.is_floating(kind) and not pc.all(pc.is_finite(column)).as_py():
        return pc.if_else(pc.is_finite(column), column, pa.scalar(None, kind))
    return column.cast(pa.string()) if _is_text(kind) else column


def _times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return times as ISO texts; most tables hold few different ones, which are formatted once."""
    zoned = column.type.tz is not None
    moments = column.cast(pa.timestamp(column.type.unit, tz="UTC")) if zoned else column
    form = f"{_TIME}Z" if zoned else _TIME
    different = moments.unique()
    if len(different) > _FEW:
        return pc.strftime(moments, form)
    return pc.strftime(different, form).take(pc.index_in(moments, different).combine_chunks())


def _has_line_ends(column: pa.ChunkedArray) -> bool:
    return bool(
        pa.types.is_string(column.type)
        and pc.any(pc.match_substring(column, "\n")).as_py()  # Arrow's record end
    )


def _bytes_of(texts: pa.StringArray) -> memoryview:
    """Return texts that lie one after the other as one piece of memory."""
    if not len(texts):
        return memoryview(b"")
    _, offsets, data = texts.buffers()
    ends = memoryview(offsets).cast("i")
    return memoryview(data)[ends[texts.offset] : ends[texts.offset + len(texts)]]
