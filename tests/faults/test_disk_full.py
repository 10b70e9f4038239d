"""A full disk, or a limit on files: one message, exit code 2, and the previous result whole and readable."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from features.prepared.store import Prepared
from tests.faults.disk import Disk
from tests.faults.shop import orders
from tests.features.prepared.stores import files_of, lines_of
from tests.repurchase.front_door import Ended, run

pytestmark = pytest.mark.faults


def refused(ended: Ended) -> None:
    """Check that the command ended with one message that speaks of space."""
    assert ended.code == 2, ended.err
    assert "Traceback" not in ended.err and len(ended.errors) == 1, ended.err
    assert "No space left" in ended.errors[0] or "File too large" in ended.errors[0], ended.err


@pytest.mark.parametrize("out", ["panel.parquet", "panel"])
def test_features_leave_the_previous_result(tmp_path: Path, disk: Disk, out: str) -> None:
    orders(tmp_path, "orders.csv", count=8_000)
    words = ("features", "orders.csv", "--out", disk.folder / out)
    assert run(tmp_path, *words, "--as-of", "2023-03-31", "--pick", "recency").code == 0
    before = files_of(disk.folder)
    refused(disk.run(tmp_path, *words))
    after = files_of(disk.folder)
    assert {name: after[name] for name in after if not name.endswith(".part")} == before
    assert pq.read_table(disk.folder / out).num_rows > 0
    assert run(tmp_path, *words).code == 0 and files_of(disk.folder) != before


def test_features_go_on_with_what_was_finished(tmp_path: Path, disk: Disk) -> None:
    orders(tmp_path, "orders.csv", count=3_000)
    assert run(tmp_path, "prepare", "orders.csv", "--out", "prepared", "--partitions", "40").code == 0
    words = (
        "features",
        "prepared",
        "--pick",
        "recency,frequency,tenure",
        "--cutoffs",
        "3",
        "--horizon",
        "30",
        "--out",
    )
    ended = disk.run(tmp_path, *words, disk.folder / "panel")
    if disk.mounted:  # each part is below the limit on files
        refused(ended)
        assert len(list(disk.folder.glob(".panel.*.part/note-*.json"))) > 0
    assert run(tmp_path, *words, disk.folder / "panel").code == 0
    assert run(tmp_path, *words, "whole").code == 0
    assert files_of(disk.folder / "panel") == files_of(tmp_path / "whole")


def test_a_preparation_without_space_leaves_nothing_to_trip_over(tmp_path: Path, disk: Disk) -> None:
    orders(tmp_path, "orders.csv", count=20_000)
    words = ("prepare", "orders.csv", "--out", disk.folder / "prepared")
    refused(disk.run(tmp_path, *words))
    assert not list((disk.folder / "prepared").rglob("*.arrow"))
    assert run(tmp_path, *words).code == 0 and run(tmp_path, "check", disk.folder / "prepared").code == 0


def test_an_append_without_space_leaves_the_old_state(tmp_path: Path, disk: Disk) -> None:
    folder = disk.folder / "prepared"
    assert run(tmp_path, "prepare", orders(tmp_path, "old.csv", count=2_000), "--out", folder).code == 0
    before, lines = files_of(folder), lines_of(Prepared.open(folder))
    orders(tmp_path, "new.csv", first=2_000, count=20_000)
    refused(disk.run(tmp_path, "prepare", "new.csv", "--append", folder))
    assert files_of(folder) == before and lines_of(Prepared.open(folder)).equals(lines)
    assert run(tmp_path, "prepare", "new.csv", "--append", folder).code == 0
    assert Prepared.open(folder).overview.rows == 22_000


def test_check_leaves_the_previous_quarantine(tmp_path: Path, disk: Disk) -> None:
    path = orders(tmp_path, "orders.csv", count=20_000)
    path.write_text(path.read_text().replace("customer-", " ", 15_000).replace(" 0", ",0"))
    some = orders(tmp_path, "some.csv", count=20)
    words = ("--out", disk.folder / "refused.parquet")
    assert run(tmp_path, "check", some, *words).code == 0
    before = files_of(disk.folder)
    refused(disk.run(tmp_path, "check", path, *words))
    assert files_of(disk.folder) == before


def test_kept_lines_that_find_no_space_are_done_without(tmp_path: Path, disk: Disk) -> None:
    folder = disk.folder / "prepared"
    assert run(tmp_path, "prepare", orders(tmp_path, "old.csv", count=20_000), "--out", folder).code == 0
    shutil.rmtree(folder / "lines", ignore_errors=True)
    before = files_of(folder)
    ended = disk.run(tmp_path, "check", folder)
    assert ended.code == 0, ended.err
    assert {
        name: content for name, content in files_of(folder).items() if not name.startswith("lines/")
    } == before
    assert run(tmp_path, "check", folder).out == ended.out
