"""JSON Lines: every value as it is written, objects flattened, broken lines set aside."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from contracts.errors import DataError
from tests.features.reading.loading import load_bytes


def test_numbers_stay_as_they_are_written(tmp_path: Path) -> None:
    content = b'{"id": 12345678901234567890, "amount": 1.10, "far": 1e400, "small": -0.0}\n'
    assert load_bytes(tmp_path, content).rows == [("12345678901234567890", "1.10", "1e400", "-0.0")]


def test_keys_may_come_in_any_order_and_be_absent(tmp_path: Path) -> None:
    loaded = load_bytes(tmp_path, b'{"a": "x", "b": 1}\n{"b": 2}\n{"c": true, "a": null, "b": ""}\n')
    assert loaded.columns == ("a", "b", "c")
    assert loaded.rows == [("x", "1", None), (None, "2", None), (None, None, "true")]


def test_a_key_that_changes_its_type_stays_text(tmp_path: Path) -> None:
    assert load_bytes(tmp_path, b'{"a": 7}\n{"a": "07"}\n{"a": 7.0}\n').rows == [("7",), ("07",), ("7.0",)]


def test_objects_become_columns_and_lists_stay_json(tmp_path: Path) -> None:
    content = '{"customer": {"id": 7, "name": {"last": "Ö"}}, "lines": [1, 2.50, {"a": "é", "b": null}]}\n'
    loaded = load_bytes(tmp_path, content.encode())
    assert loaded.columns == ("customer.id", "customer.name.last", "lines")
    assert loaded.rows == [("7", "Ö", '[1, 2.50, {"a": "é", "b": null}]')]


def test_a_line_that_is_no_object_is_set_aside_with_its_line(tmp_path: Path) -> None:
    deep = "[" * 100_000
    loaded = load_bytes(tmp_path, f'{{"a": 1}}\n\n{{"a": 2\n[3]\n{deep}\n{{"a": 4}}\n'.encode())
    assert loaded.rows == [("1",), ("4",)]
    assert loaded.malformed == [(3, '{"a": 2'), (4, "[3]"), (5, deep)]


@pytest.mark.parametrize("content", [b'[{"a": 1}, {"a": 2}]', b'{\n  "a": 1\n}\n', b'[\n{"a": 1}\n]'])
def test_json_that_is_not_one_object_per_line_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match="one object per line"):
        load_bytes(tmp_path, content, name="o.json")


def test_packed_and_utf_16_lines_are_read(tmp_path: Path) -> None:
    text = '{"a": "é"}\r\n{"a": "x\\u0000\\ud800"}\r\n'
    assert load_bytes(tmp_path, gzip.compress(text.encode()), name="o.jsonl.gz").rows == [("é",), ("x\0?",)]
    assert load_bytes(tmp_path, text.encode("utf-16"), name="o.jsonl").rows[0] == ("é",)


def test_keys_that_are_ids_are_refused(tmp_path: Path) -> None:
    lines = "".join(f'{{"k{i}": 1}}\n' for i in range(2_001))
    with pytest.raises(DataError, match=r"line 2001: the objects have more than 2,000 different keys"):
        load_bytes(tmp_path, lines.encode())


def test_many_lines_are_all_read(tmp_path: Path) -> None:
    lines = "".join(
        f'{{"a": {i}{", " + chr(34) + "late" + chr(34) + ": 1" if i > 40_000 else ""}}}\n'
        for i in range(50_000)
    )
    loaded = load_bytes(tmp_path, lines.encode())
    assert loaded.numbers == list(range(1, 50_001))
    assert sum(row[1] is not None for row in loaded.rows) == 9_999
