"""The command about products: what it writes, what it prints, and what it refuses."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from campaigns.products.next_products import PICKS
from contracts.days import to_date
from contracts.errors import ArtifactError, DataError
from features.shop.files import OtherFiles
from repurchase import commands_products
from repurchase.orders_job import OrdersJob
from repurchase.products_job import ProductsJob, read_ids, run
from tests import worlds
from tests.repurchase.front_door import orders_csv

DAY = to_date(worlds.AS_OF).isoformat()
NOW = datetime(2022, 4, 1, tzinfo=UTC)
JOURNEY = Path(__file__).parents[3] / "shared/data/completejourney_partial"


def job(out: Path, orders: Path | None = None, other: OtherFiles | None = None) -> ProductsJob:
    files = (str(orders or worlds.orders_file()),)
    as_of = worlds.AS_OF if orders is None else None
    return ProductsJob(OrdersJob(files, None, as_of, NOW, other or OtherFiles()), out)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def written() -> Path:
    out = worlds.home() / "products"
    run(job(out))
    return out


# ---------------------------------------------------------------- the job
def test_the_folder_holds_every_list() -> None:
    names = {path.name for path in written().iterdir()}
    assert names == {
        "roles.csv", "new.csv", "bestsellers.csv", "pairs.csv", "next_products.parquet", "next_products.csv",
        "report.json",
    }  # fmt: skip
    assert len(rows_of(written() / "roles.csv")) == 30


def test_the_picks_are_the_same_in_both_forms() -> None:
    table = pq.read_table(written() / "next_products.parquet")
    assert table.schema.equals(PICKS)
    sheet = rows_of(written() / "next_products.csv")
    assert [row["customer_id"] for row in sheet] == table["customer_id"].to_pylist()
    assert sheet[0]["reason"] == table["reason"][0].as_py()


def test_the_report_counts_what_was_found() -> None:
    told = json.loads((written() / "report.json").read_text(encoding="utf-8"))
    assert (told["kind"], told["as_of"], sum(told["roles"].values())) == ("products", DAY, 30)
    assert told["picks"] == pq.read_metadata(written() / "next_products.parquet").num_rows


def test_products_bring_categories_and_costs(tmp_path: Path) -> None:
    lines = [f"c{n},o{n},2021-03-{n % 28 + 1:02d},10,p{n % 2},1" for n in range(80)]
    head = "customer_id,order_id,ordered_at,amount,product_id,quantity"
    (tmp_path / "products.csv").write_text("product_id,category,cost\np0,tea,4\np1,tea,6\n")
    orders = orders_csv(tmp_path, "\n".join([head, *lines]) + "\n")
    found = run(job(tmp_path / "out", orders, OtherFiles(products=(str(tmp_path / "products.csv"),))))
    rows = found.roles.table().to_pylist()
    assert {row["product_id"]: row["margin_share"] for row in rows} == {
        "p0": pytest.approx(0.6),
        "p1": pytest.approx(0.4),
    }
    assert {row["category"] for row in rows} == {"tea"}


def test_excluded_products_are_never_picked(tmp_path: Path) -> None:
    (tmp_path / "out-of-stock.txt").write_text("p00\n\np01\np00\nunheard-of\n")
    one = job(tmp_path / "out")
    found = run(ProductsJob(one.orders, one.out, exclude=tmp_path / "out-of-stock.txt"))
    picked = set(pq.read_table(tmp_path / "out/next_products.parquet")["product_id"].to_pylist())
    assert not picked & {"p00", "p01"} and "p02" in picked
    assert any("2 of 3 excluded products were ever sold" in note for note in found.notes)


# ---------------------------------------------------------------- refusals
def test_orders_without_products_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column product_id"):
        run(job(tmp_path / "out", orders_csv(tmp_path)))
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="no folder of products"):
        run(job(tmp_path / "out"))


def test_an_empty_or_absent_file_of_excluded_products_is_refused(tmp_path: Path) -> None:
    (tmp_path / "none.txt").write_text("\n")
    with pytest.raises(DataError, match="no product id in it"):
        read_ids(tmp_path / "none.txt")
    with pytest.raises(DataError, match="no such file"):
        read_ids(tmp_path / "absent.txt")


# ---------------------------------------------------------------- the command
def test_the_command_prints_roles_lists_and_picks_and_judges_them(tmp_path: Path) -> None:
    app = typer.Typer()
    commands_products.add_to(app)
    words = [str(worlds.orders_file()), "--as-of", DAY, "--out", str(tmp_path / "out"), "--evaluate"]
    shown = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    for told in ("Roles", "Bestsellers of the last 30 days", "Next products", "Judged on earlier days"):
        assert told in shown.output
    assert {row["kind"] for row in rows_of(tmp_path / "out/evaluation.csv")} == {"repeat", "new", "all"}


@pytest.mark.skipif(not JOURNEY.exists(), reason="completejourney_partial is not at hand")
def test_a_thin_sample_with_departments_as_categories_works(tmp_path: Path) -> None:
    sample = pq.read_table(JOURNEY / "transactions_sample.parquet")
    names = {
        "household_id": "customer_id", "basket_id": "order_id", "transaction_timestamp": "ordered_at",
        "sales_value": "amount", "product_id": "product_id", "quantity": "quantity",
    }  # fmt: skip
    pq.write_table(
        sample.select(list(names)).rename_columns(list(names.values())), tmp_path / "orders.parquet"
    )
    products = pq.read_table(JOURNEY / "products.parquet").select(["product_id", "department"])
    pq.write_table(products.rename_columns(["product_id", "category"]), tmp_path / "products.parquet")
    other = OtherFiles(products=(str(tmp_path / "products.parquet"),))
    found = run(job(tmp_path / "out", tmp_path / "orders.parquet", other))
    assert "GROCERY" in found.roles.goods.categories and not found.roles.profit_known
    assert found.picks > 20_000 and found.new.num_rows > 0
