from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from serving.store import Store, Where, publish
from serving.stored.lookup_writer import BATCH_ROWS
from tests.serving.scores import many, scores

COUNT = BATCH_ROWS + 1_000


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return many(COUNT)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> Store:
    folder = tmp_path_factory.mktemp("lookup")
    publish(table, folder, manifest={}, formats=())
    return Store.open(folder)


@pytest.mark.parametrize("place", [0, 1, BATCH_ROWS - 1, BATCH_ROWS, COUNT - 1])
def test_a_customer_of_any_batch_is_read_to_the_bit(store: Store, table: pa.Table, place: int) -> None:
    expected = table.slice(place, 1).to_pylist()[0]
    assert store.customer(expected["customer_id"]) == expected


def test_a_page_over_the_edge_of_a_batch_is_whole(store: Store, table: pa.Table) -> None:
    page = store.ranking(limit=20, after_rank=BATCH_ROWS - 10)
    assert page == table.slice(BATCH_ROWS - 10, 20).to_pylist()


def test_ranks_may_have_gaps(tmp_path: Path) -> None:
    publish(scores(*"abcd", rank=[3, 10, 11, 90]), tmp_path, manifest={}, formats=())
    store = Store.open(tmp_path)
    pages = [store.ranking(limit=2, after_rank=after) for after in (0, 3, 4, 10, 50, 90)]
    assert [[row["customer_id"] for row in page] for page in pages] == [
        ["a", "b"],
        ["b", "c"],
        ["b", "c"],
        ["c", "d"],
        ["d"],
        [],
    ]


def test_texts_that_come_late_are_in_the_same_dictionary(tmp_path: Path, table: pa.Table) -> None:
    last = scores("x", "y", first_rank=COUNT + 1, tier=["new", None])
    publish([table, last], tmp_path, manifest={}, formats=())
    store = Store.open(tmp_path)
    assert [row["tier"] for row in store.customers(["x", "y"]) if row] == ["new", None]
    assert [row["customer_id"] for row in store.ranking(limit=9, where=Where(tier=("new",)))] == ["x"]
    assert store.values()["tier"] == ["bronze", "gold", "new", "silver"]


def test_any_reader_of_arrow_files_can_read_the_look_up(store: Store, table: pa.Table) -> None:
    with pa.memory_map(str(store.home / "lookup.arrow")) as content:
        found = pa.ipc.open_file(content).read_all()
    found.validate(full=True)
    assert found.column_names[:3] == ["customer_id", "rank", "percentile"]
    assert found["tier"].cast(pa.string()).combine_chunks() == table["tier"].combine_chunks()
    assert found["rank"].combine_chunks() == table["rank"].combine_chunks()


def test_days_before_1970_and_unknown_ones_are_kept_apart(tmp_path: Path) -> None:
    days = [date(1969, 12, 31), None, date(1970, 1, 1), date(1, 1, 1), date(9999, 12, 31)]
    publish(scores(*"abcde", next_order_p90=days), tmp_path, manifest={}, formats=())
    found = Store.open(tmp_path).customers("abcde")
    assert [row["next_order_p90"] for row in found if row] == days
