from __future__ import annotations

import json
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.errors import ArtifactError, ContractError
from contracts.tables import scores_schema
from serving.store import Store, Where, history, publish
from tests.serving.scores import HORIZONS, SCORED_AT, many, scores


def opened(folder: Path, *customer_ids: str) -> Store:
    publish(scores(*customer_ids), folder, manifest={"ranked_by": "expected_value_90d"})
    return Store.open(folder)


# ---------------------------------------------------------------- customers
def test_a_published_customer_comes_back_as_it_was_scored(tmp_path: Path) -> None:
    table = scores("0017", "b", "c")
    publish(table, tmp_path, manifest={})
    store = Store.open(tmp_path)
    assert [store.customer(each) for each in ("0017", "b", "c")] == table.to_pylist()


def test_dates_times_and_nulls_keep_their_types(tmp_path: Path) -> None:
    row = opened(tmp_path, "a", "b", "c").customer("c")
    assert row is not None
    assert (row["as_of"], row["scored_at"], row["next_order_p10"], row["tier"]) == (
        date(1998, 4, 1),
        SCORED_AT,
        None,
        None,
    )


@pytest.mark.parametrize(
    "customer_id", ["a/b", "50%2F", "ü", "日本", "' OR 1=1 --", '"quoted"', "a\nb", " padded ", "a\x00b"]
)
def test_any_text_is_an_id(tmp_path: Path, customer_id: str) -> None:
    row = opened(tmp_path, "other", customer_id).customer(customer_id)
    assert row is not None and (row["rank"], row["customer_id"]) == (2, customer_id)


@pytest.mark.parametrize("customer_id", ["", "nobody", "a' --", "\ud800", "a\x00", "A"])
def test_an_unknown_id_is_none(tmp_path: Path, customer_id: str) -> None:
    assert opened(tmp_path, "a").customer(customer_id) is None


def test_many_customers_come_in_the_order_asked(tmp_path: Path) -> None:
    found = opened(tmp_path, *"abc").customers(["c", "nobody", "a", "c"])
    assert [row and row["rank"] for row in found] == [3, None, 1, 3]


def test_pages_follow_the_rank_without_gap_or_overlap(tmp_path: Path) -> None:
    store = opened(tmp_path, *"abcde")
    pages = [store.ranking(limit=2, after_rank=after) for after in (0, 2, 4, 5, 99)]
    assert [[row["customer_id"] for row in page] for page in pages] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
        [],
        [],
    ]


def test_many_threads_read_one_store(tmp_path: Path) -> None:
    ids = [f"c{number}" for number in range(50)]
    store = opened(tmp_path, *ids)
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(store.customer, ids * 20))
        counts = list(pool.map(store.count_of, [Where(lifecycle=("new",))] * 50))
    assert [row and row["customer_id"] for row in rows] == ids * 20 and set(counts) == {25}


# ---------------------------------------------------------------- tables
def test_the_whole_table_is_what_was_published(tmp_path: Path) -> None:
    table = many(66_000)
    publish(table, tmp_path, manifest={}, formats=())
    assert Store.open(tmp_path).table().equals(table)


def test_a_table_has_the_columns_asked_for_in_their_order(tmp_path: Path) -> None:
    table = opened(tmp_path, *"abc").table(columns=["tier", "rank"], limit=2)
    assert table.to_pydict() == {"tier": ["silver", "bronze"], "rank": [1, 2]}


def test_a_filter_that_nobody_meets_gives_an_empty_table(tmp_path: Path) -> None:
    table = opened(tmp_path, "a").table(Where(search="z"))
    assert table.num_rows == 0 and table.schema == scores_schema(HORIZONS)


def test_an_unknown_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no column 'ranks', did you mean 'rank'"):
        opened(tmp_path, "a").table(columns=["ranks"])


def test_batches_are_the_table_in_pieces_of_one_size(tmp_path: Path) -> None:
    publish(many(66_000), tmp_path, manifest={}, formats=())
    store, where = Store.open(tmp_path), Where(tier=("gold",))
    pieces = list(store.batches(where, ["customer_id", "clv"], 5_000))
    assert {piece.num_rows for piece in pieces[:-1]} == {5_000} and 0 < pieces[-1].num_rows <= 5_000
    assert pa.concat_tables(pieces).equals(store.table(where, ["customer_id", "clv"]))


def test_the_texts_of_each_column_are_told(tmp_path: Path) -> None:
    assert opened(tmp_path, *"abcd").values() == {
        "segment": ["segment 1", "segment 2", "segment 3", "segment 4"],
        "tier": ["bronze", "gold", "silver"],
        "lifecycle": ["loyal", "new"],
        "country": ["AT", "CH", "FR", "Ü"],
        "confidence": ["high", "low"],
    }


def test_a_store_says_its_horizons_and_currency(tmp_path: Path) -> None:
    store = opened(tmp_path, "a")
    assert (store.horizon, store.horizons, store.currency, store.count) == (90, (30, 90), "EUR", 1)
    assert store.version == store.manifest["sha256"][:12]


def test_a_store_without_report_and_changes_has_none(tmp_path: Path) -> None:
    store = opened(tmp_path, "a")
    assert (store.report, store.changed(), store.details("a")) == ({}, None, None)


