"""Text columns as integer codes, and which (customer, value) pairs were seen when."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.kernel.buffers import as_arrow, as_numpy, filled, in_one
from features.kernel.running import Bools, Floats, Ints

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class Text:
    """A text column. codes: (N,) places in `values`, -1 where empty."""

    codes: Codes
    values: pa.Array

    @staticmethod
    def of(column: pa.Array | pa.ChunkedArray) -> Text:
        """Encode a text column; one that is a dictionary already gives its codes."""
        array = in_one(column)
        if not pa.types.is_dictionary(array.type):
            array = array.dictionary_encode()
        return Text(filled(array.indices.cast(pa.int32()), np.int32(-1)), array.dictionary)

    @cached_property
    def has_gaps(self) -> bool:
        """Whether some line has no value."""
        return bool(len(self.codes)) and int(self.codes.min()) < 0

    @cached_property
    def texts(self) -> list[str | None]:
        """The values as Python texts."""
        return list(self.values.to_pylist())


def group_heads(column: pa.Array | pa.ChunkedArray) -> tuple[Ints, pa.Array]:
    """Return where a text value differs from the one before it, and the values there."""
    array = in_one(column)
    if pa.types.is_dictionary(array.type):
        codes = as_numpy(array.indices.cast(pa.int32()))
        heads = np.flatnonzero(
            np.concatenate((np.ones(min(len(codes), 1), np.bool_), codes[1:] != codes[:-1]))
        )
        return heads, array.dictionary.take(as_arrow(codes[heads].astype(np.int64), pa.int64()))
    runs = pc.run_end_encode(array)
    ends = as_numpy(runs.run_ends).astype(np.int64)
    return np.concatenate((np.zeros(min(len(ends), 1), np.int64), ends[:-1])), runs.values


def same_before(values: pa.Array, group: Codes) -> Ints | None:
    """Return, for each of N values, the first place of the same value in the same group (ascending groups).

    None if all are the first. Values that ascend within their group are: only other groups are looked at.
    """
    if len(values) < 2:
        return None
    falls = ~as_numpy(pc.less(values[:-1], values[1:])) & (group[1:] == group[:-1])
    if not falls.any():
        return None
    doubtful = np.zeros(int(group[-1]) + 1, dtype=np.bool_)
    doubtful[group[1:][falls]] = True
    some = np.flatnonzero(doubtful[group])
    seen = Seen.of(Text.of(values.take(as_arrow(some, pa.int64()))).codes, group[some])
    if seen.is_first.all():
        return None
    first = np.arange(len(values))
    first[some[seen.at]] = some[seen.at[seen.head]]
    return first


@dataclass(frozen=True)
class Seen:
    """N rows grouped by (value, group), each pair's rows in their order.

    at: (N,) rows; is_first: (N,) which places of `at` are the first of their pair.
    """

    at: Ints
    is_first: Bools

    @staticmethod
    def of(codes: Codes, group: Codes) -> Seen:
        """Group rows by code and group; the groups ascend."""
        at = _sorted_by(codes)
        owner = group.take(at)
        first = np.empty(len(at), dtype=np.bool_)
        np.not_equal(owner[1:], owner[:-1], out=first[1:])
        starts = np.cumsum(np.bincount(codes)) if len(at) else np.zeros(1, dtype=np.int64)
        first[0 : min(len(at), 1)] = True
        first[starts[starts < len(at)]] = True
        return Seen(at, first)

    @cached_property
    def firsts(self) -> Ints:
        """The first row of each pair, in no order."""
        return self.at[self.is_first]

    @cached_property
    def head(self) -> Ints:
        """The place in `at` of the first row of the same pair; (N,)."""
        heads = np.flatnonzero(self.is_first)
        return np.repeat(heads, np.diff(np.append(heads, len(self.at))))

    @cached_property
    def number(self) -> Ints:
        """How many rows of the same pair there are up to each row, itself included; (N,) by row."""
        numbers = np.empty(len(self.at), dtype=np.int64)
        numbers[self.at] = np.arange(1, len(self.at) + 1) - self.head
        return numbers

    @cached_property
    def before(self) -> Ints:
        """The row of the same pair before each row, -1 if none; (N,) by row."""
        rows = np.empty(len(self.at), dtype=np.int64)
        rows[self.at[1:]] = np.where(self.is_first[1:], -1, self.at[:-1])
        rows[self.at[:1]] = -1
        return rows


def places_of(chosen: Bools, at: Ints) -> Ints:
    """Return how many are chosen before each place: where it stands among the chosen."""
    until = np.zeros(len(chosen) + 1, dtype=np.int32)
    np.cumsum(chosen, out=until[1:], dtype=np.int32)
    return until.take(at).astype(np.int64)


def first_of_each(order: Codes, begins: Ints, *, apart: bool) -> Ints:
    """Return the first place of each order of each owner.

    order: (n,); begins: the place at which each owner begins; apart: equal orders may stand apart.
    """
    new = np.empty(len(order), dtype=np.bool_)
    np.not_equal(order[1:], order[:-1], out=new[1:])
    new[begins[begins < len(order)]] = True
    heads = np.flatnonzero(new)
    if apart:
        owner = np.searchsorted(begins, heads, "right")
        keys = owner * (int(order.max(initial=0)) + 1) + order[heads]
        heads = heads[np.sort(np.unique(keys, return_index=True)[1])]
    return heads


def entropy_steps(number: Ints) -> Floats:
    """Return what the n-th of equal things adds to the sum of n log n."""
    counts = np.arange(int(number.max(initial=0)) + 1, dtype=np.float64)
    table = counts * np.log(np.maximum(counts, 1.0))
    return np.diff(table, prepend=0.0)[number]


def _sorted_by(codes: Codes) -> Ints:
    """Return the stable order of codes; numpy sorts eight or sixteen bits by radix."""
    most = int(codes.max(initial=0))
    if most < 2**16:
        return np.argsort(codes.astype(np.uint8 if most < 2**8 else np.uint16), kind="stable")
    order = np.argsort((codes & 0xFFFF).astype(np.uint16), kind="stable")
    return order.take(np.argsort((codes >> 16).astype(np.uint16).take(order), kind="stable"))
