"""Workbooks: which sheet and header are read, and what becomes of numbers and dates."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from contracts.errors import DataError
from tests.features.reading.loading import load
from tests.features.reading.workbook_files import Cell, Sheets, write_ods, write_xlsx

HEADER: list[Cell] = ["customer", "date", "total"]
TIME = datetime(2024, 3, 1, 12, 30)


def test_numbers_stay_numbers_dates_become_times_and_ids_have_no_point(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [
        [*HEADER, "note", "no"],
        ["007", TIME, 12.5, 3, 17850.0],
        ["b", datetime(2024, 3, 2), 3, "x", 13047],
    ]
    loaded = load(write_xlsx(tmp_path / "o.xlsx", {"Orders": rows}))
    assert loaded.columns == ("customer", "date", "total", "note", "no")
    assert loaded.types == ("VARCHAR", "TIMESTAMP", "DOUBLE", "VARCHAR", "BIGINT")
    assert loaded.rows == [("007", TIME, 12.5, "3", 17850), ("b", datetime(2024, 3, 2), 3.0, "x", 13047)]


def test_titles_above_the_header_and_blank_rows_are_no_rows(tmp_path: Path) -> None:
    rows: list[list[Cell]] = [
        ["All orders of 2024"],
        [],
        [None, *HEADER],
        [None, "a", TIME, 1],
        [],
        [None, "b", TIME, 2],
    ]
    loaded = load(write_xlsx(tmp_path / "o.xlsx", {"Orders": rows}))
    assert loaded.columns == ("customer", "date", "total")
    assert loaded.rows == [("a", TIME, 1), ("b", TIME, 2)]
    assert loaded.numbers == [1, 3]


def test_the_first_visible_sheet_with_a_header_is_read_and_the_others_are_said(tmp_path: Path) -> None:
    sheets: Sheets = {
        "About": [["Written by us"]],
        "Old": [HEADER, ["x"]],
        "A": [HEADER, ["a", TIME, 1]],
        "B": [HEADER, ["b"]],
    }
    loaded = load(write_xlsx(tmp_path / "o.xlsx", sheets, hidden=["Old"]))
    assert loaded.rows == [("a", TIME, 1)]
    assert "only the sheet 'A' was read, not 'B'. Name a sheet as o.xlsx#B." in loaded.sources[0].notes[0]


def test_a_sheet_is_read_by_its_name(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "o.xlsx", {"A": [HEADER, ["a"]], "Year 2": [HEADER, ["b", TIME, 2]]})
    loaded = load(f"{path}#Year 2")
    assert (loaded.rows, loaded.sources[0].path) == ([("b", TIME, 2)], f"{path}#Year 2")
    assert [len(load([f"{path}#A", f"{path}#Year 2"]).rows)] == [2]
    with pytest.raises(
        DataError, match=r"no sheet 'Year', did you mean 'Year 2'\? Its sheets are: A, Year 2"
    ):
        load(f"{path}#Year")


def test_a_sheet_of_open_document_is_read(tmp_path: Path) -> None:
    path = write_ods(tmp_path / "o.ods", {"Orders": [HEADER, ["007", "2024-03-01", "1.10"]]})
    assert load(path).rows == [("007", "2024-03-01", "1.10")]


def test_a_workbook_without_a_header_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "o.xlsx", {"One": [[1, 2], [3, 4]], "Two": []})
    with pytest.raises(DataError, match=r"none of the sheets \(One, Two\) has a header"):
        load(path)


def test_the_same_name_twice_is_refused_with_the_sheet(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "o.xlsx", {"One": [["a", "b", "a"], [1, 2, 3]]})
    with pytest.raises(DataError, match=r"o.xlsx, sheet 'One': the header names 'a' twice"):
        load(path)


def test_a_damaged_workbook_is_refused(tmp_path: Path) -> None:
    content = write_xlsx(tmp_path / "o.xlsx", {"One": [HEADER, ["a", TIME, 1]]}).read_bytes()
    for name, part in {
        "cut.xlsx": content[:-40],
        "zip.xlsx": b"PK\x03\x04 no zip",
        "o.xls": b"\xd0\xcf\x11\xe0" * 200,
    }.items():
        (tmp_path / name).write_bytes(part)
        with pytest.raises(DataError, match="no workbook that can be read"):
            load(tmp_path / name)
