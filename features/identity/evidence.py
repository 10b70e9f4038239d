"""Which own ids were seen with which key, since when; keys that too many ids have are poisoned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.errors import ContractError
from features.identity.keys import email_key, phone_key
from features.kernel.buffers import as_arrow, as_numpy

# The day of what has no date: before everything.
ALWAYS = -719_162  # 0001-01-01
MOST_IDS_PER_KEY = 20

EVIDENCE = pa.schema(
    [
        pa.field("own_id", pa.string(), nullable=False),
        pa.field("key", pa.string(), nullable=False),  # email:<hash> or phone:<hash>
        pa.field("first_day", pa.int32(), nullable=False),  # on which this id was first seen with this key
    ]
)
POISONED = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("from_day", pa.int32(), nullable=False),
    ]
)
NO_EVIDENCE = pa.Table.from_batches([], EVIDENCE)
NO_POISON = pa.Table.from_batches([], POISONED)
Ints = NDArray[np.int64]


def evidence_of(personal: pa.Table, *, region: str | None = None) -> pa.Table:
    """Return the EVIDENCE of personal data (contracts.tables.PERSONAL); what is no address or number is none.

    region: of telephone numbers without a country code. Each distinct value is normalised once.
    """
    ids, days = personal["customer_id"].to_pylist(), personal["known_day"].to_pylist()
    emails = {text: email_key(text) for text in set(personal["email"].to_pylist())}
    phones = {text: phone_key(text, region=region) for text in set(personal["phone"].to_pylist())}
    first: dict[tuple[str, str], int] = {}
    for keys, column in ((emails, "email"), (phones, "phone")):
        for own, day, text in zip(ids, days, personal[column].to_pylist(), strict=True):
            key = keys[text]
            if key is not None:
                seen = ALWAYS if day is None else day
                first[own, key] = min(seen, first.get((own, key), seen))
    rows = [{"own_id": own, "key": key, "first_day": day} for (own, key), day in sorted(first.items())]
    return pa.Table.from_pylist(rows, schema=EVIDENCE)


def up_to(days: pa.Array | pa.ChunkedArray, day: int) -> pa.Array:
    """Tell which days are not later than a day."""
    return as_arrow(as_numpy(days) <= day, pa.bool_())


def shared_keys(evidence: pa.Table, *, most_ids_per_key: int) -> tuple[list[pa.Array], pa.Table]:
    """Return (known_day, a, b, key) of all pairs of ids that share a key, and the POISONED keys."""
    if most_ids_per_key < 2:
        raise ContractError(f"most_ids_per_key is {most_ids_per_key}; at least 2 ids can share a key")
    ids, keys = _encoded(evidence["own_id"]), _encoded(evidence["key"])
    day = as_numpy(evidence["first_day"]).astype(np.int64)
    rows = _first_seen(_codes(ids), _codes(keys), day)
    own, key, day = _codes(ids)[rows], _codes(keys)[rows], day[rows]
    poisoned, from_day = _poisoned(key, day, most_ids_per_key)
    day_of_poison = np.full(len(keys.dictionary) + 1, np.iinfo(np.int64).max)
    day_of_poison[poisoned] = from_day
    good = day < day_of_poison[key]
    own, key, day = own[good], key[good], day[good]
    one, other = _pairs(key, most_ids_per_key)
    # Rows of one key are sorted by day, so the later row of a pair has the later day.
    columns = [
        as_arrow(day[other].astype(np.int32), pa.int32()),
        ids.dictionary.take(as_arrow(own[one], pa.int64())),
        ids.dictionary.take(as_arrow(own[other], pa.int64())),
        keys.dictionary.take(as_arrow(key[one], pa.int64())),
    ]
    names = keys.dictionary.take(as_arrow(poisoned, pa.int64()))
    table = pa.Table.from_arrays([names, as_arrow(from_day.astype(np.int32), pa.int32())], schema=POISONED)
    return columns, table.sort_by("key").combine_chunks()


def _encoded(column: pa.ChunkedArray) -> Any:
    whole = column.cast(pa.string()).combine_chunks()
    return whole.dictionary_encode()


def _codes(encoded: Any) -> Ints:
    return as_numpy(encoded.indices).astype(np.int64)


def _first_seen(own: Ints, key: Ints, day: Ints) -> Ints:
    """Return the first row of each (key, id), sorted by key, day and id, of keys that stand in several rows."""
    rows = np.flatnonzero(np.bincount(key)[key] > 1) if len(key) else np.empty(0, dtype=np.int64)
    rows = rows[np.lexsort((day[rows], own[rows], key[rows]))]
    again = (np.diff(key[rows], prepend=-1) == 0) & (np.diff(own[rows], prepend=-1) == 0)
    rows = rows[~again]
    return rows[np.lexsort((own[rows], day[rows], key[rows]))]


def _poisoned(key: Ints, day: Ints, most: int) -> tuple[Ints, Ints]:
    """Return the keys (sorted codes) with more than `most` ids, and the day of the first id too many."""
    head = np.flatnonzero(np.diff(key, prepend=-1))
    beyond = head + most
    inside = beyond < np.append(head[1:], len(key))
    return key[head[inside]], day[beyond[inside]]


def _pairs(key: Ints, most: int) -> tuple[Ints, Ints]:
    """Return the positions of all pairs of rows of one key, the earlier row first."""
    ones, others = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for step in range(1, most):
        one = np.flatnonzero(key[step:] == key[:-step])
        if not len(one):
            break
        ones.append(one)
        others.append(one + step)
    return np.concatenate(ones), np.concatenate(others)
