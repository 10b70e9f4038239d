"""Files, folders and patterns: what can be read is read, what cannot is one clear message."""

from __future__ import annotations

import gzip
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import DataError
from features.orders import read_orders
from features.reading.mapping import Mapping

TEXT = "customer_id,order_id,date,amount\na,1,2024-01-01,1\nb,2,2024-01-02,2\n"


def test_a_gzipped_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv.gz"
    path.write_bytes(gzip.compress(TEXT.encode()))
    assert read_orders(path).report.kept == 2


def test_a_folder_and_a_pattern_are_read(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(TEXT)
    (tmp_path / "two.csv").write_text(TEXT.replace("a,1", "c,3").replace("b,2", "d,4"))
    (tmp_path / "README.md").write_text("not orders")
    assert read_orders(tmp_path).report.kept == 4
    assert read_orders(str(tmp_path / "*.csv")).fingerprint == read_orders(tmp_path).fingerprint


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text(TEXT)
    assert read_orders([path, tmp_path]).report.read == 2


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text(TEXT, encoding="utf-8-sig")
    assert read_orders(path).mapping.columns["customer_id"] == "customer_id"


def test_latin_1_is_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_bytes((TEXT + "Zoë,3,2024-01-03,1\n").encode("latin-1"))
    orders = read_orders(path)
    assert "Zoë" in orders.lines["customer_id"].to_pylist()
    assert any("Latin-1" in note for note in orders.report.notes)


def test_windows_1252_with_a_euro_sign_is_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_bytes((TEXT + "Zoë €,3,2024-01-03,1\n").encode("cp1252"))
    orders = read_orders(path)
    assert "Zoë €" in orders.lines["customer_id"].to_pylist()
    assert any("Windows-1252" in note for note in orders.report.notes)


def test_bytes_of_no_encoding_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_bytes(TEXT.encode() + b"Zo\x81\x9d,3,2024-01-03,1\n")
    with pytest.raises(DataError, match="neither UTF-8 nor Windows-1252"):
        read_orders(path)


def test_the_same_orders_in_csv_and_parquet_are_the_same(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(TEXT)
    columns = {
        "customer_id": ["a", "b"],
        "order_id": [1, 2],
        "date": ["2024-01-01", "2024-01-02"],
        "amount": [1, 2],
    }
    pq.write_table(pa.table(columns), tmp_path / "o.parquet")
    assert read_orders(tmp_path / "o.csv").lines.equals(read_orders(tmp_path / "o.parquet").lines)


def test_brackets_in_a_file_name_are_no_pattern(tmp_path: Path) -> None:
    path = tmp_path / "orders[1].csv"
    path.write_text(TEXT)
    assert read_orders(path).report.kept == 2


def test_a_missing_file_names_the_nearest_one(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text(TEXT)
    with pytest.raises(DataError, match=r"no such file, did you mean 'orders.csv'"):
        read_orders(tmp_path / "order.csv")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("o.csv", b"", "empty"),
        ("o.csv", b"customer_id,order_id,date,amount\n", "no rows below the header"),
        ("o.csv.gz", TEXT.encode(), "not a gzip file"),
        ("o.csv.gz", gzip.compress(TEXT.encode() * 99)[:-9], "cut off or damaged"),
        ("o.parquet", TEXT.encode(), "not a Parquet file"),
        ("o.parquet", b"PAR1 and then nothing", "cannot be read"),
        ("o.csv", b"PK\x03\x04 a workbook", "Save the sheet as CSV"),
        ("o.csv", b"a,b\n1,2\n", "No mapping fits"),
        ("o.csv", TEXT.replace("a,1", '"a,1').encode(), "line 2: a quotation mark is opened"),
        ("o.csv", TEXT.replace(",1\n", ",x\n").replace(",2\n", ",y\n").encode(), "No order is left"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=words):
        read_orders(path)


def test_two_kinds_of_line_ends_and_blank_lines_are_read(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_bytes(("\n\n" + TEXT + "c,3,2024-01-03,1\r\n\r\nd,4,2024-01-04,1\n").encode())
    assert read_orders(path).report.read == 4


def test_times_with_a_zone_in_parquet_become_local(tmp_path: Path) -> None:
    for unit in ("ms", "us", "ns"):
        times = pa.array([datetime(2024, 7, 1, 23, 30)], pa.timestamp(unit, "UTC"))
        pq.write_table(pa.table({"c": ["a"], "t": times, "a": [1.0]}), tmp_path / "o.parquet")
        columns = {"customer_id": "c", "ordered_at": "t", "amount": "a"}
        mapping = Mapping(name="m", columns=columns, timezone="Europe/London")
        lines = read_orders(tmp_path / "o.parquet", mapping=mapping).lines
        assert lines["ordered_at"].to_pylist() == [datetime(2024, 7, 2, 0, 30)]


def test_a_folder_without_readable_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("x")
    with pytest.raises(DataError, match="no readable file"):
        read_orders(tmp_path)


def test_a_mapped_column_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(TEXT)
    mapping = Mapping(
        name="m", columns={"customer_id": "customer_id", "ordered_at": "date", "amount": "amont"}
    )
    with pytest.raises(DataError, match="'amont' of mapping 'm' is not there, did you mean 'amount'"):
        read_orders(tmp_path / "o.csv", mapping=mapping)


def test_a_currency_column_gives_the_currency_and_mixing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "o.csv"
    path.write_text("customer,date,total,currency\na,2024-01-01,1,EUR\nb,2024-01-02,1,EUR\n")
    assert read_orders(path).currency == "EUR"
    path.write_text("customer,date,total,currency\na,2024-01-01,1,EUR\nb,2024-01-02,1,USD\n")
    with pytest.raises(DataError, match="mixes EUR, USD"):
        read_orders(path)


def test_files_of_different_shops_are_not_mixed(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(TEXT)
    (tmp_path / "two.csv").write_text("customer_id,date,number_of_cds,dollar_value\na,19970101,1,1\n")
    with pytest.raises(DataError, match="Read them apart"):
        read_orders(tmp_path)
