"""The guided tour runs, and ends with what it promises."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from repurchase.cli import app

pytestmark = pytest.mark.lab

TOUR = Path(__file__).parents[1] / "docs" / "tour.py"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Run the tour as a reader does, in a process of its own; return what it prints."""
    folder = tmp_path_factory.mktemp("tour")
    environment = {**os.environ, "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(
        [sys.executable, str(TOUR)], cwd=folder, env=environment, capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_it_ends_with_the_models_judged_and_the_runs_in_mlflow(told: str) -> None:
    assert "The tour is over: 5 models judged on 2,500 customers, 2 runs in MLflow." in told
    (uri,) = re.findall(r"--backend-store-uri sqlite:///(\S+)", told)
    assert Path(uri).is_file()


def test_the_reader_sees_the_refused_rows_with_their_reasons(told: str) -> None:
    assert re.search(r"missing_customer +2 ", told) and re.search(r"unreadable_date +3 .*soon", told)


def test_the_readers_own_feature_and_model_are_used_and_judged(told: str) -> None:
    assert "'orders_trend_45d':" in told
    for metric in ("auc", "log_loss", "value_gini"):
        assert re.search(rf"^ *four_numbers +{metric}( +-?\d+\.\d{{4}}){{3}}$", told, re.MULTILINE)


def test_it_writes_into_its_own_folder_only(told: str) -> None:
    (uri,) = re.findall(r"--backend-store-uri sqlite:///(\S+)", told)
    of_the_tour, started_in = Path(uri).parent, Path(uri).parents[1]
    assert list(started_in.iterdir()) == [of_the_tour]


@pytest.mark.parametrize(
    "command", re.findall(r"^# \.venv/bin/repurchase (.*)$", TOUR.read_text(encoding="utf-8"), re.MULTILINE)
)
def test_its_commands_are_parsed_as_they_are_written(command: str) -> None:
    cli = typer.main.get_command(app)
    assert isinstance(cli, TyperGroup)
    name, *rest = shlex.split(command)
    cli.commands[name].make_context(name, rest)
