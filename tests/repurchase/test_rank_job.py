"""The nightly run gives what one table in memory would, whatever the partitions and however often it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from contracts.errors import ArtifactError, DataError
from features.catalog import CATALOG
from features.orders import read_orders
from features.prepared.process import Tally
from features.prepared.store import Prepared
from repurchase.backfill_job import scored
from repurchase.orders_job import OrdersJob
from repurchase.rank_base import RankOptions
from repurchase.rank_job import Ranked, rank
from serving.disk import only_writer
from serving.rank import Scoring
from serving.store import Store
from tests import worlds

pytestmark = pytest.mark.lab  # many trainings or long searches: make test-lab

NOW = datetime(2022, 6, 1, 3, 0, tzinfo=UTC)
PARQUET = RankOptions(formats=("parquet",))


@cache
def prepared(partitions: int) -> Path:
    """Return the shop's orders in so many partitions."""
    folder = worlds.home() / f"prepared-{partitions}"
    Prepared.create(str(worlds.orders_file()), folder, partitions=partitions)
    return folder


def job(source: Path, *, as_of: int = worlds.AS_OF, now: datetime = NOW) -> OrdersJob:
    return OrdersJob((str(source),), None, as_of, now)


def ranked(orders: OrdersJob, out: Path, *, options: RankOptions = PARQUET, **more: Any) -> Ranked:
    asked = {"model": str(worlds.trained().folder), "horizons": (), "by": "value", "tracking_uri": "", **more}
    return rank(orders, out=out, progress=lambda _: None, options=options, **asked)


@cache
def in_memory(*, by: str = "value", as_of: int = worlds.AS_OF) -> pa.Table:
    """Return the same scores from one table in memory."""
    orders, bundle = job(worlds.orders_file(), as_of=as_of), worlds.bundle()
    with orders.opened() as rows:
        shop = orders.shop(rows)
        scoring = Scoring(shop.as_of, tuple(bundle.manifest["horizons"]), 90, by, orders.now)
        return scored(orders, shop, bundle, scoring, Tally(), CATALOG)[0]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Ranked:
    """Return a ranking of seven partitions that nothing disturbed."""
    return ranked(job(prepared(7)), tmp_path_factory.mktemp("whole") / "out")


def files_of(out: Path) -> dict[str, str]:
    """Return the checksums of what was published."""
    manifest = json.loads((out / "manifest.json").read_text())
    told = ("report.json",)  # it says how long the stages took
    return {name: one["sha256"] for name, one in manifest["files"].items() if name not in told}


# ---------------------------------------------------------------- the same answer
@pytest.mark.parametrize(("partitions", "by"), [(1, "value"), (3, "probability")])
def test_the_published_scores_are_those_of_one_table_in_memory(
    tmp_path: Path, partitions: int, by: str
) -> None:
    ranked(job(prepared(partitions)), tmp_path / "out", by=by)
    assert pq.read_table(tmp_path / "out/scores.parquet").equals(in_memory(by=by))


def test_seven_partitions_give_the_same_again(whole: Ranked) -> None:
    assert whole.scores.equals(in_memory()) and whole.parts == 7


def test_the_summary_is_that_of_the_scores(whole: Ranked) -> None:
    table = whole.scores
    assert whole.top.select(table.column_names).equals(table.slice(0, 10))
    assert sum(count for count, _, _ in whole.summary.tenths) == table.num_rows
    value = pc.sum(table["expected_value_90d"]).as_py()
    assert sum(worth for _, _, worth in whole.summary.tenths) == pytest.approx(value)
    focus = pc.sum(pc.equal(table["tier"], "focus")).as_py()
    assert whole.summary.groups["tier"]["focus"][0] == focus


def test_each_customers_details_are_found_through_the_store(whole: Ranked) -> None:
    store = Store.open(whole.store)
    for row in store.ranking(limit=2_000)[::97]:
        details = store.details(row["customer_id"])
        assert details is not None and len(details.order_days) == row["frequency"] + 1
        assert details.features["recency_days"] == row["recency_days"]
    store.close()


def test_nobody_is_lost_between_the_history_and_the_store(whole: Ranked) -> None:
    found = whole.scores["customer_id"].to_pylist()
    assert len(found) == len(set(found)) == len(in_memory()) and set(found) <= set(
        worlds.history().customer_ids
    )


def test_details_can_be_left_out(tmp_path: Path) -> None:
    ranked(job(prepared(1)), tmp_path / "out", options=replace(PARQUET, details=False))
    store = Store.open(tmp_path / "out")
    assert store.details(store.ranking(limit=1)[0]["customer_id"]) is None
    store.close()


