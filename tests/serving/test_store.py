from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import ArtifactError, ContractError, DataError
from contracts.tables import CURVE_KNOTS
from serving.store import Store, publish
from tests.serving.shop import NOW, open_store, ranking


def test_a_published_customer_comes_back_as_it_was_scored(tmp_path: Path) -> None:
    table = ranking("0017", "b")
    publish(table, tmp_path, manifest={})
    assert Store.open(tmp_path).customer("0017") == table.to_pylist()[0]


def test_dates_times_and_nulls_keep_their_types(tmp_path: Path) -> None:
    row = open_store(tmp_path, "a").customer("a")
    assert row is not None
    assert (row["as_of"], row["scored_at"], row["next_order_p50"]) == (date(1998, 4, 1), NOW, None)


@pytest.mark.parametrize(
    "customer_id", ["a/b", "50%2F", "ü", "日本", "' OR 1=1 --", '"quoted"', "a\nb", " padded "]
)
def test_any_text_is_an_id(tmp_path: Path, customer_id: str) -> None:
    row = open_store(tmp_path, "other", customer_id).customer(customer_id)
    assert row is not None and row["rank"] == 2


@pytest.mark.parametrize("customer_id", ["", "nobody", "a' --", "\ud800", "a\x00"])
def test_an_unknown_id_is_none(tmp_path: Path, customer_id: str) -> None:
    assert open_store(tmp_path, "a").customer(customer_id) is None


def test_pages_follow_the_rank_without_gap_or_overlap(tmp_path: Path) -> None:
    store = open_store(tmp_path, *"abcde")
    pages = [store.ranking(limit=2, after_rank=after) for after in (0, 2, 4, 5)]
    assert [[row["customer_id"] for row in page] for page in pages] == [["a", "b"], ["c", "d"], ["e"], []]


def test_a_table_in_any_order_is_published_by_rank(tmp_path: Path) -> None:
    publish(ranking("a", "b", "c").take(pa.array([2, 0, 1])), tmp_path, manifest={})
    assert pq.read_table(tmp_path / "scores.parquet")["customer_id"].to_pylist() == ["a", "b", "c"]


def test_the_manifest_tells_what_was_published(tmp_path: Path) -> None:
    manifest = open_store(tmp_path, "a", "b").manifest
    told = {
        name: manifest[name] for name in ("rows", "as_of", "horizons", "currency", "model_version", "shop")
    }
    assert told == {
        "rows": 2,
        "as_of": "1998-04-01",
        "horizons": [30, 90],
        "currency": "USD",
        "model_version": "v1",
        "shop": "test",
    }
    assert manifest["curve_knots"] == list(CURVE_KNOTS)
    assert set(manifest["files"]) == {"scores.parquet", "scores.csv", "lookup.sqlite"}


def test_files_under_the_folder_are_those_of_the_current_store(tmp_path: Path) -> None:
    publish(ranking("old"), tmp_path, manifest={})
    home = publish(ranking("new"), tmp_path, manifest={})
    for name in ("scores.parquet", "scores.csv", "lookup.sqlite", "manifest.json"):
        assert (tmp_path / name).resolve() == (home / name).resolve()
    assert pq.read_table(tmp_path / "scores.parquet")["customer_id"].to_pylist() == ["new"]


def test_the_previous_store_is_kept_and_older_ones_are_removed(tmp_path: Path) -> None:
    homes = [publish(ranking(each), tmp_path, manifest={}) for each in "abc"]
    assert [home.exists() for home in homes] == [False, True, True]


def test_an_open_store_answers_after_it_was_swept(tmp_path: Path) -> None:
    store = open_store(tmp_path, "a")
    for each in "bcd":
        publish(ranking(each), tmp_path, manifest={})
    assert store.customer("a") is not None
    assert [row["customer_id"] for row in store.ranking(limit=5)] == ["a"]


def test_many_threads_read_one_store(tmp_path: Path) -> None:
    ids = [f"c{number}" for number in range(50)]
    store = open_store(tmp_path, *ids)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(store.customer, ids * 20))
    assert [row and row["customer_id"] for row in rows] == ids * 20


def test_a_copy_of_the_folder_opens(tmp_path: Path) -> None:
    open_store(tmp_path / "out", "a")
    subprocess.run(["cp", "-rL", tmp_path / "out" / "current", tmp_path / "copy"], check=True)
    assert Store.open(tmp_path / "copy").count == 1


def test_a_folder_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no published ranking"):
        Store.open(tmp_path)


