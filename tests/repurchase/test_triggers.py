"""The command that says who is due what: from orders alone, with other tables, and bad input."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from contracts.days import parse_day, to_date, to_day
from contracts.errors import DataError, DeclarationError
from features.shop.files import OtherFiles
from repurchase import commands_triggers
from repurchase.orders_job import OrdersJob
from repurchase.rank_job import rank
from repurchase.triggers_job import Listed, TriggersJob, require_fitting, triggers
from tests import worlds
from tests.campaigns.screening.bases import base_of, orders
from tests.repurchase.front_door import orders_csv

APP = typer.Typer()
commands_triggers.add_to(APP)
DAY = to_date(worlds.AS_OF).isoformat()
NOW = datetime(2022, 4, 1, tzinfo=UTC)
VIP = "[triggers.vip]\nlabel = 'V'\nsays = 'v'\nstart = 'order'\noffers = ['none']\npriority = 1\n"


def ask(*words: str | Path) -> Result:
    return CliRunner().invoke(APP, [str(word) for word in words], env={"COLUMNS": "200"})


def job(orders: Path, day: str = "2021-02-21", **more: Any) -> Listed:
    other = more.pop("other", OtherFiles())
    return triggers(TriggersJob(OrdersJob((str(orders),), None, parse_day(day), NOW, other), **more))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# ---------------------------------------------------------------- the list
def test_the_command_writes_who_is_due_what_and_prints_the_counts(tmp_path: Path) -> None:
    out = tmp_path / "due.csv"
    shown = ask(worlds.orders_file(), "--as-of", DAY, "--out", out)
    rows = rows_of(out)
    assert shown.exit_code == 0 and f"Due on the evening of {DAY}" in shown.stdout
    assert f"{len(rows):,} of " in shown.stdout and len(rows) > 0
    assert len({row["customer_id"] for row in rows}) == len(rows)
    assert {row["send_at"][:10] for row in rows} == {to_date(worlds.AS_OF + 1).isoformat()}
    assert (tmp_path / "due-held.csv").is_file()


def test_ids_stay_as_written_and_the_reason_is_in_words(tmp_path: Path) -> None:
    orders = orders_csv(
        tmp_path, "customer_id,order_id,ordered_at,amount\n007,1,2021-02-01,5\n008,2,2021-02-20,5\n"
    )
    rows = job(orders).due.to_pylist()
    assert [(row["customer_id"], row["campaign_id"]) for row in rows] == [("007", "second_order-1")]
    assert rows[0]["reason"] == (
        "Second order within 45 days: 20 days after the first order (2021-02-01), step 1 of 3"
    )


def test_nights_that_were_not_run_are_made_up_for_on_one_list(tmp_path: Path) -> None:
    text = "customer_id,order_id,ordered_at,amount\na,1,2021-02-01,5\nb,2,2021-02-03,5\n"
    nightly = [
        (row["customer_id"], row["campaign_id"])
        for day in ("2021-02-21", "2021-02-22", "2021-02-23")
        for row in job(orders_csv(tmp_path, text), day).due.to_pylist()
    ]
    at_once = job(orders_csv(tmp_path, text), "2021-02-23", last_run=parse_day("2021-02-20")).due.to_pylist()
    assert sorted(nightly) == [(row["customer_id"], row["campaign_id"]) for row in at_once]


def test_the_list_of_an_earlier_day_is_the_same_whatever_the_file_holds_later() -> None:
    whole = job(worlds.orders_file(), "2021-10-10")
    known = [row for row in worlds.rows() if row["ordered_at"] < "2021-10-11"]
    cut = job(worlds.write_csv(worlds.home() / "cut-for-triggers.csv", known), "2021-10-10")
    assert whole.due.equals(cut.due) and whole.held.equals(cut.held) and whole.due.num_rows > 0


def test_consent_contacts_and_birthdays_come_from_the_other_tables(tmp_path: Path) -> None:
    orders = orders_csv(tmp_path, "customer_id,order_id,ordered_at,amount\n" + "".join(
        f"{who},{who}1,2021-02-01,5\n" for who in ("no", "yes", "often", "birth")
    ) + "old,1,2021-01-03,5\n")  # fmt: skip
    people, contacts = tmp_path / "people.csv", tmp_path / "contacts.csv"
    people.write_text(
        "customer_id,birth_date,consent_email,consent_push,consent_sms\n"
        "no,,no,no,no\nyes,,yes,,\noften,,yes,,\nbirth,1980-02-22,yes,,\n"
    )
    contacts.write_text(
        "campaign_id,customer_id,sent_at,arm\nc,often,2021-02-18,treated\nc,often,2021-02-19,treated\n"
    )
    other = OtherFiles(customers=(str(people),), contacts=(str(contacts),))
    found = job(orders, other=other)
    due = {row["customer_id"]: row["trigger"] for row in found.due.to_pylist()}
    held = {(row["customer_id"], row["state"]) for row in found.held.to_pylist()}
    assert due == {"yes": "second_order", "birth": "birthday"}
    assert held == {("no", "channel"), ("often", "contacts"), ("birth", "priority")}


def test_what_is_missing_and_what_it_would_add_is_said(tmp_path: Path) -> None:
    shown = ask(orders_csv(tmp_path))
    found = job(orders_csv(tmp_path))
    adds = {row["trigger"]: row["adds"] for row in found.counts.to_pylist() if row["needs"]}
    assert "needs events.cart" in " ".join(shown.stdout.split())
    assert set(adds) == {"cart_abandoned", "birthday", "replenishment", "category_news"} and all(
        adds.values()
    )
    assert [sentence.split(" (")[0] for sentence in found.told] == [
        "Nothing is known of messages that were sent", "Nobody's consent is known",
    ]  # fmt: skip


def test_a_marketers_own_file_adds_a_trigger_and_a_ranking_is_asked_for(tmp_path: Path) -> None:
    own = tmp_path / "my.toml"
    own.write_text(f"{VIP}entry = \"tier == 'focus'\"\n")
    shown = ask(orders_csv(tmp_path), "--triggers", own)
    assert "needs a ranking" in " ".join(shown.stdout.split())


def test_what_rules_may_ask_for_is_listed_without_orders() -> None:
    shown = ask("--columns")
    assert shown.exit_code == 0
    assert all(
        word in shown.stdout for word in ("own_gap_days", "orders.product_id", "p_alive", "days_since_start")
    )


def test_rules_read_the_columns_of_a_published_ranking(tmp_path: Path) -> None:
    last = to_day(worlds.FIRST) + 260
    model, ranking = worlds.simple("bgnbd").folder, tmp_path / "ranking"
    asked = OrdersJob((str(worlds.home() / "bgnbd.csv"),), None, last, NOW)
    more: dict[str, Any] = {"horizons": (), "by": "value", "tracking_uri": "", "progress": lambda _: None}
    scores = rank(asked, model=str(model), out=ranking, **more).scores
    own = tmp_path / "my.toml"
    own.write_text(f"{VIP}entry = 'top(expected_value_90d, 0.2)'\n")
    found = triggers(TriggersJob(asked, ranking=ranking, declared=own, last_run=last - 30))
    value = dict(
        zip(scores["customer_id"].to_pylist(), scores["expected_value_90d"].to_pylist(), strict=True)
    )
    least = sorted(value.values(), reverse=True)[len(value) // 5 - 1]
    sent = [row["customer_id"] for row in found.due.to_pylist() if row["trigger"] == "vip"]
    assert sent and all(value[who] >= least for who in sent)


# ---------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"last_run": parse_day("2021-02-21")}, "is not before 2021-02-21"),
        ({"last_run": parse_day("2020-02-21")}, "366 days before"),
    ],
)
def test_a_last_run_that_cannot_be_is_refused(tmp_path: Path, more: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        job(orders_csv(tmp_path), **more)


def test_an_unknown_section_and_an_unknown_column_are_refused_before_the_orders_are_read(
    tmp_path: Path,
) -> None:
    own = tmp_path / "my.toml"
    own.write_text("[trigers.x]\n")
    with pytest.raises(DeclarationError, match="did you mean 'triggers'"):
        job(tmp_path / "none.csv", declared=own)
    own.write_text(f"{VIP}entry = 'orderdays > 1'\n")
    with pytest.raises(DeclarationError, match="did you mean 'order_days'"):
        job(tmp_path / "none.csv", declared=own)


def test_bad_input_leaves_the_old_list_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "due.csv"
    out.write_text("old")
    with pytest.raises(DeclarationError):
        job(orders_csv(tmp_path), out=out, last_run=parse_day("2021-03-01"))
    assert out.read_text() == "old" and not (tmp_path / "due-held.csv").exists()


def test_a_ranking_that_knows_what_comes_or_is_in_other_money_is_refused() -> None:
    base = base_of(orders("a", [0]), as_of=10)
    with pytest.raises(DataError, match="it knows what comes"):
        require_fitting(base, {"as_of": "1970-02-01", "currency": "EUR"})
    with pytest.raises(DataError, match="the ranking is in USD"):
        require_fitting(base, {"as_of": "1970-01-05", "currency": "USD"})
