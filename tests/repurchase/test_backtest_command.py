"""backtest and compare, as their users have them."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.errors import ArtifactError, DataError
from experiments.recipe import Recipe
from repurchase import backtest_job
from repurchase.backtest_job import Asked, Backtested, backtest
from repurchase.cli import app
from repurchase.compare_job import SideBySide, compare
from repurchase.orders_job import OrdersJob
from tests.repurchase.front_door import Ended, run
from tests.worlds import order_rows, write_csv

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    write_csv(folder / "orders.csv", order_rows(customers=250, days=260, seed=4))
    return folder


@pytest.fixture(scope="module")
def first(shop: Path) -> Ended:
    asked = ("--models", "recency,bgnbd", "--seeds", "1", "--origins", "2", "--horizon", "30")
    return run(shop, "backtest", "orders.csv", *asked, "--out", "first")


def backtested(shop: Path, out: str, *, horizon: int = 30, final: bool = True) -> Backtested:
    """Run the command's job in this process."""
    return backtest(
        OrdersJob((str(shop / "orders.csv"),), None, None, datetime(2021, 11, 22, tzinfo=UTC)),
        Asked(origins=2, step=30, seeds=1, models=("recency", "bgnbd"), final=final),
        recipe=Recipe(horizons=(horizon,)),
        shop="shop",
        tracking_uri=f"sqlite:///{shop / 'mlflow.db'}",
        out=shop / out,
        progress=lambda _: None,
    )


# ---------------------------------------------------------------- backtest
def test_a_backtest_prints_the_means_and_the_verdict(first: Ended) -> None:
    assert first.code == 0, first.err
    assert "Mean over 2 origins" in first.out and "Gate " in first.out
    assert all(name in first.out for name in ("repurchase", "recency", "bgnbd"))


def test_it_says_which_window_stays_sealed(first: Ended) -> None:
    assert "stays sealed" in first.err and "Traceback" not in first.err


def test_its_folder_is_whole_and_nothing_is_left_beside_it(shop: Path, first: Ended) -> None:
    assert (shop / "first" / "leaderboard.csv").is_file()
    assert not [path for path in shop.iterdir() if path.name.startswith(".first")]


def test_a_second_final_run_is_told_that_it_is_the_second(shop: Path, first: Ended) -> None:
    notes = [backtested(shop, "final").result.settings.notes for _ in range(2)]
    assert notes[0] == ()
    assert "was run once before (2021-11-22)" in notes[1][0] and "Publish the first one" in notes[1][0]


def test_a_folder_of_something_else_is_refused_before_any_work(shop: Path) -> None:
    (shop / "mine").mkdir()
    (shop / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match="holds something that is no backtest"):
        backtested(shop, "mine")
    assert (shop / "mine" / "thesis.txt").read_text() == "years of work"


def test_a_short_history_is_refused_with_what_it_needs(shop: Path) -> None:
    with pytest.raises(DataError, match="needs 400"):
        backtested(shop, "short", horizon=200, final=False)
    assert not (shop / "short").exists()


def test_an_unknown_model_is_refused_in_one_line(shop: Path) -> None:
    ended = run(shop, "backtest", "orders.csv", "--models", "bgnbt", "--out", "x")
    assert ended.code == 2 and "did you mean 'bgnbd'" in ended.err
    assert len(ended.errors) == 1 and not (shop / "x").exists()


def test_an_older_backtest_is_replaced_whole(tmp_path: Path) -> None:
    for name in ("out", "fresh"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "leaderboard.csv").write_text(name)
    backtest_job._put(tmp_path / "fresh", tmp_path / "out")
    assert (tmp_path / "out" / "leaderboard.csv").read_text() == "fresh"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


# ---------------------------------------------------------------- compare
@pytest.fixture(scope="module")
def compared(shop: Path, first: Ended) -> tuple[Ended, list[dict[str, str]]]:
    run_id = first.out.rsplit("MLflow run ", 1)[1].split(".")[0].strip()
    ended = run(shop, "compare", "first", run_id, "--csv", "both.csv")
    assert ended.code == 0, ended.err
    with (shop / "both.csv").open() as file:
        return ended, list(csv.DictReader(file))


def test_sources_stand_side_by_side(compared: tuple[Ended, list[dict[str, str]]]) -> None:
    ended, rows = compared
    assert "log loss" in ended.out and "repurchase" in ended.out
    assert list(rows[0])[:4] == ["model", "horizon", "metric", "first"]
    assert {row["model"] for row in rows} == {"repurchase", "bgnbd", "recency"}


def test_a_folder_and_its_run_have_the_same_figures(compared: tuple[Ended, list[dict[str, str]]]) -> None:
    for row in compared[1]:
        folder, run_id = list(row.values())[3:]
        assert float(folder) == pytest.approx(float(run_id), abs=1e-12)


def test_the_best_of_the_others_stands_beside_the_default_and_no_ablation_is_one() -> None:
    losses = {"repurchase": 0.3, "bgnbd": 0.4, "lightgbm_rfm": 0.35, "ablation:no_btyd": 0.2}
    table = SideBySide(("a",), ({(model, "90", "log_loss"): loss for model, loss in losses.items()},))
    assert table.leaders == ("repurchase", "lightgbm_rfm")


def test_what_is_neither_a_folder_nor_a_run_is_refused(shop: Path, first: Ended) -> None:
    with pytest.raises(ArtifactError, match="nowhere: neither a backtest's folder nor a run"):
        compare(["nowhere"], tracking_uri=f"sqlite:///{shop / 'mlflow.db'}")


@pytest.mark.parametrize("name", ["backtest", "compare"])
def test_help_shows_an_example(name: str) -> None:
    ended = CliRunner().invoke(app, [name, "--help"], terminal_width=200)
    assert ended.exit_code == 0 and f"Example: repurchase {name} " in " ".join(ended.output.split())
