"""A folder of parts: it appears as a whole, is gone on with after a stop, and touches nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import ArtifactError
from features.prepared.parts import PartsFolder, write_part

TABLE = pa.table({"customer_id": ["a", "b"], "x": [1.0, 2.0]})
KEY = {"orders": "o", "as_of": 1}


def published(out: Path, *, key: dict[str, object] = KEY, parts: int = 2) -> None:
    with PartsFolder.open(out, key=key) as folder:
        for k in folder.missing(parts):
            write_part(folder.path(k), [TABLE])
            folder.note(k, {"k": k})
        folder.publish({"parts": parts})


def stopped(out: Path, *, key: dict[str, object] = KEY) -> Path:
    """Finish one part, then stop as a kill does: nothing is tidied up."""
    with PartsFolder.open(out, key=key) as folder:
        write_part(folder.path(0), [TABLE])
        folder.note(0, {"k": 0})
        return folder.aside


def names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir())


def test_a_folder_holds_its_parts_and_a_manifest(tmp_path: Path) -> None:
    published(tmp_path / "out")
    assert names(tmp_path) == ["out"]
    assert names(tmp_path / "out") == ["_manifest.json", "part-0000.parquet", "part-0001.parquet"]
    assert pq.read_table(tmp_path / "out/part-0001.parquet").equals(TABLE)


def test_finished_parts_are_gone_on_with(tmp_path: Path) -> None:
    aside = stopped(tmp_path / "out")
    before = (aside / "part-0000.parquet").stat()
    with PartsFolder.open(tmp_path / "out", key=KEY) as folder:
        assert folder.missing(3) == [1, 2] and folder.noted(0) == {"k": 0}
    published(tmp_path / "out")
    after = (tmp_path / "out/part-0000.parquet").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_another_job_begins_anew_and_tidies_up_what_was_left(tmp_path: Path) -> None:
    stopped(tmp_path / "out")
    with PartsFolder.open(tmp_path / "out", key={**KEY, "as_of": 2}) as folder:
        assert folder.missing(2) == [0, 1]
    published(tmp_path / "out", key={**KEY, "as_of": 2})
    assert names(tmp_path) == ["out"]


def test_what_belongs_to_a_neighbour_with_a_longer_name_stays(tmp_path: Path) -> None:
    aside = stopped(tmp_path / "out.v2")
    published(tmp_path / "out")
    assert names(tmp_path) == [aside.name, "out"]


def test_what_another_process_is_making_stays(tmp_path: Path) -> None:
    with PartsFolder.open(tmp_path / "out", key={"other": 1}) as other:
        write_part(other.path(0), [TABLE])
        published(tmp_path / "out")
        assert other.path(0).is_file()


def test_an_older_result_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    published(tmp_path / "out", parts=3)
    stopped(tmp_path / "out", key={"new": 1})
    assert len(names(tmp_path / "out")) == 4
    published(tmp_path / "out", key={"new": 1})
    assert json.loads((tmp_path / "out/_manifest.json").read_text()) == {"parts": 2}


def test_a_stop_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    published(tmp_path / "out", parts=3)
    (tmp_path / "out").rename(tmp_path / ".out.old")
    with PartsFolder.open(tmp_path / "out", key=KEY):
        assert len(names(tmp_path / "out")) == 4
    assert names(tmp_path) == ["out"]


def test_a_job_that_finished_nothing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), PartsFolder.open(tmp_path / "deep/out", key=KEY):
        raise ZeroDivisionError
    assert names(tmp_path / "deep") == []


@pytest.mark.parametrize("mine", ["notes.txt", "_manifest.json/x", "part-0000.parquet"])
def test_a_folder_with_other_things_is_refused(tmp_path: Path, mine: str) -> None:
    (tmp_path / "out" / mine).parent.mkdir(parents=True)
    (tmp_path / "out" / mine).write_text("mine")
    with (
        pytest.raises(ArtifactError, match="holds something else"),
        PartsFolder.open(tmp_path / "out", key=KEY),
    ):
        pass
    assert (tmp_path / "out" / mine).read_text() == "mine"


def test_a_result_that_someone_put_something_into_is_refused(tmp_path: Path) -> None:
    published(tmp_path / "out")
    (tmp_path / "out/notes.txt").write_text("mine")
    with (
        pytest.raises(ArtifactError, match="holds something else"),
        PartsFolder.open(tmp_path / "out", key=KEY),
    ):
        pass


def test_the_folder_one_stands_in_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(ArtifactError, match="Give a folder inside it"), PartsFolder.open(Path(), key=KEY):
        pass


def test_two_processes_do_not_make_the_same_folder(tmp_path: Path) -> None:
    with PartsFolder.open(tmp_path / "out", key=KEY), pytest.raises(ArtifactError, match="another process"):
        stopped(tmp_path / "out")


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    def tables() -> object:
        yield TABLE
        raise OSError("no space")

    path = tmp_path / "x.parquet"
    write_part(path, [TABLE, TABLE])
    with pytest.raises(OSError, match="no space"):
        write_part(path, tables())  # type: ignore[arg-type]
    assert names(tmp_path) == ["x.parquet"] and pq.read_table(path).num_rows == 4
