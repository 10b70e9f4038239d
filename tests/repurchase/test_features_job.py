"""`repurchase features`: to a file or to a folder of parts, the same rows, nothing left behind."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.days import parse_day
from contracts.errors import ArtifactError, DataError, DeclarationError
from features.catalog import CATALOG
from features.prepared.store import Prepared
from repurchase.features_job import FeaturesJob, Written, write_features
from repurchase.orders_job import OrdersJob
from tests.features.prepared.stores import files_of
from tests.repurchase.front_door import orders_csv, run

HEADER = "customer_id,order_id,ordered_at,amount,category\n"
ROWS = [f"c{i % 23},{i},2021-0{1 + i % 5}-{1 + i * 3 % 28:02d},{i % 7},{'xyz'[i % 3]}" for i in range(160)]
NOW = datetime(2021, 6, 1, 12, tzinfo=UTC)
NAMES = ("frequency", "recency", "monetary_value", "orders_90d")


def written(
    source: Path, out: Path, *, cutoffs: int = 0, names: tuple[str, ...] = NAMES, as_of: str | None = None
) -> Written:
    job = OrdersJob((str(source),), None, None if as_of is None else parse_day(as_of), NOW)
    return write_features(job, FeaturesJob((30,), cutoffs, names, CATALOG), out=out)


def in_order(path: Path) -> pa.Table:
    """Return a file or a folder of parts, sorted by cutoff and customer."""
    return pq.read_table(path).sort_by([("cutoff", "ascending"), ("customer_id", "ascending")])


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    return orders_csv(tmp_path, HEADER + "\n".join(ROWS) + "\n")


@pytest.mark.parametrize("cutoffs", [0, 3])
def test_partitions_memory_files_and_folders_give_the_same_rows(
    tmp_path: Path, orders: Path, cutoffs: int
) -> None:
    prepared = Prepared.create(orders, tmp_path / "prepared", partitions=9).folder
    file = written(orders, tmp_path / "a.parquet", cutoffs=cutoffs)
    for source, out in ((orders, "b"), (prepared, "c"), (prepared, "d.parquet")):
        found = written(source, tmp_path / out, cutoffs=cutoffs)
        assert (found.rows, found.columns) == (file.rows, file.columns)
        assert in_order(tmp_path / out).equals(in_order(tmp_path / "a.parquet"))


def test_partitions_without_any_customer_are_empty_parts(tmp_path: Path) -> None:
    orders = orders_csv(tmp_path, HEADER + "a,1,2021-01-01,5,x\nb,2,2021-01-05,5,x\n")
    prepared = Prepared.create(orders, tmp_path / "prepared", partitions=12).folder
    assert written(prepared, tmp_path / "out").rows == 2
    assert len(list((tmp_path / "out").glob("part-*.parquet"))) == 12


def test_the_same_job_again_gives_the_same_bytes(tmp_path: Path, orders: Path) -> None:
    prepared = Prepared.create(orders, tmp_path / "prepared", partitions=4).folder
    written(prepared, tmp_path / "out")
    before = files_of(tmp_path / "out")
    written(prepared, tmp_path / "out")
    assert files_of(tmp_path / "out") == before


def test_another_job_replaces_the_folder_as_a_whole(tmp_path: Path, orders: Path) -> None:
    for partitions in (5, 2):
        prepared = Prepared.create(orders, tmp_path / f"prepared{partitions}", partitions=partitions).folder
        written(prepared, tmp_path / "out")
    assert sorted(files_of(tmp_path / "out")) == ["_manifest.json", "part-0000.parquet", "part-0001.parquet"]


def test_orders_that_changed_are_another_job(tmp_path: Path, orders: Path) -> None:
    first = written(orders, tmp_path / "out").rows
    orders.write_text(orders.read_text() + "new,999,2021-05-30,5,x\n")
    assert written(orders, tmp_path / "out").rows == first + 1


@pytest.mark.parametrize(
    ("rows", "as_of", "match"),
    [
        ("a,1,2021-01-01,5,x\na,2,2021-01-02,5,x\n", None, "Too little to learn from: 1 customers"),
        ("a,1,2021-01-01,-5,x\nb,2,2021-01-02,-5,x\n", None, "No order is left"),
        ("a,1,2021-01-01,5,x\nb,2,2021-01-02,5,x\n", "2020-06-01", "every row is later"),
        ("", None, "no rows below the header"),
    ],
    ids=["one customer", "returns only", "all later", "empty"],
)
def test_too_little_is_refused_and_no_result_appears(
    tmp_path: Path, rows: str, as_of: str | None, match: str
) -> None:
    orders = orders_csv(tmp_path, HEADER + rows)
    with pytest.raises(DataError, match=match):
        written(orders, tmp_path / "out", as_of=as_of)
    assert not (tmp_path / "out").exists()


def test_a_horizon_longer_than_the_history_is_refused(tmp_path: Path) -> None:
    orders = orders_csv(tmp_path, HEADER + "a,1,2021-01-01,5,x\nb,2,2021-01-05,5,x\n")
    with pytest.raises(DataError, match="no cutoff 30 days before 2021-01-05 lies inside the history"):
        written(orders, tmp_path / "out", cutoffs=2)
    assert not list(tmp_path.glob(".out*"))


def test_an_unknown_feature_is_named_with_the_nearest(tmp_path: Path, orders: Path) -> None:
    with pytest.raises(DeclarationError, match="did you mean 'frequency'"):
        written(orders, tmp_path / "out", names=("frequenzy",))


def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, orders: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="mine holds something else"):
        written(orders, tmp_path / "mine")
    assert files_of(tmp_path / "mine") == {"notes.txt": b"mine"}


def test_features_without_a_target_are_one_message_and_exit_code_2(tmp_path: Path, orders: Path) -> None:
    ended = run(tmp_path, "features", orders)
    assert ended.code == 2 and len(ended.errors) == 1 and "give the orders and --out" in ended.errors[0], (
        ended.err
    )
