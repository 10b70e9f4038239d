"""A stable sample of customers: by the hash of their ids, so that it is the same in any order of rows."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def sampled(customer_ids: NDArray[np.object_], most: int) -> NDArray[np.int64]:
    """Return the positions of at most `most` customers, those with the smallest hashed ids, ascending."""
    if len(customer_ids) <= most:
        return np.arange(len(customer_ids))
    return np.sort(np.argpartition(id_hashes(customer_ids), most)[:most])


def id_hashes(customer_ids: NDArray[np.object_]) -> NDArray[np.uint64]:
    """Return the hashes by which customers are sampled; (n,)."""
    digests = (hashlib.blake2b(name.encode(), digest_size=8).digest() for name in customer_ids)
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
