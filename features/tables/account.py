"""What became of every row of a table: kept, refused with a reason, merged, or later than asked for.

Personal data (e-mail, telephone) never reaches the quarantine: it is left out, and so is the text of a
misshapen line where the table holds any. The source row is given, so that the row can be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from features.identity.evidence import EVIDENCE, NO_EVIDENCE
from features.identity.keys import email_key_sql
from features.reading.dates import literal
from features.tables.gate import Gate
from features.tables.mapping import PERSONAL_PARTS

_ENCODINGS = {"latin-1": "Latin-1", "windows-1252": "Windows-1252"}


@dataclass(frozen=True, kw_only=True)
class TableReport:
    """The account of one table: read = kept + refused + merged + later.

    emptied: single values that were left out of kept rows, by column.
    """

    table: str
    files: tuple[str, ...]
    mapping: str
    read: int
    kept: int
    quarantined: dict[str, int]
    merged: dict[str, int]
    later: int
    emptied: dict[str, int]
    notes: tuple[str, ...]

    @property
    def refused(self) -> int:
        """Return the number of rows in quarantine."""
        return sum(self.quarantined.values())

    def sentences(self) -> list[str]:
        """Return the account in words, for the terminal."""
        parts = [f"{self.read:,} rows read", f"{self.kept:,} kept"]
        parts += [f"{count:,} refused ({reason})" for reason, count in self.quarantined.items()]
        parts += [f"{count:,} merged ({name})" for name, count in self.merged.items()]
        parts += [f"{self.later:,} later than asked for"] if self.later else []
        files = self.files[0] if len(self.files) == 1 else f"{len(self.files)} files"
        emptied = [
            f"{column}: {count:,} values could not be right and are empty."
            for column, count in self.emptied.items()
        ]
        return [f"{self.table} from {files}: {', '.join(parts)}.", *emptied, *self.notes]


@dataclass(frozen=True)
class TableReading:
    """The kept rows by the table's contract, the refused rows, and the account of both.

    evidence: which customer was first seen with which e-mail address on which day (features.identity EVIDENCE).
    since: the day from which each row is known, where the table says so (null: always).
    """

    rows: pa.Table
    quarantine: pa.Table
    report: TableReport
    evidence: pa.Table = field(default_factory=lambda: NO_EVIDENCE)
    since: pa.Array | None = None


def judge(gate: Gate, tests: Sequence[tuple[str, str]]) -> None:
    """Make table `judged`: the seen rows with the first `reason` whose test holds, and `merged` still null."""
    whens = " ".join(f"WHEN {test} THEN '{reason}'" for reason, test in tests)
    gate.con.execute(
        f"""CREATE TEMP TABLE judged AS
            SELECT *, CASE {whens} END AS reason, NULL::VARCHAR AS merged FROM seen"""
    )
    gate.con.execute("DROP TABLE seen")


def merge(gate: Gate, name: str, *, key: str, order: str = "source, source_row") -> None:
    """Keep the first row of each key, by this order, among the rows still kept; the others are merged."""
    gate.con.execute(
        f"""UPDATE judged SET merged = '{name}' FROM (
              SELECT source AS s, source_row AS r FROM judged WHERE reason IS NULL AND merged IS NULL
              QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY {order}) > 1)
            WHERE source = s AND source_row = r"""
    )


def count_emptied(gate: Gate, tests: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return, for each column, in how many kept rows its test holds."""
    counts = ", ".join(f"count(*) FILTER ({test})" for _, test in tests)
    found = gate.con.execute(f"SELECT {counts} FROM judged WHERE {KEPT}").fetchall()[0]
    return {column: count for (column, _), count in zip(tests, found, strict=True) if count}


KEPT = "reason IS NULL AND merged IS NULL"


