"""CSV files for marketers: RFC 4180, ids as written, and no text that a spreadsheet takes for a formula."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from contracts.formulas import is_formula

_ROWS = 50_000


def write_csv(path: Path, table: pa.Table) -> None:
    """Write a table whole or not at all; lists become texts with | between, times are ISO 8601, nulls are empty."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.part")
    try:
        with fresh.open("w", encoding="utf-8", newline="") as sheet:
            rows = csv.writer(sheet)
            rows.writerow(table.column_names)
            rows.writerows(_rows(table))
            sheet.flush()
            os.fsync(sheet.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def safe_cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula; a whole number as text is none."""
    if isinstance(value, list):
        value = "|".join(str(one) for one in value)
    if not isinstance(value, str) or not is_formula(value):
        return value
    return f"'{value}"


def _rows(table: pa.Table) -> Iterator[list[Any]]:
    for batch in table.to_batches(max_chunksize=_ROWS):
        columns = [[safe_cell(value) for value in column.to_pylist()] for column in batch.columns]
        yield from map(list, zip(*columns, strict=True))
