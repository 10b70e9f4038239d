"""Who was merged with whom, since when and why: a table for a file, and the counts for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.identity.components import Ints, joining, places
from features.identity.evidence import ALWAYS
from features.identity.links import Links
from features.kernel.buffers import as_arrow

# One row for each own id for which another id stands.
MERGES = pa.schema(
    [
        pa.field("canonical", pa.string(), nullable=False),
        pa.field("own_id", pa.string(), nullable=False),
        pa.field("since", pa.date32()),  # first linked to another id of this person; null: always
        pa.field("why", pa.string(), nullable=False),  # email, phone or the name of the link table
        pa.field("key_hash", pa.string()),  # the beginning of the hash of the shared key
    ]
)
SUSPICIOUS_IDS = 10
_HASH_LETTERS = 8
_PEOPLE_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class MergeReport:
    """The merges known on a day.

    ids: own ids of people with several. by_kind: ids for which another stands, by what first linked them.
    suspicious: (canonical, number of ids) of people with more than SUSPICIOUS_IDS ids, the largest first.
    left_out: links that are known and would bring a kept-apart pair together.
    """

    merges: pa.Table
    people: int
    ids: int
    largest: int
    by_kind: dict[str, int]
    suspicious: tuple[tuple[str, int], ...]
    poisoned: int
    left_out: int

    def sentences(self) -> list[str]:
        """Return the counts in words, for the terminal."""
        if not self.people:
            found = ["No person was found under several ids."]
        else:
            kinds = ", ".join(f"{count:,} by {kind}" for kind, count in self.by_kind.items())
            found = [
                f"{self.people:,} people have several ids, {self.ids:,} in all, at most {self.largest:,}; "
                f"ids merged: {kinds}."
            ]
        if self.suspicious:
            shown = ", ".join(f"{own} ({count:,})" for own, count in self.suspicious[:_PEOPLE_SHOWN])
            more = len(self.suspicious) - _PEOPLE_SHOWN
            found.append(
                f"{len(self.suspicious):,} people have more than {SUSPICIOUS_IDS} ids: {shown}"
                f"{f' and {more:,} more' if more > 0 else ''}. Look at them; pairs can be kept apart."
            )
        if self.poisoned:
            found.append(f"{self.poisoned:,} keys are shared by too many ids and link no more.")
        if self.left_out:
            found.append(f"{self.left_out:,} links are left out to keep pairs apart.")
        return found


def merge_report(links: Links, canonical: Mapping[str, str], *, until: int) -> MergeReport:
    """Return the report of `components(links, until=until, …)`."""
    known = links.until(until)
    every = pc.unique(pa.concat_arrays([known.a, known.b]))
    ids = every.take(pc.sort_indices(every))
    a, b = places(known.a, ids), places(known.b, ids)
    joins = joining(known, a, b, ids)
    names = ids.to_pylist()
    stands = [canonical[own] for own in names]
    merged = np.array([own != one for own, one in zip(names, stands, strict=True)], dtype=np.bool_)
    first = _first_links(a, b, joins, len(names))
    rows = np.flatnonzero(merged)
    merges = _table(
        known, ids.take(as_arrow(rows, pa.int64())), [stands[i] for i in rows.tolist()], first[rows]
    )
    sizes = {one: count for one, count in Counter(stands).items() if count > 1}
    suspicious = sorted(
        ((one, count) for one, count in sizes.items() if count > SUSPICIOUS_IDS), key=lambda x: (-x[1], x[0])
    )
    return MergeReport(
        merges=merges,
        people=len(sizes),
        ids=sum(sizes.values()),
        largest=max(sizes.values(), default=0),
        by_kind=dict(sorted(Counter(merges["why"].to_pylist()).items())),
        suspicious=tuple(suspicious),
        poisoned=known.poisoned.num_rows,
        left_out=int(np.count_nonzero(~joins)),
    )


def _first_links(a: Ints, b: Ints, joins: NDArray[np.bool_], count: int) -> Ints:
    """Return for each id the first link that joins it to another one."""
    first = np.full(count, len(a), dtype=np.int64)
    rows = np.flatnonzero(joins)
    np.minimum.at(first, np.concatenate((a[rows], b[rows])), np.concatenate((rows, rows)))
    return first


def _table(known: Links, own: pa.Array, stands: list[str], first: Ints) -> pa.Table:
    rows = as_arrow(first, pa.int64())
    why = known.why.take(rows)
    days = known.known_day.take(rows)
    always = pc.equal(days, ALWAYS)
    kinds = [one.split(":")[0] for one in why.to_pylist()]
    hashes = [one.split(":")[1][:_HASH_LETTERS] if ":" in one else None for one in why.to_pylist()]
    table = pa.Table.from_arrays(
        [
            pa.array(stands, pa.string()),
            own,
            pc.if_else(always, None, days).cast(pa.int32()).cast(pa.date32()),
            pa.array(kinds, pa.string()),
            pa.array(hashes, pa.string()),
        ],
        schema=MERGES,
    )
    return table.sort_by([("canonical", "ascending"), ("own_id", "ascending")]).combine_chunks()
