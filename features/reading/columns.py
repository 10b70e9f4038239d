"""Column names of a source: refused where two are the same, compared where two files should be alike."""

from __future__ import annotations

from collections.abc import Sequence

from contracts.errors import DataError, nearest

_MOST_SHOWN = 8


def require_distinct(columns: Sequence[str], *, where: str) -> None:
    """Raise DataError if two columns have the same name; columns without a name may be many."""
    places: dict[str, int] = {}
    for place, column in enumerate(columns, start=1):
        if column and column in places:
            raise DataError(
                f"{where}: the header names '{_short(column)}' twice, as columns {places[column]} and {place}. "
                "Rename or drop one of them, so that it is clear which one is meant."
            )
        places[column] = place


def diff_of_columns(first: Sequence[str], other: Sequence[str]) -> str:
    """Return what `other` lacks of the columns of `first` and has beyond them; an empty string if nothing."""
    missing = [column for column in first if column not in other]
    new = [column for column in other if column not in first]
    parts = []
    if missing:
        parts.append("missing: " + _listed([f"'{_short(name)}'{_hint(name, new)}" for name in missing]))
    if new:
        parts.append("new: " + _listed([f"'{_short(name)}'" for name in new]))
    return "; ".join(parts)


def _hint(name: str, new: Sequence[str]) -> str:
    found = nearest(name, new).removeprefix(", ")
    return f" ({found})" if found else ""


def _listed(names: Sequence[str]) -> str:
    more = [f"and {len(names) - _MOST_SHOWN} more"] if len(names) > _MOST_SHOWN else []
    return ", ".join([*names[:_MOST_SHOWN], *more])


def _short(name: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in name[:40])
