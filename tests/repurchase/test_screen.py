"""repurchase screen: from files to the folder of results."""

from __future__ import annotations

import csv
import json
import stat
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from contracts.days import parse_day, to_date, to_day
from contracts.errors import ArtifactError, DataError, DeclarationError
from features.shop.files import OtherFiles
from repurchase import commands_screen, screen_job
from repurchase.base_job import open_base
from repurchase.orders_job import OrdersJob
from repurchase.rank_job import rank
from repurchase.screen_job import FILES, ScreenJob, run
from tests import worlds
from tests.worlds import write_csv

NOW = datetime(2022, 1, 1, tzinfo=UTC)
RETAIL = Path(__file__).parents[3] / "shared/data/online_retail_ii/transactions.parquet"


def order(customer: str, day: str, number: int) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "order_id": f"{customer}{number}",
        "ordered_at": f"{day} 10:00",
        "amount": 20,
    }


ORDERS = [order("anna", f"2021-0{month}-01", month) for month in (1, 2, 3, 4)] + [
    order("bert", "2021-04-02", 1), order("carl", "2021-01-05", 1), order("carl2", "2021-04-03", 1),
]  # fmt: skip
CUSTOMERS = [
    {"customer_id": "anna", "email": "anna@web.de", "phone": "+4915112345678", "accepts_marketing": "yes"},
    {"customer_id": "bert", "email": "bert@gmial.com", "phone": "", "accepts_marketing": "yes"},
    {"customer_id": "carl", "email": "carl@web.de", "phone": "", "accepts_marketing": "no"},
    {"customer_id": "carl2", "email": "carl@web.de", "phone": "", "accepts_marketing": "no"},
]


def job_of(folder: Path, **more: Any) -> ScreenJob:
    orders = str(write_csv(folder / "orders.csv", ORDERS))
    other = OtherFiles(customers=(str(write_csv(folder / "customers.csv", CUSTOMERS)),))
    return ScreenJob(OrdersJob((orders,), None, None, NOW, other), **more)


def test_the_funnel_begins_with_the_counts_of_cleaning_and_merging(tmp_path: Path) -> None:
    account = run(job_of(tmp_path)).account
    assert account["steps"]["clean"]["rows read"] == 7
    assert account["steps"]["merge"] == {
        "people with several ids": 1, "ids of these people": 2, "customers with an order": 3,
    }  # fmt: skip


def test_the_folder_holds_labels_potentials_and_the_report(tmp_path: Path) -> None:
    run(job_of(tmp_path, out=tmp_path / "out"))
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(FILES)
    labels = pq.read_table(tmp_path / "out/labels.parquet").to_pylist()
    assert [(row["customer_id"], row["reachable_email"], row["reachable_email_reason"]) for row in labels] == [
        ("anna", "yes", "ok"), ("bert", "unknown", "misspelt_domain"), ("carl", "no", "consent_refused"),
    ]  # fmt: skip
    with (tmp_path / "out/potential.csv").open(newline="") as file:
        assert next(iter(csv.DictReader(file))) == {"customer_id": "anna", "screen": "active_and_reachable"}
    assert json.loads((tmp_path / "out/report.json").read_text())["kind"] == "screening"
    assert "No events (--events)" in (tmp_path / "out/report.txt").read_text()


def test_no_file_of_the_folder_holds_personal_data(tmp_path: Path) -> None:
    run(job_of(tmp_path, out=tmp_path / "out"))
    for path in (tmp_path / "out").iterdir():
        assert b"web.de" not in path.read_bytes()
        assert b"15112345678" not in path.read_bytes()


def test_addresses_of_the_potentials_are_written_on_request_for_the_owner_alone(tmp_path: Path) -> None:
    contacts = tmp_path / "contacts.csv"
    contacts.touch(mode=0o644)
    assert run(job_of(tmp_path, personal=contacts)).contacts == 1
    assert stat.S_IMODE(contacts.stat().st_mode) == 0o600
    (row,) = csv.DictReader(contacts.read_text().splitlines())
    # Nobody agreed to SMS or calls: the number stays out.
    assert (row["customer_id"], row["email"], row["phone"]) == ("anna", "anna@web.de", "")


def test_personal_data_are_not_written_into_the_folder_of_the_results(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="holds no personal data"):
        run(job_of(tmp_path, out=tmp_path / "out", personal=tmp_path / "out/contacts.csv"))
    assert not (tmp_path / "out").exists()


def test_personal_data_need_a_file_of_customers(tmp_path: Path) -> None:
    job = job_of(tmp_path, personal=tmp_path / "contacts.csv")
    with pytest.raises(DeclarationError, match="give the customers' file"):
        run(replace(job, orders=replace(job.orders, other=OtherFiles())))


