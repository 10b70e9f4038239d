"""by_id.arrow: the ids of a ranking in code-point order, and each one's place in it.

UTF-8 sorts as code points do, so ids are compared as bytes. The file is memory-mapped; every thousandth id is held in
memory, so that a search touches one or two pages.
"""

from __future__ import annotations

from bisect import bisect_left
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import ContractError
from features.kernel.buffers import as_arrow, as_numpy

_STEP = 1_024
_AFTER_ALL = b"\xff"  # a byte that UTF-8 does not have


def write_by_id(path: Path, ids: pa.ChunkedArray) -> None:
    """Write the ids of a ranking (by place) in their order; ContractError if one comes twice."""
    texts = ids.cast(pa.large_string()).combine_chunks()
    order = pc.sort_indices(texts)
    texts = texts.take(order)
    if len(texts) > 1 and pc.any(pc.equal(texts[1:], texts[:-1])).as_py():
        raise ContractError("the scores have a null or a repeated key (customer_id)")
    kind, dtype = (pa.int32(), np.int32) if len(texts) < 2**31 else (pa.int64(), np.int64)
    places = as_arrow(as_numpy(order.cast(pa.int64())).astype(dtype), kind)
    batch = pa.record_batch([texts, places], names=["customer_id", "place"])
    with pa.ipc.new_file(str(path), batch.schema) as writer:
        writer.write_batch(batch)


class ById:
    """The ids of an open store. Reads are safe from many threads."""

    def __init__(self, content: pa.Buffer) -> None:
        batch = pa.ipc.open_file(content).get_batch(0)
        _, offsets, data = batch.column(0).buffers()
        self._ends = np.frombuffer(offsets, dtype=np.int64, count=batch.num_rows + 1)
        self._data = memoryview(b"" if data is None else data)
        self._places: NDArray[Any] = as_numpy(batch.column(1))
        self._fence = [self._id(at) for at in range(0, batch.num_rows, _STEP)]

    def place(self, customer_id: str) -> int:
        """Return a customer's place in the ranking, counted from 0; -1 if the id is not there."""
        wanted = _utf8(customer_id)
        if wanted is None:
            return -1
        at = self._first(wanted)
        return self._places.item(at) if at < len(self._places) and self._id(at) == wanted else -1

    def starting_with(self, text: str) -> NDArray[Any]:
        """Return the places of all ids that begin with a text, in the order of the ids."""
        wanted = _utf8(text)
        if wanted is None:
            return self._places[:0]
        return self._places[self._first(wanted) : self._first(wanted + _AFTER_ALL)]

    def _first(self, wanted: bytes) -> int:
        """Return where the first id lies that is not before these bytes."""
        fence = bisect_left(self._fence, wanted)
        low, high = max(fence - 1, 0) * _STEP, min(fence * _STEP, len(self._places))
        return low + bisect_left(range(low, high), wanted, key=self._id)

    def _id(self, at: int) -> bytes:
        return bytes(self._data[self._ends.item(at) : self._ends.item(at + 1)])


def _utf8(text: str) -> bytes | None:
    """Return a text as UTF-8, None for what no file can hold (lone surrogates)."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None
