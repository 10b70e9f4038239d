from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from contracts.days import to_date, to_day
from contracts.errors import DataError
from contracts.training import TrainingData
from experiments.evaluate import Difference
from experiments.leakage import LeakageReport
from experiments.panels import Panels
from experiments.recipe import Recipe
from experiments.train import Source, Trained, train
from features.catalog import CATALOG
from features.kernel.declaration import Catalog
from features.kernel.history import History
from features.orders import read_orders
from features.own import load_features
from features.references import fit_over
from models.base import BTYD
from models.bundle import load_bundle
from models.ensemble import Ensemble
from tests import worlds
from tests.worlds import order_rows, train_on, write_csv

pytestmark = pytest.mark.lab

DAY = to_day(worlds.FIRST) + 200
ROWS = order_rows(customers=1_200, days=230, seed=5)  # 30 days of them after DAY
RECIPE = Recipe(horizons=(30,), cutoffs=5, model="lightgbm")
Files = dict[str, bytes]


def train_rows(folder: Path, rows: list[dict[str, Any]], recipe: Recipe = RECIPE, **more: Any) -> Trained:
    folder.mkdir()
    orders = read_orders(write_csv(folder / "orders.csv", rows), until=DAY)
    return train_on(orders, folder / "bundle", as_of=DAY, recipe=recipe, **more)


def rows_of(customers: int) -> list[dict[str, Any]]:
    return [row for row in ROWS if int(row["customer_id"]) < customers]


def files(folder: Path) -> Files:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train_rows(tmp_path_factory.mktemp("train") / "whole", ROWS)


def test_the_small_world_has_enough_for_lightgbm(trained: Trained) -> None:
    assert {"orders.txt", "spend.txt", "lightgbm.json", "manifest.json"} <= set(files(trained.folder))
    assert len(ROWS) - sum(worlds.day_of(row) <= DAY for row in ROWS) > 100


def test_orders_after_as_of_change_no_byte_of_the_bundle(trained: Trained, tmp_path: Path) -> None:
    cut = train_rows(tmp_path / "cut", [row for row in ROWS if worlds.day_of(row) <= DAY])
    assert files(cut.folder) == files(trained.folder)


def test_the_order_of_the_rows_changes_no_byte_of_the_bundle(trained: Trained, tmp_path: Path) -> None:
    shuffled = train_rows(tmp_path / "shuffled", Random(3).sample(ROWS, len(ROWS)))
    assert files(shuffled.folder) == files(trained.folder)


@pytest.mark.parametrize(
    "fit", [partial(Ensemble.fit, calibration=False), Ensemble.fit], ids=["parts", "with folds"]
)
def test_the_number_of_threads_changes_no_byte(tmp_path: Path, fit: Callable[..., Ensemble]) -> None:
    data = small_data()
    for threads in (1, 2):
        (tmp_path / str(threads)).mkdir()
        fit(data, threads=threads).save(tmp_path / str(threads))
    assert "orders.txt" in files(tmp_path / "1")
    assert files(tmp_path / "1") == files(tmp_path / "2")


def small_data() -> TrainingData:
    panels = Panels.of(worlds.history(), Recipe(horizons=(30,), cutoffs=3, most_customers=900))
    return panels.training_data(worlds.AS_OF)


def test_a_changed_amount_changes_the_version(tmp_path: Path) -> None:
    rows = rows_of(40)
    first = train_rows(tmp_path / "first", rows)
    other = train_rows(tmp_path / "other", [{**rows[0], "amount": 1_000.0}, *rows[1:]])
    assert other.version != first.version


def test_the_judged_window_begins_one_horizon_before_as_of(trained: Trained) -> None:
    assert trained.evaluation is not None
    assert trained.manifest["backtest"]["origin"] == to_date(DAY - 30).isoformat()
    assert (trained.evaluation.origin, trained.evaluation.horizon) == (DAY - 30, 30)


