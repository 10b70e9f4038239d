"""Prepared orders that are damaged, unfinished or of another version: one error that names the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.errors import ArtifactError, DeclarationError
from features.prepared.process import Tally
from features.prepared.store import Prepared, partitions_of
from tests.features.cleaning.shop import write
from tests.features.prepared.stores import NEW, OLD, files_of, lines_of, prepared


def damaged(path: Path, how: str) -> None:
    """Damage a file: cut it, flip one bit in its middle, or take it away."""
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    if how == "gone":
        path.unlink()
    elif how == "cut":
        path.write_bytes(content[:half])
    else:
        content[half] ^= 1
        path.write_bytes(content)


@pytest.mark.parametrize("how", ["cut", "flipped", "gone"])
def test_a_damaged_chunk_is_named(tmp_path: Path, how: str) -> None:
    made = prepared(tmp_path)
    damaged(made.folder / "rows/0001/0001.arrow", how)
    with pytest.raises(ArtifactError, match=r"rows/0001/0001.arrow is .*Prepare the orders again"):
        lines_of(Prepared.open(made.folder))


@pytest.mark.parametrize("how", ["cut", "flipped", "gone"])
def test_damaged_refused_rows_are_named(tmp_path: Path, how: str) -> None:
    made, tally = prepared(tmp_path), Tally(quarantined=True)
    damaged(made.folder / "refused/0001.parquet", how)
    lines_of(made, tally)
    with pytest.raises(ArtifactError, match=r"refused/0001.parquet is .*Prepare the orders again"):
        tally.quarantine(made)


@pytest.mark.parametrize("how", ["cut", "flipped"])
def test_a_damaged_manifest_is_named(tmp_path: Path, how: str) -> None:
    damaged(prepared(tmp_path).folder / "manifest.json", how)
    with pytest.raises(ArtifactError, match=r"prepared/manifest.json is damaged"):
        Prepared.open(tmp_path / "prepared")


def test_one_changed_number_in_the_manifest_is_noticed(tmp_path: Path) -> None:
    path = prepared(tmp_path).folder / "manifest.json"
    path.write_text(path.read_text().replace('"rows": 2', '"rows": 3'))
    with pytest.raises(ArtifactError, match=r"manifest.json is damaged"):
        Prepared.open(tmp_path / "prepared")


def test_without_its_manifest_a_folder_is_not_read_as_order_files(tmp_path: Path) -> None:
    (prepared(tmp_path).folder / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match="no prepared orders"), partitions_of(tmp_path / "prepared"):
        pass


@pytest.mark.parametrize("content", ['{"format": 99}', "[1]", '{"deliveries": []}', "null"])
def test_a_manifest_of_another_format_is_told_as_such(tmp_path: Path, content: str) -> None:
    (prepared(tmp_path).folder / "manifest.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"has format (99|None); this version reads 1"):
        Prepared.open(tmp_path / "prepared")


def test_rows_of_another_duckdb_are_not_added_to(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    object.__setattr__(made, "duckdb", "0.1")
    made._write_manifest()
    with pytest.raises(ArtifactError, match=r"made with duckdb 0\.1"):
        Prepared.open(made.folder).append(write(tmp_path, *NEW, name="new.csv"))


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    mine = tmp_path / "mine/rows/2024/march.csv"
    mine.parent.mkdir(parents=True)
    mine.write_text("precious")
    with pytest.raises(ArtifactError, match="mine is not empty"):
        Prepared.create(write(tmp_path, *OLD), tmp_path / "mine")
    assert files_of(tmp_path / "mine") == {"rows/2024/march.csv": b"precious"}


def test_prepared_orders_are_not_made_twice_in_one_folder(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    before = files_of(made.folder)
    with pytest.raises(ArtifactError, match=r"is not empty\. Give a new folder, or add to it"):
        Prepared.create(tmp_path / "old.csv", made.folder)
    assert files_of(made.folder) == before


def test_a_preparation_that_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    (made.folder / "manifest.json").rename(made.folder / "manifest.json.part")
    (made.folder / "rows/0002.part").mkdir()
    again = Prepared.create(tmp_path / "old.csv", made.folder, partitions=2)
    assert lines_of(again).num_rows == 2 and not (made.folder / "rows/0002.part").exists()


def test_what_cannot_be_read_leaves_nothing_to_read(tmp_path: Path) -> None:
    path = write(tmp_path, "a,1,soon,5", name="bad.csv")
    with pytest.raises(Exception, match="unreadable dates"):
        Prepared.create(path, tmp_path / "prepared")
    assert not list((tmp_path / "prepared").rglob("*.*")) and Prepared.create(
        write(tmp_path, *OLD), tmp_path / "prepared"
    )


def test_prepared_orders_stand_alone_and_bring_their_mapping(tmp_path: Path) -> None:
    made, more = prepared(tmp_path), write(tmp_path, *NEW, name="new.csv")
    with (
        pytest.raises(DeclarationError, match=r"holds prepared orders\. Give it alone"),
        partitions_of([made.folder, more]),
    ):
        pass
    with (
        pytest.raises(DeclarationError, match="its own mapping"),
        partitions_of(made.folder, mapping=made.mapping),
    ):
        pass


def test_another_state_of_the_rows_is_another_fingerprint(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    grown, _ = made.append(write(tmp_path, *NEW, name="new.csv"))
    assert made.fingerprint != grown.fingerprint == Prepared.open(made.folder).fingerprint
    assert json.loads((made.folder / "manifest.json").read_text())["sha256"] == grown.fingerprint
