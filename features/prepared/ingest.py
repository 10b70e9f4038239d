"""Sources become typed rows: files are loaded, their columns recognised, their conventions settled.

Where `until` is given, no convention is settled by a later row. Only the columns, and whether dates have the day or
the month first, are taken from the whole source: they decide which rows are later.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from contracts.days import to_date
from contracts.errors import DataError
from features.cleaning.clean import Frame
from features.cleaning.rules import (
    IDS,
    Reading,
    kind_of,
    optional_columns,
    ordered_at,
    phones_table,
    typed_rows,
)
from features.identity.keys import phone_key
from features.prepared.overview import Overview
from features.reading.conventions import common_mapping, exported_as_floats, mapping_of, settle
from features.reading.dates import DateStyle, read_style
from features.reading.exports import combine
from features.reading.locations import Item, Named, find_items
from features.reading.mapping import Mapping
from features.reading.sources import Source, load_source

BATCH_ROWS = 500_000
MEMORY = "1GB"  # what DuckDB may use; beyond it, it uses the disk
_PHONES = pa.schema([("raw", pa.string()), ("phone_key", pa.string())])
_ENCODINGS = {"latin-1": "Latin-1", "windows-1252": "Windows-1252"}


@dataclass(frozen=True)
class Intake:
    """Opened sources, ready to be typed. mapping: the one that speaks for all of them; notes: on the sources."""

    con: duckdb.DuckDBPyConnection
    readings: tuple[Reading, ...]
    mapping: Mapping
    style: DateStyle
    raw_rows: int
    notes: tuple[str, ...]

    @property
    def optional(self) -> tuple[str, ...]:
        """The optional columns of the typed rows."""
        return self.readings[0].optional

    @property
    def sources(self) -> list[Source]:
        """The sources, by their numbers."""
        return [reading.source for reading in self.readings]

    @property
    def malformed(self) -> dict[int, int]:
        """How many rows of each source, by its number, do not fit their header."""
        return dict(self.con.execute("SELECT source, count(*) FROM malformed GROUP BY 1").fetchall())

    def batches(self, reading: Reading, more: str = "") -> Iterator[pa.RecordBatch]:
        """Yield a source's typed rows. more: further SQL columns in front, each followed by a comma."""
        rows = self.con.sql(f"SELECT {more} * FROM ({typed_rows(reading)})")
        yield from rows.to_arrow_reader(BATCH_ROWS)

    def table(self) -> pa.Table:
        """Return all typed rows."""
        tables = [
            pa.Table.from_batches(self.batches(one), schema=row_schema(self.optional))
            for one in self.readings
        ]
        return pa.concat_tables(tables)


def row_schema(optional: Sequence[str]) -> pa.Schema:
    """Return the columns of typed rows with these optional columns."""
    required = [
        ("source", pa.int32()), ("source_row", pa.int64()), ("ordered_at", pa.timestamp("us")),
        ("customer_id", pa.string()), ("order_id", pa.string()), ("quantity", pa.float64()),
        ("amount", pa.float64()), ("back", pa.bool_()), ("reason", pa.int8()), ("readable", pa.bool_()),
    ]  # fmt: skip
    return pa.schema([*required, *((name, kind_of(name)) for name in optional)])


@contextmanager
def opened(
    source: Named | Sequence[Named],
    *,
    mapping: Mapping | None = None,
    until: int | None = None,
    like: Mapping | None = None,
    style: DateStyle | None = None,
    first_number: int = 0,
) -> Iterator[Intake]:
    """Open sources for typing.

    mapping: None recognises the columns. like, style: the mapping and the dates of earlier files, whose conventions
    hold. first_number: the number of the first source. Raises DataError for what cannot be read.
    """
    found = find_items(source)
    files = list(found.items)
    with tempfile.TemporaryDirectory(prefix="repurchase-") as folder:
        con = duckdb.connect(config={"temp_directory": folder})
        try:
            con.execute(
                f"SET TimeZone = 'UTC'; SET enable_progress_bar = false; SET memory_limit = '{MEMORY}'"
            )
            intake = _open(con, files, mapping, until, like, style, first_number)
            yield replace(intake, notes=(*found.notes, *intake.notes))
        except duckdb.Error as error:
            names = ", ".join(str(file) for file in files[:3])
            raise DataError(f"{names}: DuckDB cannot read this ({str(error).splitlines()[0]}).") from error
        finally:
            con.close()


def frame_of(
    overview: Overview,
    mapping: Mapping,
    optional: Sequence[str],
    *,
    until: int | None,
    now: datetime | None,
    sources: int,
) -> Frame:
    """Return what cleaning must know of all rows together. now: a naive time is the shop's local time."""
    local = local_now(now, mapping.timezone)
    return Frame(
        until=until,
        now=local,
        bulk=overview.bulk(until=until, now=local),
        optional=tuple(name for name in optional if name != "delivery"),
        ordered="order_id" in mapping.columns,
        deliveries=sources > 1 or "delivery" in optional,
        rules=mapping.rules,
        high=overview.high_amounts() if mapping.rules.on("outlier_basket") else {},
    )


def notes_on(sources: Sequence[Source]) -> tuple[str, ...]:
    """Return what there is to say about the sources."""
    told = [note for source in sources for note in source.notes]
    told += [
        f"{source.path} is not UTF-8 and was read as {_ENCODINGS[source.encoding]}."
        for source in sources
        if source.encoding in _ENCODINGS
    ]
    return tuple(told)


def local_now(now: datetime | None, timezone: str) -> datetime | None:
    """Return a moment as the shop's local time."""
    if now is None or now.tzinfo is None:
        return now
    return now.astimezone(UTC).astimezone(ZoneInfo(timezone)).replace(tzinfo=None)


