"""Parquet: single files, many files of one table, partition folders, Delta tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import write_deltalake

from contracts.errors import DataError
from features.reading.sources import find_items, load_source
from tests.features.reading.loading import load


def write(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def test_partition_folders_become_a_column(tmp_path: Path) -> None:
    write(tmp_path / "o/country=DE/month=2024-01/x.parquet", id=["a", "b"])
    write(tmp_path / "o/country=Great%20Britain/month=2024-02/x.parquet", id=["c"])
    write(tmp_path / "o/country=__HIVE_DEFAULT_PARTITION__/month=2024-02/x.parquet", id=["d"])
    loaded = load(tmp_path / "o")
    assert loaded.columns == ("id", "country", "month")
    assert sorted(loaded.rows) == [
        ("a", "DE", "2024-01"), ("b", "DE", "2024-01"), ("c", "Great Britain", "2024-02"), ("d", None, "2024-02"),
    ]  # fmt: skip
    assert (len(loaded.sources), loaded.numbers) == (1, [1, 2, 3, 4])


def test_one_file_of_a_partition_knows_its_folder(tmp_path: Path) -> None:
    path = write(tmp_path / "country=DE/x.parquet", id=["a"])
    assert load(path).rows == [("a", "DE")]


def test_the_files_of_one_job_are_one_source(tmp_path: Path) -> None:
    for i in range(3):
        write(tmp_path / f"o/part-0000{i}-ab.snappy.parquet", id=[i])
    (tmp_path / "o/_SUCCESS").write_text("")
    loaded = load(tmp_path / "o")
    assert (len(loaded.sources), loaded.rows, loaded.numbers) == (1, [(0,), (1,), (2,)], [1, 2, 3])


def test_a_column_that_changes_its_type_from_file_to_file_is_text(tmp_path: Path) -> None:
    write(tmp_path / "o/part-0.parquet", id=pa.array([7, 8], pa.int64()), n=pa.array([1, 2], pa.int32()))
    write(tmp_path / "o/part-1.parquet", id=["007"], n=[2.5])
    write(tmp_path / "o/part-2.parquet", id=[9.0], n=[3.5])
    loaded = load(tmp_path / "o")
    assert loaded.types == ("VARCHAR", "DOUBLE")
    assert [row[0] for row in loaded.rows] == ["7", "8", "007", "9"]


def test_a_column_missing_in_one_of_many_files_is_refused_with_the_difference(tmp_path: Path) -> None:
    write(tmp_path / "o/part-0.parquet", id=[1], amount=[1.0])
    write(tmp_path / "o/part-1.parquet", id=[1], amuont=[1.0])
    with pytest.raises(
        DataError, match=r"part-1.*missing: 'amount' \(did you mean 'amuont'\?\); new: 'amuont'"
    ):
        load(tmp_path / "o")


def test_empty_row_groups_and_files_without_rows_are_read(tmp_path: Path) -> None:
    schema = pa.schema([("a", pa.int64())])
    with pq.ParquetWriter(tmp_path / "groups.parquet", schema) as writer:
        for values in ([1], [], [2]):
            writer.write_table(pa.table({"a": values}, schema=schema))
    loaded = load(tmp_path / "groups.parquet")
    assert (loaded.rows, loaded.numbers) == ([(1,), (2,)], [1, 2])
    assert load(write(tmp_path / "none.parquet", a=pa.array([], pa.string()))).rows == []


def test_the_same_name_twice_is_refused(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(table, tmp_path / "o.parquet")
    with pytest.raises(DataError, match="names 'a' twice"):
        load(tmp_path / "o.parquet")


def test_names_that_differ_in_case_only_are_two_columns(tmp_path: Path) -> None:
    loaded = load(write(tmp_path / "o.parquet", Id=["x"], id=["y"]))
    assert (loaded.columns, loaded.rows) == (("Id", "id"), [("x", "y")])


def test_a_column_named_like_the_readers_own_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="'file_row_number' is taken"):
        load(write(tmp_path / "o.parquet", a=[1], file_row_number=[7]))


def test_brackets_stars_and_quotes_in_a_path_are_no_pattern(tmp_path: Path) -> None:
    path = write(tmp_path / "[1] o'*.parquet", a=["x"])
    assert load(path).rows == [("x",)]


def test_parquet_is_not_copied(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        load_source(con, 0, write(tmp_path / "o.parquet", a=["x"]))
        assert con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall() == [
            ("raw_0",)
        ]
        assert con.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(0,)]


@pytest.mark.parametrize("content", [b"PAR1 and then nothing", b"PAR1" + bytes(100) + b"PAR1", b"a,b\n1,2\n"])
def test_what_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "o.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read|whatever its ending says"):
        load(tmp_path / "o.parquet")


def delta(path: Path) -> Path:
    first = pa.table({"id": ["a", "b"], "land of": ["DE", "F/R é"]})
    write_deltalake(path, first, partition_by=["land of"])
    late = pa.table({"id": ["c"], "land of": pa.array([None], pa.string()), "n": [7]})
    write_deltalake(path, late, mode="append", schema_mode="merge")
    return path


def test_a_delta_table_is_read_as_its_log_says(tmp_path: Path) -> None:
    path = delta(tmp_path / "orders")
    assert sorted(load(path).rows) == [("a", "DE", None), ("b", "F/R é", None), ("c", None, 7)]
    write_deltalake(path, pa.table({"id": ["z"], "land of": ["x"], "n": [1]}), mode="overwrite")
    assert load(path).rows == [("z", "x", 1)]


def test_an_earlier_version_of_a_delta_table_is_read(tmp_path: Path) -> None:
    path = delta(tmp_path / "orders")
    assert sorted(load(f"{path}@v0").rows) == [("a", "DE"), ("b", "F/R é")]
    with pytest.raises(DataError, match="no version 9 any more, or not yet; its latest is 1"):
        load(f"{path}@v9")


def test_a_delta_table_in_a_folder_is_one_thing(tmp_path: Path) -> None:
    delta(tmp_path / "orders")
    (tmp_path / "more.csv").write_text("id,n\n1,2\n")
    assert [item.kind for item in find_items(tmp_path).items] == ["file", "delta"]
    assert [item.kind for item in find_items(str(tmp_path / "*")).items] == ["file", "delta"]


def test_a_delta_table_with_a_broken_log_or_a_lost_file_is_refused(tmp_path: Path) -> None:
    path = delta(tmp_path / "orders")
    next(path.rglob("*.parquet")).unlink()
    with pytest.raises(DataError, match="is not there"):
        load(path)
    for log in (path / "_delta_log").iterdir():
        log.write_text("{")
    with pytest.raises(DataError, match="the Delta table cannot be read"):
        load(path)
