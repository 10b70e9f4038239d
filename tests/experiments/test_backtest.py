from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import mlflow
import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from contracts.days import parse_day, to_date
from contracts.errors import ArtifactError, DataError, DeclarationError
from contracts.training import Columns, Outcome, Prediction, TrainingData
from experiments.backtest import run
from experiments.backtest_files import FILES, is_backtest, read_leaderboard, write_files
from experiments.backtest_models import Entrant, chosen, entrants
from experiments.backtest_result import Backtest
from experiments.evaluate import measure
from experiments.panels import Panels
from experiments.peers.contract import Fitted
from experiments.recipe import Recipe
from experiments.tracking import figures_of, log_backtest, uses_of_the_seal
from features.panel import outcome_at
from models.contract import NoFit
from models.mbgnbd import MbgNbd
from tests.experiments import laboratory as lab
from tests.experiments.conftest import Tracking

pytestmark = pytest.mark.lab

ORIGINS = (lab.DAY - 30, lab.DAY)
NAMES = ("repurchase", "recency", "rfm_logistic")


def simple(names: Sequence[str] = NAMES) -> list[Entrant]:
    """Return entrants by name; MBG/NBD stands for the default, which takes longer."""
    quick = {**entrants(), "repurchase": replace(Entrant.of("ours", MbgNbd), name="repurchase")}
    return [quick[name] for name in names]


def backtest(taking_part: Sequence[Entrant], panels: Panels | None = None, *, seeds: int = 1) -> Backtest:
    asked = lab.settings({one.name: one.kind for one in taking_part}, origins=ORIGINS, seeds=seeds)
    return run(panels or lab.panels(), asked, taking_part, progress=lambda _: None)


@cache
def found() -> Backtest:
    return backtest(simple())


# ---------------------------------------------------------------- what is compared
def test_every_model_answers_at_every_origin_and_horizon() -> None:
    for horizon in (60, 30):
        assert [one.origin for one in found().answers[horizon]] == list(ORIGINS)
        assert all(set(one.predictions) == set(NAMES) for one in found().answers[horizon])


def test_outcomes_are_what_was_known_at_the_end_of_the_horizon() -> None:
    one = found().answers[30][0]
    expected = outcome_at(lab.history(), one.customers, ORIGINS[0], 30)
    assert np.array_equal(one.outcome.order_days, expected.order_days)


def test_nothing_later_than_an_origin_changes_an_answer() -> None:
    """The same customers, as if the orders after the first origin had not happened yet."""
    known = Panels.of(lab.history(until="1997-12-02"), lab.RECIPE)
    assert known.history.last_order_day <= parse_day("1997-12-02") == ORIGINS[0]
    data, columns = known.training_data(ORIGINS[0]), known.features(ORIGINS[0]).columns
    told = found().answers[60][0].predictions
    assert np.array_equal(MbgNbd.fit(data).predict(columns, 60, day=ORIGINS[0]).p, told["repurchase"].p)
    peer = entrants()["rfm_logistic"].fit(replace(data, outcomes=_short(data)), lab.RECIPE, 1)
    assert np.array_equal(peer.predict(columns, 60, day=ORIGINS[0]).p, told["rfm_logistic"].p)


def _short(data: TrainingData) -> dict[int, Outcome]:
    return {h: one for h, one in data.outcomes.items() if h <= 60}


def test_the_leaderboard_measures_what_the_models_answered() -> None:
    one = found().answers[60][1]
    expected = measure(one.outcome, one.predictions["recency"])
    rows = {
        row.metric: row.value
        for row in found().rows
        if (row.model, row.origin, row.horizon) == ("recency", lab.DAY, 60)
    }
    for metric in ("auc", "average_precision", "log_loss", "brier", "value_gini", "level_bias"):
        assert rows[metric] == pytest.approx(expected[metric], abs=1e-9)


def test_weeks_add_up_to_the_horizon() -> None:
    first, outcome = found().weekly[0], found().answers[60][0].outcome
    assert first.ends == (7, 14, 21, 28, 35, 42, 49, 56, 60)
    assert sum(first.actual) == outcome.order_days.sum()
    told = found().answers[60][0].predictions["repurchase"].expected_orders.sum()
    assert sum(first.expected["repurchase"]) == pytest.approx(told)


