"""Rows of a table found by customer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning.sorting import codes_of
from features.kernel.buffers import as_arrow, as_numpy, places_among
from features.kernel.codes import group_heads
from features.kernel.running import Bools, Ints


@dataclass(frozen=True)
class ByCustomer:
    """Rows that stand together by customer. ids: (C,) their customers; starts: (C + 1,) the first row of each."""

    table: pa.Table
    ids: pa.Array
    starts: Ints

    @staticmethod
    def of(table: pa.Table) -> ByCustomer:
        """Find the customers of a table in which the rows of each stand together."""
        heads, ids = group_heads(table["customer_id"])
        return ByCustomer(table, ids.cast(pa.string()), np.append(heads, table.num_rows))

    def select(self, ids: pa.Array) -> pa.Table:
        """Return the rows of these customers, as they stand."""
        known = np.flatnonzero(as_numpy(pc.is_in(self.ids, value_set=ids)))
        if len(known) == len(self.ids):
            return self.table
        return self.table.take(as_arrow(self._rows(known)[0], pa.int64()))

    def spread(self, ids: pa.Array) -> tuple[pa.Table, Ints]:
        """Return the rows of each of these customers one after the other, and for each row its place in `ids`.

        A customer may be asked for several times.
        """
        place = places_among(ids, self.ids)
        known = np.flatnonzero(place >= 0)
        rows, counts = self._rows(place[known])
        return self.table.take(as_arrow(rows, pa.int64())), np.repeat(known, counts)

    def _rows(self, places: Ints) -> tuple[Ints, Ints]:
        """Return the rows of the customers at these places, and how many each has."""
        counts = np.diff(self.starts)[places]
        before = np.cumsum(counts) - counts
        return np.arange(counts.sum()) + np.repeat(self.starts[places] - before, counts), counts


def among(column: pa.Array | pa.ChunkedArray, ids: pa.Array) -> Bools:
    """Tell which values of a text column, which may be a dictionary, are among these ids."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_dictionary(array.type):
        return as_numpy(pc.is_in(array, value_set=ids))
    return as_numpy(pc.is_in(array.dictionary, value_set=ids))[as_numpy(array.indices)]


def filtered(table: pa.Table, chosen: Bools) -> pa.Table:
    """Return the chosen rows."""
    return table if chosen.all() else table.filter(as_arrow(chosen, pa.bool_()))


def plain_text(table: pa.Table) -> pa.Table:
    """Return a table with dictionaries as plain text."""
    fields = [
        pa.field(one.name, pa.string()) if pa.types.is_dictionary(one.type) else one for one in table.schema
    ]
    return table.cast(pa.schema(fields)).combine_chunks()


def sorted_by_customer(tables: Sequence[pa.Table]) -> pa.Table:
    """Return tables of different customers as one, sorted by customer; the rows of each keep their order."""
    table = pa.concat_tables(tables)
    customer, _ = codes_of(table["customer_id"])
    return table.take(as_arrow(np.argsort(customer, kind="stable"), pa.int64())).combine_chunks()