@pytest.mark.parametrize("name", ["lookup.sqlite", "manifest.json"])
def test_a_flipped_byte_is_refused(tmp_path: Path, name: str) -> None:
    home = publish(ranking("a"), tmp_path, manifest={"shop": "test"})
    data = bytearray((home / name).read_bytes())
    data[len(data) // 2] ^= 1
    (home / name).write_bytes(data)
    with pytest.raises(ArtifactError, match="damaged"):
        Store.open(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"format": 1}', "{"])
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (publish(ranking("a"), tmp_path, manifest={}) / "manifest.json").write_text(text)
    with pytest.raises(ArtifactError, match="damaged"):
        Store.open(tmp_path)


def test_a_missing_lookup_is_refused(tmp_path: Path) -> None:
    (publish(ranking("a"), tmp_path, manifest={}) / "lookup.sqlite").unlink()
    with pytest.raises(ArtifactError, match="missing"):
        Store.open(tmp_path)


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    publish(ranking("a"), tmp_path, manifest={})
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ArtifactError, match="another process is writing"):
            publish(ranking("b"), tmp_path, manifest={})
    assert Store.open(tmp_path).customer("a") is not None


def test_a_failure_while_writing_leaves_the_previous_ranking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(ranking("a"), tmp_path, manifest={})

    def full(path: Path, table: pa.Table) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("serving.store.write_lookup", full)
    with pytest.raises(ArtifactError, match="No space left"):
        publish(ranking("b"), tmp_path, manifest={})
    assert Store.open(tmp_path).customer("a") is not None
    assert [path.name for path in (tmp_path / "stores").iterdir()] == ["000001"]


def test_an_empty_ranking_does_not_replace_a_full_one(tmp_path: Path) -> None:
    publish(ranking("a"), tmp_path, manifest={})
    with pytest.raises(DataError, match="no customer"):
        publish(ranking(), tmp_path, manifest={})
    assert Store.open(tmp_path).count == 1


def test_a_repeated_customer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="repeated key"):
        publish(ranking("a", "a"), tmp_path, manifest={})


def test_a_value_that_is_not_finite_is_refused(tmp_path: Path) -> None:
    rows = ranking("a").to_pylist()
    rows[0]["clv"] = float("nan")
    with pytest.raises(ContractError, match="clv"):
        publish(pa.Table.from_pylist(rows, schema=ranking("a").schema), tmp_path, manifest={})


def test_two_currencies_are_refused(tmp_path: Path) -> None:
    rows = ranking("a", "b").to_pylist()
    rows[1]["currency"] = "EUR"
    with pytest.raises(ContractError, match="currency"):
        publish(pa.Table.from_pylist(rows, schema=ranking("a").schema), tmp_path, manifest={})


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="p_alive"):
        publish(ranking("a").drop_columns(["p_alive"]), tmp_path, manifest={})


def test_a_file_of_the_user_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "scores.csv").write_text("mine")
    with pytest.raises(ArtifactError, match=r"scores\.csv was not written by us"):
        publish(ranking("a"), tmp_path, manifest={})
    assert (tmp_path / "scores.csv").read_text() == "mine"


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    path = publish(ranking("a"), tmp_path, manifest={}) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 99}))
    with pytest.raises(ArtifactError, match="format 99"):
        Store.open(tmp_path)


def test_readers_see_whole_stores_while_a_writer_swaps(tmp_path: Path) -> None:
    publish(ranking("a"), tmp_path, manifest={})
    writer = threading.Thread(
        target=lambda: [publish(ranking("a"), tmp_path, manifest={}) for _ in range(10)]
    )
    writer.start()
    opened = 0
    while writer.is_alive():
        assert Store.open(tmp_path).customer("a") is not None
        opened += 1
    assert opened > 0


PUBLISH_FOR_EVER = """
import sys
from pathlib import Path
from serving.store import publish
from tests.serving.shop import ranking
table = ranking(*(f"c{number}" for number in range(2_000)))
print("ready", flush=True)
while True:
    publish(table, Path(sys.argv[1]), manifest={})
"""


@pytest.mark.parametrize("after_ms", [3, 17, 58])
def test_a_killed_writer_leaves_a_whole_store(tmp_path: Path, after_ms: int) -> None:
    publish(ranking("first"), tmp_path, manifest={})
    command = [sys.executable, "-c", PUBLISH_FOR_EVER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
        threading.Event().wait(after_ms / 1000)
        writer.kill()
    store = Store.open(tmp_path)
    assert store.count == pq.read_metadata(tmp_path / "scores.parquet").num_rows
    assert len(store.ranking(limit=3_000)) == store.count
    publish(ranking("next"), tmp_path, manifest={})
    assert Store.open(tmp_path).customer("next") is not None
