"""kill -9 at any moment: the old state or the new one, never half of one; and finished work is not done again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from features.prepared.store import Prepared
from tests.faults.shop import killed_at_rename, killed_when, orders
from tests.features.prepared.stores import files_of, lines_of
from tests.repurchase.front_door import run

pytestmark = pytest.mark.faults
FEATURES = ("features", "prepared", "--cutoffs", "6", "--horizon", "30", "--out")


def prepared(folder: Path) -> Path:
    """Prepare the shop in twelve partitions."""
    assert (
        run(folder, "prepare", orders(folder, "orders.csv"), "--out", "prepared", "--partitions", "12").code
        == 0
    )
    return folder / "prepared"


def finished(folder: Path, out: str) -> list[str]:
    """Return the parts that are finished and noted."""
    notes = folder.glob(f".{out}.*.part/note-*.json")
    return sorted(note.stem.replace("note", "part") + ".parquet" for note in notes)


def reached(folder: Path, parts: int) -> Callable[[], bool]:
    """Return the test whether so many parts of `panel` are finished."""
    return lambda: len(finished(folder, "panel")) >= parts


@pytest.mark.parametrize("parts", [1, 5, 9])
def test_a_rerun_goes_on_with_finished_partitions_and_ends_as_an_undisturbed_run(
    tmp_path: Path, parts: int
) -> None:
    prepared(tmp_path)
    assert run(tmp_path, *FEATURES, "whole").code == 0
    assert killed_when(tmp_path, reached(tmp_path, parts), *FEATURES, "panel")
    assert not (tmp_path / "panel").exists()
    (aside,) = tmp_path.glob(".panel.*.part")
    before = {name: (aside / name).stat() for name in finished(tmp_path, "panel")}
    assert parts <= len(before) < 12 and run(tmp_path, *FEATURES, "panel").code == 0
    after = {name: (tmp_path / "panel" / name).stat() for name in before}
    assert all(before[name].st_ino == after[name].st_ino for name in before)
    assert all(before[name].st_mtime_ns == after[name].st_mtime_ns for name in before)
    assert files_of(tmp_path / "panel") == files_of(tmp_path / "whole")
    assert not list(tmp_path.glob(".panel.*"))


def test_a_run_that_is_killed_again_and_again_still_ends_alike(tmp_path: Path) -> None:
    prepared(tmp_path)
    assert run(tmp_path, *FEATURES, "whole").code == 0
    for parts in (2, 4, 7, 10):
        killed_when(tmp_path, reached(tmp_path, parts), *FEATURES, "panel")
    assert run(tmp_path, *FEATURES, "panel").code == 0
    assert files_of(tmp_path / "panel") == files_of(tmp_path / "whole")


def test_the_previous_result_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    prepared(tmp_path)
    assert run(tmp_path, "features", "prepared", "--out", "panel").code == 0
    before = files_of(tmp_path / "panel")
    assert killed_when(tmp_path, reached(tmp_path, 3), *FEATURES, "panel")
    assert files_of(tmp_path / "panel") == before


# Two renames for each of twelve partitions, the part and its note; then the old result away, and the new one in place.
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("rename", [25, 26])
def test_killed_while_the_result_is_put_in_place_nothing_is_lost(
    tmp_path: Path, rename: int, when: str
) -> None:
    prepared(tmp_path)
    words = ("features", "prepared", "--out", "panel")
    assert run(tmp_path, *words).code == 0
    old = files_of(tmp_path / "panel")
    assert killed_at_rename(tmp_path, rename, when, *words, "--as-of", "2023-11-30")
    again = run(tmp_path, *words, "--as-of", "2023-11-30")
    assert again.code == 0, again.err
    assert run(tmp_path, *words[:-1], "whole", "--as-of", "2023-11-30").code == 0
    assert files_of(tmp_path / "panel") == files_of(tmp_path / "whole") != old
    assert sorted(item.name for item in tmp_path.glob(".panel*")) == []


def appended(folder: Path, known: bool) -> None:
    """Check that the prepared orders are the old ones or all, that a second append ends well, and what it gives."""
    made = Prepared.open(folder / "prepared")
    assert (len(made.paths), lines_of(made).num_rows) in ((2, 36_000) if known else (1, 30_000), (2, 36_000))
    again = run(folder, "prepare", "new.csv", "--append", "prepared")
    assert again.code == 0, again.err
    grown = Prepared.open(folder / "prepared")
    whole = Prepared.create([folder / "orders.csv", folder / "new.csv"], folder / "rebuilt", partitions=12)
    assert lines_of(grown).equals(lines_of(whole))
    names = {path.name for path in (folder / "prepared/rows").iterdir()}
    assert names == {"0001", "0002"} and not list((folder / "prepared").glob("*.part"))


@pytest.mark.parametrize(("rename", "when"), [(1, "before"), (1, "after"), (2, "before"), (2, "after")])
def test_an_append_killed_at_a_rename_leaves_the_old_state_or_the_new(
    tmp_path: Path, rename: int, when: str
) -> None:
    prepared(tmp_path)
    new = orders(tmp_path, "new.csv", first=30_000, count=6_000)
    assert killed_at_rename(tmp_path, rename, when, "prepare", new, "--append", "prepared")
    appended(tmp_path, known=(rename, when) == (2, "after"))


@pytest.mark.parametrize("moment", ["the folder is there", "a chunk is written", "all chunks are", "late"])
def test_an_append_killed_at_any_moment_leaves_the_old_state_or_the_new(tmp_path: Path, moment: str) -> None:
    rows = prepared(tmp_path) / "rows"
    orders(tmp_path, "new.csv", first=30_000, count=6_000)
    begun = time.monotonic()
    ready = {
        "the folder is there": lambda: (rows / "0002.part").exists(),
        "a chunk is written": lambda: any(path.stat().st_size for path in rows.glob("0002.part/*.arrow")),
        "all chunks are": lambda: (tmp_path / "prepared/refused/0002.parquet").exists(),
        "late": lambda: (rows / "0002").exists() or time.monotonic() > begun + 60,
    }[moment]
    killed_when(tmp_path, ready, "prepare", "new.csv", "--append", "prepared")
    appended(tmp_path, known=False)


@pytest.mark.parametrize(("rename", "when"), [(1, "before"), (1, "after"), (2, "before")])
def test_a_preparation_killed_is_no_prepared_folder_and_is_made_anew(
    tmp_path: Path, rename: int, when: str
) -> None:
    orders(tmp_path, "orders.csv", count=3_000)
    assert killed_at_rename(tmp_path, rename, when, "prepare", "orders.csv", "--out", "prepared")
    unfinished = run(tmp_path, "check", "prepared")
    assert unfinished.code == 2 and "no prepared orders" in unfinished.errors[0]
    assert run(tmp_path, "prepare", "orders.csv", "--out", "prepared").code == 0
    assert run(tmp_path, "check", "prepared").code == 0


def test_a_file_killed_while_it_is_written_is_the_old_one(tmp_path: Path) -> None:
    orders(tmp_path, "orders.csv", count=3_000)
    assert run(tmp_path, "features", "orders.csv", "--out", "panel.parquet").code == 0
    before = (tmp_path / "panel.parquet").read_bytes()
    words = ("features", "orders.csv", "--as-of", "2023-11-30", "--out", "panel.parquet")
    assert killed_at_rename(tmp_path, 1, "before", *words)
    assert (tmp_path / "panel.parquet").read_bytes() == before
    assert run(tmp_path, *words).code == 0 and (tmp_path / "panel.parquet").read_bytes() != before