# ---------------------------------------------------------------- opening
def test_a_copy_of_the_folder_opens(tmp_path: Path) -> None:
    opened(tmp_path / "out", "a")
    subprocess.run(["cp", "-rL", tmp_path / "out" / "current", tmp_path / "copy"], check=True)
    assert Store.open(tmp_path / "copy").table().num_rows == 1
    assert [each["rows"] for each in history(tmp_path / "copy")] == [1]


def test_a_folder_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no published ranking"):
        Store.open(tmp_path)
    assert history(tmp_path) == []


@pytest.mark.parametrize("name", ["lookup.arrow", "by_id.arrow", "report.json", "manifest.json"])
def test_a_flipped_byte_is_refused(tmp_path: Path, name: str) -> None:
    flip(publish(scores("a"), tmp_path, manifest={"shop": "test"}, report={"stages": []}) / name)
    with pytest.raises(ArtifactError, match="damaged"):
        Store.open(tmp_path)


@pytest.mark.parametrize("name", ["scores.parquet", "changed.parquet"])
def test_a_flipped_byte_in_a_table_is_refused_when_it_is_read(tmp_path: Path, name: str) -> None:
    flip(publish(scores("a"), tmp_path, manifest={}, changed=scores("a")) / name)
    store = Store.open(tmp_path)
    for _ in range(2):
        with pytest.raises(ArtifactError, match=rf"{name} is damaged"):
            store.table() if name == "scores.parquet" else store.changed()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("length", [0, 1, 7, 100])
def test_a_truncated_lookup_is_refused(tmp_path: Path, length: int) -> None:
    path = publish(scores("a"), tmp_path, manifest={}) / "lookup.arrow"
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ArtifactError, match="damaged"):
        Store.open(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"format": 1}', "{"])
def test_a_broken_manifest_is_refused(tmp_path: Path, text: str) -> None:
    (publish(scores("a"), tmp_path, manifest={}) / "manifest.json").write_text(text)
    with pytest.raises(ArtifactError, match="damaged"):
        Store.open(tmp_path)


@pytest.mark.parametrize("name", ["lookup.arrow", "by_id.arrow", "scores.parquet"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    (publish(scores("a"), tmp_path, manifest={}) / name).unlink()
    with pytest.raises(ArtifactError, match=f"{name} is missing"):
        Store.open(tmp_path)


@pytest.mark.parametrize("version", [2, 99])
def test_a_store_of_another_format_is_refused(tmp_path: Path, version: int) -> None:
    path = publish(scores("a"), tmp_path, manifest={}) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": version}))
    with pytest.raises(ArtifactError, match=rf"format {version}.*rank` again"):
        Store.open(tmp_path)


# ---------------------------------------------------------------- kept stores
def test_an_older_store_is_opened_by_its_version(tmp_path: Path) -> None:
    for each in "abc":
        publish(scores(each), tmp_path, manifest={}, keep=3)
    versions = [manifest["sha256"][:12] for manifest in history(tmp_path)]
    stores = [Store.open(tmp_path, version) for version in versions]
    assert [store.ranking(limit=1)[0]["customer_id"] for store in stores] == ["a", "b", "c"]
    assert [store.version for store in stores] == versions


def test_a_version_that_is_not_kept_is_refused(tmp_path: Path) -> None:
    opened(tmp_path, "a")
    with pytest.raises(ArtifactError, match="no store of version 000000000000 is kept"):
        Store.open(tmp_path, "000000000000")


def test_history_leaves_out_what_cannot_be_read(tmp_path: Path) -> None:
    homes = [publish(scores(each), tmp_path, manifest={"name": each}, keep=4) for each in "abcd"]
    flip(homes[1] / "manifest.json")
    path = homes[0] / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": 2}))
    assert [manifest["name"] for manifest in history(tmp_path)] == ["c", "d"]


def test_an_open_store_answers_after_it_was_swept(tmp_path: Path) -> None:
    publish(scores("a", "b"), tmp_path, manifest={}, changed=scores("b"), report={"rows": 2})
    store, whole = Store.open(tmp_path), scores("a", "b")
    for each in "bcd":
        publish(scores(each), tmp_path, manifest={})
    assert store.customer("a") == whole.to_pylist()[0]
    assert [row["customer_id"] for row in store.ranking(limit=5, where=Where(search="b"))] == ["b"]
    assert store.table().equals(whole) and store.report == {"rows": 2}
    assert store.changed() == scores("b")


def test_a_closed_store_answers_no_more_but_what_was_read_stays(tmp_path: Path) -> None:
    publish(scores("a"), tmp_path, manifest={}, changed=scores("a"))
    store = Store.open(tmp_path)
    table = store.table()
    store.close()
    store.close()
    asked = (store.table, store.changed, lambda: store.customer("a"), lambda: store.ranking(limit=1))
    for ask in asked:
        with pytest.raises(ArtifactError, match="was closed"):
            ask()
    assert table["customer_id"].to_pylist() == ["a"]


def test_readers_see_whole_stores_while_a_writer_swaps_and_sweeps(tmp_path: Path) -> None:
    publish(scores("a"), tmp_path, manifest={}, keep=1)
    writer = threading.Thread(
        target=lambda: [publish(scores("a"), tmp_path, manifest={}, keep=1) for _ in range(10)]
    )
    writer.start()
    seen = 0
    while writer.is_alive():
        assert Store.open(tmp_path).customer("a") is not None
        seen += 1
    assert seen > 0
