"""Lifetime values of groups of customers: a published ranking, perhaps a file of groups, a table and a CSV file."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from campaigns.sheets import safe_cell
from contracts.errors import DataError, DeclarationError, nearest
from features.reading.columns import require_distinct
from features.reading.delimited import find_form, read_records
from features.reading.encodings import head_of, packing_of, read_text
from repurchase.orders_job import require_file_target
from repurchase.rankings import read_ranking

_ID = "customer_id"
_NO_TEXT = (b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"SQLite format 3\x00")


@dataclass(frozen=True)
class Totalled:
    """table: columns as serving.totals.TOTALS. manifest: the ranking's. by: what the groups are, in words.

    told: sentences about customers that are in no group, or groups that have no score.
    """

    table: pa.Table
    manifest: dict[str, Any]
    by: str
    level: float
    told: tuple[str, ...]


def totals(
    ranking: Path, *, groups: Path | None, by: str | None, level: float = 0.8, out: Path | None = None
) -> Totalled:
    """Add up a published ranking's lifetime values by group, and write them to `out`.

    groups: a CSV file of customer_id and one more column; by: which one if it has several. Without a file, `by` is a
    column of the scores; without either, all customers are one. Raises DataError for a wrong file of groups,
    DeclarationError for a wrong option, ArtifactError for a ranking that is not there, damaged or too old.
    """
    from serving import totals as rules

    if not 0.0 < level < 1.0:
        raise DeclarationError(f"--level {level:g} is no share. Write one between 0 and 1, such as 0.8.")
    if out is not None:
        require_file_target(out)
    given = None if groups is None else read_groups(groups, column=by)
    by_column = by if groups is None else None

    def wanted(schema: pa.Schema, manifest: dict[str, Any]) -> set[str]:
        if by_column is not None:
            rules.require_groups(schema, by_column)
        return {_ID, *rules.needed(schema.names, manifest), *([by_column] if by_column else ())}

    scores, manifest = read_ranking(ranking, columns=wanted)
    told: tuple[str, ...] = ()
    if given is not None and groups is not None:
        label = rules.by_customer(scores, given.table)
        told, words = _unmatched(scores, given.table, label, groups), given.column
    elif by is not None:
        label, words = rules.by_column(scores, by), by
        told = (f"'{by}' is empty in this ranking.",) if label.null_count == len(label) else ()
    else:
        label, words = pa.nulls(scores.num_rows, pa.string()), ""
    table = rules.totals(scores, manifest, group=label, level=level)
    found = Totalled(table if words else table.slice(table.num_rows - 1), manifest, words, level, told)
    if out is not None:
        _write(found, out)
    return found


@dataclass(frozen=True)
class Groups:
    """A file of groups: customer_id (unique) and group (null where nothing is written); the group column's name."""

    table: pa.Table
    column: str


def read_groups(path: Path, *, column: str | None = None) -> Groups:
    """Read a CSV file of customers and their groups, ids as text exactly as written.

    column: which one is the group, if there are several beside customer_id. Raises DataError with the line.
    """
    if not path.is_file():
        raise DataError(f"{path}: there is no such file. Give a CSV file with customer_id and a group.")
    ids: dict[str, int] = {}
    names: list[str | None] = []
    with tempfile.TemporaryDirectory(prefix="repurchase-") as folder:
        rows = _records(path, Path(folder))
        _, header = next(rows)
        chosen = _column_of(header, column, path)
        at, group_at = header.index(_ID), header.index(chosen)
        for line, fields in rows:
            customer = fields[at]
            if not customer.strip():
                raise DataError(f"{path}, line {line}: there is no {_ID}. Write it, or remove the line.")
            if customer in ids:
                raise DataError(
                    f"{path}: customer '{customer}' stands on lines {ids[customer]} and {line}. Keep one of them."
                )
            ids[customer] = line
            names.append(fields[group_at] if fields[group_at].strip() else None)
    if not ids:
        raise DataError(f"{path}: there is no row below the header. Export it again.")
    table = pa.table({_ID: list(ids), "group": names}, schema=_GROUPS)
    return Groups(table, chosen)