# ---------------------------------------------------------------- interrupted
class Stopped(Exception):
    """What ends a run in the middle."""


def stopped(orders: OrdersJob, out: Path, *, at: str = "publishing the store") -> None:
    """Run a ranking that ends with an exception as soon as it says what it is about to do."""

    def progress(what: str) -> None:
        if what == at:
            raise Stopped

    with pytest.raises(Stopped):
        rank(
            orders, model=str(worlds.trained().folder), horizons=(), by="value", out=out, tracking_uri="",
            progress=progress, options=PARQUET,
        )  # fmt: skip


def test_an_interrupted_run_is_taken_up_and_ends_as_an_undisturbed_one(whole: Ranked, tmp_path: Path) -> None:
    stopped(job(prepared(7)), tmp_path / "out")
    assert not (tmp_path / "out/current").exists()
    found = ranked(job(prepared(7), now=NOW + timedelta(hours=1)), tmp_path / "out")
    assert found.taken_up == 7 and files_of(tmp_path / "out") == files_of(whole.store)
    assert not (tmp_path / "out/.run").exists()


def test_a_damaged_part_is_made_again(whole: Ranked, tmp_path: Path) -> None:
    stopped(job(prepared(7)), tmp_path / "out")
    part = tmp_path / "out/.run/parts/00002.arrow"
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.write_bytes(bytes(content))
    assert ranked(job(prepared(7)), tmp_path / "out").taken_up == 6
    assert files_of(tmp_path / "out") == files_of(whole.store)


def test_another_runs_parts_are_not_taken_up_and_a_failing_run_leaves_the_previous_ranking(
    tmp_path: Path,
) -> None:
    found = ranked(job(prepared(3), as_of=worlds.AS_OF - 1), tmp_path / "out")
    before = files_of(tmp_path / "out")
    stopped(job(prepared(3)), tmp_path / "out")
    assert found.taken_up == 0 and files_of(tmp_path / "out") == before
    again = ranked(job(prepared(3), as_of=worlds.AS_OF - 1), tmp_path / "out")
    assert again.taken_up == 0 and again.scores.equals(in_memory(as_of=worlds.AS_OF - 1))


