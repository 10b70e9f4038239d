"""Small shops of people with several ids, and the plain way to find who is who."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa
from hypothesis import strategies as st

from features.identity.evidence import EVIDENCE
from features.identity.links import LINK_TABLE, Links

Row = tuple[str, str, int]

IDS = st.sampled_from([f"c{i}" for i in range(12)])
DAYS = st.integers(0, 12)
KEYS = st.sampled_from([f"email:{i}" for i in range(6)] + [f"phone:{i}" for i in range(3)])
EVIDENCE_ROWS = st.lists(st.tuples(IDS, KEYS, DAYS), max_size=30)
LINK_ROWS = st.lists(st.tuples(IDS, IDS, DAYS), max_size=12)
FIRST_DAYS = st.dictionaries(IDS, DAYS)
APART = st.lists(st.tuples(IDS, IDS).filter(lambda pair: pair[0] != pair[1]), max_size=4)


def evidence(rows: Iterable[Row]) -> pa.Table:
    """Return (own_id, key, first_day) rows as EVIDENCE."""
    return pa.Table.from_pylist(
        [dict(zip(EVIDENCE.names, row, strict=True)) for row in rows], schema=EVIDENCE
    )


def link_table(rows: Iterable[tuple[str, str, int | None]]) -> pa.Table:
    """Return (id_a, id_b, known_day) rows as LINK_TABLE."""
    return pa.Table.from_pylist(
        [dict(zip(LINK_TABLE.names, row, strict=True)) for row in rows], schema=LINK_TABLE
    )


def links_of(rows: Sequence[Row], explicit: Sequence[Row] = (), *, most: int = 4) -> Links:
    """Return the links of evidence and of a link table."""
    found = Links.of_evidence(evidence(rows), most_ids_per_key=most)
    return Links.combined([found, Links.of_table(link_table(explicit))])


def until(rows: Iterable[Row], day: int) -> list[Row]:
    """Return the rows of a day and before."""
    return [row for row in rows if row[2] <= day]


def rows_of(links: Links) -> list[tuple[int, str, str, str]]:
    """Return links as (known_day, a, b, why)."""
    columns = (links.known_day, links.a, links.b, links.why)
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def plain_components(
    rows: Sequence[tuple[int, str, str, str]],
    first_days: Mapping[str, int],
    day: int,
    apart: Sequence[tuple[str, str]] = (),
) -> dict[str, str]:
    """Find own id -> canonical id by relabelling again and again, one link after the other."""
    group = {own: {own} for _, a, b, _ in rows for own in (a, b)}
    linked = set()
    for known_day, a, b, _ in sorted(rows):
        if known_day > day:
            continue
        linked |= {a, b}
        together = group[a] | group[b]
        if any(one in together and other in together for one, other in apart):
            continue
        for own in together:
            group[own] = together
    known = {own: first for own, first in first_days.items() if first <= day}
    return {own: min(group[own], key=lambda one: (known.get(one, 10**9), one)) for own in linked}