def _open(
    con: duckdb.DuckDBPyConnection,
    files: list[Item],
    mapping: Mapping | None,
    until: int | None,
    like: Mapping | None,
    style: DateStyle | None,
    first_number: int,
) -> Intake:
    con.execute("CREATE TEMP TABLE malformed (source INTEGER, source_row BIGINT, text VARCHAR)")
    con.execute("CREATE TEMP TABLE files (source INTEGER, path VARCHAR)")
    numbered = list(enumerate(files, start=first_number))
    encoding = mapping.encoding if mapping else None
    con.executemany("INSERT INTO files VALUES (?, ?)", [(number, str(file)) for number, file in numbered])
    sources = [load_source(con, number, file, encoding=encoding) for number, file in numbered]
    sources = combine(con, sources)
    mappings = [mapping_of(source, mapping, first=sources[0]) for source in sources]
    if like is not None:
        mappings = [replace(one, currency=like.currency) for one in mappings]
    style = _date_style(con, sources, mappings, style)
    mappings = [
        settle(con, source, one, _seen(source, one, style, until))
        for source, one in zip(sources, mappings, strict=True)
    ]
    optional = optional_columns(mappings)
    readings = tuple(
        Reading(
            source,
            one,
            style,
            exported_as_floats(con, source, one, _seen(source, one, style, until)),
            _plain_ids(con, source, one),
            optional,
        )
        for source, one in zip(sources, mappings, strict=True)
    )
    for reading in readings:
        read_phones(con, reading)
    counts = " UNION ALL ".join(f"SELECT count(*) AS n FROM {source.table}" for source in sources)
    (rows,) = con.execute(f"SELECT sum(n) FROM ({counts})").fetchall()[0]
    if not rows:
        raise DataError(f"{sources[0].path}: there are no rows below the header. Export it again.")
    return Intake(con, readings, common_mapping(sources, mappings), style, int(rows), notes_on(sources))


def _seen(source: Source, mapping: Mapping, style: DateStyle, until: int | None) -> str:
    """Return the SQL condition of a raw table's rows that are not later than `until`."""
    if until is None:
        return "true"
    time = ordered_at(source, mapping, style)
    return f"coalesce({time} < TIMESTAMP '{to_date(until + 1).isoformat()}', true)"


def read_phones(con: duckdb.DuckDBPyConnection, reading: Reading) -> None:
    """Make the table of a source's distinct telephone numbers and their keys that the typing joins."""
    phone = reading.column("phone")
    if phone is None:
        return
    name, region = phones_table(reading.source), reading.mapping.phone_region
    rows = con.execute(f"SELECT DISTINCT {phone[0]}::VARCHAR FROM {reading.source.table}").fetchall()
    keys = [(text, phone_key(text, region=region)) for (text,) in rows if text]
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} (raw VARCHAR, phone_key VARCHAR)")
    con.register("keys", pa.table({"raw": [a for a, _ in keys], "phone_key": [b for _, b in keys]}, _PHONES))
    con.execute(f"INSERT INTO {name} SELECT * FROM keys WHERE phone_key IS NOT NULL")
    con.unregister("keys")


def _plain_ids(con: duckdb.DuckDBPyConnection, source: Source, mapping: Mapping) -> frozenset[str]:
    """Return the id columns in which no value is short or has a space: none of them is a word for nothing.

    Looking costs next to nothing; treating each id as if it might be one costs as much as reading it.
    """
    places = {part: source.place_of(mapping.columns.get(part)) for part in (*IDS, "line_id")}
    texts = {part: at for part, at in places.items() if at is not None and source.types[at] == "VARCHAR"}
    if not texts:
        return frozenset()
    odd = ", ".join(f"count(*) FILTER (strlen(c{at}) <= 4 OR contains(c{at}, ' '))" for at in texts.values())
    (counts,) = con.execute(f"SELECT {odd} FROM {source.table}").fetchall()
    return frozenset(part for part, count in zip(texts, counts, strict=True) if not count)


def _date_style(
    con: duckdb.DuckDBPyConnection, sources: list[Source], mappings: list[Mapping], known: DateStyle | None
) -> DateStyle:
    """Return how the dates are written; a known order of day and month stays."""
    columns = []
    for source, mapping in zip(sources, mappings, strict=True):
        place = source.columns.index(mapping.columns["ordered_at"])
        if mapping.date_format is None and not source.types[place].startswith(("TIMESTAMP", "DATE")):
            columns.append((source.table, f"c{place}::VARCHAR"))
    if not columns:
        return known or DateStyle()
    where = f"{sources[0].path}, column '{mappings[0].columns['ordered_at']}'"
    if known is None or known.day_first is None:
        return read_style(con, columns, where)
    try:
        found = read_style(con, columns, where).day_first
    except DataError:  # these dates alone do not tell day and month apart: the earlier ones did
        found = None
    if found not in (None, known.day_first):
        raise DataError(
            f"{where}: day and month stand the other way round than in earlier deliveries. Give date_format in a "
            "mapping, and prepare the orders with it."
        )
    return replace(known, only_iso=False, has_offset=True)


def require_dates(con: duckdb.DuckDBPyConnection, reading: Reading, overview: Overview) -> None:
    """Raise DataError if no date at all could be read."""
    if overview.days:
        return
    column, form = reading.mapping.columns["ordered_at"], reading.mapping.date_format
    (example,) = con.execute(
        f"SELECT min(c{reading.source.columns.index(column)}::VARCHAR) FROM {reading.source.table}"
    ).fetchall()[0]
    said = f' with date_format "{form}"' if form else ""
    raise DataError(
        f"{reading.source.path}: unreadable dates: no value of column '{column}' can be read{said}, for example "
        f"'{example}'. "
        'Give date_format in the mapping, for example "%d.%m.%Y %H:%M".'
    )
