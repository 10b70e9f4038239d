"""Judged rows become the contract's order lines, in the one order that their content determines."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.errors import DataError
from contracts.tables import OPTIONAL_LINE_COLUMNS, ORDER_LINES, REQUIRED_LINE_COLUMNS
from features.cleaning.cancellations import match_returns
from features.cleaning.rules import REASONS
from features.kernel.buffers import as_arrow, as_numpy
from features.reading.mapping import Mapping
from features.reading.sources import Source


def build_lines(con: duckdb.DuckDBPyConnection, mapping: Mapping) -> pa.Table:
    """Return the kept rows of `judged` as order lines; raise DataError if none is left."""
    _refuse_customers_without_sale(con)
    optional = [name for name in OPTIONAL_LINE_COLUMNS if name in mapping.columns]
    _make_kept(con, optional, numbered="product_id" not in mapping.columns)
    content = ", ".join(["ordered_at", "order_id", "returned", *optional, "quantity", "amount"])
    table = con.sql(f"SELECT * FROM kept ORDER BY customer_id, {content}").to_arrow_table()
    if not table.num_rows:
        raise DataError(_nothing_left(con))
    table = table.append_column("line", as_arrow(_line_numbers(table), pa.int32()))
    con.register("lines_in", table)
    con.execute("CREATE TEMP TABLE lines AS SELECT * FROM lines_in")
    con.execute("DROP TABLE kept")
    con.unregister("lines_in")
    returns, sales = match_returns(
        con, by_product="product_id" in optional, by_price="unit_price" in optional
    )
    con.execute("DROP TABLE lines")
    table = _mark(table, returns, sales)
    schema = pa.schema([ORDER_LINES.field(name) for name in (*REQUIRED_LINE_COLUMNS, *optional)])
    return table.select(schema.names).cast(schema).combine_chunks()


def read_quarantine(con: duckdb.DuckDBPyConnection, sources: list[Source]) -> pa.Table:
    """Return the refused rows: reason, source_file, source_row, and the raw columns as text."""
    names = list(dict.fromkeys(column for source in sources for column in source.columns))
    selects = []
    for source in sources:
        raw = {column: f"c{i}::VARCHAR" for i, column in enumerate(source.columns)}
        fields = ", ".join(f"{raw.get(name, 'NULL::VARCHAR')} AS r{i}" for i, name in enumerate(names))
        selects.append(
            f"""SELECT reason, {source.number} AS source, path AS source_file, source_row, {fields}
                FROM {source.table} JOIN judged USING (source_row) JOIN files USING (source)
                WHERE judged.source = {source.number} AND reason <> 'delivered_twice'"""
        )
    blank = ", ".join(f"{'text' if i == 0 else 'NULL'} AS r{i}" for i in range(len(names)))
    selects.append(
        f"SELECT 'malformed_row', source, path, source_row, {blank} FROM malformed JOIN files USING (source)"
    )
    rows = " UNION ALL ".join(selects)
    table = con.sql(
        f"SELECT * EXCLUDE (source) FROM ({rows}) ORDER BY source, source_row, reason"
    ).to_arrow_table()
    ours = ["reason", "source_file", "source_row"]
    return table.rename_columns(ours + [f"raw_{name}" if name in ours else name for name in names])


def _refuse_customers_without_sale(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        """UPDATE judged SET reason = 'delivered_twice' FROM surplus
           WHERE judged.source = surplus.source AND judged.source_row = surplus.source_row"""
    )
    con.execute(
        """UPDATE judged SET reason = 'no_valid_order' WHERE reason IS NULL AND customer_id NOT IN (
             SELECT customer_id FROM judged WHERE reason IS NULL AND NOT back)"""
    )


def _make_kept(con: duckdb.DuckDBPyConnection, optional: list[str], *, numbered: bool) -> None:
    """Make table `kept`; rows without an order_id get one from customer and time.

    numbered: each such row is an order of its own, else the rows of one customer and time are one order.
    """
    ties = ", ".join(["ordered_at", "back", "quantity", "amount", *optional])
    moment = "customer_id, date_trunc('second', ordered_at)"
    number = f"|| '-' || row_number() OVER (PARTITION BY {moment} ORDER BY {ties})"
    time = """CASE WHEN ordered_at = date_trunc('day', ordered_at) THEN strftime(ordered_at, '%Y%m%d')
              ELSE strftime(ordered_at, '%Y%m%dT%H%M%S') END"""
    made = f"customer_id || '-' || {time} {number if numbered else ''} AS order_id"
    shared = f"""ordered_at, (epoch_ms(ordered_at) // 86400000)::INTEGER AS day, amount, quantity,
                 back AS returned
                 {"".join(", " + name for name in optional)}"""
    con.execute(
        f"""CREATE TEMP TABLE kept AS
            SELECT customer_id, order_id, {shared} FROM judged WHERE reason IS NULL AND order_id IS NOT NULL
            UNION ALL
            SELECT customer_id, {made}, {shared} FROM judged WHERE reason IS NULL AND order_id IS NULL"""
    )


def _line_numbers(table: pa.Table) -> NDArray[np.int32]:
    """Return each row's position inside its (customer, order), from 1, in the order of the table."""
    customer = _codes(table["customer_id"])
    key = customer * (table.num_rows + 1) + _codes(table["order_id"])
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    position = np.arange(len(key)) - np.repeat(starts, np.diff(starts, append=len(key)))
    lines = np.empty(len(key), dtype=np.int32)
    lines[order] = position + 1
    return lines


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return as_numpy(column.combine_chunks().dictionary_encode().indices).astype(np.int64)


def _mark(table: pa.Table, returns: NDArray[np.int64], sales: NDArray[np.int64]) -> pa.Table:
    """Add `reverses` and `cancelled_day` from the pairs of rows."""
    reverses = np.zeros(table.num_rows, dtype=bool)
    reverses[returns] = True
    day = as_numpy(table["day"])
    cancelled = np.zeros(table.num_rows, dtype=np.int32)
    known = np.zeros(table.num_rows, dtype=bool)
    cancelled[sales], known[sales] = day[returns], True
    table = table.append_column("reverses", as_arrow(reverses, pa.bool_()))
    return table.append_column("cancelled_day", as_arrow(cancelled, pa.int32(), valid=known))


def _nothing_left(con: duckdb.DuckDBPyConnection) -> str:
    counts = con.execute("SELECT reason, count(*) FROM judged GROUP BY 1 ORDER BY 2 DESC, 1").fetchall()
    found = ", ".join(f"{count:,} {reason}" for reason, count in counts if reason in REASONS)
    if not found:
        return "No order is left: every row is later than the as-of day. Give a later one."
    return (
        f"No order is left: of the rows, {found}. "
        "Check the mapping (columns, decimal, not_products) and the dates."
    )
