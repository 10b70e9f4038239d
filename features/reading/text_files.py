"""Delimited text as a raw table: the separator, the header and the encoding are found, no line is dropped."""

from __future__ import annotations

import codecs
import csv
import glob
import gzip
import io
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from contracts.errors import DataError
from features.reading.presets import CDNOW_SAMPLE_COLUMNS

SEPARATORS = (",", ";", "\t", "|")
WORDS = "words"  # aligned by any amount of white space
_CDNOW_SAMPLE_LINE = re.compile(r"\s*\d{5}\s+\d{4}\s+\d{8}\s+\d+\s+\d+\.\d\d\s*")


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a text file is laid out: the lines to skip before the header, if there is one, and its columns."""

    separator: str
    columns: tuple[str, ...]
    header: bool
    skip: int


def load_text(
    con: duckdb.DuckDBPyConnection, number: int, path: Path, head: bytes
) -> tuple[tuple[str, ...], str]:
    """Load a file as `raw_<number>`, its misshapen lines into `malformed`; return columns and encoding."""
    encoding, sample = _decode(head)
    if not sample.strip():
        raise DataError(f"{path}: the file is empty. Export it again.")
    form = _form(sample)
    for attempt in (encoding, "latin-1"):
        try:
            read = _load(con, number, path, form, attempt)
        except duckdb.InvalidInputException as error:
            if "not latin-1" in str(error):
                return form.columns, _load_windows(con, number, path, form)
            if "invalid state" not in str(error):
                raise
            # The lines end in two ways, as after joining files of two systems: read a copy with one.
            with tempfile.TemporaryDirectory(prefix="repurchase-") as folder:
                read = _load(con, number, _unix_copy(path, Path(folder)), form, attempt)
        if read:
            return form.columns, attempt
    raise DataError(f"{path}: the text is neither UTF-8 nor Latin-1. Save it as UTF-8.")


def _load_windows(con: duckdb.DuckDBPyConnection, number: int, path: Path, form: Form) -> str:
    """Load a Windows-1252 file (Latin-1 with €, as Excel writes it) through a UTF-8 copy."""
    with tempfile.TemporaryDirectory(prefix="repurchase-") as folder:
        copy = Path(folder) / "utf-8.txt"
        opened = gzip.open if _compression(path) == "gzip" else open
        try:
            with opened(path, "rb") as lines, copy.open("wb") as file:
                file.writelines(line.decode("cp1252").encode() for line in lines)
        except UnicodeDecodeError:
            raise DataError(
                f"{path}: the text is neither UTF-8 nor Windows-1252. Save it as UTF-8."
            ) from None
        _load(con, number, copy, form, "utf-8")
    return "windows-1252"


def _load(con: duckdb.DuckDBPyConnection, number: int, path: Path, form: Form, encoding: str) -> bool:
    read = _read_words if form.separator == WORDS else _read_fields
    return read(con, number, path, form, encoding)


def _decode(head: bytes) -> tuple[str, str]:
    """Return DuckDB's name of the encoding and the head as text."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", head.decode("utf-16", errors="ignore")
    try:
        return "utf-8", codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return "latin-1", head.decode("cp1252", errors="replace")


def _form(sample: str) -> Form:
    """Return the layout: the separator is the one that splits header and rows alike."""
    lines = sample.splitlines()
    skip = next(i for i, line in enumerate(lines) if line.strip())
    lines = [line for line in lines[skip:] if line.strip()]
    if _CDNOW_SAMPLE_LINE.fullmatch(lines[0]):
        return Form(separator=WORDS, columns=CDNOW_SAMPLE_COLUMNS, header=False, skip=skip)
    best, columns, score = "", [lines[0].strip()], (0, 0)
    for separator in SEPARATORS:
        rows = list(csv.reader(io.StringIO("\n".join(lines[:20])), delimiter=separator))
        width = len(rows[0])
        alike = sum(len(row) == width for row in rows)
        if width > 1 and (alike, width) > score:
            best, columns, score = separator, [name.strip() for name in rows[0]], (alike, width)
    if not best:
        words = lines[0].split()
        best, columns = (WORDS, words) if len(words) > 1 else (",", columns)
    return Form(separator=best, columns=tuple(columns), header=True, skip=skip)


def _read_fields(con: duckdb.DuckDBPyConnection, number: int, path: Path, form: Form, encoding: str) -> bool:
    """Load separated fields; return False if the encoding is wrong."""
    names = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(form.columns)))
    con.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE raw_{number} AS
            SELECT row_number() OVER () AS source_row, * FROM read_csv(
              ?, auto_detect = false, delim = ?, quote = '"', escape = '"', encoding = ?,
              header = {form.header}, skip = {form.skip}, columns = {{{names}}}, ignore_errors = true,
              store_rejects = true, rejects_limit = 0, compression = '{_compression(path)}',
              max_line_size = 16777216)""",
        [glob.escape(str(path)), form.separator, encoding],
    )
    kinds = con.execute(
        """SELECT count(*) FILTER (error_type = 'INVALID ENCODING'),
                  min(line) FILTER (error_type = 'UNQUOTED VALUE' AND trim(csv_line, chr(10) || chr(13)) LIKE
                                    '%' || chr(10) || '%') FROM reject_errors"""
    ).fetchall()
    ((badly_encoded, unclosed),) = kinds
    if badly_encoded:
        return False
    if unclosed is not None:
        raise DataError(
            f"{path}, line {unclosed}: a quotation mark is opened and not closed where the field ends; the "
            "rows after it cannot be told apart. Close it, or double it inside the field."
        )
    con.execute(
        """INSERT INTO malformed
           SELECT ?, line, trim(any_value(csv_line), chr(10) || chr(13)) FROM reject_errors
           GROUP BY scan_id, line, line_byte_position""",
        [number],
    )
    return True


def _read_words(con: duckdb.DuckDBPyConnection, number: int, path: Path, form: Form, encoding: str) -> bool:
    """Load words aligned by white space; return False if the encoding is wrong."""
    width = len(form.columns)
    fields = ", ".join(f"words[{i + 1}] AS c{i}" for i in range(width))
    try:
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE words_{number} AS
                SELECT row_number() OVER () AS source_row, text,
                       regexp_split_to_array(trim(text), '\\s+') AS words
                FROM read_csv(?, auto_detect = false, delim = '\x1f', quote = '', escape = '', encoding = ?,
                              header = {form.header}, skip = {form.skip}, columns = {{'text': 'VARCHAR'}},
                              compression = '{_compression(path)}')
                WHERE trim(text) <> ''""",
            [glob.escape(str(path)), encoding],
        )
    except duckdb.Error as error:
        if "utf-8" in str(error):
            return False
        raise
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE raw_{number} AS
            SELECT source_row, {fields} FROM words_{number} WHERE len(words) = {width}"""
    )
    con.execute(
        f"INSERT INTO malformed SELECT ?, source_row, text FROM words_{number} WHERE len(words) <> {width}",
        [number],
    )
    con.execute(f"DROP TABLE words_{number}")
    return True


def _compression(path: Path) -> str:
    with path.open("rb") as file:
        return "gzip" if file.read(2) == b"\x1f\x8b" else "none"


def _unix_copy(path: Path, folder: Path) -> Path:
    """Copy a text file, unpacked, with every line ending in a line feed."""
    copy = folder / "lines.txt"
    opened = gzip.open if _compression(path) == "gzip" else open
    with opened(path, "rb") as lines, copy.open("wb") as file:
        for line in lines:
            file.write(line.rstrip(b"\r\n") + b"\n")
    return copy
