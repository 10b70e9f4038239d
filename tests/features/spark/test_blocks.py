"""Blocks of whole groups out of a stream of batches."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from features.spark.blocks import gathered, whole_groups


def batches_of(keys: list[int], size: int) -> list[pa.RecordBatch]:
    table = pa.table({"key": pa.array(keys, pa.int64()), "at": pa.array(range(len(keys)), pa.int64())})
    return table.to_batches(max_chunksize=size)


def blocks(keys: list[int], *, size: int, rows: int) -> list[list[int]]:
    return [table["key"].to_pylist() for table in whole_groups(batches_of(keys, size), "key", rows=rows)]


def test_a_block_ends_where_a_group_ends() -> None:
    assert blocks([1, 1, 2, 2, 3], size=2, rows=2) == [[1, 1], [2, 2], [3]]


def test_a_group_larger_than_a_block_stays_whole() -> None:
    assert blocks([1, 2, 2, 2, 2, 2, 3], size=2, rows=2) == [[1, 2, 2, 2, 2, 2], [3]]


def test_no_rows_make_no_block() -> None:
    empty = batches_of([1], 1)[0].slice(0, 0)
    assert list(whole_groups([empty, empty], "key", rows=5)) == []
    assert list(gathered([empty], rows=5)) == []


@given(sizes=st.lists(st.integers(1, 9), max_size=12), size=st.integers(1, 7), rows=st.integers(1, 10))
def test_every_row_comes_once_in_order_and_no_group_is_cut(sizes: list[int], size: int, rows: int) -> None:
    keys = [key for key, n in enumerate(sizes) for _ in range(n)]
    found = blocks(keys, size=size, rows=rows)
    assert [key for block in found for key in block] == keys
    assert sum(len(set(block)) for block in found) == len(sizes)
    largest = max(sizes, default=0)
    assert all(len(block) < rows + size + largest for block in found)


@given(n=st.integers(0, 40), size=st.integers(1, 7), rows=st.integers(1, 10))
def test_gathered_tables_hold_all_rows_and_only_the_last_is_small(n: int, size: int, rows: int) -> None:
    found = [table["at"].to_pylist() for table in gathered(batches_of([0] * n, size), rows=rows)]
    assert [at for table in found for at in table] == list(range(n))
    assert all(len(table) >= rows for table in found[:-1])
