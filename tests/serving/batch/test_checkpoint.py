from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.errors import ArtifactError
from serving.batch.checkpoint import Checkpoint

NOW = datetime(2022, 2, 6, 3, 0, tzinfo=UTC)
KEY = {"model": "a", "as_of": 19_000}


def finished(out: Path, *parts: int, key: dict[str, object] = KEY, now: datetime = NOW) -> None:
    """Leave a run behind that finished some parts."""
    with Checkpoint.open(out, key=key, now=now) as run:
        for part in parts:
            run.scores(part).write_text(f"scores {part}")
            run.details(part).write_text(f"details {part}")
            run.finish(part, {"customers": part})


def taken_up(out: Path, **more: object) -> list[int]:
    with Checkpoint.open(out, **{"key": KEY, "now": NOW, **more}) as run:  # type: ignore[arg-type]
        return sorted(run.finished(9))


def test_the_same_run_takes_up_the_finished_parts(tmp_path: Path) -> None:
    finished(tmp_path, 0, 4)
    assert taken_up(tmp_path) == [0, 4]


def test_the_time_of_a_run_is_that_of_its_first_start(tmp_path: Path) -> None:
    finished(tmp_path, 1)
    with Checkpoint.open(tmp_path, key=KEY, now=NOW + timedelta(hours=2)) as run:
        assert run.begun == NOW


@pytest.mark.parametrize("part", ["parts/00004.arrow", "details/00004.parquet", "notes/00004.json"])
def test_a_damaged_or_missing_file_unmakes_its_part_alone(tmp_path: Path, part: str) -> None:
    finished(tmp_path, 0, 4)
    (tmp_path / ".run" / part).write_text("something else")
    assert taken_up(tmp_path) == [0]
    (tmp_path / ".run" / part).unlink()
    assert taken_up(tmp_path) == [0]


def test_a_part_without_a_note_is_not_finished(tmp_path: Path) -> None:
    with Checkpoint.open(tmp_path, key=KEY, now=NOW) as run:
        run.scores(0).write_text("half")
        run.finish(1, {})
    assert taken_up(tmp_path) == [1]


def test_another_runs_leftovers_are_swept(tmp_path: Path) -> None:
    finished(tmp_path, 0, 4, key={**KEY, "as_of": 18_999})
    assert taken_up(tmp_path) == []
    assert not (tmp_path / ".run").exists()


@pytest.mark.parametrize("later", [timedelta(hours=25), -timedelta(minutes=1)])
def test_a_run_of_another_night_or_of_a_clock_set_back_is_not_taken_up(
    tmp_path: Path, later: timedelta
) -> None:
    finished(tmp_path, 0)
    assert taken_up(tmp_path, now=NOW + later) == []


def test_a_fresh_run_takes_up_nothing(tmp_path: Path) -> None:
    finished(tmp_path, 0)
    assert taken_up(tmp_path, fresh=True) == []


def test_a_second_writer_is_refused_while_the_first_one_works(tmp_path: Path) -> None:
    with (
        Checkpoint.open(tmp_path, key=KEY, now=NOW),
        pytest.raises(ArtifactError, match="another process is writing here"),
        Checkpoint.open(tmp_path, key=KEY, now=NOW),
    ):
        pass


def test_a_run_that_finished_nothing_leaves_nothing(tmp_path: Path) -> None:
    finished(tmp_path)
    assert not (tmp_path / ".run").exists()


def test_a_damaged_description_of_the_run_begins_anew(tmp_path: Path) -> None:
    finished(tmp_path, 0)
    (tmp_path / ".run" / "run.json").write_text("{")
    assert taken_up(tmp_path) == []


def test_a_run_that_was_refused_leaves_no_new_folder(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    for out in (tmp_path / "new", kept):
        with pytest.raises(ArtifactError), Checkpoint.open(out, key=KEY, now=NOW):
            raise ArtifactError("refused")
    assert list(tmp_path.iterdir()) == [kept]


def test_a_run_that_was_refused_keeps_what_it_had_finished(tmp_path: Path) -> None:
    finished(tmp_path / "new", 0)
    assert taken_up(tmp_path / "new") == [0]