def test_groups_of_customers_are_measured_for_the_default_and_the_best_peer() -> None:
    assert {row["model"] for row in found().slices} == {"repurchase", found().best_peer}
    assert "one-time buyers" in {row["slice"] for row in found().slices}


# ---------------------------------------------------------------- what cannot answer
class _Broken:
    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        nothing = np.full(len(columns["frequency"]), np.nan)
        return Prediction(nothing, nothing, nothing)


def never(data: TrainingData, recipe: Recipe, seed: int) -> Fitted:
    raise NoFit("as the test says")


def later_only(data: TrainingData, recipe: Recipe, seed: int) -> Fitted:
    if data.day < lab.DAY:
        raise NoFit("too early")
    return MbgNbd.fit(data)


def test_a_model_without_fit_is_told_with_its_reason_and_the_others_go_on() -> None:
    got = backtest([*simple(), Entrant("never", "peer", never)])
    assert got.not_fitted == {"never": dict.fromkeys(ORIGINS, "as the test says")}
    assert "never" not in {row.model for row in got.rows}


def test_answers_that_are_no_numbers_are_none() -> None:
    got = backtest([*simple(), Entrant("broken", "peer", lambda data, recipe, seed: _Broken())])
    assert "not all numbers" in got.not_fitted["broken"][lab.DAY]


def test_origins_without_the_default_are_left_out() -> None:
    got = backtest([Entrant("repurchase", "ours", later_only), *simple(["recency"])])
    assert [one.origin for one in got.answers[60]] == [lab.DAY]
    assert got.not_fitted["repurchase"] == {ORIGINS[0]: "too early"}


def test_a_default_that_never_fits_ends_the_backtest_with_its_reason() -> None:
    with pytest.raises(DataError, match="as the test says"):
        backtest([Entrant("repurchase", "ours", never)])


def test_each_seed_is_trained_and_the_first_one_answers() -> None:
    asked: list[int] = []

    def seeded(data: TrainingData, recipe: Recipe, seed: int) -> Fitted:
        asked.append(seed)
        model = MbgNbd.fit(data)
        return SimpleNamespace(
            predict=lambda columns, horizon, day: _times(model, 1 / seed, columns, horizon, day)
        )

    got = backtest([*simple(), Entrant("seeded", "peer", seeded, seeded=True)], seeds=2)
    assert asked == [1, 2, 1, 2]
    spread = {row.metric: row.seed_sd for row in got.rows if row.model == "seeded" and row.origin == lab.DAY}
    assert spread["log_loss"] > 0 and spread["auc"] == pytest.approx(0, abs=1e-12)
    one = got.answers[60][0].predictions
    assert np.array_equal(one["seeded"].p, one["repurchase"].p)


def _times(model: MbgNbd, factor: float, columns: Columns, horizon: float, day: int) -> Prediction:
    told = model.predict(columns, horizon, day=day)
    return Prediction(told.p * factor, told.expected_orders, told.expected_value)


# ---------------------------------------------------------------- who takes part
def test_an_unknown_model_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(DeclarationError, match="did you mean 'lifetimes_bgnbd'"):
        chosen(["lifetime_bgnbd"])


def test_the_default_always_takes_part_and_comes_first() -> None:
    assert [one.name for one in chosen(["persistence"])] == ["repurchase", "persistence"]


# ---------------------------------------------------------------- the files
@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backtest") / "out"
    write_files(path, found(), lab.history().names.objects)
    return path


