"""Delimited text as a raw table: the separator, the header and the encoding are found, no line is dropped.

A file of the usual form goes through DuckDB's reader. Where that one objects to anything, and for all other
forms, the file is read record by record, which knows each record's true line.
"""

from __future__ import annotations

import csv
import glob
import io
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from contracts.errors import DataError
from features.reading.columns import require_distinct
from features.reading.delimited import Form, find_form, read_records
from features.reading.encodings import Text, read_text
from features.reading.json_lines import is_json_lines, load_json_lines
from features.reading.raw_table import Raw, RawTable

_LONGEST_FIELD = 1 << 24
_RETURN = "\ufdd0"  # stands for a carriage return inside a value while the lines are told apart


@dataclass(frozen=True, kw_only=True)
class _Misfit:
    line: int
    fields: int


def load_text(
    con: duckdb.DuckDBPyConnection, number: int, path: Path, *, packing: str, encoding: str | None = None
) -> Raw:
    """Load a text file as `raw_<number>`, its misshapen lines into `malformed`.

    encoding: what the user says it is; None recognises UTF-8, UTF-16, Latin-1 and Windows-1252.
    Raises DataError if it is no table, or damaged, or none of its rows fits its header.
    """
    with tempfile.TemporaryDirectory(prefix="repurchase-") as folder:
        text = read_text(path, packing=packing, declared=encoding, folder=Path(folder))
        if is_json_lines(text.sample):
            with _lines(text) as lines:
                return load_json_lines(con, number, lines, where=str(path), encoding=text.encoding)
        form = find_form(text.sample, whole=text.whole, where=str(path))
        require_distinct(form.columns, where=str(path))
        if not (form.plain and not text.lone_returns and _read_fast(con, number, text, form)):
            _read_exactly(con, number, text, form, where=str(path))
    return Raw(columns=form.columns, types=("VARCHAR",) * len(form.columns), encoding=text.encoding)


def _read_fast(con: duckdb.DuckDBPyConnection, number: int, text: Text, form: Form) -> bool:
    """Load the file by DuckDB's reader; return False if it refuses any line."""
    names = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(form.columns)))
    try:
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE raw_{number} AS
                SELECT row_number() OVER () AS source_row, * FROM read_csv(
                  ?, auto_detect = false, delim = ?, quote = '"', escape = '"', encoding = 'utf-8',
                  header = {form.header}, skip = {form.skip}, columns = {{{names}}}, ignore_errors = true,
                  store_rejects = true, rejects_limit = 1, compression = '{text.packing}')""",
            [glob.escape(str(text.path)), form.separator],
        )
        return not con.execute("SELECT count(*) FROM reject_errors").fetchall()[0][0]
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return False
    finally:
        con.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")


def _read_exactly(con: duckdb.DuckDBPyConnection, number: int, text: Text, form: Form, *, where: str) -> None:
    table, first = RawTable(con, number, width=len(form.columns)), None
    with _lines(text) as lines, _long_fields():
        for misfit in _fill(table, lines, form, restore=text.lone_returns > 0, where=where):
            first = first or misfit
    table.flush()
    if first and not table.rows:
        raise DataError(
            f"{where}: none of the {table.misfits:,} rows has the {len(form.columns)} fields of the header; the "
            f"first, line {first.line}, has {first.fields}. Export it again with one separator throughout."
        )


def _fill(
    table: RawTable, lines: Iterable[str], form: Form, *, restore: bool, where: str
) -> Iterator[_Misfit]:
    """Put each record where it belongs; yield those that are no rows."""
    records = read_records(lines, form)
    width = len(form.columns)
    if form.header:
        next(fields for _, fields, _ in records if fields and any(fields))
    for line, fields, held in records:
        if fields is not None and (len(fields) == width or (len(fields) == width + 1 and not fields[-1])):
            table.add([_with_returns(field) for field in fields[:width]] if restore else fields[:width])
        elif fields is None and len(held) > 1:
            raise DataError(
                f"{where}, line {line}: a quotation mark is opened and not closed where the field ends; the "
                "rows after it cannot be told apart. Close it, or double it inside the field."
            )
        elif fields is None or len(fields) > 1 or "".join(fields).strip():
            table.set_aside(_with_returns("".join(held)), line=line)
            yield _Misfit(line=line, fields=len(fields or ()))


def _with_returns(text: str) -> str:
    return text.replace(_RETURN, "\r")


@contextmanager
def _lines(text: Text) -> Iterator[Iterable[str]]:
    """Open the lines; a carriage return that ends no line is put aside, see _RETURN."""
    inside = 0 < text.lone_returns <= text.line_feeds
    with (
        text.open() as file,
        io.TextIOWrapper(file, encoding="utf-8-sig", newline="\n" if inside else "") as lines,
    ):
        yield (re.sub("\r(?!\n)", _RETURN, line) for line in lines) if inside else lines


@contextmanager
def _long_fields() -> Iterator[None]:
    """Let a field be long: the limit of the csv module is one for the whole process."""
    before = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
