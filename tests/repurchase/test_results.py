"""The command `results`: contacts with and without orders, one table of a test, files, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from contracts.errors import RepurchaseError
from repurchase import commands_results
from tests.campaigns.results.test_effect import HILLSTROM, needs_hillstrom

SENT = datetime(2024, 3, 1, 10)
TEST = """[test]
arm = "segment"
control = "No E-Mail"
outcomes = ["visit", "conversion"]
money = ["spend"]
covariates = ["recency", "history", "newbie"]
groups = ["newbie"]
"""


def ask(*words: str | Path) -> Result:
    app = typer.Typer()
    commands_results.add_to(app)
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "160"})


def write(path: Path, header: str, rows: Sequence[tuple[object, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(rows)
    return path


def contacts_csv(folder: Path, *, control: bool = True) -> Path:
    rows = [
        ("spring", f"{i:04d}", SENT, "treated" if i % 2 or not control else "control") for i in range(1000)
    ]
    return write(folder / "contacts.csv", "campaign_id,customer_id,sent_at,arm", rows)


def orders_csv(folder: Path) -> Path:
    """Everybody ordered in February; of 500 treated 150, of 500 control 100 ordered again for 20."""
    past = [(f"{i:04d}", f"p{i}", SENT - timedelta(days=3 + i % 20), 10.0) for i in range(1000)]
    later = [
        (f"{i:04d}", f"l{i}", SENT + timedelta(days=2), 20.0)
        for i in range(1000)
        if i < (300 if i % 2 else 200)
    ]
    last = [("0000", "z", SENT + timedelta(days=40), 1.0)]
    return write(folder / "orders.csv", "customer_id,order_id,ordered_at,amount", [*past, *later, *last])


def test_orders_tell_what_both_arms_bought(tmp_path: Path) -> None:
    ended = ask(
        contacts_csv(tmp_path), "--orders", orders_csv(tmp_path), "--margin", "0.5", "--out", tmp_path / "out"
    )
    assert ended.exit_code == 0, ended.output
    rows = json.loads((tmp_path / "out/results.json").read_text())["effects"]
    (row,) = [row for row in rows if row["outcome"] == "conversion" and row["by"] == "all"]
    assert (row["treated_mean"], row["control_mean"]) == (0.3, 0.2)
    assert "conversion" in ended.output and "+10.00" in ended.output


def test_each_table_is_a_csv_file_and_all_are_in_the_json(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(2):  # the second time it takes the place of the first
        assert ask(contacts_csv(tmp_path), "--orders", orders_csv(tmp_path), "--out", out).exit_code == 0
    found = json.loads((out / "results.json").read_text())
    names = {path.stem for path in out.glob("*.csv")}
    assert names == {"response", "effects", "checks", "balance", "measured_effects"}
    with (out / "effects.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == len(found["effects"])
    assert (found["as_of"], found["outcomes"], found["window_days"]) == ("2024-04-10", "orders", 30)


def test_contacts_without_control_are_told_how_to_get_one(tmp_path: Path) -> None:
    ended = ask(contacts_csv(tmp_path, control=False), "--as-of", "2024-05-01")
    assert ended.exit_code == 0
    assert "spring had no control: what the messages caused cannot be measured" in ended.output
    assert "What it caused" not in ended.output


def test_scores_from_before_the_sending_give_tiers_and_shorter_intervals(tmp_path: Path) -> None:
    chance = [0.05 + 0.9 * (i < 250) for i in range(1000)]
    scores = {
        "customer_id": [f"{i:04d}" for i in range(1000)], "as_of": [date(2024, 2, 29)] * 1000,
        "p_repurchase_30d": chance, "expected_value_30d": [20 * p for p in chance],
        "tier": ["focus" if p > 0.5 else "reduce" for p in chance],
    }  # fmt: skip
    pq.write_table(pa.table(scores), tmp_path / "scores.parquet")
    orders = orders_csv(tmp_path)
    ask(
        contacts_csv(tmp_path),
        "--orders",
        orders,
        "--scores",
        tmp_path / "scores.parquet",
        "--out",
        tmp_path / "out",
    )
    rows = json.loads((tmp_path / "out/results.json").read_text())["effects"]
    (row,) = [row for row in rows if row["outcome"] == "conversion" and row["by"] == "all"]
    assert row["narrower"] > 0.3
    assert {row["group"] for row in rows if row["by"] == "tier"} == {"focus", "reduce"}


@needs_hillstrom
def test_a_table_of_a_test_needs_no_contacts(tmp_path: Path) -> None:
    (tmp_path / "test.toml").write_text(TEST)
    ended = ask(HILLSTROM, "--test", tmp_path / "test.toml", "--out", tmp_path / "out")
    assert ended.exit_code == 0, ended.output
    for figure in ("18.28%", "15.14%", "10.62%", "1.25%", "0.88%", "0.57%", "+1,6"):
        assert figure in ended.output
    assert "Do not pick the best group from this table" in ended.output


def test_the_example_in_the_help_is_a_test_that_can_be_read(tmp_path: Path) -> None:
    from campaigns.results.trial_file import load_trial_file

    printed = commands_results._EPILOG.replace("\\", "").split("test.toml:")[1].split("Also")[0]
    (tmp_path / "test.toml").write_text("\n".join(line.strip() for line in printed.splitlines()))
    assert load_trial_file(tmp_path / "test.toml").control == "No E-Mail"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--control-share", "half"), "'half' is no number"),
        (("--control-share", "2"), "Give one between 0 and 1"),
        (("--control-share", "autumn=0.1"), "there is no campaign 'autumn'"),
        (("--offer-cost", "gift"), "write it as OFFER=2.50"),
        (("--offer-cost", "gift=2"), "the contacts have no such offer"),
        (("--by", "tier"), "no table of customers has a column 'tier'"),
        (("--compare", "a", "b"), "no table of customers has a column 'a'"),
        (("--groups", "nowhere.csv"), "there is no such file"),
        (("--scores", "nowhere.parquet"), "there is no such file"),
        (("--test", "nowhere.toml"), "the test cannot be read"),
        (("--test", "t.toml", "--by", "x"), "leave --by out"),
        (("--orders", "nowhere.csv"), "nowhere.csv"),
        (("--as-of", "2020-01-01"), "there is no contact to account for"),
        (("--as-of", "2999-01-01"), "lies in the future"),
        (("--table-map", "contact=x.toml"), "there is no table 'contact', did you mean 'contacts'?"),
    ],
)
def test_bad_input_is_one_message(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    ended = ask(contacts_csv(tmp_path), *words)
    assert isinstance(ended.exception, RepurchaseError), ended.exception
    assert said in str(ended.exception)


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/letter.txt").write_text("mine")
    ended = ask(contacts_csv(tmp_path), "--out", tmp_path / "out")
    assert isinstance(ended.exception, RepurchaseError)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["letter.txt"]


def test_customers_of_both_arms_are_counted_against_the_test(tmp_path: Path) -> None:
    rows = [
        ("spring", f"{i % 500:04d}", SENT + timedelta(hours=i), "treated" if i % 2 else "control")
        for i in range(500)
    ]
    rows += [("spring", f"{i:04d}", SENT + timedelta(days=40), "control") for i in range(1, 100, 2)]
    path = write(tmp_path / "contacts.csv", "campaign_id,customer_id,sent_at,arm", rows)
    ended = ask(path, "--orders", orders_csv(tmp_path), "--out", tmp_path / "out")
    found = json.loads((tmp_path / "out/results.json").read_text())
    assert "50 contacts were of a customer who was in the other arm before" in "".join(
        row["told"] for row in found["checks"]
    )
    assert ended.exit_code == 0 and "effects" not in found
