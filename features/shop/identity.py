"""The linked own ids of a shop, in blocks of whole people."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.identity.components import groups_of
from features.identity.links import Links
from features.kernel.buffers import as_arrow, as_numpy
from features.kernel.running import Ints

# So many linked ids are worked on together: about as many order lines as a partition has.
IDS_PER_BLOCK = 50_000


@dataclass(frozen=True)
class Identity:
    """links: those known on the as-of day; ids: (n,) the linked own ids, sorted; group: (n,) who may be one person.

    A group holds all ids that are linked somehow, kept apart or not. block: (n,) groups that are worked on together.
    """

    links: Links
    ids: pa.Array
    group: Ints
    block: Ints

    @staticmethod
    def of(links: Links, *, ids_per_block: int = IDS_PER_BLOCK) -> Identity | None:
        """Sort out linked ids; None if there is no link."""
        ids, group = groups_of(links)
        if not len(ids):
            return None
        sizes = np.bincount(group)
        return Identity(links, ids, group, ((np.cumsum(sizes) - sizes) // ids_per_block)[group])

    @property
    def blocks(self) -> int:
        """The number of blocks; some may be empty."""
        return int(self.block.max()) + 1

    @cached_property
    def person(self) -> dict[str, str]:
        """Own id -> the first id of its group, by which whole people are sampled."""
        _, firsts = np.unique(self.group, return_index=True)
        first = self.ids.take(as_arrow(firsts[self.group], pa.int64()))
        return dict(zip(self.ids.to_pylist(), first.to_pylist(), strict=True))

    def block_of(self, ids: pa.Array) -> Ints:
        """Return the block of each of these linked ids."""
        return self.block[as_numpy(pc.index_in(ids, value_set=self.ids).cast(pa.int64()))]

    def links_of(self, ids: pa.Array) -> Links:
        """Return the links of all who may be one person with one of these ids."""
        concerned = np.zeros(int(self.group.max()) + 1, dtype=np.bool_)
        concerned[self.group[as_numpy(pc.is_in(self.ids, value_set=ids))]] = True
        if concerned.all():
            return self.links
        return self.links.of_ids(self.ids.filter(as_arrow(concerned[self.group], pa.bool_())))

    @cached_property
    def people(self) -> tuple[int, int]:
        """How many people have several own ids on the as-of day, and how many ids these are."""
        _, group = groups_of(self.links, kept_apart=True)
        sizes = np.bincount(group)
        return int((sizes > 1).sum()), int(sizes[sizes > 1].sum())
