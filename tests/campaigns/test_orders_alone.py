"""Every campaign command with nothing but orders: the tenth of CDNOW that comes with lifetimes, 2,357 customers.

Each command works, says which tables or columns are missing, and what they would add.
"""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console
from typer.testing import CliRunner

from contracts.days import to_day
from contracts.errors import RepurchaseError
from experiments.data_sets import cdnow_file
from experiments.recipe import Recipe
from features.orders import read_orders
from repurchase import show
from repurchase.cli import app
from tests import worlds
from tests.repurchase import front_door

pytestmark = pytest.mark.lab

GUIDE = Path(__file__).parents[2] / "docs/campaigns.md"
HILLSTROM = Path(__file__).parents[3] / "shared/data/hillstrom_email/customers.parquet"
AS_OF = date(1998, 6, 30)


@dataclass(frozen=True)
class Said:
    """How a command ended, and all that it said: results, progress, warnings, the error."""

    code: int
    text: str


def say(*words: str | Path) -> Said:
    """Run one command in this process, wide enough for whole lines."""
    aside = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(show, "err", Console(file=aside, width=500, highlight=False, soft_wrap=True))
        done = CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "500"})
    if isinstance(done.exception, RepurchaseError):
        return Said(2, f"{done.output}{aside.getvalue()}{done.exception}")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Said(done.exit_code, done.output + aside.getvalue())


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding="utf-8", newline="") as sheet:
        return list(csv.DictReader(sheet))


def orders_file() -> Path:
    return cdnow_file().with_name("CDNOW_sample.txt")


@cache
def order_days() -> dict[str, list[date]]:
    """Return each customer's order days, read by hand."""
    found: dict[str, set[date]] = {}
    for line in orders_file().read_text(encoding="utf-8").splitlines():
        customer, _, day, *_ = line.split()
        found.setdefault(customer, set()).add(date.fromisoformat(f"{day[:4]}-{day[4:6]}-{day[6:]}"))
    return {customer: sorted(days) for customer, days in found.items()}


@cache
def ranking() -> Path:
    """Return a published ranking of these customers."""
    folder = worlds.home() / "cdnow-model"
    recipe = Recipe(cutoffs=4, model="bgnbd")
    worlds.train_on(read_orders(orders_file()), folder, as_of=to_day(AS_OF), recipe=recipe)
    out = worlds.home() / "cdnow-ranking"
    assert say("rank", orders_file(), "--model", folder, "--out", out).code == 0
    return out


def run(command: str, *words: str | Path) -> Said:
    return say(command, orders_file(), *words)


def assert_says(said: Said, sentences: Sequence[str]) -> None:
    assert said.code == 0, said.text
    assert [one for one in sentences if one not in said.text] == []


# ---------------------------------------------------------------- what is missing, and what it would add
def test_the_diagnosis_says_what_orders_without_columns_leave_open() -> None:
    said = run("diagnose")
    assert_says(
        said, ["The orders do not say country, channel, category, product_id. This would add country:"]
    )
    assert "The orders begin on 1 January 1997. Whoever was a customer before that looks new" in said.text


def test_the_screening_says_that_nobody_is_known_to_be_reachable() -> None:
    assert_says(
        run("screen"),
        [
            "No e-mail addresses and telephone numbers (columns email, phone in --customers)",
            "it is unknown, and does not count as given unless --unknown-consent allow",
            "No events (--events) and no contacts: activity goes by orders alone",
            "Not known of any customer: region, age, device (columns of --customers).",
            "No categories (in the orders, or --products): no interests.",
            "email: 0 yes, 0 no, 2,357 unknown",
        ],
    )


def test_each_segment_that_is_not_known_names_what_it_needs(tmp_path: Path) -> None:
    said = run("segments", "--out", tmp_path / "out")
    assert_says(
        said,
        [
            "discount_only: not known without the column discount of the orders.",
            "category_interest: not known without the column category of the orders or of the products",
            "cart_abandoners: not known without events (--events).",
            "high_future_value: not known without a ranking as of that day (--ranking).",
        ],
    )
    rows = rows_of(tmp_path / "out/sizes.csv")
    assert all(row["needs"] and not row["customers"] for row in rows if row["state"] == "not known")


@pytest.mark.parametrize("row", ["", "04,1998-01-05,visit\n"])
def test_segments_say_which_events_there_are_none_of(tmp_path: Path, row: str) -> None:
    events = tmp_path / "events.csv"
    events.write_text(f"customer_id,occurred_at,kind\n{row}", encoding="utf-8")
    said = run("segments", "--events", events, "--out", tmp_path / "out")
    assert_says(said, ["no carts (cart_add, cart_abandon): segments that read them find nobody"])
    assert ("no visits" in said.text) == (row == "")


def test_the_triggers_that_are_off_say_what_would_switch_them_on() -> None:
    assert_says(
        run("triggers"),
        [
            "cart_abandoned is off: carts (cart_abandon or cart_add in --events) tell who was about to buy.",
            "birthday is off: birth_date in --customers",
            "replenishment is off: product_id in the orders",
            "Nobody's consent is known (--customers)",
        ],
    )


def test_products_cannot_be_without_products_and_nothing_is_written(tmp_path: Path) -> None:
    said = run("products", "--out", tmp_path / "out")
    assert (said.code, list(tmp_path.iterdir())) == (2, [])
    assert "the orders have no column product_id. Name it in the mapping" in said.text


