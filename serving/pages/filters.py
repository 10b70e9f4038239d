"""The filter in the address of a page, as the API has it: read, checked, and written back in its shortest form."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode

from contracts.errors import nearest
from serving.pages.numbers import number_of
from serving.problems import Problem
from serving.stored.choices import unknown_choice
from serving.stored.where import Where

CHOICES = ("tier", "lifecycle", "segment", "country", "confidence")
NUMBERS = ("percentile_min", "percentile_max", "value_min", "value_max", "p_min", "p_max")
DATES = ("last_order_from", "last_order_to")
NAMES = {
    "tier": "tier",
    "lifecycle": "lifecycle stage",
    "segment": "segment",
    "country": "country",
    "confidence": "confidence",
    "percentile_min": "lowest percentile",
    "percentile_max": "highest percentile",
    "value_min": "lowest value",
    "value_max": "highest value",
    "p_min": "lowest chance",
    "p_max": "highest chance",
    "last_order_from": "last order from",
    "last_order_to": "last order until",
}
_LONGEST_SEARCH = 200

Pairs = list[tuple[str, str]]


def where_of(asked: Iterable[tuple[str, str]], known: Mapping[str, list[str]]) -> Where:
    """Return the filter of an address; what is empty is not asked. Problem 422 for what cannot be meant.

    asked: names and values, as often as they stand there. known: the texts that the ranking has, Store.values().
    """
    given: dict[str, list[str]] = {}
    for name, value in asked:
        if value.strip():
            given.setdefault(name, []).append(value.strip())
    found: dict[str, Any] = {}
    for name in CHOICES:
        found[name] = _chosen(name, given.get(name, []), known.get(name, []))
    for name in NUMBERS:
        found[name] = _one(name, given, number_of)
    for name in DATES:
        found[name] = _one(name, given, date.fromisoformat)
    search = given.get("search", [""])[-1]
    if len(search) > _LONGEST_SEARCH:
        raise Problem(422, f"Search for at most {_LONGEST_SEARCH} letters.")
    return Where(**found, search=search)


def pairs_of(where: Where) -> Pairs:
    """Return the filter as names and values for an address; nothing for what is not asked."""
    pairs = [(name, value) for name in CHOICES for value in getattr(where, name)]
    for name in (*NUMBERS, *DATES):
        value = getattr(where, name)
        if value is not None:
            pairs.append((name, f"{value:.15g}" if isinstance(value, float) else value.isoformat()))
    return [*pairs, *([("search", where.search)] if where.search else [])]


def address(path: str, where: Where, **more: str | int | None) -> str:
    """Return the address of a page with a filter."""
    pairs = [*pairs_of(where), *((name, str(value)) for name, value in more.items() if value is not None)]
    return f"{path}?{urlencode(pairs)}" if pairs else path


def told(where: Where) -> list[str]:
    """Return the filter in words, one part each: `tier: focus or cultivate`."""
    parts = [
        f"{NAMES[name]}: {' or '.join(getattr(where, name))}" for name in CHOICES if getattr(where, name)
    ]
    for name in (*NUMBERS, *DATES):
        value = getattr(where, name)
        if value is not None:
            parts.append(
                f"{NAMES[name]}: {value:,.15g}" if isinstance(value, float) else f"{NAMES[name]}: {value}"
            )
    return [*parts, *([f"customer begins with “{where.search}”"] if where.search else [])]


def crossed(where: Where) -> str | None:
    """Return which bounds let nobody through, in words; None if there are none.

    It is no error: while a number is being typed, its first digits often cross the other bound.
    """
    if where.crossed is None:
        return None
    low, high = where.crossed
    return f"The {NAMES[low]} lies above the {NAMES[high]}."


def _chosen(name: str, values: list[str], known: list[str]) -> tuple[str, ...]:
    found = unknown_choice(name, values, {name: known})
    if found:
        wrong, names = found
        raise Problem(
            422,
            f"There is no such {NAMES[name]}{nearest(wrong, names) or '.'} There are: {', '.join(names)}.",
        )
    nobodys = [one for one in dict.fromkeys(values) if one not in known]
    return (*(one for one in known if one in values), *nobodys)


def _one(name: str, given: Mapping[str, list[str]], read: Callable[[str], Any]) -> Any:
    if name not in given:
        return None
    try:
        return read(given[name][-1])
    except ValueError:
        what = "date, such as 1998-06-30" if name in DATES else "number written with a point, such as 12.5"
        raise Problem(422, f"The {NAMES[name]} is not a {what}.") from None
