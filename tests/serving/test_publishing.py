from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import ArtifactError, ContractError, DataError
from contracts.tables import CURVE_KNOTS
from serving.disk import sha256_of
from serving.store import Store, publish
from tests.serving.scores import many, scores


def ids_of(folder: Path) -> list[str]:
    ids: list[str] = pq.read_table(folder / "scores.parquet")["customer_id"].to_pylist()
    return ids


# ---------------------------------------------------------------- what is published
def test_a_table_in_any_order_is_published_by_rank(tmp_path: Path) -> None:
    publish(scores("a", "b", "c").take(pa.array([2, 0, 1])), tmp_path, manifest={})
    assert ids_of(tmp_path) == ["a", "b", "c"]
    assert [row["customer_id"] for row in Store.open(tmp_path).ranking(limit=9)] == ["a", "b", "c"]


def test_tables_one_after_the_other_are_one_ranking(tmp_path: Path) -> None:
    whole = many(70_000)
    cuts = [(0, 10), (10, 0), (10, 65_536), (65_546, 4_000), (69_546, 454)]
    publish((whole.slice(start, rows) for start, rows in cuts), tmp_path / "parts", manifest={})
    publish(whole, tmp_path / "whole", manifest={})
    for name in ("scores.parquet", "scores.csv", "by_id.arrow"):
        assert sha256_of(tmp_path / "parts" / name) == sha256_of(tmp_path / "whole" / name)
    page = Store.open(tmp_path / "parts").ranking(limit=100, after_rank=65_500)
    assert page == whole.slice(65_500, 100).to_pylist()


def test_the_manifest_tells_what_was_published(tmp_path: Path) -> None:
    told = {"shop": "test", "ranked_by": "expected_value_90d", "model_as_of": "1998-03-22", "rows": 99}
    publish(scores("a", "b"), tmp_path, manifest=told)
    manifest = Store.open(tmp_path).manifest
    expected = {
        "shop": "test",
        "rows": 2,
        "as_of": "1998-04-01",
        "data_cutoff": "1998-04-01",
        "horizons": [30, 90],
        "horizon": 90,
        "currency": "EUR",
        "model_version": "v1",
        "model_age_days": 10,
        "freshness": {"data_age_days": 0, "model_age_days": 10, "valid_until": "1998-04-08"},
        "curve_knots": list(CURVE_KNOTS),
    }
    assert {name: manifest[name] for name in expected} == expected


def test_the_manifest_has_the_checksum_of_every_file(tmp_path: Path) -> None:
    home = publish(
        scores("a"), tmp_path, manifest={}, formats=("csv", "jsonl"), report={"x": 1}, changed=scores("a")
    )
    files = json.loads((home / "manifest.json").read_text())["files"]
    names = {"scores.parquet", "scores.csv", "scores.jsonl", "lookup.arrow", "by_id.arrow"}
    assert set(files) == names | {"report.json", "changed.parquet"}
    assert {name: entry["sha256"] for name, entry in files.items()} == {
        name: sha256_of(home / name) for name in files
    }


def test_formats_are_written_where_asked(tmp_path: Path) -> None:
    home = publish(scores("=a"), tmp_path, manifest={}, formats=("parquet",))
    assert not (home / "scores.csv").exists()
    home = publish(scores("=a"), tmp_path, manifest={}, formats=("csv", "jsonl"), excel_safe=True)
    assert "'=a" in (home / "scores.csv").read_text()
    assert json.loads((home / "scores.jsonl").read_text())["customer_id"] == "=a"


def test_the_latest_time_and_the_earliest_end_are_told(tmp_path: Path) -> None:
    times = [datetime(1998, 4, day, tzinfo=UTC) for day in (2, 3)]
    tables = [scores("a", scored_at=times[:1]), scores("b", first_rank=2, scored_at=times[1:])]
    manifest = json.loads((publish(tables, tmp_path, manifest={}) / "manifest.json").read_text())
    assert manifest["scored_at"] == "1998-04-03T00:00:00+00:00"