def test_the_plan_marks_what_it_assumes_and_what_is_missing(tmp_path: Path) -> None:
    said = run("plan", "--ranking", ranking(), "--budget", "200", "--out", tmp_path / "plan")
    assert_says(
        said,
        [
            "ast campaigns with a control group (--contacts) would replace assumed",
            "onsent, birthdays and addresses (--customers) would",
            "roduct ids in the orders would bring recommended products.",
            "one contact is assumed to convert",
        ],
    )
    rows = pq.read_table(tmp_path / "plan/plan.parquet").to_pylist()
    assert sorted(row["customer_id"] for row in rows) == sorted(order_days())
    assert json.loads((tmp_path / "plan/plan.json").read_text())["summary"]["whole"]["cost"] <= 200


# ---------------------------------------------------------------- figures, a second time
def test_the_repurchase_rate_is_that_of_plain_counting(tmp_path: Path) -> None:
    run("diagnose", "--out", tmp_path / "out")
    watched = [days for days in order_days().values() if days[0] + timedelta(days=90) <= AS_OF]
    again = sum(len(days) > 1 and days[1] - days[0] <= timedelta(days=90) for days in watched)
    rate = json.loads((tmp_path / "out/diagnosis.json").read_text())["rates"]["repurchase_rate_90d"]
    assert (rate["count"], rate["of"]) == (again, len(watched)) == (687, 2357)


def test_one_time_and_repeat_customers_are_those_of_plain_counting(tmp_path: Path) -> None:
    run("segments", "--out", tmp_path / "out")
    sizes = {row["segment"]: row["customers"] for row in rows_of(tmp_path / "out/sizes.csv")}
    counted = Counter(len(days) > 1 for days in order_days().values())
    assert (sizes["one_time"], sizes["repeat"]) == (str(counted[False]), str(counted[True]))


def test_the_screening_labels_every_customer_once(tmp_path: Path) -> None:
    run("screen", "--out", tmp_path / "out")
    labels = pq.read_table(tmp_path / "out/labels.parquet")
    assert sorted(labels["customer_id"].to_pylist()) == sorted(order_days())
    assert set(labels["reachable"].to_pylist()) == {"unknown"}


def test_a_trigger_is_due_for_those_whose_day_it_is(tmp_path: Path) -> None:
    run("triggers", "--out", tmp_path / "due.csv")
    due = [row for row in rows_of(tmp_path / "due.csv") if row["trigger"] == "thank_you"]
    assert due
    assert all(order_days()[row["customer_id"]][-1] == AS_OF for row in due)
    assert all(len(order_days()[row["customer_id"]]) > 1 for row in due)


# ---------------------------------------------------------------- the guide
def blocks(language: str) -> list[str]:
    """Return the guide's examples in a language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def guided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the guide's commands as they stand, in a folder that holds its TOML files."""
    folder = tmp_path_factory.mktemp("guide")
    for block in blocks("toml"):
        name = re.match(r"# (\S+):", block)
        assert name is not None
        (folder / name.group(1)).write_text(block, encoding="utf-8")
    script = "\n".join(blocks("sh")).replace(".venv/bin/repurchase", f"{sys.executable} -m repurchase.cli")
    done = subprocess.run(
        ["sh", "-e"], input=script, cwd=folder, env=front_door.environment(folder), text=True,
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_the_guide_leads_from_orders_to_effects(guided: Path) -> None:
    effects = rows_of(guided / "results/effects.csv")
    assert {row["outcome"] for row in effects} >= {"conversion", "revenue"}
    assert len(rows_of(guided / "plan/control.csv")) > 100


def test_the_guide_names_only_files_that_are_written(guided: Path) -> None:
    table = GUIDE.read_text(encoding="utf-8").split("## What each file holds")[1].split("## ")[0]
    found = {path.name for path in guided.rglob("*.*")}
    named = set(re.findall(r"`(?:\w+/)?(\w[\w-]*\.(?:csv|html|json|txt|parquet))`", table))
    assert named - found == {"reengage.csv"}  # with --events only
    assert len(named) > 20


@pytest.mark.parametrize(
    "words",
    [
        "segments {o} --ranking ranking --segments segments.toml --out own_segments",
        "screen {o} --ranking ranking --screens screens.toml --out own_screened",
        "triggers {o} --ranking ranking --triggers triggers.toml --out own_due.csv",
        "plan {o} --ranking ranking --plan plan.toml --offers plan.toml --channels plan.toml --stages plan.toml "
        "--calendar plan.toml --events world/events.parquet --out own_plan",
        "plan {o} --ranking ranking --contacts plan/plan.csv --contacts plan/control.csv "
        "--control-share 0.1 --plan plan.toml --out next_plan",
    ],
)
def test_the_files_of_the_guide_are_read(guided: Path, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(guided)
    said = say(*words.format(o="world/orders.parquet --as-of 2025-03-31").split())
    assert said.code == 0, said.text


@pytest.mark.skipif(not HILLSTROM.exists(), reason="the e-mail test is not at hand")
def test_the_test_of_the_guide_finds_the_visits(guided: Path, tmp_path: Path) -> None:
    said = say("results", HILLSTROM, "--test", guided / "test.toml", "--out", tmp_path / "out")
    assert said.code == 0, said.text
    effects = rows_of(tmp_path / "out/effects.csv")
    shares = {round(float(row["treated_mean"]), 4) for row in effects if row["outcome"] == "visit"}
    assert {0.1828, 0.1514} <= shares
