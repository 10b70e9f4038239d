"""The command that says why: what a marketer reads, what a tool reads, and who is not known."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from contracts.days import to_date
from contracts.errors import DataError
from repurchase.cli import app
from repurchase.orders_job import OrdersJob
from repurchase.reasons_job import Answered, reasons
from tests import worlds
from tests.repurchase.front_door import bundle
from tests.repurchase.front_door import here as run

DAY = to_date(worlds.AS_OF).isoformat()


@cache
def ask(*ids: str, horizon: int | None = None, top: int = 5) -> Answered:
    job = OrdersJob((str(worlds.orders_file()),), None, worlds.AS_OF, datetime(2022, 4, 1, tzinfo=UTC))
    folder = str(worlds.trained().folder)
    return reasons(job, ids, model=folder, horizon=horizon, top=top, tracking_uri="sqlite:///none.db")


def place_of(customer: str) -> int:
    return int(worlds.history().customer_ids.tolist().index(customer))


# ---------------------------------------------------------------- the job
def test_customers_are_explained_in_the_order_asked_each_once() -> None:
    assert [one.customer_id for one in ask("00007", "00001", "00007").customers] == ["00007", "00001"]


def test_the_chance_is_the_models_answer_for_the_customer() -> None:
    (one,) = ask("00001").customers
    p = worlds.trained().model.predict(worlds.columns(), 90, day=worlds.AS_OF).p[place_of("00001")]
    assert one.p == pytest.approx(p, abs=1e-9)


def test_reasons_are_told_in_words_with_the_customers_own_value() -> None:
    (one,) = ask("00001").customers
    days = int(worlds.columns()["recency_days"][place_of("00001")])
    assert any(told.text == f"last order {days} days ago" for told in one.reasons)
    assert len(one.reasons) == len({told.text for told in one.reasons}) == 5


def test_a_customer_has_the_same_reasons_alone_and_among_others() -> None:
    (alone,) = ask("00001").customers
    among = ask("00007", "00001", "00007").customers[1]
    assert [told.text for told in alone.reasons] == [told.text for told in among.reasons]
    assert alone.p == pytest.approx(among.p, abs=1e-12)


def test_somebody_without_an_order_by_that_day_is_not_known() -> None:
    with pytest.raises(DataError, match=f"no customer 'nobody' has an order up to {DAY}"):
        ask("00001", "nobody")


# ---------------------------------------------------------------- the command
def test_the_command_tells_a_marketer_why(tmp_path: Path) -> None:
    ended = run(
        tmp_path,
        "reasons",
        worlds.orders_file(),
        "00001",
        "00007",
        "--model",
        bundle(tmp_path),
        "--as-of",
        DAY,
    )
    assert (ended.code, ended.errors) == (0, [])
    assert "Customer 00007 · orders within 90 days: " in ended.out
    assert "raises (strong)" in ended.out and f"As of {DAY}" in ended.out


def test_the_command_tells_a_tool_why() -> None:
    words = [
        "--model",
        str(worlds.trained().folder),
        "--as-of",
        DAY,
        "--top",
        "3",
        "--horizon",
        "30",
        "--json",
    ]
    shown = CliRunner().invoke(app, ["reasons", str(worlds.orders_file()), "00001", *words])
    told = json.loads(shown.stdout)
    (customer,) = told["customers"]
    assert (told["horizon_days"], told["as_of"], len(customer["reasons"])) == (30, DAY, 3)
    assert set(customer["reasons"][0]) == {
        "text", "direction", "strength", "points", "contribution_logit", "group", "feature", "value",
    }  # fmt: skip


def test_an_unknown_customer_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    ended = run(
        tmp_path, "reasons", worlds.orders_file(), "nobody", "--model", bundle(tmp_path), "--as-of", DAY
    )
    assert (ended.code, ended.out, len(ended.errors)) == (2, "", 1)
    assert "no customer 'nobody'" in ended.errors[0]
