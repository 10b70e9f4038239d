"""Order lines keyed by person: as known at the end of a history of ids, or as known on an earlier day.

Keyed lines have the column `own_id` (the customer_id as written) besides. Only the lines of ids that are
ever linked are touched. Among these:

- The same order_id under two ids of one person is the same order if it begins on the same day under both: an
  order delivered under an account and its guest. Its lines are then numbered through. Else the shop numbers each
  customer's orders anew: the one that begins first keeps its order_id, the others are called
  `<order_id>~<day it begins>`, for example 1~2024-03-05.
- Lines count from 1 inside (customer_id, order_id) by day, time, own_id and their own line, as in the contract.

What is done to a line depends on no later line, so that cutting the lines at a day and keying them as known on
that day gives what merging would have given then.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import ContractError
from features.identity.evidence import up_to
from features.kernel.buffers import as_arrow, as_numpy
from features.reading.raw_table import text_array

Ints = NDArray[np.int64]
_BEGINS = text_array(["~"]).cast(pa.string())[0]
_TRUE = as_arrow(np.ones(1, dtype=np.bool_), pa.bool_())
_ENDING = r"~[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def known_as(ids: pa.ChunkedArray | pa.Array, history: pa.Table, *, day: int | None = None) -> pa.Array:
    """Return the canonical id of each own id at the end of a day, None for the end of the history."""
    if isinstance(ids, pa.ChunkedArray):
        ids = ids.combine_chunks()
    if day is not None:
        history = history.filter(up_to(history["from_day"], day))
    own = history["own_id"].combine_chunks()
    if not len(own):
        return ids
    # Sorted by day inside an id: the last row is the newest.
    last = pa.concat_arrays([pc.not_equal(own[1:], own[:-1]), _TRUE])
    place = pc.index_in(ids, value_set=own.filter(last))
    return pc.coalesce(history["canonical"].combine_chunks().filter(last).take(place), ids)


def merged(lines: pa.Table, history: pa.Table) -> pa.Table:
    """Return order lines (contracts.tables.ORDER_LINES) keyed by person, sorted as the contract says.

    history: HISTORY of the links known at the day of the reading; all of it is applied.
    """
    if "own_id" in lines.column_names:
        raise ContractError("these order lines are keyed by person already: use split_as_known")
    return _keyed(lines.append_column("own_id", lines["customer_id"]), history)


def split_as_known(lines: pa.Table, history: pa.Table, *, day: int) -> pa.Table:
    """Return lines that `merged` made with this history, keyed as known at the end of a day."""
    touched = _is_touched(lines["own_id"], history)
    rows = lines.filter(touched)
    rows = _set(rows, "order_id", _own_orders(rows))
    rows = _set(rows, "customer_id", rows["own_id"])
    rest = lines.filter(pc.invert(touched))
    known = history.filter(up_to(history["from_day"], day))
    return _keyed(interleaved(rest, _sorted(_numbered(rows))), known)


def as_persons(rows: pa.Table) -> pa.Table:
    """Return lines with a person as customer_id and their own_id as the contract says: order ids, numbers, order."""
    return _sorted(_numbered(_set(rows, "order_id", _person_orders(rows))))


def _keyed(lines: pa.Table, history: pa.Table) -> pa.Table:
    touched = _is_touched(lines["own_id"], history)
    rows = lines.filter(touched)
    rows = _set(rows, "customer_id", known_as(rows["own_id"], history))
    return interleaved(lines.filter(pc.invert(touched)), as_persons(rows))


def _is_touched(own: pa.ChunkedArray, history: pa.Table) -> pa.ChunkedArray:
    """Tell which ids stand in the history, as themselves or for others."""
    names = pa.concat_arrays([history[name].combine_chunks() for name in ("own_id", "canonical")])
    return pc.is_in(own, value_set=pc.unique(names))


def _person_orders(rows: pa.Table) -> pa.Array:
    """Return the order ids inside each person: see the module."""
    begins = _least(_codes(rows, "own_id", "order_id"), as_numpy(rows["day"]).astype(np.int64))
    earliest = _least(_codes(rows, "customer_id", "order_id"), begins)
    orders = rows["order_id"].combine_chunks()
    dates = as_arrow(begins.astype(np.int32), pa.date32()).cast(pa.string())
    # What looks so as it is written is called so as well: _own_orders takes one ending off.
    called = pc.or_(as_arrow(begins > earliest, pa.bool_()), pc.match_substring_regex(orders, _ENDING))
    return pc.if_else(called, pc.binary_join_element_wise(orders, dates, _BEGINS), orders)


def _own_orders(rows: pa.Table) -> pa.Array:
    """Return the order ids as written: undo _person_orders."""
    return pc.replace_substring_regex(rows["order_id"].combine_chunks(), _ENDING, "")


def _numbered(rows: pa.Table) -> pa.Table:
    """Number the lines inside each (customer_id, order_id) from 1."""
    if not rows.num_rows:
        return rows
    code = _codes(rows, "customer_id", "order_id")
    own = _codes(rows, "own_id")
    time = as_numpy(rows["ordered_at"])
    order = np.lexsort((as_numpy(rows["line"]), own, time, as_numpy(rows["day"]), code))
    head = np.flatnonzero(np.diff(code[order], prepend=-1))
    position = np.arange(len(order)) - np.repeat(head, np.diff(head, append=len(order)))
    line = np.empty(len(order), dtype=np.int32)
    line[order] = position + 1
    return _set(rows, "line", as_arrow(line, pa.int32()))


def _sorted(rows: pa.Table) -> pa.Table:
    keys = ("customer_id", "day", "ordered_at", "order_id", "line")
    return rows.sort_by([(name, "ascending") for name in keys])


def interleaved(one: pa.Table, other: pa.Table) -> pa.Table:
    """Return two tables sorted by customer_id, without a common one, as one sorted table."""
    table = pa.concat_tables([one, other])
    if not one.num_rows or not other.num_rows:
        return table.combine_chunks()
    runs = pc.run_end_encode(table["customer_id"].combine_chunks())
    ends = as_numpy(runs.run_ends).astype(np.int64)
    starts = np.append(0, ends[:-1])
    order = as_numpy(pc.sort_indices(runs.values).cast(pa.int64()))
    sizes = (ends - starts)[order]
    before = np.cumsum(sizes) - sizes
    rows = np.arange(table.num_rows) + np.repeat(starts[order] - before, sizes)
    return table.take(as_arrow(rows, pa.int64())).combine_chunks()


def _codes(rows: pa.Table, *names: str) -> Ints:
    """Return one number per combination of values; of one column the numbers are in the order of the values."""
    code = np.zeros(rows.num_rows, dtype=np.int64)
    for name in names:
        encoded = rows[name].combine_chunks().dictionary_encode()
        rank = np.empty(len(encoded.dictionary), dtype=np.int64)
        rank[as_numpy(pc.sort_indices(encoded.dictionary).cast(pa.int64()))] = np.arange(len(rank))
        code = code * (len(rank) + 1) + rank[as_numpy(encoded.indices)]
    return code


def _least(code: Ints, value: Ints) -> Ints:
    """Return, for each row, the least value among the rows of its code."""
    _, inverse = np.unique(code, return_inverse=True)
    least = np.full(int(inverse.max()) + 1 if len(inverse) else 0, np.iinfo(np.int64).max)
    np.minimum.at(least, inverse, value)
    return least[inverse]


def _set(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(name), values)
