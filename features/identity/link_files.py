"""Explicit links and the pairs to keep apart, from files.

A link table has two ids and, where it says so, since when they are known to be one person:

    id_a,id_b,known_at

| reason | a row is refused because |
|---|---|
| malformed_row | it has more or fewer fields than the header |
| unreadable_date | it says when it was known, and this cannot be read |
| missing_id | it names fewer than two ids |
| same_id | it links an id with itself |

Pairs to keep apart stand in a CSV file with the columns id_a and id_b, or in TOML:

    pairs = [["1001", "1002"]]
"""

from __future__ import annotations

import csv
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from contracts.errors import DataError, DeclarationError, nearest
from features.identity.links import LINK_TABLE, Links, Pair
from features.tables.account import KEPT, TableReport, build_report, judge, merge, read_quarantine
from features.tables.gate import Files, opened
from features.tables.mapping import Part, Shape, TableMapping
from features.tables.values import day_of

SHAPE = Shape(
    name="links",
    parts={
        "id_a": Part(kind="id", names=("id_a", "customer_id_a", "customer_a", "id", "id_1", "old_id", "customer_id")),
        "id_b": Part(
            kind="id",
            names=("id_b", "customer_id_b", "customer_b", "id_2", "new_id", "merged_into", "other_id", "linked_id"),
        ),
        "known_at": Part(kind="time", names=("known_at", "known_day", "linked_at", "merged_at", "created_at", "date")),
    },
    needs=(("id_a",), ("id_b",)),
    known_by=("known_at",),
)  # fmt: skip
_APART_COLUMNS = ("id_a", "id_b")


@dataclass(frozen=True)
class LinksReading:
    """The links of a table, the refused rows, and the account of both."""

    links: Links
    quarantine: pa.Table
    report: TableReport


def read_links(
    source: Files, *, mapping: TableMapping | None = None, until: int, timezone: str, why: str = "table"
) -> LinksReading:
    """Read link tables up to the end of day `until`; `why` is the name that the merge report gives them.

    Links without a time count as always known. Raises DataError, DeclarationError.
    """
    with opened(source, shape=SHAPE, mapping=mapping, until=until, timezone=timezone) as gate:
        judge(
            gate,
            [
                ("unreadable_date", "has_known_at AND known_at IS NULL"),
                ("missing_id", "id_a IS NULL OR id_b IS NULL"),
                ("same_id", "id_a = id_b"),
            ],
        )
        pair = "least(id_a, id_b), greatest(id_a, id_b)"
        merge(gate, "same_link", key=pair, order="since NULLS FIRST, source, source_row")
        rows = gate.con.sql(
            f"SELECT id_a, id_b, {day_of('since')} AS known_day FROM judged WHERE {KEPT} ORDER BY id_a, id_b"
        ).to_arrow_table()
        dated = "" if gate.has("known_at") else "The links have no time: they are taken as always known."
        report = build_report(gate, notes=[dated] if dated else [])
        return LinksReading(Links.of_table(rows.cast(LINK_TABLE), why=why), read_quarantine(gate), report)


def read_apart(path: str | Path) -> tuple[Pair, ...]:
    """Read the pairs of ids that are to be kept apart, sorted; raise DataError or DeclarationError."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: the pairs cannot be read ({error}). Give a UTF-8 file.") from None
    rows = _of_toml(path, text) if Path(path).suffix == ".toml" else _of_csv(path, text)
    found = set()
    for number, row in enumerate(rows, start=1):
        if len(row) != 2 or not all(isinstance(own, str) and own.strip() for own in row) or row[0] == row[1]:
            raise DataError(f"{path}: pair {number} is {row!r}. Each pair is two different ids, as text.")
        found.add((min(row), max(row)))
    return tuple(sorted(found))


def _of_toml(path: str | Path, text: str) -> list[Any]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DeclarationError(f"{path}: this is not TOML ({error}). Correct that line.") from None
    for key in content:
        if key != "pairs":
            raise DeclarationError(
                f"{path}: unknown key '{key}'{nearest(key, ['pairs']) or '.'} Known: pairs."
            )
    pairs = content.get("pairs", [])
    if not isinstance(pairs, list) or not all(isinstance(pair, list) for pair in pairs):
        raise DeclarationError(f'{path}: pairs is a list of lists: pairs = [["1001", "1002"]].')
    return pairs


def _of_csv(path: str | Path, text: str) -> list[Any]:
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if not rows or tuple(name.strip() for name in rows[0]) != _APART_COLUMNS:
        found = ", ".join(rows[0][:5]) if rows else "nothing"
        raise DataError(f"{path}: the header is {found}. Write id_a,id_b.")
    return rows[1:]