def read_quarantine(gate: Gate) -> pa.Table:
    """Return the refused rows: reason, source_file, source_row, and the mapped columns as text."""
    parts = [part for part in gate.shape.parts if gate.has(part) and part not in PERSONAL_PARTS]
    selects = []
    for source, mapping in zip(gate.sources, gate.mappings, strict=True):
        raw = {
            part: f"c{source.columns.index(name)}::VARCHAR"
            for part, name in mapping.columns.items()
            if part in parts
        }
        fields = "".join(
            f", raw.{raw[part]} AS {part}" if part in raw else f", NULL AS {part}" for part in parts
        )
        selects.append(
            f"""SELECT reason, source, raw.source_row{fields} FROM {source.table} AS raw
                JOIN judged ON raw.source_row = judged.source_row
                WHERE judged.source = {source.number} AND reason IS NOT NULL"""
        )
    withheld = any(gate.has(part) for part in PERSONAL_PARTS)
    text = "NULL" if withheld else "text"
    blanks = "".join(f", {text if i == 0 else 'NULL'} AS {part}" for i, part in enumerate(parts))
    selects.append(f"SELECT 'malformed_row' AS reason, source, source_row{blanks} FROM malformed")
    paths = " ".join(f"WHEN {source.number} THEN {literal(source.path)}" for source in gate.sources)
    table = gate.con.sql(
        f"""SELECT reason, CASE source {paths} END AS source_file, * EXCLUDE (reason, source)
            FROM ({" UNION ALL ".join(selects)}) ORDER BY source, source_row, reason"""
    ).to_arrow_table()
    return table.cast(pa.schema([_field(field) for field in table.schema]))


def read_evidence(gate: Gate, *, day: str) -> pa.Table:
    """Return EVIDENCE of the kept rows that have an e-mail address; day: the SQL of the day of a row."""
    if not gate.has("email"):
        return NO_EVIDENCE
    found = gate.con.sql(
        f"""SELECT * FROM (SELECT customer_id AS own_id, {email_key_sql("email")} AS key, min({day}) AS first_day
                           FROM judged WHERE {KEPT} GROUP BY 1, 2)
            WHERE key IS NOT NULL ORDER BY own_id, key"""
    ).to_arrow_table()
    return found.cast(EVIDENCE).combine_chunks()


def build_report(
    gate: Gate, *, emptied: dict[str, int] | None = None, notes: Sequence[str] = ()
) -> TableReport:
    """Count everything; the parts must add up to what was read."""
    con = gate.con
    quarantined = dict(
        con.execute(
            """SELECT * FROM (SELECT reason, count(*) AS n FROM judged WHERE reason IS NOT NULL GROUP BY 1
               UNION ALL SELECT 'malformed_row', count(*) FROM malformed) WHERE n > 0 ORDER BY 1"""
        ).fetchall()
    )
    merged = dict(
        con.execute(
            """SELECT merged, count(*) FROM judged WHERE reason IS NULL AND merged IS NOT NULL
               GROUP BY 1 ORDER BY 1"""
        ).fetchall()
    )
    (kept,) = con.execute(f"SELECT count(*) FROM judged WHERE {KEPT}").fetchall()[0]
    report = TableReport(
        table=gate.shape.name,
        files=tuple(source.path for source in gate.sources),
        mapping=gate.mappings[0].name,
        read=gate.read,
        kept=kept,
        quarantined=quarantined,
        merged=merged,
        later=gate.later,
        emptied=emptied or {},
        notes=(*_guests(gate), *notes, *_of_sources(gate)),
    )
    whole = report.kept + report.refused + sum(merged.values()) + report.later
    assert report.read == whole, f"rows of {gate.shape.name} were lost while reading"
    return report


def _field(field: pa.Field) -> pa.Field:
    return pa.field(field.name, pa.int64() if field.name == "source_row" else pa.string())


def _guests(gate: Gate) -> list[str]:
    if not gate.guests:
        return []
    return [
        f"{gate.guests:,} rows have no customer id and belong to the customer of their hashed e-mail address."
    ]


def _of_sources(gate: Gate) -> list[str]:
    told = [note for source in gate.sources for note in source.notes]
    return told + [
        f"{source.path} is not UTF-8 and was read as {_ENCODINGS[source.encoding]}."
        for source in gate.sources
        if source.encoding in _ENCODINGS
    ]
