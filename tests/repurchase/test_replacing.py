"""Folders that are written whole: the new one takes the old one's place, or nothing changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from repurchase.replacing import written_whole


def put(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "a.txt").write_text(text, encoding="utf-8")


def test_the_new_folder_takes_the_place_of_the_old(tmp_path: Path) -> None:
    put(tmp_path / "out", "old")
    with written_whole(tmp_path / "out") as fresh:
        (fresh / "b.txt").write_text("new", encoding="utf-8")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["b.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_leaves_the_old_folder_and_nothing_else(tmp_path: Path) -> None:
    put(tmp_path / "out", "old")
    with pytest.raises(ValueError, match="half-way"), written_whole(tmp_path / "out") as fresh:
        (fresh / "b.txt").write_text("new", encoding="utf-8")
        raise ValueError("half-way")
    assert (tmp_path / "out/a.txt").read_text(encoding="utf-8") == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_run_that_was_killed_between_the_renames_gives_the_old_folder_back(tmp_path: Path) -> None:
    put(tmp_path / ".out.old", "old")
    put(tmp_path / ".out.fresh", "half")
    with pytest.raises(ValueError, match="again"), written_whole(tmp_path / "out"):
        raise ValueError("again")
    assert (tmp_path / "out/a.txt").read_text(encoding="utf-8") == "old"
