"""A ranking that Spark scored is the local engine's: rows, details, layers, drift, account."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import features.spark.job
from contracts.days import to_date
from contracts.errors import ArtifactError, DeclarationError
from features.catalog import CATALOG
from features.kernel.declaration import Catalog
from features.kernel.past import Past
from features.kernel.running import Floats
from features.prepared.store import Prepared
from features.shop.files import OtherFiles
from repurchase.features_job import FeaturesJob, write_on_spark
from repurchase.orders_job import OrdersJob
from repurchase.rank_base import RankOptions
from repurchase.rank_job import Ranked, rank
from serving.store import Store
from tests import worlds
from tests.repurchase.front_door import here

pytestmark = pytest.mark.spark
MASTER = "local[2]"
NOW = datetime(2022, 6, 1, 3, 0, tzinfo=UTC)
HERE = RankOptions(formats=("parquet",))
THERE = replace(HERE, master=MASTER)


class Both(NamedTuple):
    """Rankings of the same orders on the same day, each after one of 90 days before."""

    here: Ranked
    there: Ranked


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the shop's orders as a Parquet table of three files, with e-mail addresses; a row of each is refused."""
    undated = {"ordered_at": None, "order_id": "x"}
    for k, rows in enumerate((worlds.rows()[::3], worlds.rows()[1::3], worlds.rows()[2::3])):
        known = [{**row, "coupon": row["coupon"] or None, "cost": row["cost"] or None} for row in rows]
        more = [
            {"country": ("DE", "FR", None)[i % 3], "email": f"{i % 9}@mail.fr"} for i in range(len(known))
        ]
        lines = [{**row, **own} for row, own in zip(known, more, strict=True)]
        folder = tmp_path_factory.getbasetemp() / "orders"
        folder.mkdir(exist_ok=True)
        pq.write_table(pa.Table.from_pylist([*lines, {**lines[0], **undated}]), folder / f"part-{k}.parquet")
    return folder


def ranked(source: Path, out: Path, options: RankOptions, *, day: int = worlds.AS_OF, **more: Any) -> Ranked:
    """Rank a shop's orders."""
    alone = OtherFiles(merges=False)
    given = {"model": str(worlds.trained().folder), "other": alone, "catalog": CATALOG, **more}
    job = OrdersJob((str(source),), None, day, NOW, given["other"])
    return rank(
        job, model=given["model"], horizons=(), by="value", out=out, tracking_uri="", progress=lambda _: None,
        catalog=given["catalog"], options=options,
    )  # fmt: skip


