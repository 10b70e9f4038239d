"""The order lines of a sample of whole people, gathered from all partitions."""

from __future__ import annotations

from collections.abc import Mapping
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
from features.shop.by_customer import plain_text, sorted_by_customer

Hashes = NDArray[np.uint64]
_LARGEST = np.iinfo(np.uint64).max


def sampled_lines(
    rows: Partitions,
    tally: Tally,
    *,
    until: int | None,
    now: datetime | None,
    most: int,
    person: Mapping[str, str],
) -> pa.Table:
    """Return the order lines of at most `most` people, those with the smallest hashed ids, sorted by own id.

    person: the id by which each own id that may have company is sampled; all others are sampled by themselves.
    """
    gathering = _Gathering(most, person)
    parts = [part for _, part in process(rows, gathering.choose, tally, until=until, now=now)]
    return sorted_by_customer([gathering.still_wanted(part) for part in parts])


class _Gathering:
    """Who is in the sample, as far as the partitions seen so far tell."""

    def __init__(self, most: int, person: Mapping[str, str]) -> None:
        self.most = most
        self.person = person
        self.hashes: Hashes = np.empty(0, dtype=np.uint64)
        self.lock = Lock()  # partitions are worked on in several threads

    def choose(self, _: int, lines: pa.Table) -> pa.Table:
        """Return the lines of those who may be in the sample."""
        codes, hashes = self._hashes(lines)
        with self.lock:
            every = np.unique(np.concatenate([self.hashes, hashes[np.unique(codes)]]))
            self.hashes = every[: self.most]
        return plain_text(lines.filter(as_arrow(hashes[codes] <= self.limit, pa.bool_())))

    def still_wanted(self, lines: pa.Table) -> pa.Table:
        """Return the lines of those who are in the sample after all."""
        codes, hashes = self._hashes(lines)
        return lines.filter(as_arrow(hashes[codes] <= self.limit, pa.bool_()))

    @property
    def limit(self) -> np.uint64:
        """The largest hash that is in the sample."""
        full = len(self.hashes) >= self.most
        return np.uint64(self.hashes[-1] if full else _LARGEST)

    def _hashes(self, lines: pa.Table) -> tuple[NDArray[np.int64], Hashes]:
        """Return a code for each line's customer, and the hash of each code's person."""
        codes, names = codes_of(lines["customer_id"])
        used = np.unique(codes)
        ids = names.take(as_arrow(used, pa.int64())).to_pylist()
        hashes = np.full(len(names), _LARGEST, dtype=np.uint64)
        hashes[used] = id_hashes(np.array([self.person.get(own, own) for own in ids], dtype=object))
        return codes, hashes