def test_a_file_of_customers_without_addresses_is_refused_for_personal_data(tmp_path: Path) -> None:
    job = job_of(tmp_path, out=tmp_path / "out", personal=tmp_path / "contacts.csv")
    (tmp_path / "customers.csv").write_text("customer_id,age\nanna,30\n")
    with pytest.raises(DataError, match="no e-mail address and no telephone number"):
        run(job)
    assert not (tmp_path / "out").exists()


def test_an_earlier_day_knows_nothing_of_later_orders(tmp_path: Path) -> None:
    job = job_of(tmp_path)
    early = run(replace(job, orders=replace(job.orders, as_of=parse_day("2021-03-01"))))
    assert early.screened.labels["customer_id"].to_pylist() == ["anna", "carl"]


def test_a_wrong_rule_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    own = tmp_path / "my.toml"
    own.write_text("[screen.a]\nrule = \"activty == 'low'\"\n")
    with pytest.raises(DeclarationError, match="'activty', which does not exist, did you mean 'activity'"):
        run(job_of(tmp_path, screens=own, out=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="no screening"):
        run(job_of(tmp_path, out=tmp_path / "out"))
    assert (tmp_path / "out/thesis.txt").read_text() == "mine"


def test_a_second_screening_takes_the_place_of_the_first(tmp_path: Path) -> None:
    job = job_of(tmp_path, out=tmp_path / "out")
    run(job)
    first = (tmp_path / "out/report.json").read_bytes()
    run(job)
    assert (tmp_path / "out/report.json").read_bytes() == first


@pytest.mark.parametrize(
    ("as_of", "currency", "ids", "message"),
    [
        (date(2021, 5, 1), "XXX", ["anna"], "later than 2021-04-03"),
        (date(2021, 4, 3), "EUR", ["anna"], "in EUR, the orders are in XXX"),
        (date(2021, 4, 3), "XXX", ["zoe"], "none of these customers"),
    ],
)
def test_a_ranking_that_does_not_fit_is_refused(
    tmp_path: Path, as_of: date, currency: str, ids: list[str], message: str
) -> None:
    scores = pa.table({"customer_id": ids, "as_of": [as_of] * len(ids)})
    base = open_base(job_of(tmp_path).orders).base
    with pytest.raises(DataError, match=message):
        screen_job.require_fitting(base, scores, {"currency": currency})


def test_screens_may_ask_for_the_columns_of_a_published_ranking(tmp_path: Path) -> None:
    folder, out, own = worlds.simple("bgnbd").folder, tmp_path / "ranking", tmp_path / "my.toml"
    when = datetime(2021, 10, 1, tzinfo=UTC)
    asked = OrdersJob((str(worlds.home() / "bgnbd.csv"),), None, to_day(worlds.FIRST) + 260, when)
    more: dict[str, Any] = {"horizons": (), "by": "value", "tracking_uri": "", "progress": lambda _: None}
    rank(asked, model=str(folder), out=out, **more)
    own.write_text('[screen.best]\nlayer = 0\nrule = "top(expected_value_90d, 0.1)"\n')
    found = run(ScreenJob(asked, ranking=out, screens=own))
    scores = pq.read_table(out / "scores.parquet").sort_by([("expected_value_90d", "descending")])
    best = set(scores["customer_id"].to_pylist()[: scores.num_rows // 10])
    taken = [row["customer_id"] for row in found.screened.potential.to_pylist() if row["screen"] == "best"]
    assert set(taken) == best
    assert found.account["ranking"]["as_of"] == str(to_date(to_day(worlds.FIRST) + 260))


def test_the_command_prints_the_funnel_and_what_is_missing(tmp_path: Path) -> None:
    app = typer.Typer()
    commands_screen.add_to(app)
    job = job_of(tmp_path)
    words = [
        *job.orders.files,
        "--customers",
        str(tmp_path / "customers.csv"),
        "--out",
        str(tmp_path / "out"),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    for part in ("people with several ids", "active_and_reachable", "The usual gap", "Written to"):
        assert part in done.output
    assert "web.de" not in done.output


def test_another_word_about_unknown_consent_is_refused(tmp_path: Path) -> None:
    app = typer.Typer()
    commands_screen.add_to(app)
    done = CliRunner().invoke(app, [*job_of(tmp_path).orders.files, "--unknown-consent", "maybe"])
    assert isinstance(done.exception, DeclarationError)


@pytest.mark.skipif(not RETAIL.exists(), reason="Online Retail II is not at hand")
def test_online_retail_is_screened_from_orders_alone() -> None:
    account = run(ScreenJob(OrdersJob((str(RETAIL),), None, None, NOW))).account
    assert account["customers"] == 5840
    assert account["steps"]["screen"]["reachable unknown"] == 5840
    assert sum(account["steps"]["layer"].values()) == 5840
    assert account["suspicious"]["bot"] == 1
