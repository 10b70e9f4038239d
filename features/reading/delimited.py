"""Separated fields: how a text file is laid out, and its records one by one with their true line numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from contracts.errors import DataError
from features.reading.presets import CDNOW_SAMPLE_COLUMNS

SEPARATORS = (",", ";", "\t", "|", ":", "^", "~")
WORDS = "words"  # aligned by any amount of white space
SPACES = "spaces"  # aligned by two or more spaces; one space is part of a value
_CDNOW_SAMPLE_LINE = re.compile(r"\s*\d{5}\s+\d{4}\s+\d{8}\s+\d+\s+\d+\.\d\d\s*")
_MOST_RECORDS = 100

Record = tuple[int, Sequence[str] | None, Sequence[str]]


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a text file is laid out. `skip` lines stand before the header, or before the rows if there is none.

    escape: the mark before a quotation mark or separator that is part of a value; None where a quotation mark
    is doubled. spaced: a space follows each separator and is no part of the value.
    """

    separator: str
    columns: tuple[str, ...] = ()
    header: bool = True
    skip: int = 0
    quote: str = '"'
    escape: str | None = None
    spaced: bool = False

    @property
    def plain(self) -> bool:
        """Tell whether it is the usual form: one separator, doubled quotation marks."""
        return len(self.separator) == 1 and (self.quote, self.escape, self.spaced) == ('"', None, False)


def find_form(sample: str, *, whole: bool, where: str) -> Form:
    """Return the layout in which most records of the sample have as many fields as the header.

    whole: the sample is the whole file. Raises DataError if there is no line with text.
    """
    lines = list(io.StringIO(sample, newline=""))
    skip = next((i for i, line in enumerate(lines) if line.strip()), None)
    if skip is None:
        raise DataError(f"{where}: the file is empty. Export it again.")
    lines = lines[skip:] if whole or len(lines) == skip + 1 else lines[skip:-1]
    if _CDNOW_SAMPLE_LINE.fullmatch(lines[0]):
        return Form(separator=WORDS, columns=CDNOW_SAMPLE_COLUMNS, header=False, skip=skip)
    found = _best(_separated(sample), lines, whole=whole) or _aligned(lines, whole=whole)
    if found is None:
        return Form(separator=",", columns=(lines[0].strip(),), header=False, skip=skip + 1)
    best, columns = found
    if best.quote == '"' and all(re.fullmatch(r"\s*'.*'\s*", name) for name in columns):
        quoted = replace(best, quote="'")
        best, columns = quoted, _score(lines, quoted, whole=whole)[0] or columns
    return replace(best, columns=tuple(name.strip() for name in columns), skip=skip)


def read_records(lines: Iterable[str], form: Form) -> Iterator[Record]:
    """Yield (first line, fields, lines of the record); fields is None where the quoting is broken.

    Lines are counted from 1 at the top of the file; the header comes as the first record.
    """
    source = iter(lines)
    skipped = sum(1 for _ in islice(source, form.skip))
    if form.separator in (WORDS, SPACES):
        for number, line in enumerate(source, start=skipped + 1):
            text = line.strip()
            yield number, (text.split() if form.separator == WORDS else re.split(r"\s{2,}|\t", text)), [line]
        return
    held: list[str] = []
    reader = _reader(_watched(source, held), form)
    while True:
        start = skipped + reader.line_num + 1
        held.clear()
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield start, None, held
        else:
            yield start, fields, held


def _watched(source: Iterator[str], held: list[str]) -> Iterator[str]:
    for line in source:
        held.append(line)
        yield line


def _reader(lines: Iterator[str], form: Form) -> Any:
    return csv.reader(
        lines,
        delimiter=form.separator,
        quotechar=form.quote,
        escapechar=form.escape,
        doublequote=form.escape is None,
        skipinitialspace=form.spaced,
        strict=True,
    )


def _best(forms: Iterable[Form], lines: Sequence[str], *, whole: bool) -> tuple[Form, Sequence[str]] | None:
    """Return the layout that fits best, and its header; None where each finds one column only."""
    best, score = None, (0.0, 0)
    for form in forms:
        names, found = _score(lines, form, whole=whole)
        if found[1] > 1 and found > score:
            best, score = (form, names), found
    return best


def _aligned(lines: Sequence[str], *, whole: bool) -> tuple[Form, Sequence[str]] | None:
    """Return the aligned layout that fits best, runs of spaces before single ones, and its header."""
    by_share = [(*_score(lines, Form(separator=name), whole=whole), name) for name in (SPACES, WORDS)]
    names, (share, width), separator = max(by_share, key=lambda one: one[1][0] if one[1][1] > 1 else 0.0)
    return (Form(separator=separator), names) if width > 1 and share else None


def _separated(sample: str) -> list[Form]:
    """Return the separated layouts that the sample may have, the usual ones first: a later one must fit better."""
    present = [separator for separator in SEPARATORS if separator in sample]
    spaced = [separator for separator in present if separator + " " in sample]
    forms = [Form(separator=separator) for separator in present]
    forms += [Form(separator=separator, spaced=True) for separator in spaced]
    if "\\" in sample:
        forms += [replace(form, escape="\\") for form in forms]
    if "'" in sample:
        forms += [replace(form, quote="'") for form in forms]
    return forms


def _score(lines: Sequence[str], form: Form, *, whole: bool) -> tuple[Sequence[str], tuple[float, int]]:
    """Return the header and how well a layout fits: the share of records as wide as it, and its width."""
    records = [fields for _, fields, _ in islice(read_records(lines, form), _MOST_RECORDS)]
    if not whole and 1 < len(records) < _MOST_RECORDS:
        records.pop()  # it may be cut off
    records = [fields for fields in records if fields is None or any(fields)]
    header = records[0] if records else None
    if header is None:
        return (), (0.0, 0)
    alike = sum(fields is not None and len(fields) == len(header) for fields in records)
    return header, (alike / len(records), len(header))
