"""Orders in: files of any shop become order lines; what is refused is kept aside with its reason.

Nothing here looks at a row after `until`: reading a file until day D equals reading the file cut at D. The
order of rows and files plays no part either. Only its columns, and whether dates have the day or the month first,
are taken from the whole file: they decide which rows are later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from contracts.days import to_date
from contracts.errors import DataError
from features.cleaning.deliveries import find_surplus
from features.cleaning.lines import build_lines, read_quarantine
from features.cleaning.report import OrdersReport, build_report
from features.cleaning.rules import judge, typed_select
from features.reading.conventions import common_mapping, exported_as_floats, mapping_of, settle
from features.reading.dates import DateStyle, literal, local_time, read_style
from features.reading.mapping import Mapping
from features.reading.sources import Source, find_files, load_source


@dataclass(frozen=True)
class Orders:
    """The kept lines (contracts.tables.ORDER_LINES), the refused rows, and the account of both."""

    lines: pa.Table
    quarantine: pa.Table
    report: OrdersReport
    mapping: Mapping

    @property
    def currency(self) -> str:
        """Return the shop's currency, ISO 4217."""
        return self.mapping.currency

    @property
    def timezone(self) -> str:
        """Return the shop's time zone."""
        return self.mapping.timezone

    @property
    def last_day(self) -> int:
        """Return the last day with a valid order: the default as_of."""
        return self.report.last_day


def read_orders(
    source: str | Path | Sequence[str | Path],
    *,
    mapping: Mapping | None = None,
    until: int | None = None,
    now: datetime | None = None,
) -> Orders:
    """Read and clean an order history.

    source: files, folders or glob patterns; CSV (any separator, gzipped or not) or Parquet.
    mapping: None recognises the columns.
    until: the last day that is seen; later rows only count as `later`.
    now: rows after this moment are refused; a naive time is the shop's local time.
    Raises DataError if a file cannot be read or no order is left.
    """
    files = find_files(source)
    with tempfile.TemporaryDirectory(prefix="repurchase-") as folder:
        con = duckdb.connect(config={"temp_directory": folder})
        try:
            con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
            return _read(con, files, mapping, until, now)
        except duckdb.Error as error:
            names = ", ".join(str(file) for file in files[:3])
            raise DataError(f"{names}: DuckDB cannot read this ({str(error).splitlines()[0]}).") from error
        finally:
            con.close()


def require_enough(orders: Orders) -> None:
    """Raise DataError if there are fewer than two customers or two days with an order."""
    report = orders.report
    if report.customers_kept < 2 or report.shop_days < 2:
        raise DataError(
            f"Too little to learn from: {report.customers_kept} customers and {report.shop_days} days with "
            "an order are left after cleaning. At least 2 of each are needed."
        )


def _read(
    con: duckdb.DuckDBPyConnection,
    files: list[Path],
    mapping: Mapping | None,
    until: int | None,
    now: datetime | None,
) -> Orders:
    con.execute("CREATE TEMP TABLE malformed (source INTEGER, source_row BIGINT, text VARCHAR)")
    con.execute("CREATE TEMP TABLE files (source INTEGER, path VARCHAR)")
    con.executemany(
        "INSERT INTO files VALUES (?, ?)", [(number, str(file)) for number, file in enumerate(files)]
    )
    sources = [load_source(con, number, file) for number, file in enumerate(files)]
    mappings = [mapping_of(source, mapping) for source in sources]
    style = _date_style(con, sources, mappings)
    if mapping is None:
        mappings = [
            settle(con, source, one, _seen(source, one, style, until))
            for source, one in zip(sources, mappings, strict=True)
        ]
    chosen = common_mapping(sources, mappings)
    read, later = _make_typed(con, sources, mappings, style, until)
    merged = find_surplus(con)
    judge(con, chosen, _local(now, chosen.timezone))
    con.execute("DROP TABLE typed")
    lines = build_lines(con, chosen)
    quarantine = read_quarantine(con, sources)
    report = build_report(
        con, sources=sources, mapping=chosen, lines=lines, read=read, later=later, merged=merged
    )
    return Orders(lines=lines, quarantine=quarantine, report=report, mapping=chosen)


def _make_typed(
    con: duckdb.DuckDBPyConnection,
    sources: list[Source],
    mappings: list[Mapping],
    style: DateStyle,
    until: int | None,
) -> tuple[int, int]:
    """Make table `typed` of the rows up to `until`; return how many rows were read and how many are later."""
    selects = []
    for source, mapping in zip(sources, mappings, strict=True):
        floats = exported_as_floats(con, source, mapping, _seen(source, mapping, style, until))
        selects.append(typed_select(source, mapping, style, _delivery(source, mapping), floats))
    raw = " UNION ALL ".join(f"SELECT count(*) AS n FROM {source.table}" for source in sources)
    (rows, malformed) = con.execute(
        f"SELECT (SELECT sum(n) FROM ({raw})), (SELECT count(*) FROM malformed)"
    ).fetchall()[0]
    if not rows:
        raise DataError(f"{sources[0].path}: there are no rows below the header. Export it again.")
    seen = _is_seen("ordered_at", until)
    con.execute(f"CREATE TEMP TABLE typed AS SELECT * FROM ({' UNION ALL '.join(selects)}) WHERE {seen}")
    (kept, dated) = con.execute("SELECT count(*), count(ordered_at) FROM typed").fetchall()[0]
    if not dated and kept == rows:
        _refuse_dates(con, sources[0], mappings[0])
    return int(rows + malformed), int(rows - kept)


def _seen(source: Source, mapping: Mapping, style: DateStyle, until: int | None) -> str:
    """Return the SQL condition of a raw table's rows that are not later than `until`."""
    place = source.columns.index(mapping.columns["ordered_at"])
    time = local_time(f"c{place}", source.types[place], mapping.timezone, mapping.date_format, style)
    return _is_seen(time, until)


def _is_seen(time: str, until: int | None) -> str:
    if until is None:
        return "true"
    return f"coalesce({time} < TIMESTAMP '{to_date(until + 1).isoformat()}', true)"


def _date_style(con: duckdb.DuckDBPyConnection, sources: list[Source], mappings: list[Mapping]) -> DateStyle:
    columns = []
    for source, mapping in zip(sources, mappings, strict=True):
        place = source.columns.index(mapping.columns["ordered_at"])
        if mapping.date_format is None and not source.types[place].startswith(("TIMESTAMP", "DATE")):
            columns.append((source.table, f"c{place}::VARCHAR"))
    where = f"{sources[0].path}, column '{mappings[0].columns['ordered_at']}'"
    return read_style(con, columns, where) if columns else DateStyle()


def _delivery(source: Source, mapping: Mapping) -> str:
    """Return the SQL that says which delivery a row came with."""
    if mapping.source_column is None:
        return literal(str(source.number))
    return f"concat('{source.number}:', c{source.columns.index(mapping.source_column)}::VARCHAR)"


def _refuse_dates(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping) -> None:
    column = mapping.columns["ordered_at"]
    example = con.execute(
        f"SELECT min(c{source.columns.index(column)}::VARCHAR) FROM {source.table}"
    ).fetchall()[0][0]
    form = f' with date_format "{mapping.date_format}"' if mapping.date_format else ""
    raise DataError(
        f"{source.path}: unreadable dates: no value of column '{column}' can be read{form}, for example "
        f"'{example}'. "
        'Give date_format in the mapping, for example "%d.%m.%Y %H:%M".'
    )


def _local(now: datetime | None, timezone: str) -> datetime | None:
    if now is None or now.tzinfo is None:
        return now
    return now.astimezone(UTC).astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
