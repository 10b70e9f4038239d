"""A sheet of a workbook (.xlsx, .xls, .ods) as a raw table.

The first visible sheet with a header is read unless one is named: `book.xlsx#Sheet name`. Lines of title may
stand above the header. Cells that are dates become times, numbers stay numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from contracts.errors import ArtifactError, DataError, nearest
from features.reading.cells import Cells
from features.reading.columns import require_distinct
from features.reading.raw_table import Raw

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

WORKBOOK_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_TITLE_ROWS = 30


@dataclass(frozen=True, kw_only=True)
class _Header:
    row: int
    first: int
    names: tuple[str, ...]


def load_workbook(con: duckdb.DuckDBPyConnection, number: int, path: Path, *, sheet: str | None) -> Raw:
    """Load one sheet as `raw_<number>`; DataError if it cannot be read, ArtifactError without the package."""
    book = _open(path)
    names = _sheets(book)
    if sheet is not None and sheet not in book.sheet_names:
        raise DataError(
            f"{path}: there is no sheet '{sheet}'{nearest(sheet, book.sheet_names) or '.'} "
            f"Its sheets are: {', '.join(book.sheet_names)}."
        )
    for name in [sheet] if sheet is not None else names:
        header = _find_header(list(islice(_rows(book, name, path), _TITLE_ROWS)))
        if header is not None:
            return _load(con, number, book, name, header, path, others=[] if sheet else names)
    where = (
        f"the sheet '{sheet}' has" if sheet is not None else f"none of the sheets ({', '.join(names)}) has"
    )
    raise DataError(
        f"{path}: {where} a header: a row of at least two names, all text. Write one above the rows."
    )


def _load(
    con: duckdb.DuckDBPyConnection,
    number: int,
    book: CalamineWorkbook,
    name: str,
    header: _Header,
    path: Path,
    *,
    others: Sequence[str],
) -> Raw:
    require_distinct(header.names, where=f"{path}, sheet '{name}'")
    width = len(header.names)
    cells = Cells(con, number, width=width)
    for place, row in enumerate(islice(_rows(book, name, path), header.row + 1, None), start=1):
        values = row[header.first : header.first + width]
        if any(value != "" for value in values):
            cells.add([*values, *[None] * (width - len(values))], source_row=place)
    return Raw(columns=header.names, types=cells.close(), notes=_left_out(book, name, others, path))


def _left_out(book: CalamineWorkbook, name: str, others: Sequence[str], path: Path) -> tuple[str, ...]:
    left = [
        other
        for other in others
        if other != name and _find_header(list(islice(_rows(book, other, path), _TITLE_ROWS)))
    ]
    if not left:
        return ()
    listed = ", ".join(f"'{other}'" for other in left)
    return (
        f"{path}: only the sheet '{name}' was read, not {listed}. Name a sheet as {path.name}#{left[0]}.",
    )


def _open(path: Path) -> CalamineWorkbook:
    try:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError
    except ImportError:
        raise ArtifactError(
            f"{path}: workbooks need the package python-calamine, which is not installed. "
            "Run `uv sync --group reading`, or save the sheet as CSV."
        ) from None
    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError:
        raise DataError(
            f"{path}: the workbook is protected by a password. Save a copy without one."
        ) from None
    except (CalamineError, OSError, ValueError) as error:
        raise DataError(
            f"{path}: this is no workbook that can be read ({_short(error)}); another kind of archive, or a "
            "damaged file. Save the sheet as CSV."
        ) from None


def _sheets(book: CalamineWorkbook) -> list[str]:
    """Return the names of the visible work sheets."""
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    return [
        one.name
        for one in book.sheets_metadata
        if one.visible == SheetVisibleEnum.Visible and one.typ == SheetTypeEnum.WorkSheet
    ]


def _rows(book: CalamineWorkbook, name: str, path: Path) -> Iterator[list[Any]]:
    from python_calamine import CalamineError

    try:
        yield from book.get_sheet_by_name(name).iter_rows()
    except (CalamineError, ValueError) as error:
        raise DataError(
            f"{path}: the sheet '{name}' cannot be read ({_short(error)}). Save it as CSV."
        ) from None


def _find_header(rows: Sequence[Sequence[Any]]) -> _Header | None:
    """Return the first row of names that is at least half as wide as the widest row near it."""
    widest = max((sum(value != "" for value in row) for row in rows), default=0)
    for place, row in enumerate(rows):
        filled = [i for i, value in enumerate(row) if value != ""]
        named = all(isinstance(row[i], str) and row[i].strip() for i in filled)
        if len(filled) >= 2 and 2 * len(filled) >= widest and named:
            first, last = filled[0], filled[-1]
            return _Header(row=place, first=first, names=tuple(str(v).strip() for v in row[first : last + 1]))
    return None


def _short(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]
