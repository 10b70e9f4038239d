"""The command that says what kind of shop this is: what is shown, what is written, and what is refused."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from contracts.days import parse_day
from contracts.errors import ArtifactError, DataError, DeclarationError
from experiments.data_sets import cdnow_file
from repurchase.commands_diagnose import add_to
from repurchase.diagnose_job import FILES, Diagnosed, diagnosed
from repurchase.orders_job import OrdersJob
from tests import worlds
from tests.repurchase.front_door import GOOD, orders_csv


def job(file: Path, as_of: str | None = None) -> OrdersJob:
    day = None if as_of is None else parse_day(as_of)
    return OrdersJob((str(file),), None, day, datetime(2022, 6, 1, tzinfo=UTC))


@cache
def of_the_world() -> Diagnosed:
    return diagnosed(job(worlds.orders_file()))


def run(*words: str | Path) -> Result:
    app = typer.Typer()
    add_to(app)
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as sheet:
        return list(csv.DictReader(sheet))


# ---------------------------------------------------------------- the job
def test_all_files_are_written_and_replaced_as_a_whole(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        done = diagnosed(job(orders_csv(tmp_path)), out=out)
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert done.written == tuple(out / name for name in FILES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["orders.csv", "out"]


def test_the_files_say_the_same_figures(tmp_path: Path) -> None:
    diagnosed(job(worlds.orders_file()), out=tmp_path / "out")
    rate = next(
        row for row in rows_of(tmp_path / "out/diagnosis.csv") if row["measure"] == "repurchase_rate_90d"
    )
    plain = json.loads((tmp_path / "out/diagnosis.json").read_text(encoding="utf-8"))
    assert float(rate["value"]) == plain["rates"]["repurchase_rate_90d"]["value"] > 0
    cohorts = rows_of(tmp_path / "out/retention_monthly.csv")
    assert [row["cohort"] for row in cohorts] == plain["cohorts_by_month"]["won_in"]
    assert plain["sentences"][1] in (tmp_path / "out/diagnosis.html").read_text(encoding="utf-8")


def test_a_folder_with_anything_else_is_not_replaced(tmp_path: Path) -> None:
    orders = orders_csv(tmp_path)
    with pytest.raises(ArtifactError, match="holds something that is no diagnosis"):
        diagnosed(job(orders), out=tmp_path)
    assert orders.read_text() == GOOD


def test_an_earlier_day_is_the_shop_as_it_was_known_then() -> None:
    early = diagnosed(job(worlds.orders_file(), "2021-09-30")).found
    late = of_the_world().found
    assert early.as_of == parse_day("2021-09-30") and early.extent.last_day <= early.as_of
    assert 0 < early.extent.customers < late.extent.customers


def test_above_the_most_customers_a_sample_is_diagnosed_and_it_says_so() -> None:
    everyone = of_the_world().found.extent
    found = diagnosed(job(worlds.orders_file()), most=50).found
    assert found.extent.customers <= 50 and found.extent.of_customers is not None
    assert everyone.of_customers is None and found.extent.of_customers >= everyone.customers


def test_cdnow_is_diagnosed_with_nothing_but_orders() -> None:
    found = diagnosed(job(cdnow_file())).found
    assert (found.mode.name, found.mode.stable) == ("hybrid", False)
    assert found.absent == ("country", "channel", "category", "product_id")


def test_a_day_before_all_orders_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="every row is later than the as-of day"):
        diagnosed(job(orders_csv(tmp_path), "2020-01-01"), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_wrong_texts_and_periods_are_refused_before_any_work(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[advice.hybird]\nlabel = "x"\nsays = "x"\n')
    with pytest.raises(DeclarationError, match="did you mean 'hybrid'"):
        diagnosed(job(tmp_path / "none.csv"), texts=own)
    with pytest.raises(DeclarationError, match="--period-days 0"):
        diagnosed(job(tmp_path / "none.csv"), period_days=0)


# ---------------------------------------------------------------- the command
def test_the_command_shows_five_sentences_and_what_cannot_be_said(tmp_path: Path) -> None:
    shown = run(orders_csv(tmp_path), "--out", tmp_path / "out")
    assert shown.exit_code == 0 and " 5. What one more point of retention is worth" in shown.stdout
    assert "Three shares that are not the same" in shown.stdout and "diagnosis.html" in shown.stdout


def test_the_command_answers_a_tool_in_json() -> None:
    shown = run(worlds.orders_file(), "--period-days", "30", "--json")
    plain = json.loads(shown.stdout)
    assert plain["period_days"] == 30 and len(plain["sentences"]) == 5 and plain["retention"]


def test_the_shops_own_season_and_words_are_used(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[season.spring]\nlabel = "spring"\nbegin = "03-01"\nend = "05-31"\n')
    shown = run(worlds.orders_file(), "--texts", own)
    assert "first order in spring" in shown.stdout
