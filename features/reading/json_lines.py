"""JSON Lines as a raw table: one object per line, every value as text exactly as it is written.

Numbers never pass through a float: 12345678901234567890 and 1.10 stay so. An object inside an object becomes
columns such as `customer.id`; a list stays JSON text. A key that a line lacks is null there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import duckdb

from contracts.errors import DataError
from features.reading.raw_table import Raw, RawTable

_MOST_COLUMNS = 2_000


class _Written(str):
    """A number as it is written."""


_DECODER = json.JSONDecoder(parse_float=_Written, parse_int=_Written, parse_constant=_Written)


def is_json_lines(sample: str) -> bool:
    """Tell whether the first line with text begins a JSON object or list."""
    start = sample.lstrip()
    return start.startswith(("{", "[{", "[\n", "[\r"))


def is_object(text: str) -> bool:
    """Tell whether a line is a JSON object."""
    return _row(text, {}) is not None


def load_json_lines(
    con: duckdb.DuckDBPyConnection, number: int, lines: Iterable[str], *, where: str, encoding: str
) -> Raw:
    """Load the objects as `raw_<number>`, what is none into `malformed`; DataError if the first line is none."""
    places: dict[str, int] = {}
    table = RawTable(con, number, width=0)
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        row = _row(text, places)
        if row is None:
            if not table.rows:
                raise _no_json_lines(where, line)
            table.set_aside(text, line=line)
            continue
        _require_few(len(places), where=where, line=line)
        table.add(row)
    table.flush()
    return Raw(columns=tuple(places), types=("VARCHAR",) * len(places), encoding=encoding)


def _row(text: str, places: dict[str, int]) -> list[str | None] | None:
    """Return a line's values in the order of `places`, which learns new keys; None if it is no object."""
    try:
        entry = _DECODER.decode(text)
        flat = [(key, _text(value)) for key, value in _flat(entry, "")] if isinstance(entry, dict) else None
    except (ValueError, RecursionError):
        return None
    if flat is None:
        return None
    row: list[str | None] = [None] * len(places)
    for key, value in flat:
        place = places.setdefault(key, len(places))
        if place >= len(row):
            row.append(None)
        row[place] = value
    return row


def _flat(entry: dict[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    for key, value in entry.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _text(value: Any) -> str | None:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _json(value)


def _json(value: Any) -> str:
    """Return a list as JSON, its numbers as they were written."""
    if isinstance(value, _Written):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(_json(part) for part in value)}]"
    if isinstance(value, dict):
        parts = (f"{json.dumps(key, ensure_ascii=False)}: {_json(part)}" for key, part in value.items())
        return f"{{{', '.join(parts)}}}"
    return json.dumps(value, ensure_ascii=False)


def _require_few(width: int, *, where: str, line: int) -> None:
    if width > _MOST_COLUMNS:
        raise DataError(
            f"{where}, line {line}: the objects have more than {_MOST_COLUMNS:,} different keys. Ids or dates "
            "seem to stand where column names belong; write one object per order line."
        )


def _no_json_lines(where: str, line: int) -> DataError:
    return DataError(
        f"{where}, line {line}: this is JSON, but not one object per line (JSON Lines). Write each order line as "
        "one object on a line of its own, for example with jq -c '.[]'."
    )
