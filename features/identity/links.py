"""Which own ids are linked, by what, and since when.

An own id is the customer_id as written. Two own ids are linked from the day on which the second of them was
seen with a key that both have. A key that too many ids have (a shop's own address, none@none.com, the telephone
of a call centre) says nothing: from the day on which one id too many is seen with it, it is poisoned and makes no
further links; the links of the days before stay.

Pairs that are kept apart (`without`) are never one person, on any day and by any way: links are taken in
their order (known_day, a, b, why), and one that would bring the two together, directly or through a third id,
is left out. So a third id that is linked to both stays with the one to which it was linked first. What is
left out on a day does not depend on later links, so that people still only merge with time and never split.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import ContractError, DataError
from features.identity.evidence import ALWAYS, MOST_IDS_PER_KEY, NO_POISON, POISONED, shared_keys, up_to
from features.kernel.buffers import as_arrow

LINK_TABLE = pa.schema(
    [
        pa.field("id_a", pa.string(), nullable=False),
        pa.field("id_b", pa.string(), nullable=False),
        pa.field("known_day", pa.int32()),  # null: always known
    ]
)
_LINKS = pa.schema(
    [
        pa.field("known_day", pa.int32(), nullable=False),
        pa.field("a", pa.string(), nullable=False),
        pa.field("b", pa.string(), nullable=False),
        pa.field("why", pa.string(), nullable=False),
    ]
)
_TRUE = as_arrow(np.ones(1, dtype=np.bool_), pa.bool_())
Pair = tuple[str, str]


@dataclass(frozen=True)
class Links:
    """Dated links between own ids, sorted by (known_day, a, b, why), a < b, each once.

    why: the shared key, or the name of a link table. poisoned: POISONED. apart: pairs kept apart, sorted.
    """

    known_day: pa.Array
    a: pa.Array
    b: pa.Array
    why: pa.Array
    poisoned: pa.Table = field(default_factory=lambda: NO_POISON)
    apart: tuple[Pair, ...] = ()

    def __len__(self) -> int:
        """Return the number of links."""
        return len(self.a)

    @staticmethod
    def of(known_day: pa.Array, a: pa.Array, b: pa.Array, why: pa.Array) -> Links:
        """Return links in their one order; links of an id with itself go, equal ones are one."""
        table = pa.Table.from_arrays([known_day, a, b, why], schema=_LINKS)
        table = table.filter(pc.not_equal(table["a"], table["b"]))
        swapped = pc.greater(table["a"], table["b"])
        one = pc.if_else(swapped, table["b"], table["a"])
        other = pc.if_else(swapped, table["a"], table["b"])
        table = pa.Table.from_arrays([table["known_day"], one, other, table["why"]], schema=_LINKS)
        table = _sorted_once(table)
        return Links(*(_whole(table[name]) for name in _LINKS.names))

    @staticmethod
    def of_evidence(evidence: pa.Table, *, most_ids_per_key: int = MOST_IDS_PER_KEY) -> Links:
        """Return the links between all ids that share a key (EVIDENCE, in any order, repeated rows allowed)."""
        columns, poisoned = shared_keys(evidence, most_ids_per_key=most_ids_per_key)
        return replace(Links.of(*columns), poisoned=poisoned)

    @staticmethod
    def of_table(table: pa.Table, *, why: str = "table") -> Links:
        """Return the links of an explicit link table (LINK_TABLE)."""
        if ":" in why:
            raise ContractError(f"'{why}' would be taken for a key: a link table's name has no colon")
        day = pc.fill_null(table["known_day"].cast(pa.int32()), ALWAYS)
        reason = pa.repeat(pa.scalar(why, pa.string()), table.num_rows)
        a, b = (_whole(table[name].cast(pa.string())) for name in ("id_a", "id_b"))
        return Links.of(_whole(day), a, b, reason)

    @staticmethod
    def combined(several: Iterable[Links]) -> Links:
        """Return the links, poisoned keys and kept-apart pairs of several sources as one."""
        every = list(several)
        columns = [
            pa.concat_arrays([getattr(one, name) for one in every] or [pa.array([], _LINKS.field(name).type)])
            for name in _LINKS.names
        ]
        poisoned = pa.concat_tables([one.poisoned for one in every] or [NO_POISON])
        links = Links.of(*columns)
        pairs = sorted({pair for one in every for pair in one.apart})
        return replace(links, poisoned=poisoned.sort_by("key").combine_chunks(), apart=tuple(pairs))

    def without(self, pairs: Iterable[Sequence[str]]) -> Links:
        """Return these links with pairs of ids that are kept apart whatever links them."""
        found = set(self.apart)
        for one, other in pairs:
            if one == other:
                raise DataError(f"'{one}' is to be kept apart from itself. Name two ids.")
            found.add((min(one, other), max(one, other)))
        return replace(self, apart=tuple(sorted(found)))

    def until(self, day: int) -> Links:
        """Return what is known at the end of a day."""
        known = up_to(self.known_day, day)
        day_of_link, a, b, why = (getattr(self, name).filter(known) for name in _LINKS.names)
        poisoned = self.poisoned.filter(up_to(self.poisoned["from_day"], day)).combine_chunks()
        return Links(day_of_link, a, b, why, poisoned=poisoned, apart=self.apart)

    def of_ids(self, ids: pa.Array) -> Links:
        """Return the links among these ids, which are whole groups of linked ids."""
        chosen = pc.is_in(self.a, value_set=ids)
        day, a, b, why = (getattr(self, name).filter(chosen) for name in _LINKS.names)
        return Links(day, a, b, why, poisoned=self.poisoned, apart=self.apart)

    def to_json(self) -> str:
        """Return the links as JSON text."""
        content = {name: getattr(self, name).to_pylist() for name in _LINKS.names}
        return json.dumps({**content, "poisoned": self.poisoned.to_pylist(), "apart": self.apart})

    @staticmethod
    def from_json(text: str) -> Links:
        """Return the links that to_json wrote; raise DataError for anything else."""
        try:
            content = json.loads(text)
            columns = [pa.array(content[name], _LINKS.field(name).type) for name in _LINKS.names]
            links = Links.of(*columns)
            poisoned = pa.Table.from_pylist(content["poisoned"], schema=POISONED)
            return replace(links, poisoned=poisoned).without(content["apart"])
        except (ValueError, KeyError, TypeError, pa.ArrowException) as error:
            raise DataError(f"These are no links of ours ({error}). Make them again.") from None


def _whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return a column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _sorted_once(table: pa.Table) -> pa.Table:
    """Sort by all columns in their order and drop repeated rows."""
    table = table.sort_by([(name, "ascending") for name in table.schema.names]).combine_chunks()
    if len(table) < 2:
        return table
    alike = None
    for name in table.schema.names:
        column = table[name].combine_chunks()
        same = pc.equal(column[1:], column[:-1])
        alike = same if alike is None else pc.and_(alike, same)
    return table.filter(pa.concat_arrays([_TRUE, pc.invert(alike)])).combine_chunks()