def test_a_backtests_folder_holds_its_files_and_is_known_by_them(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == set(FILES)
    assert is_backtest(folder)


def test_the_leaderboard_is_read_back(folder: Path) -> None:
    rows = read_leaderboard(folder)
    assert len(rows) == len(found().rows)
    assert rows[0]["origin"] == "mean" and float(rows[0]["value"]) == found().rows[0].value


def test_predictions_hold_each_customers_answers_and_what_happened(folder: Path) -> None:
    table = pq.read_table(folder / "predictions.parquet")
    one = found().answers[60][1]
    wanted = (pc.field("model") == "recency") & (pc.field("horizon") == 60)
    rows = table.filter(wanted & (pc.field("origin") == pc.scalar(to_date(lab.DAY))))
    assert rows["customer_id"].to_pylist() == list(lab.history().customer_ids[one.customers])
    assert rows["p"].to_numpy().tolist() == one.predictions["recency"].p.tolist()
    assert rows["bought"].to_numpy().tolist() == (one.outcome.bought > 0).tolist()


def test_the_account_says_what_was_asked_and_the_verdict(folder: Path) -> None:
    told = json.loads((folder / "backtest.json").read_text())
    assert (told["origins"], told["horizons"]) == (["1997-12-02", "1998-01-01"], [60, 30])
    assert told["verdict"]["passed"] is found().verdict.passed
    assert set(told["fit_seconds"]) == set(NAMES)


def test_groups_are_written(folder: Path) -> None:
    with (folder / "slices.csv").open() as file:
        assert len(list(csv.DictReader(file))) == len(found().slices) > 0


def test_a_folder_without_a_leaderboard_is_no_backtest(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is no backtest"):
        read_leaderboard(tmp_path)


# ---------------------------------------------------------------- MLflow
@pytest.fixture(scope="module")
def run_id(tracking: Tracking, folder: Path) -> str:
    return log_backtest(found(), folder, tracking_uri=tracking.uri, today="2026-11-22")


def test_a_parent_run_has_a_nested_run_for_each_origin_and_model(tracking: Tracking, run_id: str) -> None:
    client = mlflow.MlflowClient(tracking.uri, tracking.uri)
    parent = client.get_run(run_id)
    nested = client.search_runs([parent.info.experiment_id], f"tags.mlflow.parentRunId = '{run_id}'")
    assert parent.info.run_name == "backtest 1997-12-02 to 1998-01-01"
    names = {f"backtest {day} {model}" for day in ("1997-12-02", "1998-01-01") for model in NAMES}
    assert {one.info.run_name for one in nested} == names
    assert {one.info.status for one in nested} == {"FINISHED"}


def test_the_parent_has_the_files_and_pictures_and_registers_no_model(
    tracking: Tracking, run_id: str
) -> None:
    client = mlflow.MlflowClient(tracking.uri, tracking.uri)
    assert set(FILES) <= {one.path for one in client.list_artifacts(run_id)}
    assert any(one.path.endswith(".png") for one in client.list_artifacts(run_id, "pictures"))
    assert not client.search_registered_models("name = 'repurchase-lab'")


def test_the_figures_are_read_back_by_model_horizon_and_metric(tracking: Tracking, run_id: str) -> None:
    told = figures_of(run_id, tracking_uri=tracking.uri)
    for row in found().rows:
        if row.origin is None and np.isfinite(row.value):
            assert told[row.model, str(row.horizon), row.metric] == pytest.approx(row.value, abs=1e-12)


def test_an_unknown_run_is_refused(tracking: Tracking, run_id: str) -> None:
    with pytest.raises(ArtifactError, match="neither a backtest's folder nor a run"):
        figures_of("0" * 32, tracking_uri=tracking.uri)


def test_an_ordinary_backtest_does_not_use_the_seal(tracking: Tracking, run_id: str) -> None:
    assert uses_of_the_seal("f" * 64, shop="lab", tracking_uri=tracking.uri) == ()


def test_each_final_run_leaves_its_date_for_these_orders_alone(tracking: Tracking, folder: Path) -> None:
    final = replace(
        found(), settings=replace(found().settings, final=True, fingerprint="a" * 64, shop="sealed")
    )
    for day in ("2026-11-22", "2026-11-23"):
        log_backtest(final, folder, tracking_uri=tracking.uri, today=day)
    asked = {name: uses_of_the_seal(name * 64, shop="sealed", tracking_uri=tracking.uri) for name in "ab"}
    assert asked == {"a": ("2026-11-22", "2026-11-23"), "b": ()}
