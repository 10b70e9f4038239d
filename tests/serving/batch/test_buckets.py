from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.batch.buckets import Buckets

SCHEMA = pa.schema([("customer_id", pa.string()), ("rank", pa.int64()), ("curve", pa.list_(pa.float64()))])


def table(ranks: list[int]) -> pa.Table:
    rows = [{"customer_id": f"c{rank}", "rank": rank, "curve": [rank / 2, 1.0]} for rank in sorted(ranks)]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 70), st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_rows_of_all_parts_come_back_by_rank(
    customers: int, parts: int, size: int, chance: object
) -> None:
    ranks = list(range(1, customers + 1))
    chance.shuffle(ranks)  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory() as folder:
        buckets = Buckets(Path(folder) / "buckets", SCHEMA, customers=customers, rows=size)
        with buckets:
            for part in range(parts):
                buckets.add(table(ranks[part::parts]))
        found = list(buckets.tables())
        assert not any((Path(folder) / "buckets").iterdir())
    assert all(one.num_rows <= size for one in found)
    assert pa.concat_tables(found).combine_chunks().equals(table(ranks))
