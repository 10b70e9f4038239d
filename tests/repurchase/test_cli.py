"""The commands that work: help, and the small path from a CSV file to an answer over HTTP."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
import typer.main
from typer.testing import CliRunner

from repurchase.cli import app
from tests.repurchase.front_door import Ended, command, environment, run
from tests.worlds import order_rows, write_csv

COMMANDS = (
    "check", "features", "prepare", "identity", "generate", "train", "rank", "backfill", "serve", "key", "demo",
    "backtest", "compare", "reasons", "totals",
)  # fmt: skip


# ---------------------------------------------------------------- help
def test_help_lists_every_command() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    assert all(re.search(rf"\b{name}\b", shown) for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_commands_help_shows_an_example_of_that_command(name: str) -> None:
    ended = CliRunner().invoke(app, [name, "--help"], terminal_width=200)
    assert ended.exit_code == 0
    assert f"Example: repurchase {name} " in " ".join(ended.output.split())


def test_the_examples_name_options_that_exist() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, one in commands.items():
        known = {option for parameter in one.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", one.epilog)) <= known, name


def test_without_a_command_the_help_is_shown(tmp_path: Path) -> None:
    ended = run(tmp_path)
    assert "Usage" in ended.out + ended.err and "Traceback" not in ended.err


# ---------------------------------------------------------------- the small path
@dataclass(frozen=True)
class Walk:
    """The folder in which the small path ran, and how each of its commands ended."""

    folder: Path
    ended: dict[str, Ended]


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Walk:
    folder = tmp_path_factory.mktemp("shop")
    write_csv(folder / "orders.csv", order_rows(customers=400, days=260, seed=31))
    dated = ("orders.csv", "--as-of", "2021-09-01")
    commands = {
        "check": ("check", *dated),
        "features": ("features", *dated, "--cutoffs", "3", "--horizon", "30", "--out", "panel.parquet"),
        "train": ("train", *dated, "--horizon", "30", "--horizon", "45", "--shop", "garden", "--out", "model"),
        "rank": ("rank", *dated, "--shop", "garden", "--horizon", "60", "--out", "ranking"),
        "key": ("key", "tool"),
    }  # fmt: skip
    return Walk(folder, {name: run(folder, *words) for name, words in commands.items()})


@pytest.mark.parametrize("name", ["check", "features", "train", "rank", "key"])
def test_the_command_ends_well(walked: Walk, name: str) -> None:
    ended = walked.ended[name]
    assert ended.code == 0, ended.err
    assert not [line for line in ended.errors if not line.startswith("! ")]


def test_check_accounts_for_every_row(walked: Walk) -> None:
    out = walked.ended["check"].out
    assert "orders.csv" in out and re.search(r"100(\.0+)? ?%", out)


def test_features_writes_one_row_per_customer_and_cutoff_with_outcomes(walked: Walk) -> None:
    panel = pq.read_table(walked.folder / "panel.parquet")
    assert panel["cutoff"].unique().to_pylist()[-1].isoformat() == "2021-08-02"
    assert len(panel["cutoff"].unique()) == 3 and "outcome_bought_30d" in panel.column_names


def test_train_tells_the_models_and_the_version(walked: Walk) -> None:
    out = walked.ended["train"].out
    assert all(name in out for name in ("recency", "persistence", "bgnbd", "ensemble"))
    assert "Version 1 of repurchase-garden is now @champion" in out
    assert (walked.folder / "model" / "manifest.json").is_file()


def test_rank_publishes_every_customer_for_every_horizon(walked: Walk) -> None:
    scores = pq.read_table(walked.folder / "ranking" / "scores.parquet")
    assert {f"p_repurchase_{h}d" for h in (30, 45, 60, 90, 180, 365)} <= set(scores.column_names)
    assert scores["rank"].to_pylist() == list(range(1, scores.num_rows + 1))
    assert {day.isoformat() for day in scores["as_of"].to_pylist()} == {"2021-09-01"}
    names = {path.name for path in (walked.folder / "ranking").iterdir()}
    assert {"scores.parquet", "scores.csv", "lookup.arrow"} <= names


def test_nothing_is_left_outside_the_folder_or_in_the_temporary_one(walked: Walk) -> None:
    inside = {path.name for path in walked.folder.iterdir()}
    assert inside == {
        "orders.csv", "panel.parquet", "model", "ranking", "keys.json", ".keys.json.lock",
        "mlflow.db", "mlartifacts", "home", "tmpdir",
    }  # fmt: skip
    assert not list((walked.folder / "tmpdir").iterdir())
    ours = [path for path in (walked.folder / "home").rglob("*") if path.is_file()]
    assert not ours


@pytest.fixture(scope="module")
def served(walked: Walk) -> Iterator[tuple[httpx.Client, subprocess.Popen[str]]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = command("serve", "--store", "ranking", "--model", "model", "--port", port)
    process = subprocess.Popen(
        words, cwd=walked.folder, env=environment(walked.folder), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            wait_for(client, process)
            yield client, process
    finally:
        process.kill()
        process.communicate()


def wait_for(client: httpx.Client, process: subprocess.Popen[str], seconds: float = 60.0) -> None:
    """Wait until the server answers; fail with what it said if it ended instead."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            client.get("/health/ready").raise_for_status()
            return
        except httpx.HTTPError:
            assert process.poll() is None, process.communicate()[1]
            time.sleep(0.1)
    raise AssertionError(f"no answer in {seconds:.0f} s")


def test_a_served_ranking_answers_those_who_hold_a_key_then_stops_when_told(
    walked: Walk, served: tuple[httpx.Client, subprocess.Popen[str]]
) -> None:
    client, process = served
    key = walked.ended["key"].out.strip()
    assert client.get("/health/ready").json()["ranking"] is True
    best = pq.read_table(walked.folder / "ranking/scores.parquet").slice(0, 1).to_pylist()[0]
    path = f"/v1/customers/{best['customer_id']}"
    assert client.get(path).status_code == 401
    answer = client.get(path, headers={"authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.json()["rank"]) == (200, 1)
    assert answer.json()["p_repurchase_30d"] == best["p_repurchase_30d"]
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert "Traceback" not in err and process.returncode in (0, -signal.SIGTERM)
