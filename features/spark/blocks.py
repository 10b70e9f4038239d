"""A stream of batches, sorted by a key, becomes blocks of whole groups: memory holds one block and the next group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from features.kernel.buffers import as_numpy


def whole_groups(batches: Iterable[pa.RecordBatch], key: str, *, rows: int) -> Iterator[pa.Table]:
    """Yield tables of about `rows` rows; rows that share a key, and stand together, share a table.

    key: a column of 64-bit integers without nulls. A group that is larger than `rows` makes a larger table.
    """
    pending: list[pa.RecordBatch] = []
    count, last = 0, None
    for batch in batches:
        if not batch.num_rows:
            continue
        keys = as_numpy(batch[key])
        begins = _last_begin(keys, last)
        if begins is not None and count + begins >= rows:
            yield pa.Table.from_batches([*pending, batch.slice(0, begins)])
            pending, count, batch = [], 0, batch.slice(begins)
        pending.append(batch)
        count, last = count + batch.num_rows, int(keys[-1])
    if pending:
        yield pa.Table.from_batches(pending)


def gathered(batches: Iterable[pa.RecordBatch], *, rows: int) -> Iterator[pa.Table]:
    """Yield tables of at least `rows` rows, but for the last; groups play no part."""
    pending: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        pending.append(batch)
        count += batch.num_rows
        if count >= rows:
            yield pa.Table.from_batches(pending)
            pending, count = [], 0
    if count:
        yield pa.Table.from_batches(pending)


def sliced(table: pa.Table, schema: pa.Schema, *, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a table as batches of at most `rows` rows with these columns and types."""
    yield from table.select(schema.names).cast(schema).combine_chunks().to_batches(max_chunksize=rows)


def _last_begin(keys: np.ndarray[tuple[int], np.dtype[np.int64]], before: int | None) -> int | None:
    """Return where the last group of a batch begins, None where it began in an earlier batch."""
    changes = np.flatnonzero(keys[1:] != keys[:-1])
    if len(changes):
        return int(changes[-1]) + 1
    return 0 if before is not None and before != keys[0] else None
