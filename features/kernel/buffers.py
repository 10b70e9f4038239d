"""Arrow and numpy over the same memory.

pyarrow's own `pa.array(…)` and `to_numpy()` import a data-frame library where one is installed (1.2 s and
100 MB for nothing), so rows pass between the two here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_NUMBERS = {
    pa.int8(): np.int8, pa.int16(): np.int16, pa.int32(): np.int32, pa.int64(): np.int64,
    pa.float32(): np.float32, pa.float64(): np.float64, pa.date32(): np.int32,
}  # fmt: skip


def as_numpy(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Return numbers, booleans, days or microseconds as numpy; the value in place of a null is undefined."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    _, data = array.buffers()
    number = _NUMBERS.get(array.type)
    if number is None and pa.types.is_boolean(array.type):
        return _bits(data, array.offset, len(array))
    dtype = np.dtype(number or (np.int64 if pa.types.is_timestamp(array.type) else _NUMBERS[array.type]))
    if data is None or not len(array):
        return np.empty(0, dtype=dtype)
    return np.frombuffer(data, dtype=dtype, count=len(array), offset=array.offset * dtype.itemsize)


def in_one(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece, without a copy where it is; dictionaries are made one."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_dictionary(column.type):
        column = column.unify_dictionaries()
    return column.combine_chunks()


def filled(array: pa.Array, empty: Any) -> NDArray[Any]:
    """Return an array as numpy of the type of `empty`, which stands where it has no value."""
    kind = np.asarray(empty).dtype
    if array.null_count == len(array):
        return np.full(len(array), empty, dtype=kind)
    values = as_numpy(array).astype(kind, copy=False)
    return np.where(is_valid(array), values, empty).astype(kind) if array.null_count else values


def places_among(ids: pa.Array | pa.ChunkedArray, among: pa.Array | pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the place of each text among others, -1 where it is not there; (n,). Texts may be dictionaries."""
    found = pc.index_in(in_one(ids).cast(pa.string()), value_set=in_one(among).cast(pa.string()))
    return filled(found, np.int64(-1))


def as_rows(lists: pa.Array | pa.ChunkedArray, *, width: int) -> NDArray[Any]:
    """Return lists of `width` numbers each as (n, width)."""
    return as_numpy(in_one(lists).flatten()).reshape(len(lists), width)


def as_bytes(column: pa.Array | pa.ChunkedArray) -> tuple[NDArray[np.int32], bytes]:
    """Return the lengths and the joined UTF-8 of a text column without nulls."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not len(array):
        return np.empty(0, dtype=np.int32), b""
    _, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32, count=len(array) + 1, offset=array.offset * 4)
    return np.diff(ends), bytes(memoryview(data)[ends[0] : ends[-1]]) if data is not None else b""


def as_arrow(values: NDArray[Any], kind: pa.DataType, *, valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return numpy values of this Arrow type's width as an Arrow array; `valid` false makes a null."""
    data = (
        np.packbits(values, bitorder="little") if pa.types.is_boolean(kind) else np.ascontiguousarray(values)
    )
    bits = None if valid is None else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [bits, pa.py_buffer(data)])


def is_valid(column: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return where a column has a value."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    bits = array.buffers()[0]
    return np.ones(len(array), dtype=np.bool_) if bits is None else _bits(bits, array.offset, len(array))


def _bits(data: pa.Buffer | None, offset: int, length: int) -> NDArray[np.bool_]:
    if data is None or not length:
        return np.empty(0, dtype=np.bool_)
    packed = np.frombuffer(data, dtype=np.uint8)
    return np.unpackbits(packed, count=offset + length, bitorder="little")[offset:].astype(np.bool_)
