"""The holidays and platform events ahead."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from campaigns.calendar import Occasion, country_code, events_between, holidays_between
from contracts.days import to_date

CALENDAR = pa.schema(
    [
        pa.field("first", pa.date32(), nullable=False),
        pa.field("last", pa.date32(), nullable=False),
        pa.field("days_ahead", pa.int64(), nullable=False),  # until it begins; below 1: it has begun
        pa.field("label", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # platform, gift, season, holiday
        pa.field("regions", pa.list_(pa.string()), nullable=False),  # none: everywhere
        pa.field("says", pa.string(), nullable=False),
    ]
)


def days_ahead(
    as_of: int, *, days: int, country: str | None = None, path: Path | None = None
) -> tuple[Occasion, ...]:
    """Return what touches the days as_of + 1 … as_of + days: events, and holidays if there is a country.

    country: code or English name. path: events of the shop's own. Raises DeclarationError, ArtifactError.
    """
    first, last = as_of + 1, as_of + days
    if country is None:
        return events_between(first, last, path=path)
    events = events_between(first, last, country=country_code(country), path=path)
    return tuple(sorted((*events, *holidays_between(first, last, country=country))))


def calendar_table(found: Sequence[Occasion], *, as_of: int) -> pa.Table:
    """Return CALENDAR."""
    rows = [
        {
            "first": to_date(one.first),
            "last": to_date(one.last),
            "days_ahead": one.first - as_of,
            "label": one.label,
            "kind": one.kind,
            "regions": list(one.regions),
            "says": one.says,
        }
        for one in found
    ]
    return pa.Table.from_pylist(rows, schema=CALENDAR)
