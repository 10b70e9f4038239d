"""What Spark can read, what it refuses, and what the engine leaves behind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import ArtifactError, ContractError, DataError, DeclarationError
from features.catalog import CATALOG
from features.kernel.declaration import Catalog, feature
from features.kernel.past import Past
from features.kernel.population import Population, Sums, reference
from features.kernel.running import Floats
from features.reading.mapping import Mapping
from features.spark.engine import Written, write_features
from features.spark.session import opened_session
from tests.features.spark.shop import (
    BERLIN,
    FEW,
    NOW,
    SCHEMA,
    Asked,
    assert_same,
    locally,
    on_disk,
    orders,
    written,
)

pytestmark = pytest.mark.spark
TEXT = pa.schema([(name, pa.string()) for name in ("customer", "order", "date", "total", "currency")])


@dataclass(frozen=True)
class Engine:
    """The Spark engine, writing into a folder of the test."""

    session: Any
    out: Path

    def write(
        self, *source: str, wanted: Asked = FEW, mapping: Mapping | None = BERLIN, **more: Any
    ) -> Written:
        return write_features(
            self.session, source, str(self.out), wanted=wanted, mapping=mapping, now=NOW, **more
        )

    def assert_like_local(self, *source: str, local: str | None = None, **more: Any) -> Written:
        """Write, and compare with what the local engine makes of the same (or of `local`)."""
        made = self.write(*source, **more)
        again = {name: more[name] for name in ("wanted", "mapping") if name in more}
        assert_same((on_disk(self.out), made.report), locally(local or source[0], **{"wanted": FEW, **again}))
        return made


@pytest.fixture
def engine(spark: Any, tmp_path: Path) -> Engine:
    return Engine(spark, tmp_path / "out")


def text_orders(*rows: str) -> pa.Table:
    return pa.Table.from_pylist(
        [dict(zip(TEXT.names, row.split("|"), strict=True)) for row in rows], schema=TEXT
    )


# ---------------------------------------------------------------- what can be read
def test_a_temporary_view_is_read(engine: Engine, tmp_path: Path) -> None:
    source = written(tmp_path, orders())
    engine.session.read.parquet(source).createOrReplaceTempView("shop_orders")
    engine.assert_like_local("shop_orders", local=source)


def test_a_table_of_the_catalogue_is_read_by_its_name(engine: Engine, tmp_path: Path) -> None:
    source = written(tmp_path, orders())
    engine.session.sql("CREATE DATABASE IF NOT EXISTS shop")
    engine.session.sql(f"CREATE OR REPLACE TEMP VIEW raw AS SELECT * FROM parquet.`{source}`")
    engine.session.sql(f"CREATE TABLE shop.orders USING parquet LOCATION '{source}'")
    engine.assert_like_local("shop.orders", local=source)


def test_the_session_s_own_time_zone_plays_no_part(engine: Engine, tmp_path: Path) -> None:
    engine.session.conf.set("spark.sql.session.timeZone", "America/New_York")
    try:
        engine.assert_like_local(written(tmp_path, orders()))
    finally:
        engine.session.conf.set("spark.sql.session.timeZone", "UTC")


def test_conventions_of_text_columns_are_settled_by_all_rows(engine: Engine, tmp_path: Path) -> None:
    table = text_orders(
        "1.0|7|03.04.2024 10:00|1.234,50|EUR", "2.0|8|13/04/2024|9,99 €|eur ", "2.0|9|2024-05-01T10:00:00+02:00|5|",
        "3.0|10|20240502|(3,00)|EUR", "nan|11|1714557600|1|EUR", "2.0|12|gestern|1|EUR",
    )  # fmt: skip
    made = engine.assert_like_local(written(tmp_path, table), mapping=None)
    assert made.report.currency == "EUR"
    assert sorted(on_disk(engine.out)["customer_id"].to_pylist()) == ["1", "2"]  # 3 has a return only


def test_files_with_names_of_their_own_are_deliveries_that_may_overlap(
    engine: Engine, tmp_path: Path
) -> None:
    table, folder = orders(), tmp_path / "two deliveries"
    folder.mkdir()
    pq.write_table(table.slice(0, 1200), folder / "jan.parquet")
    pq.write_table(table.slice(800), folder / "feb.parquet")
    made = engine.assert_like_local(str(folder))
    assert made.report.merged["delivered_twice"] > 300


def test_partition_folders_are_one_table_with_their_names_as_columns(engine: Engine, tmp_path: Path) -> None:
    table, folder = orders().drop_columns(["channel"]), tmp_path / "parts"
    for name, rows in (("web", table.slice(0, 1000)), ("shop", table.slice(1000))):
        (folder / f"channel={name}").mkdir(parents=True)
        pq.write_table(rows, folder / f"channel={name}" / "part-0.parquet")
    engine.assert_like_local(str(folder), wanted=replace(FEW, chosen=CATALOG.pick(["orders", "channels"])))


def test_what_stands_on_the_first_row_of_an_order_is_filled_down(engine: Engine, tmp_path: Path) -> None:
    at = datetime(2024, 5, 1, 10)
    rows: list[dict[str, Any]] = []
    for i in range(60):
        head = {"customer_id": f"c{i % 7}", "ordered_at": at + timedelta(days=i)}
        rows += [
            {"order_id": f"o{i}", "amount": 5.0 + k, "product_id": "p", **(head if k == 0 else {})}
            for k in range(3)
        ]
    names = {name: name for name in ("customer_id", "order_id", "ordered_at", "amount", "product_id")}
    mapping = Mapping(name="head", columns=names, order_columns=("customer_id", "ordered_at"))
    made = engine.assert_like_local(written(tmp_path, pa.Table.from_pylist(rows)), mapping=mapping)
    assert made.report.kept == 180


def test_one_customer_alone_leaves_most_tasks_without_rows(engine: Engine, tmp_path: Path) -> None:
    alone = orders().filter(pa.compute.equal(orders()["customer_id"], "Zoë"))
    engine.assert_like_local(written(tmp_path, alone), block_rows=1)


def test_a_customer_larger_than_a_block_stays_in_one_piece(engine: Engine, tmp_path: Path) -> None:
    table = orders()
    large = table.set_column(0, SCHEMA.field(0), pa.array(["big"] * 1000 + ["b", "c"] * 1000)[: len(table)])
    engine.assert_like_local(written(tmp_path, large), block_rows=300)


# ---------------------------------------------------------------- what is computed
def share_of(sums: Sums) -> Floats:
    return sums["buyers"] / sums["buyers"].sum()


@reference("Share of the buyers.", key="category", finish=share_of)
def buyers_share(population: Population) -> Sums:
    return {"buyers": population.customers(), "pieces": population.sum("quantity")}


@feature(
    "Share of the last category.", unit="ratio", family="own", needs=("category",), needs_reference=("buyers_share",)
)  # fmt: skip
def last_share(past: Past) -> Floats:
    return past.reference("buyers_share", "category", past.last_code("category"))


def test_a_reference_table_is_fitted_on_everyone_whatever_the_blocks(engine: Engine, tmp_path: Path) -> None:
    wanted = Asked(Catalog([last_share]), (), 2)
    engine.assert_like_local(written(tmp_path, orders()), wanted=wanted, block_rows=300)
    assert len(set(on_disk(engine.out)["last_share"].to_pylist())) > 2


def test_a_feature_of_the_user_s_own_module_runs_on_workers_without_pandas(
    engine: Engine, tmp_path: Path
) -> None:
    engine.write(written(tmp_path, orders()), wanted=Asked(Catalog([pandas_is_there]), (), 1))
    assert set(on_disk(engine.out)["pandas_is_there"].to_pylist()) == {0.0}


@feature("Whether pandas can be imported.", unit="0 or 1", family="test")
def pandas_is_there(past: Past) -> Floats:
    return np.full(len(past), float(can_be_imported("pandas")))


def can_be_imported(name: str) -> bool:
    try:
        import_module(name)
    except ImportError:
        return False
    return True


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("no_such_table", "no_such_table: Spark cannot read this .*cannot be found"),
        ("no such table", "Give a Parquet folder"),
        ("/no/such/folder", "/no/such/folder: Spark cannot read this .*does not exist"),
    ],
)
def test_an_unknown_table_or_path_is_a_matter_of_the_data(engine: Engine, source: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        engine.write(source)


def test_a_file_that_is_not_parquet_is_a_matter_of_the_data(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("customer_id,order_id,date,amount\na,1,2024-01-01,1\n")
    with pytest.raises(DataError, match=r"orders.csv: Spark cannot read this"):
        engine.write(str(tmp_path / "orders.csv"))


def test_a_missing_column_is_named(engine: Engine, tmp_path: Path) -> None:
    source = written(tmp_path, orders().drop_columns(["product_id"]))
    with pytest.raises(DataError, match="the column 'product_id' of mapping 'berlin' is not there"):
        engine.write(source)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["a|1|2024-01-01|1|EUR", "b|2|2024-01-02|1|USD"], "mixes EUR, USD"),
        (["a|1|03/04/2024|1|EUR", "b|2|04/05/2024|1|EUR"], "day and month cannot be told apart"),
        (["a|1|never|1|EUR", "b|2|soon|1|EUR"], "no value of column 'date' can be read"),
        (["|1|2024-01-01|1|EUR", "|2|2024-01-02|1|EUR"], "No order is left: of the rows, 2 missing_customer"),
        ([], "there are no rows"),
    ],
)
def test_orders_that_cannot_be_used_are_refused_with_the_reason(
    engine: Engine, tmp_path: Path, rows: list[str], said: str
) -> None:
    with pytest.raises(DataError, match=said):
        engine.write(written(tmp_path, text_orders(*rows)), mapping=None)
    assert not engine.out.exists()


def test_what_a_worker_raises_comes_out_as_it_is(engine: Engine, tmp_path: Path) -> None:
    @feature("Wrong.", unit="1", family="test")
    def two_values(past: Past) -> Floats:
        return np.zeros(2)

    with pytest.raises(ContractError, match=r"^feature 'two_values' returned shape"):
        engine.write(written(tmp_path, orders()), wanted=Asked(Catalog([two_values]), (), 1))


def test_a_session_with_another_master_is_not_taken_for_this_one(engine: Engine) -> None:
    with pytest.raises(DeclarationError, match=r"master local\[2\] is running"), opened_session("local[1]"):
        pass


# ---------------------------------------------------------------- what is left behind
def test_the_folder_says_what_is_in_it(engine: Engine, tmp_path: Path) -> None:
    made = engine.write(written(tmp_path, orders()))
    said = json.loads((engine.out / "_manifest.json").read_text())
    assert (said["rows"], len(said["columns"])) == (made.rows, made.columns)
    assert [path.name for path in tmp_path.glob(".*") if path.is_dir()] == []


def test_an_earlier_result_is_replaced_and_stays_if_the_new_one_is_not_accepted(
    engine: Engine, tmp_path: Path
) -> None:
    source = written(tmp_path, orders())
    engine.write(source)
    with pytest.raises(DataError, match="too few"):
        engine.write(source, wanted=replace(FEW, count=2), accept=_raising(DataError("too few")))
    assert len(set(on_disk(engine.out)["cutoff"].to_pylist())) == 1
    engine.write(source, wanted=replace(FEW, count=2))
    assert len(set(on_disk(engine.out)["cutoff"].to_pylist())) == 2


def test_a_folder_with_something_else_is_left_alone(engine: Engine, tmp_path: Path) -> None:
    engine.out.mkdir()
    (engine.out / "letter.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="holds something else"):
        engine.write(written(tmp_path, orders()))
    assert [path.name for path in engine.out.iterdir()] == ["letter.txt"]


def _raising(error: Exception) -> Callable[[object], None]:
    def accept(_: object) -> None:
        raise error

    return accept