def test_links_beside_the_stores_are_those_of_the_current_one(tmp_path: Path) -> None:
    publish(scores("old"), tmp_path, manifest={}, formats=("csv",), report={})
    (tmp_path / "lookup.sqlite").symlink_to("current/lookup.sqlite")  # of an older version
    home = publish(scores("new"), tmp_path, manifest={}, formats=())
    names = {"scores.parquet", "lookup.arrow", "by_id.arrow", "manifest.json"}
    assert {path.name for path in tmp_path.iterdir()} == names | {"current", "stores", ".lock"}
    assert all((tmp_path / name).resolve() == home / name for name in names)
    assert ids_of(tmp_path) == ["new"]


def test_what_was_made_beside_is_moved_in(tmp_path: Path) -> None:
    changed = tmp_path / "moved.parquet"
    pq.write_table(scores("a"), changed)
    publish(scores("a"), tmp_path / "out", manifest={}, changed=changed, report={"stages": {"read": 1.5}})
    store = Store.open(tmp_path / "out")
    assert store.changed() == scores("a") and store.report == {"stages": {"read": 1.5}}
    assert not changed.exists()


# ---------------------------------------------------------------- kept stores
@pytest.mark.parametrize(("keep", "left"), [(1, "d"), (2, "cd"), (3, "bcd"), (9, "abcd")])
def test_as_many_stores_are_kept_as_asked(tmp_path: Path, keep: int, left: str) -> None:
    homes = {each: publish(scores(each), tmp_path, manifest={}, keep=keep) for each in "abcd"}
    assert "".join(each for each, home in homes.items() if home.exists()) == left


def test_the_store_before_is_kept_even_where_it_was_not_the_newest(tmp_path: Path) -> None:
    first, second = (publish(scores(each), tmp_path, manifest={}, keep=2) for each in "ab")
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to(f"stores/{first.name}")
    publish(scores("c"), tmp_path, manifest={}, keep=2)
    assert (first.exists(), second.exists()) == (True, False)


def test_keeping_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="keep must be at least 1"):
        publish(scores("a"), tmp_path, manifest={}, keep=0)


