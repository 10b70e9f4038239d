"""Cleaned lines that are kept beside prepared orders change no answer, only how soon it comes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.days import parse_day
from features.orders import plain
from features.prepared.process import Tally, process
from features.prepared.store import Prepared, partitions_of
from tests.features.cleaning.shop import PLAIN, write
from tests.features.prepared.stores import NEW, prepared
from tests.features.prepared.test_damage import damaged

NOW = datetime(2024, 6, 1)


def read(folder: Path, *, until: str | None = None, now: datetime = NOW) -> tuple[pa.Table, object]:
    """Read prepared orders as a command does."""
    with partitions_of(folder) as rows:
        tally, day = Tally(), None if until is None else parse_day(until)
        lines = [plain(part) for _, part in process(rows, lambda _, part: part, tally, until=day, now=now)]
        return pa.concat_tables(lines), tally.report(rows)


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "lines").rglob("*.arrow"))


def test_a_second_command_reads_what_the_first_one_kept(tmp_path: Path) -> None:
    folder = prepared(tmp_path).folder
    first, before = read(folder), [path.stat().st_mtime_ns for path in kept(folder)]
    second = read(folder)
    assert first[0].equals(second[0]) and first[1] == second[1]
    assert len(before) == 2 and [path.stat().st_mtime_ns for path in kept(folder)] == before


@pytest.mark.parametrize("how", ["cut", "flipped", "gone"])
def test_kept_lines_that_are_damaged_are_made_again(tmp_path: Path, how: str) -> None:
    folder = prepared(tmp_path).folder
    first = read(folder)
    damaged(kept(folder)[1], how)
    second = read(folder)
    assert first[0].equals(second[0]) and first[1] == second[1]


def test_after_an_append_nothing_old_is_read(tmp_path: Path) -> None:
    made = prepared(tmp_path)
    read(made.folder)
    made.append(write(tmp_path, *NEW, name="new.csv"))
    assert read(made.folder)[0].num_rows == 4 and len(kept(made.folder)) == 2


@pytest.mark.parametrize("first", ["2024-01-01", "2024-01-02", None])
def test_an_earlier_day_is_not_answered_with_all_lines(tmp_path: Path, first: str | None) -> None:
    folder = prepared(tmp_path).folder
    read(folder, until=first)
    found = [read(folder, until=day)[0].num_rows for day in ("2024-01-01", "2024-01-02", None)]
    assert found == [1, 2, 2]


def test_cancellations_are_those_known_at_the_time_of_each_command(tmp_path: Path) -> None:
    path = write(tmp_path, "a,1,2024-01-01,5,2024-03-01", header=f"{PLAIN},cancelled_at")
    folder = Prepared.create(path, tmp_path / "prepared").folder
    days = ("2024-01-01", "2024-02-29", "2024-03-01", None)
    assert [read(folder, until=day)[0].num_rows for day in days] == [1, 1, 2, 2]
    assert read(folder, now=datetime(2024, 2, 1))[0].num_rows == 1
    assert read(folder)[0].num_rows == 2


def test_rows_after_the_current_time_do_not_stay_refused(tmp_path: Path) -> None:
    folder = prepared(tmp_path).folder
    moments = [datetime(2024, 1, 1, 12), datetime(2024, 1, 2, 12), NOW]
    assert [read(folder, now=moment)[0].num_rows for moment in moments] == [1, 2, 2]


def test_a_folder_that_cannot_be_written_is_read_all_the_same(tmp_path: Path) -> None:
    folder = prepared(tmp_path).folder
    (folder / "lines").write_text("in the way")
    assert read(folder)[0].num_rows == 2