def test_those_judged_are_the_customers_of_the_origin_and_what_they_did_up_to_as_of(trained: Trained) -> None:
    assert trained.evaluation is not None
    sales = [row for row in ROWS if row["quantity"] > 0]
    before = {row["customer_id"] for row in sales if worlds.day_of(row) <= DAY - 30}
    inside = {row["customer_id"] for row in sales if DAY - 30 < worlds.day_of(row) <= DAY}
    assert len(before) - trained.evaluation.customers in range(10)  # cancelled as a whole
    assert trained.evaluation.outcome.bought.sum() == pytest.approx(len(before & inside), abs=10)


def test_both_baselines_and_every_model_are_judged(trained: Trained) -> None:
    assert trained.evaluation is not None
    kinds = {"recency", "persistence", *(one.name for one in BTYD), "lightgbm", "ensemble"}
    assert set(trained.evaluation.metrics) == kinds
    assert set(trained.manifest["backtest"]["metrics"]) == kinds


def test_every_horizon_of_the_manifest_is_answered(trained: Trained) -> None:
    columns = Panels.of(History.from_lines(worlds.orders().lines), RECIPE).features(DAY).columns
    assert trained.manifest["horizons"] == [30, 90, 180, 365]
    for horizon in trained.manifest["horizons"]:
        answer = trained.model.predict(columns, horizon, day=DAY)
        assert all(np.isfinite(values).all() for values in vars(answer).values())


def test_the_manifest_tells_what_was_trained(trained: Trained) -> None:
    manifest = trained.manifest
    assert manifest["as_of"] == to_date(DAY).isoformat() == "2021-07-20"
    assert Recipe.of_dict(dict(manifest["recipe"]), where="manifest") == RECIPE
    assert (manifest["currency"], manifest["timezone"], manifest["horizon"]) == ("XXX", "UTC", 30)
    assert set(manifest["features"]) == set(trained.model.needs)
    assert all(date.fromisoformat(day) <= to_date(DAY - 30) for day in manifest["cutoffs"])


def test_enough_orders_get_lightgbm_on_btyd(trained: Trained) -> None:
    base, _, rest = trained.manifest["parts"].partition(" + ")
    assert base in [one.name for one in BTYD] and rest == "lightgbm"
    assert trained.manifest["why_simpler"] == ""


@pytest.mark.parametrize(("customers", "parts"), [(150, "|".join(one.name for one in BTYD)), (60, "recency")])
def test_a_smaller_shop_gets_a_simpler_model_and_the_manifest_says_so(
    tmp_path: Path, customers: int, parts: str
) -> None:
    manifest = train_rows(tmp_path / "shop", rows_of(customers)).manifest
    assert re.fullmatch(parts, manifest["parts"])
    assert "lightgbm: no horizon has 2000 finished rows" in manifest["why_simpler"]


def test_what_could_not_be_fitted_is_told_with_its_reason(tmp_path: Path) -> None:
    not_fitted = train_rows(tmp_path / "shop", rows_of(60)).not_fitted
    assert set(not_fitted) == {*(one.name for one in BTYD), "lightgbm"}
    assert "too few for bgnbd" in not_fitted["bgnbd"]


def test_a_history_shorter_than_the_horizon_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"spans \d+ days .* the horizon is 300 days"):
        train_rows(tmp_path / "short", ROWS, Recipe(horizons=(300,)))


def test_a_recipe_for_bgnbd_gives_bgnbd(tmp_path: Path) -> None:
    trained = train_rows(tmp_path / "bgnbd", ROWS, Recipe(horizons=(30,), cutoffs=5, model="bgnbd"))
    assert trained.manifest["parts"] == "bgnbd"
    assert trained.manifest["why_simpler"] == "the recipe asks for bgnbd"


def test_a_champion_of_the_same_recipe_is_met_with_the_same_evaluation(tmp_path: Path) -> None:
    same = Recipe.of_dict(RECIPE.to_dict(), where="champion")
    decision = train_rows(tmp_path / "again", ROWS, champion=same).decision
    assert decision.against_champion == Difference(0.0, 0.0, 0.0)
    assert decision.promoted


