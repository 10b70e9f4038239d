"""Rows as they stand in the source become typed rows, by the same SQL as on one machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning.rules import Reading, typed_rows
from features.prepared.ingest import read_phones, row_schema
from features.prepared.overview import Overview
from features.spark.blocks import gathered, sliced, whole_groups
from features.spark.orders import delivery_of, numbered

KEY = "customer_key"
ORDER_KEY = "order_key"
OVERVIEW = "overview string"
_TOGETHER = 200_000
_BATCH = 20_000
_NAMES = {
    pa.int8(): "tinyint", pa.int32(): "int", pa.int64(): "bigint", pa.float64(): "double", pa.bool_(): "boolean",
    pa.string(): "string", pa.binary(): "binary",
}  # fmt: skip


@dataclass(frozen=True)
class Typing:
    """How rows are typed on a worker. deliveries: their names by number; pattern: they were found by a pattern.

    by_order: the rows come sorted by ORDER_KEY and source_row, and what stands on an order's first row is filled down.
    """

    reading: Reading
    deliveries: tuple[str, ...]
    pattern: bool
    by_order: bool

    @property
    def several(self) -> bool:
        """Tell whether several deliveries may hold the same row."""
        return len(self.deliveries) > 1 or self.reading.mapping.source_column is not None

    def rows(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the typed rows of a partition, times as microseconds, each with the key of its customer."""
        schema = wire_schema(self.reading.optional)
        for table in self._tables(batches):
            yield from sliced(table, schema, rows=_BATCH)

    def overviews(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield what cleaning must know of a partition's rows, as one row of JSON."""
        overview = Overview()
        for table in self._tables(batches):
            overview += Overview.of(table)
        text = pa.array([json.dumps(overview.to_dict())], pa.string())
        yield pa.RecordBatch.from_arrays([text], ["overview"])

    def _tables(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
        raw = (
            whole_groups(batches, ORDER_KEY, rows=_TOGETHER)
            if self.by_order
            else gathered(batches, rows=_TOGETHER)
        )
        with duckdb.connect(config={"threads": 1}) as con:
            con.execute("SET TimeZone = 'UTC'")
            for table in raw:
                for number, rows in self._by_delivery(table):
                    yield self._typed(con, number, rows)

    def _by_delivery(self, table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
        if len(self.deliveries) == 1:
            yield 0, table
            return
        files = table["file"].combine_chunks().dictionary_encode()
        number = [self._number(file) for file in files.dictionary.to_pylist()]
        for one in sorted(set(number)):
            wanted = pa.array([place for place, found in enumerate(number) if found == one], pa.int32())
            rows = table if len(number) == 1 else table.filter(pc.is_in(files.indices, value_set=wanted))
            yield one, rows

    def _number(self, file: str) -> int:
        return self.deliveries.index(delivery_of(file, pattern=self.pattern))

    def _typed(self, con: duckdb.DuckDBPyConnection, number: int, rows: pa.Table) -> pa.Table:
        reading = replace(self.reading, source=numbered(self.reading.source, number))
        con.register(reading.source.table, rows)
        read_phones(con, reading)
        key = f"({self._key()} >> 1)::BIGINT AS {KEY}"
        table = con.sql(f"SELECT *, {key} FROM ({typed_rows(reading)})").to_arrow_table()
        con.unregister(reading.source.table)
        return table

    def _key(self) -> str:
        """Return the SQL of a row's key: rows of one customer, and rows that may be the same, have the same one."""
        nobody = "hash(ordered_at, order_id, quantity, amount)" if self.several else "hash(source_row)"
        return f"CASE WHEN customer_id IS NULL THEN {nobody} ELSE hash(customer_id) END"


def wire_schema(optional: tuple[str, ...]) -> pa.Schema:
    """Return the columns of typed rows as they pass through Spark: times as microseconds, and the key."""
    fields = [
        pa.field(one.name, pa.int64() if pa.types.is_timestamp(one.type) else one.type)
        for one in row_schema(optional)
    ]
    return pa.schema([*fields, pa.field(KEY, pa.int64())])


def from_wire(rows: pa.Table, optional: tuple[str, ...]) -> pa.Table:
    """Return typed rows as cleaning takes them."""
    schema = row_schema(optional)
    return rows.select(schema.names).cast(schema)


def spark_types(schema: pa.Schema) -> str:
    """Return an Arrow schema as Spark writes one."""
    names = {**_NAMES, pa.date32(): "date"}
    return ", ".join(f"`{one.name}` {names[one.type]}" for one in schema)
