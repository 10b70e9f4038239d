"""Folders: kinds may be mixed, what is no order file is left out and said."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import DataError
from features.reading.columns import diff_of_columns
from features.reading.sources import find_files, find_items
from tests.features.reading.loading import load
from tests.features.reading.workbook_files import write_xlsx

TEXT = "customer_id,order_id,date,amount\na,1,2024-01-01,1\nb,2,2024-01-02,2\n"


def test_kinds_may_be_mixed_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,n\n1,2\n")
    (tmp_path / "b.tsv.gz").write_bytes(gzip.compress(b"id\tn\n3\t4\n"))
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper/c.jsonl").write_text('{"id": 5, "n": 6}\n')
    pq.write_table(pa.table({"id": ["7"], "n": ["8"]}), tmp_path / "d.parquet")
    write_xlsx(tmp_path / "e.xlsx", {"A": [["id", "n"], ["9", "10"]]})
    assert sorted(load(tmp_path).rows) == [("1", "2"), ("3", "4"), ("5", "6"), ("7", "8"), ("9", "10")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("readme.txt", TEXT),
        ("README.csv", "a,b\n"),
        ("LICENSE.txt", "x"),
        ("notes.txt", "These are the orders of 2024, exported on Monday.\nAsk Ann, if in doubt.\n"),
        ("log.txt", "export started\nexport ended\n"),
        ("list.txt", "done, today\nall went well\nno, one, two\nbye\n"),
        ("schema.json", '{\n  "type": "object"\n}\n'),
        ("picture.png", "PNG"),
    ],
)
def test_a_file_that_is_no_orders_is_left_out_and_said(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / "orders.csv").write_text(TEXT)
    (tmp_path / name).write_text(content)
    found = find_items(tmp_path)
    assert [str(item) for item in found.items] == [str(tmp_path / "orders.csv")]
    assert [note.split(" is left out: ")[0] for note in found.notes] == [str(tmp_path / name)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("orders.txt", TEXT),
        ("one.txt", TEXT.splitlines()[0]),
        ("cdnow.txt", " 00004 0001 19970101  2   29.33\n 00004 0001 19970118  2   29.73\n"),
        ("broken.csv", "only one column\nof text\n"),
        ("empty.txt", ""),
        ("o.json", '{"id": 1}\n{"id": 2}\n'),
    ],
)
def test_a_file_that_may_be_orders_is_not_left_out(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert [str(item) for item in find_files(tmp_path)] == [str(tmp_path / name)]


def test_hidden_files_and_folders_are_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(TEXT)
    for name in (".hidden.csv", "_SUCCESS", "_old/orders.csv", ".git/orders.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(TEXT)
    found = find_items(tmp_path)
    assert (len(found.items), found.skipped) == (1, ())


def test_a_folder_with_documents_only_is_refused_and_names_them(tmp_path: Path) -> None:
    (tmp_path / "README.txt").write_text("x")
    with pytest.raises(
        DataError, match=r"no readable file.*Left out: README.txt \(by its name it is a document\)"
    ):
        find_files(tmp_path)


def test_a_document_that_is_named_itself_is_read(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text(TEXT)
    assert len(load(tmp_path / "readme.txt").rows) == 2


def test_a_file_of_a_dataset_is_not_read_twice(tmp_path: Path) -> None:
    for i in range(2):
        pq.write_table(pa.table({"id": [i]}), tmp_path / f"part-{i}.parquet")
    assert load([tmp_path, tmp_path / "part-0.parquet"]).rows == [(0,), (1,)]


def test_the_difference_of_two_headers_is_told() -> None:
    assert diff_of_columns(["id", "amount", "day"], ["id", "amuont", "day"]) == (
        "missing: 'amount' (did you mean 'amuont'?); new: 'amuont'"
    )
    assert diff_of_columns(["a", "b"], ["b", "a"]) == ""
    assert diff_of_columns([f"c{i}" for i in range(12)], []).endswith("'c7', and 4 more")