def test_a_champion_of_another_recipe_is_refitted_on_the_same_rows(tmp_path: Path) -> None:
    champion = Recipe(horizons=(90,), model="mbgnbd")
    trained = train_rows(tmp_path / "other", ROWS, champion=champion)
    gain, judged = trained.decision.against_champion, trained.evaluation
    assert gain is not None and judged is not None
    lower = judged.metrics["mbgnbd"]["log_loss"] - judged.metrics["ensemble"]["log_loss"]
    assert gain.mean == pytest.approx(lower, abs=1e-4)  # but for its level


def test_a_champion_whose_recipe_no_longer_fits_does_not_stop_the_training(tmp_path: Path) -> None:
    trained = train_rows(tmp_path / "few", rows_of(60), champion=Recipe(horizons=(30,), model="bgnbd"))
    assert trained.manifest["parts"] == "recency"


def test_a_training_as_of_an_earlier_day_never_takes_the_champions_place(tmp_path: Path) -> None:
    orders = worlds.orders()
    trained = worlds.train_on(
        orders,
        tmp_path / "older",
        as_of=worlds.AS_OF,
        recipe=Recipe(horizons=(30,), cutoffs=3, model="mbgnbd"),
        champion=Recipe(horizons=(30,)),
        champion_as_of=worlds.AS_OF + 1,
    )
    assert not trained.decision.promoted and "trained on later orders" in trained.decision.reason


# ---------------------------------------------------------------- reference tables, own features, the gate
def test_the_bundle_holds_the_tables_of_the_as_of_day(trained: Trained, tmp_path: Path) -> None:
    rows = [row for row in ROWS if worlds.day_of(row) <= DAY]
    history = History.from_lines(read_orders(write_csv(tmp_path / "orders.csv", rows)).lines)
    bundle = load_bundle(trained.folder, in_child_first=False)
    assert dict(bundle.references) == fit_over([history], [DAY], CATALOG)[DAY].to_plain()
    assert trained.manifest["references"] == dict.fromkeys(bundle.references, "2021-07-20")
    assert {"cohort_amount", "item_popularity"} <= set(bundle.references)


def test_a_model_that_reads_no_table_has_none(tmp_path: Path) -> None:
    trained = train_rows(tmp_path / "bgnbd", ROWS, Recipe(horizons=(30,), cutoffs=5, model="bgnbd"))
    assert trained.manifest["references"] == {}
    assert "references.json" not in files(trained.folder)


OWN = """from features.kernel.declaration import feature

@feature("Orders in the last 45 days.", unit="orders", family="own")
def orders_45d(past):
    return past.count(days=45)
"""


def train_with(folder: Path, catalog: Catalog, leakage: LeakageReport | None = None) -> Trained:
    orders = read_orders(write_csv(folder / "orders.csv", ROWS), until=DAY)
    return train(
        History.from_lines(orders.lines), as_of=DAY, recipe=RECIPE, champion=None,
        source=Source(orders.fingerprint, orders.currency, orders.timezone), folder=folder / "bundle",
        progress=lambda _: None, catalog=catalog, leakage=leakage,
    )  # fmt: skip


def test_an_own_feature_is_learnt_from_and_recorded_by_name_hash_and_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)
    catalog = load_features(tmp_path / "mine.py")
    report = LeakageReport(DAY - 50, 12, len(catalog), 3)
    manifest = train_with(tmp_path, catalog, report).manifest
    (own,) = catalog.pick(["orders_45d"])
    assert manifest["features"]["orders_45d"] == own.source_hash
    assert manifest["own_features"] == {"orders_45d": "mine.py"}
    assert manifest["leakage"] == {
        "cutoff": "2021-05-31",
        "customers": 12,
        "features": len(catalog),
        "references": 3,
    }


def test_without_own_features_the_manifest_names_none(trained: Trained) -> None:
    assert trained.manifest["own_features"] == {} and trained.manifest["leakage"] is None
