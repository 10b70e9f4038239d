"""The refused rows with their reason, where they stand in their source, and how they were written there."""

from __future__ import annotations

from collections.abc import Mapping as Dict

import duckdb
import pyarrow as pa

from features.cleaning.rules import CODES
from features.reading.mapping import Mapping
from features.reading.sources import Source

OURS = ("reason", "source_file", "source_row")
TAKEN = (*OURS, "source")


def read_quarantine(
    con: duckdb.DuckDBPyConnection, sources: list[Source], refused: pa.Table, *, numbered: bool = False
) -> pa.Table:
    """Return reason, source_file, source_row and the raw columns as text, of refused and malformed rows.

    refused: source, source_row, reason (a rule's code). numbered: the number of the source stands in front.
    """
    names = list(dict.fromkeys(column for source in sources for column in source.columns))
    con.register("refused", refused)
    con.register("rules", _rules())
    selects = [_refused_rows(source, names) for source in sources]
    blank = ", ".join(f"{'text' if i == 0 else 'NULL'} AS r{i}" for i in range(len(names)))
    selects.append(
        f"SELECT 'malformed_row', source, path, source_row, {blank} FROM malformed JOIN files USING (source)"
    )
    table = con.sql(
        f"SELECT * FROM ({' UNION ALL '.join(selects)}) ORDER BY source, source_row, reason"
    ).to_arrow_table()
    con.unregister("refused")
    con.unregister("rules")
    named = ["reason", "source", *OURS[1:], *(f"raw_{name}" if name in TAKEN else name for name in names)]
    table = table.rename_columns(named)
    return table if numbered else table.drop_columns(["source"])


def quarantine_of(
    written: pa.Table, refused: pa.Table, late: pa.Table, *, paths: Dict[int, str], mapping: Mapping
) -> pa.Table:
    """Return the same of prepared rows.

    written: the numbered rows that a row rule refused, as they were written; late: the typed rows that only a rule
    which looks at other rows refuses: their values stand under the columns that the mapping names.
    """
    names = [name for name in written.column_names if name not in TAKEN]
    parts = {column: part for part, column in mapping.columns.items() if part in late.column_names}
    read = ", ".join(
        f"{f'{parts[name]}::VARCHAR' if name in parts else 'NULL'} AS r{i}" for i, name in enumerate(names)
    )
    as_written = ", ".join(f'"{name.replace(chr(34), chr(34) * 2)}" AS r{i}' for i, name in enumerate(names))
    with duckdb.connect() as con:
        con.register("written", written)
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


def _refused_rows(source: Source, names: list[str]) -> str:
    raw = {column: f"c{i}::VARCHAR" for i, column in enumerate(source.columns)}
    fields = ", ".join(f"{raw.get(name, 'NULL::VARCHAR')} AS r{i}" for i, name in enumerate(names))
    return f"""SELECT rule AS reason, {source.number} AS source, path AS source_file, source_row, {fields}
               FROM {source.table} JOIN refused USING (source_row) JOIN files ON files.source = {source.number}
               JOIN rules ON refused.reason = rules.code WHERE refused.source = {source.number}"""
