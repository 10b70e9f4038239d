from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import ArtifactError, ContractError
from serving.store import Store, publish
from serving.stored.details import Details
from tests.serving.scores import scores


def part(path: Path, *customer_ids: str, group: int = 2) -> None:
    """Write the details of customers who ordered on the first days of 1970, as the ranking run does."""
    count = len(customer_ids)
    table = pa.table(
        {
            "customer_id": pa.array(customer_ids),
            "order_days": pa.array([list(range(each + 1)) for each in range(count)], pa.list_(pa.int32())),
            "order_amounts": pa.array(
                [[1.5 * day for day in range(each + 1)] for each in range(count)], pa.list_(pa.float64())
            ),
            "orders_90d": pa.array(np.arange(count, dtype=np.float32)),
            "basket": pa.array([math.nan if each % 2 else 0.5 for each in range(count)], pa.float32()),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=group)


def with_places(table: pa.Table, parts: list[int], rows: list[int]) -> pa.Table:
    table = table.append_column("part", pa.array(parts, pa.int32()))
    return table.append_column("at", pa.array(rows, pa.int32()))


def published(folder: Path) -> Store:
    """Publish five customers, whose details are in two parts, the last one without."""
    run = folder / "run"
    part(run / "00000.parquet", "d", "b", "x", "c")
    part(run / "00012.parquet", "a")
    places = with_places(scores(*"abcde"), [12, 0, 0, 0, -1], [0, 1, 3, 0, -1])
    publish(places, folder / "out", manifest={}, details=run)
    assert not run.exists()
    return Store.open(folder / "out")


def test_a_customer_has_features_and_orders(tmp_path: Path) -> None:
    assert published(tmp_path).details("d") == Details(
        features={"orders_90d": 0.0, "basket": 0.5},
        order_days=[date(1970, 1, 1)],
        order_amounts=[0.0],
    )


def test_what_is_unknown_is_nan_and_orders_come_oldest_first(tmp_path: Path) -> None:
    found = published(tmp_path).details("c")
    assert found is not None and math.isnan(found.features["basket"])
    assert (found.order_days, found.order_amounts) == (
        [date(1970, 1, day) for day in (1, 2, 3, 4)],
        [0.0, 1.5, 3.0, 4.5],
    )


def test_every_customer_has_their_own(tmp_path: Path) -> None:
    store = published(tmp_path)
    found = [store.details(each) for each in "abcd"]
    assert [each and each.features["orders_90d"] for each in found] == [0.0, 1.0, 3.0, 0.0]


@pytest.mark.parametrize("customer_id", ["e", "nobody", "x", "\ud800"])
def test_who_has_none_has_none(tmp_path: Path, customer_id: str) -> None:
    assert published(tmp_path).details(customer_id) is None


def test_the_places_are_no_scores(tmp_path: Path) -> None:
    store = published(tmp_path)
    assert store.table() == scores(*"abcde") and store.customer("a") == scores("a").to_pylist()[0]
    assert set(store.manifest["files"]) >= {"details/00000.parquet", "details/00012.parquet"}


def test_many_threads_read_details(tmp_path: Path) -> None:
    store = published(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(store.details, list("abcd") * 20))
    assert [each and each.order_amounts[-1] for each in found] == [0.0, 1.5, 4.5, 0.0] * 20


def test_a_damaged_part_is_refused_when_it_is_read(tmp_path: Path) -> None:
    store = published(tmp_path)
    path = tmp_path / "out" / "current" / "details" / "00000.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    assert store.details("a") is not None
    with pytest.raises(ArtifactError, match=r"00000\.parquet is damaged"):
        store.details("b")


def test_a_swept_part_is_gone_unless_it_was_read_before(tmp_path: Path) -> None:
    store = published(tmp_path)
    before = store.details("a")
    for each in "xyz":
        publish(scores(each), tmp_path / "out", manifest={})
    assert store.details("a") == before
    with pytest.raises(ArtifactError, match="is gone: newer rankings were published"):
        store.details("b")


def test_a_part_of_another_run_is_refused(tmp_path: Path) -> None:
    part(tmp_path / "run" / "00000.parquet", "a", "b")
    publish(with_places(scores("a"), [0], [1]), tmp_path / "out", manifest={}, details=tmp_path / "run")
    with pytest.raises(ArtifactError, match="is of another run"):
        Store.open(tmp_path / "out").details("a")


@pytest.mark.parametrize(
    ("parts", "rows", "message"),
    [
        ([0, 0], [0, 2], r"name row 2 of details/00000\.parquet, which has 2 rows"),
        ([0, 1], [0, 0], r"name row 0 of details/00001\.parquet, which has 0 rows"),
        ([0, -1], [0, 0], "must both be known, or both -1"),
    ],
)
def test_places_without_details_are_refused(
    tmp_path: Path, parts: list[int], rows: list[int], message: str
) -> None:
    part(tmp_path / "run" / "00000.parquet", "a", "b")
    with pytest.raises(ContractError, match=message):
        publish(with_places(scores("a", "b"), parts, rows), tmp_path, manifest={}, details=tmp_path / "run")
    assert (tmp_path / "run" / "00000.parquet").exists()
