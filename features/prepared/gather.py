"""The order lines of a sample of customers, gathered from all partitions."""

from __future__ import annotations

from datetime import datetime
from threading import Lock

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.cleaning.sorting import codes_of
from features.kernel.buffers import as_arrow
from features.prepared.partitions import Partitions
from features.prepared.process import Tally, process
from features.sampling import id_hashes

Hashes = NDArray[np.uint64]


def sampled_lines(
    rows: Partitions, tally: Tally, *, until: int | None, now: datetime | None, most: int
) -> pa.Table:
    """Return the order lines of at most `most` customers, those with the smallest hashed ids, sorted by customer."""
    gathering = _Gathering(most)
    parts = [part for _, part in process(rows, gathering.choose, tally, until=until, now=now)]
    lines = pa.concat_tables([gathering.still_wanted(part) for part in parts])
    customer, _ = codes_of(lines["customer_id"])
    return lines.take(as_arrow(np.argsort(customer, kind="stable"), pa.int64())).combine_chunks()


class _Gathering:
    """Which customers are in the sample, as far as the partitions seen so far tell."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.hashes: Hashes = np.empty(0, dtype=np.uint64)
        self.lock = Lock()  # partitions are worked on in several threads

    def choose(self, _: int, lines: pa.Table) -> pa.Table:
        """Return the lines of the customers who may be in the sample."""
        codes, names = codes_of(lines["customer_id"])
        used = np.unique(codes)
        hashes = np.full(len(names), np.iinfo(np.uint64).max, dtype=np.uint64)
        hashes[used] = id_hashes(np.array(names.to_pylist(), dtype=object)[used])
        with self.lock:
            self.hashes = _smallest(np.concatenate([self.hashes, hashes[used]]), self.most)
        return _plain(lines.filter(as_arrow(hashes[codes] <= self.limit, pa.bool_())))

    def still_wanted(self, lines: pa.Table) -> pa.Table:
        """Return the lines of those who are in the sample after all."""
        codes, names = codes_of(lines["customer_id"])
        wanted = id_hashes(np.array(names.to_pylist(), dtype=object)) <= self.limit
        return lines.filter(as_arrow(wanted[codes], pa.bool_()))

    @property
    def limit(self) -> np.uint64:
        """The largest hash that is in the sample."""
        full = len(self.hashes) >= self.most
        return np.uint64(self.hashes.max() if full else np.iinfo(np.uint64).max)


def _smallest(hashes: Hashes, most: int) -> Hashes:
    return hashes if len(hashes) <= most else np.partition(hashes, most - 1)[:most]


def _plain(lines: pa.Table) -> pa.Table:
    """Return the lines with text columns as plain text."""
    fields = [
        pa.field(one.name, pa.string()) if pa.types.is_dictionary(one.type) else one for one in lines.schema
    ]
    return lines.cast(pa.schema(fields))