# ---------------------------------------------------------------- refused
def test_an_empty_ranking_does_not_replace_a_full_one(tmp_path: Path) -> None:
    publish(scores("a"), tmp_path, manifest={})
    for nobody in (scores(), [], [scores()]):
        with pytest.raises(DataError, match="no customer"):
            publish(nobody, tmp_path, manifest={})
    assert Store.open(tmp_path).count == 1


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ([scores("a", "a")], "repeated key"),
        ([scores("a"), scores("a", first_rank=2)], "repeated key"),
        ([scores("a", "b", rank=[1, 1])], "repeated key"),
        ([scores("a", "b"), scores("c", first_rank=2)], "rank 2 comes after rank 2"),
        ([scores("a", rank=[0])], "rank 0 comes after rank 0"),
        ([scores("a", clv=[float("nan")])], "clv has values that are not finite"),
        ([scores("a", curve=[[0.5] * 3])], "must have 9 knots"),
        ([scores("a", curve=[[float("inf")] * 9])], "curve has values that are not finite"),
        ([scores("a", curve=[[None] * 9])], "curve has values that are not finite"),
        ([scores("a", "b", currency=["EUR", "USD"])], "currency must be the same"),
        ([scores("a"), scores("b", first_rank=2, model_version=["v2"])], "model_version must be the same"),
        ([scores("a", confidence=[None])], "confidence has 1 nulls"),
        ([scores("a").set_column(3, "percentile", pa.array(["best"]))], "not a scores table"),
        ([scores("a").drop_columns(["p_alive"])], "p_alive"),
        ([scores("a").append_column("more", pa.array([1]))], "more"),
    ],
)
def test_what_is_no_ranking_is_refused(tmp_path: Path, tables: list[pa.Table], message: str) -> None:
    publish(scores("before"), tmp_path, manifest={})
    with pytest.raises(ContractError, match=message):
        publish(iter(tables), tmp_path, manifest={})
    assert ids_of(tmp_path) == ["before"]
    assert [path.name for path in (tmp_path / "stores").iterdir()] == ["000001"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"manifest": {"x": float("nan")}}, "not plain JSON"),
        ({"manifest": {"ranked_by": "expected_value_7d"}}, "the ranking is by 7 days"),
        ({"manifest": {"horizon": "90"}}, "the ranking is by 90 days"),
        ({"manifest": {"model_as_of": "yesterday"}}, "model_as_of is not a date"),
        ({"manifest": {}, "formats": ("xlsx",)}, "formats are parquet, csv, jsonl"),
        ({"manifest": {}, "report": {"x": object()}}, "not plain JSON"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        publish(scores("a"), tmp_path, **more)
    assert not (tmp_path / "current").exists()


def test_a_file_of_the_user_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("mine")
    with pytest.raises(ArtifactError, match=r"scores\.csv was not written by us"):
        publish(scores("a"), tmp_path, manifest={})
    assert (tmp_path / "scores.csv").read_text() == "mine"


# ---------------------------------------------------------------- failures
def test_a_failure_while_writing_leaves_the_previous_ranking(tmp_path: Path) -> None:
    publish(scores("a"), tmp_path, manifest={})

    def tables() -> Iterator[pa.Table]:
        yield many(2_000)
        raise OSError(28, "No space left on device")

    with pytest.raises(ArtifactError, match=r"No space left.*previous ranking stays"):
        publish(tables(), tmp_path, manifest={})
    assert Store.open(tmp_path).customer("a") is not None
    assert [path.name for path in (tmp_path / "stores").iterdir()] == ["000001"]


PUBLISH_WITH_LITTLE_ROOM = """
import resource, signal, sys
from pathlib import Path
from contracts.errors import ArtifactError
from serving.store import publish
from tests.serving.scores import many
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
try:
    publish(many(30_000), Path(sys.argv[1]), manifest={}, formats=("csv", "jsonl"))
except ArtifactError as error:
    print(error)
"""


@pytest.mark.parametrize("room", [100_000, 6_000_000])
def test_a_full_disk_leaves_the_previous_ranking(tmp_path: Path, room: int) -> None:
    publish(scores("a"), tmp_path, manifest={})
    command = [sys.executable, "-c", PUBLISH_WITH_LITTLE_ROOM, str(tmp_path), str(room)]
    ended = subprocess.run(
        command, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    assert "The previous ranking stays." in ended.stdout and (ended.returncode, ended.stderr) == (0, "")
    assert ids_of(tmp_path) == ["a"]
    assert [path.name for path in (tmp_path / "stores").iterdir()] == ["000001"]


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    publish(scores("a"), tmp_path, manifest={})
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ArtifactError, match="another process is writing"):
            publish(scores("b"), tmp_path, manifest={})
    assert ids_of(tmp_path) == ["a"]


PUBLISH_FOR_EVER = """
import sys
from pathlib import Path
from serving.store import publish
from tests.serving.scores import many
table = many(2_000)
print("ready", flush=True)
while True:
    publish(table, Path(sys.argv[1]), manifest={})
"""


@pytest.mark.parametrize("after_ms", [3, 58])
def test_a_killed_writer_leaves_a_whole_store(tmp_path: Path, after_ms: int) -> None:
    publish(scores("first"), tmp_path, manifest={})
    command = [sys.executable, "-c", PUBLISH_FOR_EVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
        threading.Event().wait(after_ms / 1000)
        writer.kill()
    store = Store.open(tmp_path)
    assert store.count == len(ids_of(tmp_path)) == len(store.ranking(limit=3_000))
    publish(scores("next"), tmp_path, manifest={})
    assert Store.open(tmp_path).customer("next") is not None
