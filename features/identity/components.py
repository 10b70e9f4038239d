"""The own ids of one person on a day, the one id that stands for them, and how that changes with time.

The canonical id of a person is the member with the earliest order known by then, of equals the smallest id.
People only merge with time: an id's company on a day is part of its company on any later day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.identity.links import Links, Pair
from features.identity.merging import NO_ORDER, changes_of
from features.kernel.buffers import as_arrow, as_numpy

HISTORY = pa.schema(
    [
        pa.field("own_id", pa.string(), nullable=False),
        pa.field("from_day", pa.int32(), nullable=False),  # from this day on …
        pa.field("canonical", pa.string(), nullable=False),  # … this id stands for it; before, it itself does
    ]
)
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class _Graph:
    """The linked ids as codes in the order of the ids, and the links that join, in their order."""

    ids: pa.Array
    a: Ints
    b: Ints
    day: Ints
    first_order: Ints

    @staticmethod
    def of(links: Links, first_days: Mapping[str, int]) -> _Graph:
        every = pc.unique(pa.concat_arrays([links.a, links.b]))
        ids = every.take(pc.sort_indices(every))
        a, b = (places(column, ids) for column in (links.a, links.b))
        day = as_numpy(links.known_day).astype(np.int64)
        joins = joining(links, a, b, ids)
        first = np.array([first_days.get(own, NO_ORDER) for own in ids.to_pylist()], dtype=np.int64)
        return _Graph(ids, a[joins], b[joins], day[joins], first)

    def labels(self) -> Ints:
        """Return for each id the number of its component."""
        return _labels(self.a, self.b, len(self.ids))


def components(links: Links, *, until: int, first_days: Mapping[str, int]) -> dict[str, str]:
    """Return own id -> canonical id at the end of day `until`, for every id that is linked by then.

    first_days: own id -> first order day; days after `until` are not known then. All other ids stand for
    themselves.
    """
    graph = _Graph.of(links.until(until), first_days)
    if not len(graph.ids):
        return {}
    label = graph.labels()
    known = np.where(graph.first_order <= until, graph.first_order, NO_ORDER)
    order = np.lexsort((known, label))  # stable: of equal days the smallest id comes first
    heads = order[np.flatnonzero(np.diff(label[order], prepend=-1))]
    canonical = graph.ids.take(as_arrow(heads[label], pa.int64()))
    return dict(zip(graph.ids.to_pylist(), canonical.to_pylist(), strict=True))


def history_of(links: Links, *, first_days: Mapping[str, int]) -> pa.Table:
    """Return HISTORY: the days on which the canonical id of an own id changes, sorted by (own_id, from_day).

    Cutting it at a day gives the history of what is known on that day.
    """
    graph = _Graph.of(links, first_days)
    members, days, canonical = changes_of(graph.a, graph.b, graph.day, graph.first_order)
    order = np.lexsort((days, members))
    columns = [
        graph.ids.take(as_arrow(members[order], pa.int64())),
        as_arrow(days[order].astype(np.int32), pa.int32()),
        graph.ids.take(as_arrow(canonical[order], pa.int64())),
    ]
    return pa.Table.from_arrays(columns, schema=HISTORY)


def groups_of(links: Links, *, kept_apart: bool = False) -> tuple[pa.Array, Ints]:
    """Return the linked ids, sorted, and a number for each, equal for the ids of one component, from 0 on.

    kept_apart: without the links that would bring a kept-apart pair together.
    """
    graph = _Graph.of(links, {})
    if kept_apart:
        return graph.ids, graph.labels()
    ids = graph.ids
    return ids, _labels(places(links.a, ids), places(links.b, ids), len(ids))


def first_order_days(lines: pa.Table) -> dict[str, int]:
    """Return customer_id -> day of the first sale line of order lines (contracts.tables.ORDER_LINES)."""
    sales = lines.filter(pc.invert(lines["returned"])).group_by("customer_id").aggregate([("day", "min")])
    return dict(zip(sales["customer_id"].to_pylist(), sales["day_min"].to_pylist(), strict=True))


def joining(links: Links, a: Ints, b: Ints, ids: pa.Array) -> NDArray[np.bool_]:
    """Return which links join: all but those that would bring a kept-apart pair together."""
    joins = np.ones(len(a), dtype=np.bool_)
    pairs = _known_pairs(links.apart, ids)
    if not pairs:
        return joins
    label = _labels(a, b, len(ids))
    torn = np.zeros(len(ids), dtype=np.bool_)
    torn[[label[one] for one, other in pairs if label[one] == label[other]]] = True
    enemies: dict[int, set[int]] = defaultdict(set)
    for one, other in pairs:
        enemies[one].add(other)
        enemies[other].add(one)
    _leave_out(joins, a, b, np.flatnonzero(torn[label[a]]).tolist(), enemies)
    return joins


def _leave_out(
    joins: NDArray[np.bool_], a: Ints, b: Ints, rows: list[int], enemies: dict[int, set[int]]
) -> None:
    """Take links in order and mark false those between two groups of which one holds an enemy of the other."""
    parent: dict[int, int] = {}
    marked = {one: {one} for one in enemies}
    for row in rows:
        one, other = _find(parent, int(a[row])), _find(parent, int(b[row]))
        if one == other:
            continue
        if marked.get(one, set()) & enemies.get(other, set()):
            joins[row] = False
            continue
        parent[other] = one
        marked[one] = marked.get(one, set()) | marked.pop(other, set())
        enemies[one] = enemies.get(one, set()) | enemies.pop(other, set())


def _find(parent: dict[int, int], one: int) -> int:
    while (above := parent.get(one, one)) != one:
        parent[one] = parent.get(above, above)
        one = above
    return one


def _labels(a: Ints, b: Ints, count: int) -> Ints:
    from scipy.sparse import coo_array  # only where ids are linked: it takes a fifth of a second
    from scipy.sparse.csgraph import connected_components

    if not count:
        return np.empty(0, dtype=np.int64)
    graph = coo_array((np.ones(len(a), dtype=np.int8), (a, b)), shape=(count, count))
    return connected_components(graph.tocsr(), directed=False)[1].astype(np.int64)


def places(column: pa.Array, ids: pa.Array) -> Ints:
    """Return the position of each value among the ids."""
    return as_numpy(pc.index_in(column, value_set=ids)).astype(np.int64)


def _known_pairs(apart: tuple[Pair, ...], ids: pa.Array) -> list[tuple[int, int]]:
    if not apart:
        return []
    names = sorted({own for pair in apart for own in pair})
    places = pc.index_in(pa.array(names, pa.string()), value_set=ids).to_pylist()
    place = dict(zip(names, places, strict=True))
    found = [(place[one], place[other]) for one, other in apart]
    return [(one, other) for one, other in found if one is not None and other is not None]