def test_a_second_run_is_refused_while_one_works(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with only_writer(tmp_path / "out/.run.lock"), pytest.raises(ArtifactError, match="another process"):
        ranked(job(prepared(1)), tmp_path / "out")


STOPPED = """
import os, signal, sys
from datetime import datetime
from pathlib import Path
import repurchase.rank_job, serving.batch.ranking, serving.stored.publishing
from serving.batch.checkpoint import Checkpoint
from repurchase.orders_job import OrdersJob
from repurchase.rank_base import RankOptions
where, count = sys.argv[1], int(sys.argv[2])

def killed(function):
    left = [count]
    def run(*given, **named):
        left[0] -= 1
        if left[0] < 0: os.kill(os.getpid(), signal.SIGKILL)
        return function(*given, **named)
    return run

if where == "part": Checkpoint.finish = killed(Checkpoint.finish)
if where == "bucket": serving.batch.ranking.Ranking._slim = killed(serving.batch.ranking.Ranking._slim)
if where == "publish": serving.stored.publishing._write_manifest = killed(serving.stored.publishing._write_manifest)
if where == "after": Checkpoint.end = killed(Checkpoint.end)
job = OrdersJob((sys.argv[3],), None, int(sys.argv[4]), datetime.fromisoformat(sys.argv[5]))
repurchase.rank_job.rank(job, model=sys.argv[6], horizons=(), by="value", out=Path(sys.argv[7]), tracking_uri="",
                         progress=lambda _: None, options=RankOptions(formats=("parquet",)))
"""


def killed_at(where: str, count: int, orders: OrdersJob, out: Path) -> None:
    """Run a ranking in a process that kills itself with -9 at a place."""
    words = (
        where,
        count,
        orders.files[0],
        orders.as_of,
        orders.now.isoformat(),
        worlds.trained().folder,
        out,
    )
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(
    ("where", "count", "taken_up"),
    [
        ("part", 3, 3),
        pytest.param("part", 0, 0, marks=pytest.mark.faults),
        pytest.param("bucket", 4, 7, marks=pytest.mark.faults),
        pytest.param("publish", 0, 7, marks=pytest.mark.faults),
    ],
)
def test_killed_and_started_again_the_store_is_that_of_an_undisturbed_run(
    whole: Ranked, tmp_path: Path, where: str, count: int, taken_up: int
) -> None:
    killed_at(where, count, job(prepared(7)), tmp_path / "out")
    assert not (tmp_path / "out/current").exists()
    found = ranked(job(prepared(7), now=NOW + timedelta(hours=1)), tmp_path / "out")
    assert (found.parts, found.taken_up) == (7, taken_up)
    assert files_of(tmp_path / "out") == files_of(whole.store)


@pytest.mark.faults
def test_killed_after_publishing_the_next_run_publishes_again(tmp_path: Path) -> None:
    killed_at("after", 0, job(prepared(3)), tmp_path / "out")
    before = files_of(tmp_path / "out")
    ranked(job(prepared(3)), tmp_path / "out")
    after = files_of(tmp_path / "out")
    assert {name: after[name] for name in before} == before


# ---------------------------------------------------------------- what the report tells
def test_the_report_holds_stages_counts_and_drift(whole: Ranked) -> None:
    report = json.loads((whole.store / "report.json").read_text())
    assert [one["stage"] for one in report["stages"]][:2] == ["reading orders", "scoring customers"]
    assert report["customers"] == whole.scores.num_rows == report["drift"]["customers"]
    assert report["rows"]["read"] == len(worlds.rows())
    assert report["drift"]["known"] and not report["drift"]["flagged"]
    assert report["finished"] is None and "old enough" in report["finished_why"]


def test_a_later_run_tells_who_moved_and_what_became_of_the_forecast(tmp_path: Path) -> None:
    early = worlds.AS_OF - 90
    before = ranked(job(prepared(3), as_of=early), tmp_path / "out").scores
    found = ranked(job(prepared(3)), tmp_path / "out")
    check_moves(before, found)
    check_finished(before, found, early)


def test_a_ranking_of_an_earlier_day_than_the_published_one_is_told(tmp_path: Path) -> None:
    assert ranked(job(prepared(3)), tmp_path / "out").notes == ()
    found = ranked(job(prepared(3), as_of=worlds.AS_OF - 5), tmp_path / "out")
    assert "running servers take it over" in found.notes[0]
    assert (found.as_of, len(found.notes)) == (worlds.AS_OF - 5, 1)


def check_moves(before: pa.Table, found: Ranked) -> None:
    """Hold the moves against plain dictionaries."""
    tables = (before, found.scores)
    old, new = (dict(zip(t["customer_id"].to_pylist(), t["tier"].to_pylist(), strict=True)) for t in tables)
    assert found.moves is not None
    assert (found.moves.new, found.moves.gone) == (len(new.keys() - old.keys()), len(old.keys() - new.keys()))
    pairs = [(old[name], new[name]) for name in old.keys() & new.keys()]
    assert found.moves.tiers == tuple((*pair, pairs.count(pair)) for pair in sorted(set(pairs)))
    rows = pq.read_table(found.store / "changed.parquet").num_rows
    assert rows == found.moves.new + found.moves.gone + found.moves.moved


def check_finished(before: pa.Table, found: Ranked, early: int) -> None:
    """Hold predicted and actual against plain loops over the lines."""
    assert found.finished is not None
    assert (found.finished["horizon"], found.finished["customers_gone"]) == (90, 0)
    assert found.finished["in_sample"]  # the model was trained as of a later day than the forecast's
    lines = read_orders(worlds.orders_file(), until=worlds.AS_OF).lines.to_pylist()
    buyers = {
        one["customer_id"]
        for one in lines
        if one["day"] > early and one["quantity"] > 0 and not one["returned"] and one["cancelled_day"] is None
    }
    assert found.finished["total"]["buyers"] == len(buyers & set(before["customer_id"].to_pylist()))
    expected = pc.sum(before["p_repurchase_90d"]).as_py()
    assert found.finished["total"]["expected_buyers"] == pytest.approx(expected)


def test_drift_is_told_and_refused_on_request_and_the_previous_ranking_stays(tmp_path: Path) -> None:
    rows = [
        {**row, "amount": row["amount"] * 100, "unit_price": row["unit_price"] * 100} for row in worlds.rows()
    ]
    dear = worlds.write_csv(tmp_path / "dear.csv", rows)
    assert ranked(job(dear), tmp_path / "out").drift.flagged
    before = files_of(tmp_path / "out")
    with pytest.raises(DataError, match="no longer look like"):
        ranked(job(dear), tmp_path / "out", options=replace(PARQUET, refuse_drift=True))
    assert files_of(tmp_path / "out") == before
