"""Numbers and ids as they are written: the SQL that reads them, and which decimal mark a column shows.

Read: 12.5 · 1,234.50 · 1 234,50 · 1.234,50 · 1'234.50 · -5 · −5 · 5- · (12.50) · $12.50 · USD 12.5 · 12,50 EUR · 12,-
A thousands separator must stand before three digits (or two, as in 1,23,456): with the decimal mark ".", `12,50` is
no number, and with "," `12.50` is none; guessing would be wrong by a factor of a hundred.
"""

from __future__ import annotations

_NO_ID = "('', 'nan', 'null', 'none', 'nil', 'n/a', '#n/a', '<na>', 'nat')"
# A sign such as €, three capitals, or the usual words; R$ and the like are letters before a sign.
_CURRENCY = r"(?:[A-Za-z]{0,3}\p{Sc}|[A-Z]{3}|[Kk]r\.?|zł|Kč|Ft|lei|Fr\.?)"
_MINUS = "−–-"
# Values that show the mark: one or two digits or more than three behind it, or both marks.
_SHOWS = {
    ",": r",([0-9]{1,2}|[0-9]{4,}|[-–−]{1,2})[^0-9]*$|\.[0-9]{3},",
    ".": r"\.([0-9]{1,2}|[0-9]{4,}|[-–−]{1,2})[^0-9]*$|,[0-9]{3}\.",
}


def is_id(column: str) -> str:
    """Return the SQL that says whether a column holds an id, not a blank or a word for nothing."""
    return f"coalesce(lower(trim({column}::VARCHAR)) NOT IN {_NO_ID}, false)"


def id_sql(column: str, kind: str, *, was_float: bool) -> str:
    """Return the SQL that reads an id of this DuckDB type as text exactly as written; null where it is none.

    was_float: a float export wrote the column, and its '.0' goes.
    """
    text = f"{column}::VARCHAR"
    if kind in ("DOUBLE", "FLOAT"):
        whole = f"{column} = floor({column}) AND abs({column}) < 1e18"
        text = f"CASE WHEN {whole} THEN {column}::BIGINT::VARCHAR ELSE {text} END"
    elif kind.startswith("DECIMAL"):
        text = f"regexp_replace({text}, '\\.0+$', '')"
    elif was_float:
        text = f"regexp_replace({column}, '\\.0$', '')"
    elif kind == "BLOB":
        text = f"decode({column})"
    return f"CASE WHEN {is_id(column)} THEN {text} END"


def shows_decimal(column: str, mark: str) -> str:
    """Return the SQL that says whether a text can only be read with this decimal mark."""
    return f"coalesce(regexp_matches({column}, '{_SHOWS[mark]}'), false)"


def number_sql(column: str, kind: str, decimal: str | None) -> str:
    """Return the SQL that reads a column of this DuckDB type as a finite DOUBLE, or null.

    decimal: "." or ","; None (not settled) reads as ".".
    """
    if kind != "VARCHAR":
        return _finite(f"try_cast({column} AS DOUBLE)")
    mark = "," if decimal == "," else "."
    return _finite(f"coalesce({_plain(column, mark)}, {_written(column, mark)})")


def _plain(column: str, mark: str) -> str:
    """Return the SQL for what needs no cleaning, which is nearly all."""
    if mark == ".":
        return f"try_cast({column} AS DOUBLE)"
    dotted = f"try_cast(replace({column}, ',', '.') AS DOUBLE)"
    return f"CASE WHEN NOT contains({column}, '.') THEN {dotted} END"


def _written(column: str, mark: str) -> str:
    """Return the SQL for what is written for people.

    No part of it may occur twice: DuckDB would take it out of its branch and work it out for every row.
    """
    space, group = "[\\s\\p{Z}]*", "[\\s\\p{Z}''’" + ("," if mark == "." else ".") + "]"
    point = "\\" + mark
    whole = f"(?:[0-9]{{1,3}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}}|[0-9]+)"
    number = f"({whole}(?:{point}[0-9]*)?|{point}[0-9]+)"
    before = f"{space}[(+{_MINUS}]?{space}(?:{_CURRENCY}{space}[+{_MINUS}]?{space})?"
    after = f"(?:{point}?[{_MINUS}]{{1,2}})?{space}(?:{_CURRENCY})?{space}[){_MINUS}]?{space}"
    found = f"regexp_extract({column}, '^{before}{number}{after}$', 1)"
    value = f"try_cast(replace(regexp_replace({found}, '[^0-9{mark}]', '', 'g'), ',', '.') AS DOUBLE)"
    signs = f"regexp_replace(regexp_replace({column}, '[.,][{_MINUS}]{{1,2}}', ''), '[^(){_MINUS}]', '', 'g')"
    known = ", ".join(f"'{sign}'" for sign in ("", "()", *_MINUS))
    return f"{value} * list_extract([1, -1, -1, -1, -1], list_position([{known}], {signs}))"


def _finite(value: str) -> str:
    return f"nullif(nullif(nullif({value}, 'nan'::DOUBLE), 'inf'::DOUBLE), '-inf'::DOUBLE)"