@pytest.fixture(scope="module")
def both(spark: Any, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Rank by both engines; Spark in blocks of some 1,500 rows."""
    folder = tmp_path_factory.mktemp("both")
    ranked(source, folder / "here", HERE, day=worlds.AS_OF - 90)
    shutil.copytree(folder / "here", folder / "there", symlinks=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features.spark.job, "BLOCK_ROWS", 1_500)
        there = ranked(source, folder / "there", THERE)
    return Both(ranked(source, folder / "here", HERE), there)


def reports(both: Both) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return report.json of both."""
    found = [json.loads((one.store / "report.json").read_text()) for one in both]
    return found[0], found[1]


def published(out: Path) -> dict[str, str]:
    """Return the checksums of what is published."""
    manifest = json.loads((out / "manifest.json").read_text())
    return {name: one["sha256"] for name, one in manifest["files"].items()}


# ---------------------------------------------------------------- the same ranking
def test_the_published_scores_are_the_local_engines_to_the_bit(both: Both) -> None:
    assert both.there.scores.equals(both.here.scores)
    assert both.there.scores.schema.equals(both.here.scores.schema, check_metadata=True)
    assert both.there.parts > 4 and both.there.scores["country"].null_count < len(both.there.scores)


def test_each_customers_details_are_found_through_the_store(both: Both) -> None:
    here, there = (Store.open(one.store) for one in both)
    ids = both.here.scores["customer_id"].to_pylist()[::50]
    found = [(str(here.details(name)), str(there.details(name))) for name in ids]
    here.close()
    there.close()
    assert all(mine == theirs and mine != "None" for mine, theirs in found) and len(found) > 20


def test_layers_moves_and_account_are_the_same(both: Both) -> None:
    assert both.there.layers.to_dict() == both.here.layers.to_dict()
    changed = [pq.read_table(one.store / "changed.parquet") for one in both]
    assert both.there.moves == both.here.moves and changed[0].equals(changed[1])
    assert replace(both.there.report, files=()) == replace(both.here.report, files=())
    assert both.there.report.refused == 3


def test_the_report_tells_the_same_of_counts_drift_and_the_finished_forecast(both: Both) -> None:
    here, there = reports(both)
    for name in ("as_of", "customers", "rows", "drift", "moved"):
        assert there[name] == here[name]
    assert there["finished"]["total"] == pytest.approx(here["finished"]["total"], rel=1e-12)
    assert (here["engine"], there["engine"]) == ("local", "spark")
    assert there["scoring_cpu_seconds"]["features and models"] > 0


def test_nothing_of_the_run_is_left_behind(both: Both) -> None:
    assert not (both.there.store / ".run").exists()
    manifest = json.loads((both.there.store / "manifest.json").read_text())
    assert len(manifest["data_fingerprint"]) == 64


def test_the_command_line_ranks_on_spark(both: Both, source: Path, tmp_path: Path) -> None:
    asked = ("--as-of", to_date(worlds.AS_OF).isoformat(), "--model", worlds.trained().folder, "--out", "out")
    ended = here(tmp_path, "rank", source, *asked, "--no-merges", "--engine", "spark", "--master", MASTER)
    assert (ended.code, ended.errors[1:]) == (0, [])
    found = pq.read_table(tmp_path / "out/scores.parquet").drop_columns(["scored_at"])
    assert found.equals(both.here.scores.drop_columns(["scored_at"]))


# ---------------------------------------------------------------- what goes wrong
def killed(past: Past) -> Floats:
    """End the process that computes this feature."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError(past)


def test_the_previous_ranking_stays_if_a_worker_dies(both: Both, source: Path, tmp_path: Path) -> None:
    out = shutil.copytree(both.here.store, tmp_path / "out", symlinks=True)
    catalog = Catalog(replace(one, function=killed) if one.name == "gap_mean" else one for one in CATALOG)
    before, model = published(out), str(worlds.simple("bgnbd").folder)
    with pytest.raises(ArtifactError, match="Spark could not do this"):
        ranked(source, out, THERE, model=model, catalog=catalog)
    assert published(out) == before and not (out / ".run").exists()
    assert ranked(source, out, HERE).scores.num_rows == both.here.scores.num_rows


def test_orders_whose_ids_would_be_merged_are_refused(spark: Any, source: Path, tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="Give --no-merges"):
        ranked(source, tmp_path / "out", THERE, other=OtherFiles())
    assert not (tmp_path / "out/current").exists()


def test_features_of_orders_whose_ids_would_be_merged_are_refused(
    spark: Any, source: Path, tmp_path: Path
) -> None:
    job = OrdersJob((str(source),), None, worlds.AS_OF, NOW, OtherFiles())
    wanted = FeaturesJob(horizons=(30,), cutoffs=0, names=("frequency",), catalog=CATALOG)
    with pytest.raises(DeclarationError, match="Give --no-merges"):
        write_on_spark(job, wanted, master=MASTER, out=str(tmp_path / "features"))


def test_prepared_orders_are_the_local_engines(spark_home: Path, tmp_path: Path) -> None:
    Prepared.create(str(worlds.orders_file()), tmp_path / "prepared", partitions=2)
    with pytest.raises(DeclarationError, match="holds prepared orders"):
        ranked(tmp_path / "prepared", tmp_path / "out", THERE)
