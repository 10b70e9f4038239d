"""Moves between groups from one day to another: how many went where, and who."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.training import Floats
from features.kernel.buffers import as_arrow, as_numpy, filled, places_among
from features.kernel.codes import Text

JOINED, LEFT, NO_GROUP = "(joined)", "(left)", "(none)"
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Moves:
    """How customers moved between groups.

    rows: the groups of the earlier day, JOINED last; columns: those of the later day, LEFT last; counts: customers by
    row and column. who: customer_id, from, to, value of all who changed, joined or left, the largest value first.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: Ints
    who: pa.Table

    @property
    def shares(self) -> Floats:
        """The share of each row's customers that went to each column; NaN in a row without customers."""
        total = self.counts.sum(axis=1, keepdims=True).astype(np.float64)
        return self.counts / np.where(total > 0, total, np.nan)

    def matrix(self) -> pa.Table:
        """Return the counts as rows: from, to, customers, share (of all in `from`), without pairs of nobody."""
        at_row, at_column = np.nonzero(self.counts)
        return pa.table(
            {
                "from": pa.array([self.rows[i] for i in at_row], pa.string()),
                "to": pa.array([self.columns[i] for i in at_column], pa.string()),
                "customers": as_arrow(self.counts[at_row, at_column], pa.int64()),
                "share": as_arrow(self.shares[at_row, at_column], pa.float64()),
            }
        )


def moves(then: pa.Table, now: pa.Table, *, order: Sequence[str] = ()) -> Moves:
    """Compare the groups of two days.

    then, now: customer_id (unique), group (null: NO_GROUP) and perhaps value (currency, by which `who` is sorted; of
    those who left that of `then`). order: the groups in the order wanted; others follow by name. Raises ContractError
    for a customer who stands twice.
    """
    ids_then, ids_now = (_ids(table, which) for table, which in ((then, "then"), (now, "now")))
    place = places_among(ids_now, ids_then)
    gone = np.ones(len(ids_then), dtype=np.bool_)
    gone[place[place >= 0]] = False
    groups = _ordered(order, then["group"], now["group"])
    number = {name: at for at, name in enumerate(groups)}
    was, became = (_numbers(table["group"], number) for table in (then, now))
    joined = left = len(groups)
    source = np.concatenate([np.append(was, joined)[place], was[gone]])
    target = np.concatenate([became, np.full(gone.sum(), left)])
    size = len(groups) + 1
    counts = np.bincount(source * size + target, minlength=size * size).reshape(size, size)
    ids = pa.concat_arrays([ids_now, ids_then.filter(as_arrow(gone, pa.bool_()))])
    value = np.concatenate([_values(now), _values(then)[gone]])
    rows, columns = (*groups, JOINED), (*groups, LEFT)
    who = _who(ids, source, target, value, rows, columns)
    return Moves(rows, columns, counts.astype(np.int64), who)


def _who(
    ids: pa.Array, source: Ints, target: Ints, value: Floats, rows: tuple[str, ...], columns: tuple[str, ...]
) -> pa.Table:
    """Return those whose group changed, the largest value first, then by id."""
    changed = np.flatnonzero(source != target)
    by_id = as_numpy(pc.sort_indices(ids.take(as_arrow(changed, pa.int64()))).cast(pa.int64()))
    changed = changed[by_id]
    worth = np.where(np.isnan(value[changed]), -np.inf, value[changed])
    changed = changed[np.argsort(-worth, kind="stable")]
    names = pa.array(rows, pa.string()), pa.array(columns, pa.string())
    return pa.table(
        {
            "customer_id": ids.take(as_arrow(changed, pa.int64())),
            "from": names[0].take(as_arrow(source[changed], pa.int64())),
            "to": names[1].take(as_arrow(target[changed], pa.int64())),
            "value": as_arrow(value[changed], pa.float64(), valid=~np.isnan(value[changed])),
        }
    )


def _ids(table: pa.Table, which: str) -> pa.Array:
    ids = table["customer_id"].combine_chunks().cast(pa.string())
    if len(pc.unique(ids)) != len(ids):
        twice = pc.value_counts(ids).filter(pc.greater(pc.value_counts(ids).field("counts"), 1))
        raise ContractError(
            f"`{which}` has customer '{twice[0]['values']}' {twice[0]['counts']} times; each has one group."
        )
    return ids


def _ordered(order: Sequence[str], *columns: pa.ChunkedArray) -> tuple[str, ...]:
    """Return the groups that occur: first those of `order`, then by name; customers without one are NO_GROUP."""
    present = {NO_GROUP if one is None else one for column in columns for one in column.unique().to_pylist()}
    first = [name for name in dict.fromkeys(order) if name in present]
    return (*first, *sorted(present - set(first) - {NO_GROUP}), *({NO_GROUP} & present - set(first)))


def _numbers(column: pa.ChunkedArray, number: dict[str, int]) -> Ints:
    text = Text.of(column.cast(pa.string()))
    places = [number[NO_GROUP if one is None else one] for one in text.texts]
    return np.array([*places, number.get(NO_GROUP, -1)], dtype=np.int64)[text.codes]


def _values(table: pa.Table) -> Floats:
    if "value" not in table.column_names:
        return np.full(table.num_rows, np.nan)
    return filled(table["value"].combine_chunks().cast(pa.float64()), np.float64(np.nan))
