"""What only the values of text columns show: decimal mark, currency, day or month first, ids from a float export.

The local engine decides by all rows, and so does this: every row is counted by its shape (a decimal comma, 13/04/2024,
EUR, …) where it lies, and only the counts come to the driver. Columns with a type of their own need no such pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Dict
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from contracts.days import to_date
from features.cleaning.rules import NUMBERS, Reading, optional_columns, ordered_at
from features.reading.conventions import exported_as_floats, settle
from features.reading.dates import DateStyle, read_style
from features.reading.mapping import Mapping
from features.reading.numbers import is_id, shows_decimal
from features.reading.presets import IDS
from features.reading.sources import Source
from features.spark.blocks import gathered
from features.spark.orders import SparkOrders

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TYPED_TOGETHER = 200_000
# Shapes that come to the driver, and rows that they stand for: beyond it, they keep their shares.
_MOST_SHAPES = 100_000
_MOST_ROWS = 10_000_000
_SHAPES = pa.schema([("place", pa.int32()), ("shape", pa.string()), ("n", pa.int64())])
_NUMERIC_DATE = r"^\s*[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]+"


def settled(orders: SparkOrders, *, until: int | None) -> Reading:
    """Return how the rows are typed. until: no convention but the order of day and month is settled by a later row.

    Raises DataError for dates that can be read in two ways, and for mixed currencies without rates.
    """
    source, mapping = orders.source, orders.mapping
    style = _date_style(orders)
    seen = _seen(source, mapping, style, until)
    with _counted(orders.rows, source, _shapes_of_values(source, mapping), seen) as con:
        mapping = settle(con, source, mapping, "true")
        floats = exported_as_floats(con, source, mapping, "true")
    return Reading(
        source=source, mapping=mapping, style=style, floats=floats, plain=frozenset(),
        optional=optional_columns([mapping]),
    )  # fmt: skip


def _date_style(orders: SparkOrders) -> DateStyle:
    """Return how the dates are written. Text is read in every way that is known; only 03/04/2024 must be settled."""
    source, mapping = orders.source, orders.mapping
    place = source.columns.index(mapping.columns["ordered_at"])
    if mapping.date_format is not None or source.types[place].startswith(("TIMESTAMP", "DATE")):
        return DateStyle()
    shape = f"nullif(regexp_extract(c{place}::VARCHAR, '{_NUMERIC_DATE}'), '')"
    where = f"{source.path}, column '{mapping.columns['ordered_at']}'"
    with _counted(orders.rows, source, {place: shape}, "true") as con:
        style = read_style(con, [(source.table, f"c{place}")], where)
    return replace(style, has_offset=True, only_iso=False)


def _shapes_of_values(source: Source, mapping: Mapping) -> dict[int, str]:
    """Return, for the place of each column that has something to settle, the SQL of its shape."""
    shapes = {}
    for part, column in mapping.columns.items():
        place = source.columns.index(column)
        is_text = source.types[place] == "VARCHAR"
        if part == "currency":
            shapes[place] = f"nullif(upper(trim(c{place}::VARCHAR)), '')"
        elif part in NUMBERS and is_text and mapping.decimal is None:
            shapes[place] = _shape_of_number(f"c{place}")
        elif part in IDS and is_text:
            whole = f"regexp_full_match(c{place}, '[0-9]+\\.0')"
            shapes[place] = (
                f"CASE WHEN {is_id(f'c{place}')} THEN CASE WHEN {whole} THEN '1.0' ELSE 'x' END END"
            )
    return shapes


def _shape_of_number(column: str) -> str:
    comma, dot = shows_decimal(column, ","), shows_decimal(column, ".")
    return f"CASE WHEN {comma} AND {dot} THEN '1.000,000.5' WHEN {comma} THEN '1,5' WHEN {dot} THEN '1.5' END"


def _seen(source: Source, mapping: Mapping, style: DateStyle, until: int | None) -> str:
    """Return the SQL condition of the rows that are not later than `until`."""
    if until is None:
        return "true"
    return f"coalesce({ordered_at(source, mapping, style)} < TIMESTAMP '{to_date(until + 1)}', true)"


def _counted(rows: DataFrame, source: Source, shapes: Dict[int, str], seen: str) -> duckdb.DuckDBPyConnection:
    """Return a connection whose raw table has each shape as often as the rows that `seen` lets pass have it."""
    counts: list[tuple[int, str, int]] = []
    if shapes:
        from pyspark.sql import functions as F

        found = rows.mapInArrow(_counting(source.table, shapes, seen), "place int, shape string, n bigint")
        grouped = found.groupBy("place", "shape").agg(F.sum("n").alias("n")).limit(_MOST_SHAPES).collect()
        counts = sorted((row["place"], row["shape"], row["n"]) for row in grouped)
    scale = max(1, -(-sum(n for *_, n in counts) // _MOST_ROWS))
    con = duckdb.connect()
    con.execute("CREATE TABLE counted (place INTEGER, shape VARCHAR, n BIGINT)")
    for place, shape, n in counts:
        con.execute("INSERT INTO counted VALUES (?, ?, ?)", [place, shape, -(-n // scale)])
    columns = ", ".join(
        f"CASE WHEN place = {place} THEN shape END AS c{place}" for place in range(len(source.columns))
    )
    con.execute(
        f"CREATE VIEW {source.table} AS SELECT {columns} FROM (SELECT place, shape, unnest(range(n)) FROM counted)"
    )
    return con


def _counting(
    table: str, shapes: Dict[int, str], seen: str
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    """Return the task that counts the rows of a partition by their shapes."""
    query = " UNION ALL ".join(
        f"""SELECT {place}::INTEGER AS place, {shape} AS shape, count(*) AS n FROM {table}
            WHERE {seen} AND ({shape}) IS NOT NULL GROUP BY 2"""
        for place, shape in shapes.items()
    )

    def count(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with duckdb.connect(config={"threads": 1}) as con:
            con.execute("SET TimeZone = 'UTC'")
            for rows in gathered(batches, rows=TYPED_TOGETHER):
                con.register(table, rows)
                yield from con.sql(query).to_arrow_table().cast(_SHAPES).to_batches()

    return count