_GROUPS = pa.schema([pa.field(_ID, pa.string(), nullable=False), pa.field("group", pa.string())])


def _records(path: Path, folder: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the header and then each row that holds anything, with its line; DataError where it does not fit."""
    packing = packing_of(path)
    if head_of(path, packing).startswith(_NO_TEXT):
        raise DataError(f"{path}: this is no CSV file. Save the groups as CSV.")
    text = read_text(path, packing=packing, declared=None, folder=folder)
    form = find_form(text.sample, whole=text.whole, where=str(path))
    header = list(form.columns)
    require_distinct(header, where=str(path))
    yield form.skip + 1, header
    with text.open() as file, io.TextIOWrapper(file, encoding="utf-8-sig", newline="") as lines:
        records = read_records(lines, form)
        if form.header:
            next(fields for _, fields, _ in records if fields and any(fields))
        for line, fields, _ in records:
            if fields is None:
                raise DataError(f"{path}, line {line}: a quotation mark is not closed. Close or double it.")
            if not any(field.strip() for field in fields):
                continue
            if len(fields) != len(header) and not (len(fields) == len(header) + 1 and not fields[-1]):
                raise DataError(
                    f"{path}, line {line}: {len(fields)} fields where the header has {len(header)}. Correct the line."
                )
            yield line, list(fields)


def _column_of(header: list[str], asked: str | None, path: Path) -> str:
    """Return the column of the groups; DataError if customer_id or it cannot be told."""
    if _ID not in header:
        found = ", ".join(header[:8])
        raise DataError(f"{path}: there is no column {_ID} (found: {found}). Give that name to the ids.")
    others = [name for name in header if name and name != _ID]
    if asked is not None and asked not in others:
        raise DataError(
            f"{path}: there is no column '{asked}'{nearest(asked, others) or '.'} Found: {', '.join(others)}."
        )
    if asked is None and len(others) != 1:
        found = ", ".join(others[:8]) or "none"
        raise DataError(
            f"{path}: one column beside {_ID} is needed (found: {found}). Say which: --by COLUMN."
        )
    return asked or others[0]


def _unmatched(scores: pa.Table, given: pa.Table, label: pa.Array, path: Path) -> tuple[str, ...]:
    """Say who has no score and who has no group; DataError if nobody of the file has a score."""
    from serving.totals import NO_GROUP, without_score

    missing = without_score(scores, given)
    if len(missing) == given.num_rows:
        raise DataError(
            f"{path}: none of its {given.num_rows:,} customers has a score (the first: '{given[_ID][0]}'; in the "
            f"ranking: '{scores[_ID][0]}'). Write the ids exactly as they stand in the orders."
        )
    told = []
    if len(missing):
        told.append(
            f"{len(missing):,} of the {given.num_rows:,} customers in {path} have no score and are in no total "
            f"(the first: '{missing[0]}')."
        )
    absent = scores.num_rows - (given.num_rows - len(missing))
    if label.null_count:
        told.append(
            f"{label.null_count:,} of the {scores.num_rows:,} scored customers are in {NO_GROUP}: {absent:,} are not "
            f"in {path}, {label.null_count - absent:,} have no group there."
        )
    return tuple(told)


def _write(found: Totalled, out: Path) -> None:
    """Write the table as CSV (RFC 4180) with what it is about on each line; texts are no formulas."""
    from serving.disk import write_text

    manifest = found.manifest
    about = {
        "level": found.level,
        "clv_days": manifest["clv"]["days"],
        "currency": manifest["currency"],
        "as_of": manifest["as_of"],
        "model_version": manifest["model_version"],
    }
    sheet = io.StringIO(newline="")
    rows = csv.writer(sheet, quoting=csv.QUOTE_NONNUMERIC)
    rows.writerow([*found.table.column_names, *about])
    for row in found.table.to_pylist():
        rows.writerow([safe_cell(value) for value in (*row.values(), *about.values())])
    write_text(out, sheet.getvalue())
