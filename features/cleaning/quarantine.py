"""The refused rows with their reason, where they stand in their source, and how they were written there.

E-mail addresses and the columns that the mapping knows as personal are not copied: they show `(hidden)`.
"""

from __future__ import annotations

from collections.abc import Mapping as Dict
from collections.abc import Sequence

import duckdb
import pyarrow as pa

from features.cleaning.rules import CODES, Reading
from features.cleaning.sql import cursor
from features.reading.mapping import Mapping
from features.reading.presets import PERSONAL

OURS = ("reason", "source_file", "source_row")
TAKEN = (*OURS, "source")
_ADDRESS = r"[^\s,;|<>()\x22\x27]+@[^\s,;|<>()\x22\x27]+"
_HIDDEN = "'(hidden)'"


def read_quarantine(
    con: duckdb.DuckDBPyConnection, readings: Sequence[Reading], refused: pa.Table, *, numbered: bool = False
) -> pa.Table:
    """Return reason, source_file, source_row and the raw columns as text, of refused and malformed rows.

    refused: source, source_row, reason (a rule's code). numbered: the number of the source stands in front.
    """
    named = [_named(reading.source.columns) for reading in readings]
    names = list(dict.fromkeys(name for columns in named for name in columns))
    con.register("refused", refused)
    con.register("rules", _rules())
    selects = [_refused_rows(one, columns, names) for one, columns in zip(readings, named, strict=True)]
    blank = ", ".join(
        f"{_without_addresses('text') if i == 0 else 'NULL'} AS r{i}" for i in range(len(names))
    )
    selects.append(
        f"SELECT 'malformed_row', source, path, source_row, {blank} FROM malformed JOIN files USING (source)"
    )
    table = con.sql(
        f"SELECT * FROM ({' UNION ALL '.join(selects)}) ORDER BY source, source_row, reason"
    ).to_arrow_table()
    con.unregister("refused")
    con.unregister("rules")
    table = table.rename_columns(["reason", "source", *OURS[1:], *names])
    return table if numbered else table.drop_columns(["source"])


def quarantine_of(
    written: pa.Table, refused: pa.Table, late: pa.Table, *, paths: Dict[int, str], mapping: Mapping
) -> pa.Table:
    """Return the same of prepared rows.

    written: the numbered rows that a row rule refused, as they were written; late: the typed rows that only a rule
    which looks at other rows refuses: their values stand under the columns that the mapping names. paths: of the
    sources, by their numbers.
    """
    names = [name for name in written.column_names if name not in TAKEN]
    parts = {_free(column): part for part, column in mapping.columns.items() if part in late.column_names}
    read = ", ".join(
        f"{f'{parts[name]}::VARCHAR' if name in parts else 'NULL'} AS r{i}" for i, name in enumerate(names)
    )
    as_written = ", ".join(f"r{i}" for i in range(len(names)))
    # DuckDB does not tell `Amount` from `amount`, and knows no column without a name.
    numbered = written.select([*TAKEN, *names]).rename_columns(
        [*TAKEN, *(f"r{i}" for i in range(len(names)))]
    )
    with cursor() as con:
        con.register("written", numbered)
        con.register("refused", refused)
        con.register("late", late)
        con.register("rules", _rules())
        con.register("paths", pa.table({"source": list(paths), "path": list(paths.values())}))
        table = con.sql(
            f"""WITH rows AS (
                  SELECT source, source_row, {as_written} FROM written WHERE reason <> 'malformed_row'
                  UNION ALL SELECT source, source_row, {read} FROM late)
                SELECT rule AS reason, source, path AS source_file, source_row, rows.* EXCLUDE (source, source_row)
                FROM rows JOIN refused USING (source, source_row) JOIN paths USING (source)
                JOIN rules ON refused.reason = rules.code
                UNION ALL
                SELECT reason, source, source_file, source_row, {as_written} FROM written
                WHERE reason = 'malformed_row'
                ORDER BY source, source_row, reason"""
        ).to_arrow_table()
    return table.drop_columns(["source"]).rename_columns([*OURS, *names])


def _rules() -> pa.Table:
    return pa.table({"code": pa.array(CODES.values(), pa.int8()), "rule": pa.array(CODES, pa.string())})


def _named(columns: Sequence[str]) -> Dict[str, int]:
    """Return the place of each column by its name here, which is neither ours, nor empty, nor taken."""
    places: dict[str, int] = {}
    for place, column in enumerate(columns):
        name = _free(column or f"column_{place + 1}")
        while name in places:
            name = f"raw_{name}"
        places[name] = place
    return places


def _free(column: str) -> str:
    return f"raw_{column}" if column in TAKEN else column


def _refused_rows(reading: Reading, places: Dict[str, int], names: Sequence[str]) -> str:
    source = reading.source
    hidden = {source.place_of(reading.mapping.columns.get(part)) for part in PERSONAL}
    raw = {name: _shown(f"c{place}", hide=place in hidden) for name, place in places.items()}
    fields = ", ".join(f"{raw.get(name, 'NULL::VARCHAR')} AS r{i}" for i, name in enumerate(names))
    return f"""SELECT rule AS reason, {source.number} AS source, path AS source_file, source_row, {fields}
               FROM {source.table} JOIN refused USING (source_row) JOIN files ON files.source = {source.number}
               JOIN rules ON refused.reason = rules.code WHERE refused.source = {source.number}"""


def _shown(column: str, *, hide: bool) -> str:
    if hide:
        return f"CASE WHEN trim({column}::VARCHAR) <> '' THEN {_HIDDEN} END"
    return _without_addresses(f"{column}::VARCHAR")


def _without_addresses(text: str) -> str:
    return f"CASE WHEN contains({text}, '@') THEN regexp_replace({text}, '{_ADDRESS}', {_HIDDEN}, 'g') ELSE {text} END"
