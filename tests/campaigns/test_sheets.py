"""CSV files that spreadsheets open without harm."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from campaigns.sheets import write_csv


def written(path: Path, **columns: list[object]) -> list[list[str]]:
    write_csv(path, pa.table(columns))
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_a_text_that_looks_like_a_formula_is_made_harmless(tmp_path: Path) -> None:
    rows = written(tmp_path / "a.csv", customer_id=["007", "-12"], note=["=1+1", "@x"])
    assert rows[1:] == [["007", "'=1+1"], ["-12", "'@x"]]


def test_quotes_commas_and_line_ends_survive(tmp_path: Path) -> None:
    assert written(tmp_path / "a.csv", note=['a "b", c\nd'])[1] == ['a "b", c\nd']


def test_a_list_becomes_one_cell_and_a_null_an_empty_one(tmp_path: Path) -> None:
    assert written(tmp_path / "a.csv", picks=[["p", "q"], None]) == [["picks"], ["p|q"], [""]]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    written(tmp_path / "a.csv", note=["old"])
    with pytest.raises(UnicodeEncodeError):
        write_csv(tmp_path / "a.csv", _Table())
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").split() == ["note", "old"]


class _Table:
    column_names = ("\ud800",)
