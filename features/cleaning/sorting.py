"""The one order of rows that their content determines, found with a few sorts of packed integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.kernel.buffers import as_arrow, as_numpy, is_valid

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
_ROOM = 2**62
_FEW = 10_000
_LONG = 2**40
_SECOND = 1_000_000


def canonical_order(keys: Sequence[NDArray[Any]]) -> tuple[Ints, Bools]:
    """Sort rows by the keys, the first one first; each key (n,) is integer or float, NaN last.

    Returns the rows in their order, and which of them equal the row before in all keys. As many keys as fit into 62
    bits are sorted at once, and only rows that still tie are sorted by the next ones.
    """
    rows = len(keys[0])
    order, open_ = np.arange(rows), np.arange(rows)
    group = np.zeros(rows, dtype=np.int64)
    alike = np.zeros(rows, dtype=bool)
    pending = list(keys)
    while pending and len(open_):
        packed, used = _pack(group, pending, order[open_])
        pending = pending[used:]
        sorting = np.argsort(packed)  # rows that still tie are sorted by what comes next, or are equal
        order[open_] = order[open_][sorting]
        packed = packed[sorting]
        same = np.zeros(len(packed) + 1, dtype=bool)
        np.equal(packed[1:], packed[:-1], out=same[1:-1])
        tied = same[:-1] | same[1:]
        alike[open_] = same[:-1]
        open_ = open_[tied]
        group = np.cumsum(~same[:-1])[tied]
    return order, alike


def _pack(group: Ints, keys: Sequence[NDArray[Any]], rows: Ints) -> tuple[Ints, int]:
    """Return the group and as many keys as fit in one integer per row, and how many those are."""
    packed, size = group - group[0], int(group[-1] - group[0]) + 1
    for used, key in enumerate(keys):
        if used and key.dtype.kind == "f" and len(rows) > _FEW:
            return packed, used  # most rows differ before their numbers must be looked at
        values, width = _whole(key[rows])
        if size * width >= _ROOM:
            if used:
                return packed, used
            packed, size = np.unique(packed, return_inverse=True)[1], len(packed)
            values, width = np.unique(values, return_inverse=True)[1], len(values)
        packed, size = packed * width + values, size * width
    return packed, len(keys)


def _whole(values: NDArray[Any]) -> tuple[Ints, int]:
    """Return values from 0 in the same order as integers, and one more than their largest."""
    if values.dtype.kind == "f":
        values = np.unique(values, return_inverse=True)[1]
    whole = values.astype(np.int64, copy=False)
    least, most = int(whole.min()), int(whole.max())
    if most - least >= _ROOM:
        whole = np.unique(whole, return_inverse=True)[1]
        least, most = 0, len(whole)
    whole = whole - least
    if most - least > _LONG and not (whole % _SECOND).any():  # times of whole seconds
        return whole // _SECOND, (most - least) // _SECOND + 1
    return whole, most - least + 1


def codes_of(column: pa.ChunkedArray | pa.Array) -> tuple[Ints, pa.Array]:
    """Return each text's place in the sorted distinct texts (their number where there is none), and those texts."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    words = encoded.dictionary
    by_name = as_numpy(pc.array_sort_indices(words).cast(pa.int64()))
    rank = np.empty(len(words) + 1, dtype=np.int64)
    rank[by_name] = np.arange(len(words))
    rank[-1] = len(words)
    places = as_numpy(encoded.indices)
    if encoded.null_count:
        places = np.where(is_valid(encoded.indices), places, len(words))
    return rank[places], words.take(as_arrow(by_name, pa.int64()))


def as_words(codes: Ints, words: pa.Array) -> pa.DictionaryArray:
    """Return codes as a text column over these words."""
    known = codes < len(words)
    indices = as_arrow(np.where(known, codes, 0).astype(np.int32), pa.int32(), valid=known)
    return pa.DictionaryArray.from_arrays(indices, words)
