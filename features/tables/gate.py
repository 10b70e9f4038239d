"""Files become one typed table `seen` of the rows up to a day; rows after it are counted and not looked at.

Only the columns, and whether dates have the day or the month first, are taken from the whole files: they
decide which rows are later. `seen` has source, source_row, `since` (when the row became known; null: always), one
column for each part, and for times, dates and numbers `has_<part>`: something is written there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import duckdb

from contracts.days import to_date
from contracts.errors import DataError
from features.identity.keys import guest_id_sql
from features.reading.dates import DateStyle, literal, read_style
from features.reading.mapping_checks import check_timezone
from features.reading.numbers import id_sql, is_id, number_sql, shows_decimal
from features.reading.sources import Item, Source, find_files, load_source
from features.tables.mapping import (
    Shape,
    TableMapping,
    check_mapping,
    complete_table,
    recognise_table,
)
from features.tables.values import date_value, text_value, time_value

Files = str | Path | Sequence[str | Path]
_TYPES = {"id": "VARCHAR", "text": "VARCHAR", "time": "TIMESTAMP", "date": "DATE", "number": "DOUBLE"}


@dataclass(frozen=True, kw_only=True)
class Gate:
    """The open reading of one table: its connection with `seen`, its files, and how many rows were left out.

    guests: rows without a customer that belong to the hash of their e-mail address.
    """

    con: duckdb.DuckDBPyConnection
    shape: Shape
    sources: list[Source]
    mappings: list[TableMapping]
    until: int
    read: int
    later: int
    guests: int

    def has(self, part: str) -> bool:
        """Tell whether any file has this part."""
        return any(mapping.has(part) for mapping in self.mappings)

    @property
    def before(self) -> str:
        """Return the SQL of the first moment that is not seen."""
        return f"TIMESTAMP '{to_date(self.until + 1).isoformat()}'"


@contextmanager
def opened(
    source: Files, *, shape: Shape, mapping: TableMapping | None, until: int, timezone: str
) -> Iterator[Gate]:
    """Load files and give their rows up to the end of day `until`, local to `timezone`.

    Raises DataError if a file cannot be read or is not such a table, DeclarationError for a wrong mapping.
    """
    check_timezone(shape.name, timezone)
    if mapping is not None:
        check_mapping(mapping, shape)
    files = find_files(source)
    with tempfile.TemporaryDirectory(prefix="repurchase-") as folder:
        con = duckdb.connect(config={"temp_directory": folder})
        try:
            con.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
            yield _Loading(con, shape, until, timezone).load(files, mapping)
        except duckdb.Error as error:
            names = ", ".join(str(file) for file in files[:3])
            raise DataError(f"{names}: DuckDB cannot read this ({str(error).splitlines()[0]}).") from error
        finally:
            con.close()


@dataclass(frozen=True)
class _Loading:
    """What the steps of loading share."""

    con: duckdb.DuckDBPyConnection
    shape: Shape
    until: int
    timezone: str

    def load(self, files: list[Item], given: TableMapping | None) -> Gate:
        con = self.con
        con.execute("CREATE TEMP TABLE malformed (source INTEGER, source_row BIGINT, text VARCHAR)")
        sources = [load_source(con, number, file) for number, file in enumerate(files)]
        mappings = [self._mapping_of(source, given) for source in sources]
        styles = self._styles(sources, mappings)
        selects = []
        for i, source in enumerate(sources):
            mappings[i] = replace(mappings[i], decimal=self._decimal(source, mappings[i], styles))
            selects.append(self._typed(source, mappings[i], styles))
        rows = sum(self._one(f"SELECT count(*) FROM {source.table}") for source in sources)
        before = f"TIMESTAMP '{to_date(self.until + 1).isoformat()}'"
        con.execute(
            f"""CREATE TEMP TABLE seen AS SELECT * FROM ({" UNION ALL ".join(selects)})
                WHERE coalesce(since < {before}, true)"""
        )
        kept = self._one("SELECT count(*) FROM seen")
        self._refuse_unreadable(sources[0], mappings[0], seen_all=kept == rows)
        return Gate(
            con=con,
            shape=self.shape,
            sources=sources,
            mappings=mappings,
            until=self.until,
            read=rows + self._one("SELECT count(*) FROM malformed"),
            later=rows - kept,
            guests=self._one("SELECT count(*) FROM seen WHERE guest") if "email" in self.shape.parts else 0,
        )

    def _mapping_of(self, source: Source, given: TableMapping | None) -> TableMapping:
        if given is None:
            return recognise_table(source.columns, self.shape, source.path)
        return complete_table(given, source.columns, self.shape, source.path)

    def _styles(self, sources: list[Source], mappings: list[TableMapping]) -> dict[str, DateStyle]:
        """Return how the times of the table are written, and how its dates are: one export, one way."""
        styles = {}
        for kind in ("time", "date"):
            columns, first = [], ""
            for source, mapping in zip(sources, mappings, strict=True):
                for part, name in mapping.columns.items():
                    place = source.columns.index(name)
                    is_text = not source.types[place].startswith(("TIMESTAMP", "DATE"))
                    if self.shape.parts[part].kind == kind and mapping.date_format is None and is_text:
                        columns.append((source.table, f"c{place}::VARCHAR"))
                        first = first or f"{source.path}, column '{name}'"
            styles[kind] = read_style(self.con, columns, first) if columns else DateStyle()
        return styles

    def _typed(self, source: Source, mapping: TableMapping, styles: dict[str, DateStyle]) -> str:
        """Return the SQL that types one raw table."""
        at = self._known_at(source, mapping, styles)
        selected = [f"{source.number} AS source", "source_row", f"{at} AS since"]
        for part, one in self.shape.parts.items():
            value = self._value(source, mapping, part, styles)
            if part == "customer_id" and mapping.number_rows:
                value = f"'{source.number}-' || source_row" if source.number else "source_row::VARCHAR"
            selected.append(f"{value} AS {part}")
            if one.kind in ("time", "date", "number"):
                raw = self._raw(source, mapping, part)
                selected.append(f"{is_id(raw[0]) if raw else 'false'} AS has_{part}")
        typed = f"SELECT {', '.join(selected)} FROM {source.table}"
        if "email" not in self.shape.parts:
            return typed
        if not mapping.has("email"):
            return f"SELECT *, false AS guest FROM ({typed})"
        guest = guest_id_sql("email")
        return f"""SELECT * REPLACE (coalesce(customer_id, {guest}) AS customer_id),
                   customer_id IS NULL AND {guest} IS NOT NULL AS guest FROM ({typed})"""

    def _value(self, source: Source, mapping: TableMapping, part: str, styles: dict[str, DateStyle]) -> str:
        one = self.shape.parts[part]
        raw = self._raw(source, mapping, part)
        if raw is None:
            return f"NULL::{_TYPES[one.kind]}"
        column, kind = raw
        if one.kind == "time":
            return time_value(
                column,
                kind,
                timezone=self.timezone,
                written_in=mapping.timezone,
                date_format=mapping.date_format if part in mapping.columns else None,
                style=styles["time"],
            )
        if one.kind == "date":
            return date_value(column, kind, date_format=mapping.date_format, style=styles["date"])
        if one.kind == "number":
            return number_sql(column, kind, mapping.decimal)
        if one.kind == "id":
            was_float = kind == "VARCHAR" and self._was_float(source, mapping, column, styles)
            return id_sql(column, kind, was_float=was_float)
        return text_value(column)

    def _raw(self, source: Source, mapping: TableMapping, part: str) -> tuple[str, str] | None:
        """Return the raw column, or the constant, that plays a part, with its type."""
        if part in mapping.constants:
            return literal(mapping.constants[part]), "VARCHAR"
        if part not in mapping.columns:
            return None
        place = source.columns.index(mapping.columns[part])
        return f"c{place}", source.types[place]

    def _known_at(self, source: Source, mapping: TableMapping, styles: dict[str, DateStyle]) -> str:
        times = [self._value(source, mapping, part, styles) for part in self.shape.known_by]
        return f"coalesce({', '.join(times)}, NULL::TIMESTAMP)"

    def _seen(self, source: Source, mapping: TableMapping, styles: dict[str, DateStyle]) -> str:
        before = f"TIMESTAMP '{to_date(self.until + 1).isoformat()}'"
        return f"coalesce({self._known_at(source, mapping, styles)} < {before}, true)"

    def _was_float(
        self, source: Source, mapping: TableMapping, column: str, styles: dict[str, DateStyle]
    ) -> bool:
        """Tell whether every seen id is a whole number with `.0` behind it: a float export wrote them."""
        if column.startswith("'"):
            return False
        (floats, others) = self.con.execute(
            f"""SELECT count(*) FILTER (whole), count(*) FILTER (NOT whole) FROM
                (SELECT regexp_full_match({column}, '[0-9]+\\.0') AS whole FROM {source.table}
                 WHERE {self._seen(source, mapping, styles)} AND {is_id(column)})"""
        ).fetchall()[0]
        return bool(floats and not others)

    def _decimal(
        self, source: Source, mapping: TableMapping, styles: dict[str, DateStyle]
    ) -> Literal[".", ","]:
        """Return ',' where numbers are written like 12,50 and never like 12.50."""
        if mapping.decimal is not None:
            return mapping.decimal
        for part, name in mapping.columns.items():
            place = source.columns.index(name)
            if self.shape.parts[part].kind == "number" and source.types[place] == "VARCHAR":
                (commas, dots) = self.con.execute(
                    f"""SELECT count(*) FILTER ({shows_decimal(f"c{place}", ",")}),
                               count(*) FILTER ({shows_decimal(f"c{place}", ".")})
                        FROM {source.table} WHERE {self._seen(source, mapping, styles)}"""
                ).fetchall()[0]
                if commas and not dots:
                    return ","
        return "."

    def _refuse_unreadable(self, source: Source, mapping: TableMapping, *, seen_all: bool) -> None:
        """Raise DataError if times are written and none of them can be read."""
        for part in self.shape.known_by:
            (written, read) = self.con.execute(
                f"SELECT count(*) FILTER (has_{part}), count({part}) FROM seen"
            ).fetchall()[0]
            if seen_all and written and not read:
                column = mapping.columns.get(part, part)
                raise DataError(
                    f"{source.path}: unreadable dates: no value of column '{column}' can be read. "
                    'Give date_format in the mapping, for example "%d.%m.%Y %H:%M".'
                )

    def _one(self, query: str) -> int:
        return int(self.con.execute(query).fetchall()[0][0])
