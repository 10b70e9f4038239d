"""repurchase preferences: from files to the folder, with orders alone and with all tables, and bad input."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from campaigns.screening.channels import CHANNELS
from contracts.days import to_date, to_day
from contracts.errors import ArtifactError, DataError, DeclarationError, RepurchaseError
from features.shop.files import OtherFiles
from repurchase import commands_preferences
from repurchase.base_job import base_of
from repurchase.orders_job import OrdersJob
from repurchase.preferences_job import FILES, PreferencesJob, require_fitting, run
from repurchase.rank_job import rank
from tests import worlds
from tests.repurchase.front_door import GOOD, orders_csv

APP = typer.Typer()
commands_preferences.add_to(APP)
NOW = datetime(2022, 4, 1, tzinfo=UTC)
DATA = Path(__file__).parents[3] / "shared/data"
JOURNEY, RETAIL = DATA / "completejourney_partial", DATA / "online_retail_ii/transactions.parquet"
PEOPLE = "customer_id,email,birth_date,consent_email\n007,=a@web.de,1980-02-22,yes\n008,b@web.de,,no\n"


def ask(*words: str | Path) -> Result:
    return CliRunner().invoke(APP, [str(word) for word in words], env={"COLUMNS": "200"})


def job(folder: Path, orders: Path, **more: Any) -> PreferencesJob:
    other = more.pop("other", OtherFiles())
    return PreferencesJob(OrdersJob((str(orders),), None, None, NOW, other), folder / "out", **more)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@cache
def ranking() -> tuple[OrdersJob, Path]:
    """Return the orders of a small shop and the ranking published for them."""
    model = worlds.simple("bgnbd").folder
    asked = OrdersJob((str(worlds.home() / "bgnbd.csv"),), None, to_day(worlds.FIRST) + 260, NOW)
    out, same = worlds.home() / "preferences-ranking", {"horizons": (), "by": "value", "tracking_uri": ""}
    rank(asked, model=str(model), out=out, progress=lambda _: None, **same)  # type: ignore[arg-type]
    return OrdersJob(asked.files, None, None, NOW), out


# ---------------------------------------------------------------- orders alone
def test_orders_alone_are_enough_and_the_folder_holds_every_file(tmp_path: Path) -> None:
    shown = ask(worlds.orders_file(), "--out", tmp_path / "out", "--as-of", to_date(worlds.AS_OF).isoformat())
    assert shown.exit_code == 0, shown.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == set(FILES)
    for told in (
        "who answers to what",
        "Channels: who may",
        "Days between two messages",
        "The next 90 days",
        "In words",
    ):
        assert told in shown.output
    account = json.loads((tmp_path / "out/preferences.json").read_text(encoding="utf-8"))
    assert f"{account['customers']:,} customers as of {account['as_of']}" in shown.output
    for option in ("--customers", "--contacts", "--events", "--ranking", "--country"):
        assert any(option in sentence for sentence in account["missing"])


def test_the_rows_are_the_same_in_both_forms_and_ids_stay_as_written(tmp_path: Path) -> None:
    orders = orders_csv(tmp_path, GOOD.replace("\na,", "\n007,").replace("\nb,", "\n008,"))
    run(job(tmp_path, orders))
    table = pq.read_table(tmp_path / "out/preferences.parquet")
    sheet = rows_of(tmp_path / "out/preferences.csv")
    assert [row["customer_id"] for row in sheet] == table["customer_id"].to_pylist() == ["007", "008"]
    assert [row["in_words"] for row in sheet] == table["in_words"].to_pylist()
    assert list(sheet[0]) == table.column_names


def test_the_same_input_gives_the_same_files(tmp_path: Path) -> None:
    one = job(tmp_path, orders_csv(tmp_path))
    first = {name: (run(one), (one.out / name).read_bytes())[1] for name in FILES}
    run(one)
    assert {name: (one.out / name).read_bytes() for name in FILES} == first


def test_an_earlier_day_knows_nothing_of_what_came_later(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.csv", tmp_path / "cut.csv"
    whole.write_text(GOOD + "c,5,2021-03-02,9\n")
    cut.write_text("\n".join(row for row in whole.read_text().splitlines() if "2021-03" not in row) + "\n")
    for path in (whole, cut):
        shown = ask(path, "--as-of", "2021-02-20", "--out", path.with_suffix(""))
        assert shown.exit_code == 0, shown.output
    for name in FILES:
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "cut" / name).read_bytes()


# ---------------------------------------------------------------- other tables
def test_consent_and_birthdays_come_from_the_customers_and_no_address_is_written(tmp_path: Path) -> None:
    orders = orders_csv(tmp_path, GOOD.replace("\na,", "\n007,").replace("\nb,", "\n008,"))
    (tmp_path / "people.csv").write_text(PEOPLE)
    run(job(tmp_path, orders, other=OtherFiles(customers=(str(tmp_path / "people.csv"),))))
    rows = rows_of(tmp_path / "out/preferences.csv")
    assert [row["email_allowed"] for row in rows] == ["yes", "no"]
    assert [row["next_birthday"] for row in rows] == ["2022-02-22", ""]
    assert not any(b"web.de" in path.read_bytes() for path in (tmp_path / "out").iterdir())


def test_events_bring_intervals_and_responses_through_the_command(tmp_path: Path) -> None:
    orders = orders_csv(tmp_path, "customer_id,order_id,ordered_at,amount\n" + "".join(
        f"c{n:02},{n},2021-06-0{1 + n % 2},5\n" for n in range(60)
    ))  # fmt: skip
    rows = ["customer_id,occurred_at,kind"]
    for customer in range(60):
        for k in range(14):
            month, day = 1 + k // 4, 1 + 7 * (k % 4) + (k + customer) % 3
            rows.append(f"c{customer:02},2021-{month:02}-{day:02} 08:00,email_sent")
            if (k + customer) % 3:
                rows.append(f"c{customer:02},2021-{month:02}-{day:02} 09:00,email_click")
    (tmp_path / "events.csv").write_text("\n".join(rows) + "\n")
    shown = ask(orders, "--events", tmp_path / "events.csv", "--out", tmp_path / "out")
    assert shown.exit_code == 0, shown.output
    whole = [row for row in rows_of(tmp_path / "out/contact_intervals.csv") if row["grouped_by"] == "all"]
    assert sum(int(row["messages"]) for row in whole) == 60 * 13 == int(whole[0]["repeated_messages"])
    account = json.loads((tmp_path / "out/preferences.json").read_text(encoding="utf-8"))
    assert account["channels"]["email"]["messages"] == 60 * 14
    assert account["channels"]["email"]["responses"] == sum(
        (k + n) % 3 > 0 for k in range(14) for n in range(60)
    )


def test_a_ranking_brings_groups_and_the_dates_that_it_says_itself(tmp_path: Path) -> None:
    orders, folder = ranking()
    run(PreferencesJob(orders, tmp_path / "out", ranking=folder, country="DE", days=30))
    rows = {row["customer_id"]: row for row in rows_of(tmp_path / "out/preferences.csv")}
    scores = pq.read_table(folder / "scores.parquet").to_pylist()
    assert len(rows) == len(scores)
    for score in scores:
        row = rows[score["customer_id"]]
        assert row["segment"] == score["segment"]
        for name in ("next_order_p10", "next_order_p50", "next_order_p90"):
            assert row[name] == str(score[name] or "")
    days = rows_of(tmp_path / "out/calendar.csv")
    assert {row["kind"] for row in days} >= {"holiday"} and all(int(row["days_ahead"]) <= 30 for row in days)


# ---------------------------------------------------------------- bad input
Written = Callable[[Path], dict[str, Any]]


def toml(text: str, option: str) -> Written:
    def write(folder: Path) -> dict[str, Any]:
        (folder / "my.toml").write_text(text)
        return {option: folder / "my.toml"}

    return write


BAD: dict[str, tuple[Written, type[RepurchaseError], str]] = {
    "days": (lambda _: {"days": 0}, DeclarationError, "--days is 0. Write 1 to 730"),
    "consent": (lambda _: {"unknown_consent": "maybe"}, DeclarationError, "Write ask or allow"),
    "country": (lambda _: {"country": "Atlantis"}, DeclarationError, "holidays for the country 'Atlantis'"),
    "ranking": (lambda folder: {"ranking": folder / "no"}, ArtifactError, "no published ranking"),
    "other orders": (lambda _: {"ranking": ranking()[1]}, DataError, "none of these customers is in the ranking"),
    "section": (toml("[ofers.a]\n", "offers"), DeclarationError, r"unknown section \[ofers\], did you mean 'offers'"),
    "key": (toml("[channels.email]\ncosts = 1.0\n", "channels"), DeclarationError, "did you mean 'cost'"),
    "no channel": (
        toml("".join(f"[channels.{name}]\noff = true\n" for name in CHANNELS), "channels"),
        DeclarationError, "no channel at all",
    ),
    "calendar": (toml("[calendar.a]\nlabel = 'A'\nsays = 'a'\n", "calendar"), DeclarationError, "exactly one way"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BAD))
def test_what_cannot_be_meant_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    options, kind, message = BAD[name]
    with pytest.raises(kind, match=message):
        run(job(tmp_path, orders_csv(tmp_path), **options(tmp_path)))
    assert not (tmp_path / "out").exists()


def test_an_older_folder_stays_where_a_later_run_fails(tmp_path: Path) -> None:
    one = job(tmp_path, orders_csv(tmp_path))
    run(one)
    before = {name: (one.out / name).read_bytes() for name in FILES}
    with pytest.raises(DeclarationError):
        run(
            job(tmp_path, orders_csv(tmp_path), **toml("[channels.sms]\ncost = -1.0\n", "channels")(tmp_path))
        )
    assert {path.name: path.read_bytes() for path in one.out.iterdir()} == before


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("mine")
    with pytest.raises(ArtifactError, match="no folder of preferences"):
        run(job(tmp_path, orders_csv(tmp_path)))
    assert (tmp_path / "out/thesis.txt").read_text() == "mine"


def test_a_ranking_of_another_day_is_refused_by_the_command(tmp_path: Path) -> None:
    orders, folder = ranking()
    words = (orders.files[0], "--ranking", folder, "--as-of", "2021-05-01", "--out", tmp_path / "out")
    done = ask(*words)
    assert isinstance(done.exception, DeclarationError) and "--as-of says 2021-05-01" in str(done.exception)
    assert not (tmp_path / "out").exists()


def test_a_ranking_in_another_currency_or_of_other_orders_is_refused(tmp_path: Path) -> None:
    base = base_of(job(tmp_path, orders_csv(tmp_path)).orders)
    scores = pa.table({"customer_id": ["a", "b"], "recency_days": pa.array([28, 3], pa.int32())})
    assert require_fitting(base, scores, {"currency": "XXX"}) == [
        "1 customers have ordered on other days than the ranking says."
    ]
    with pytest.raises(DataError, match="in EUR, the orders are in XXX"):
        require_fitting(base, scores, {"currency": "EUR"})
    other = scores.set_column(1, "recency_days", pa.array([1, 3], pa.int32()))
    with pytest.raises(DataError, match="made from other orders: 2 of 2"):
        require_fitting(base, other, {"currency": "XXX"})


# ---------------------------------------------------------------- real files
def journey(folder: Path) -> list[str | Path]:
    """Write contacts, customers, the mapping and the offers of the thin sample; return the command's words."""
    campaigns = {
        row["campaign_id"]: row
        for row in pq.read_table(JOURNEY / "campaign_descriptions.parquet").to_pylist()
    }
    redeemed: dict[tuple[str, str], datetime] = {}
    for row in pq.read_table(JOURNEY / "coupon_redemptions.parquet").sort_by("redemption_date").to_pylist():
        redeemed.setdefault((row["household_id"], row["campaign_id"]), row["redemption_date"])
    contacts = [
        {
            "campaign_id": row["campaign_id"],
            "customer_id": row["household_id"],
            "sent_at": campaigns[row["campaign_id"]]["start_date"],
            "offer": campaigns[row["campaign_id"]]["campaign_type"],
            "converted_at": redeemed.get((row["household_id"], row["campaign_id"])),
        }
        for row in pq.read_table(JOURNEY / "campaigns.parquet").to_pylist()
    ]
    pq.write_table(pa.Table.from_pylist(contacts), folder / "contacts.parquet")
    people = pq.read_table(JOURNEY / "demographics.parquet").select(["household_id", "age"])
    pq.write_table(people.rename_columns(["customer_id", "age"]), folder / "customers.parquet")
    goods = pq.read_table(JOURNEY / "products.parquet").select(["product_id", "department"])
    pq.write_table(goods.rename_columns(["product_id", "category"]), folder / "products.parquet")
    (folder / "shop.toml").write_text(
        'currency = "USD"\n[columns]\ncustomer_id = "household_id"\norder_id = "basket_id"\n'
        'ordered_at = "transaction_timestamp"\namount = "sales_value"\nquantity = "quantity"\n'
        'product_id = "product_id"\ndiscount = "retail_disc"\n'
    )
    (folder / "my.toml").write_text("".join(
        f'[offers.type_{kind.lower()}]\nlabel = "Type {kind}"\nsays = "Coupons."\nkind = "coupon"\nlevel = "small"\n'
        for kind in "ABC"
    ))  # fmt: skip
    named = [
        word
        for name in ("contacts", "customers", "products")
        for word in (f"--{name}", folder / f"{name}.parquet")
    ]
    return [
        JOURNEY / "transactions_sample.parquet",
        "--map",
        folder / "shop.toml",
        "--offers",
        folder / "my.toml",
        *named,
    ]


@pytest.mark.skipif(not JOURNEY.exists(), reason="completejourney_partial is not at hand")
def test_the_complete_journey_tells_of_discounts_from_orders_and_of_coupons_from_campaigns(
    tmp_path: Path,
) -> None:
    shown = ask(*journey(tmp_path), "--country", "US", "--out", tmp_path / "out")
    assert shown.exit_code == 0, shown.output
    account = json.loads((tmp_path / "out/preferences.json").read_text(encoding="utf-8"))
    offers, customers = account["offers"], account["customers"]
    assert list(offers["discount"]["customers_told_by"]) == ["orders"]
    assert list(offers["coupon"]["customers_told_by"]) == ["contacts"]
    assert offers["sample"]["unknown"] == offers["gift"]["unknown"] == customers == 2_373
    sent = pq.read_table(tmp_path / "contacts.parquet").to_pylist()
    known = set(pq.read_table(tmp_path / "out/preferences.parquet")["customer_id"].to_pylist())
    judged = datetime(2017, 12, 26)  # the last week before 2018-01-01 has not had its time yet
    answered = sum(row["converted_at"] is not None for row in sent
                   if row["customer_id"] in known and row["sent_at"] < judged)  # fmt: skip
    assert account["channels"]["email"]["responses"] == answered > 500


@pytest.mark.skipif(not RETAIL.exists(), reason="Online Retail II is not at hand")
def test_online_retail_alone_tells_of_prices_and_packs_and_allows_nothing(tmp_path: Path) -> None:
    account = run(job(tmp_path, RETAIL, country="United Kingdom")).account
    assert account["customers"] == 5_840
    told = {kind for kind, one in account["offers"].items() if one["unknown"] < 5_840}
    assert told == {"special_price", "value_pack"}
    assert all(
        one["allowed"] == {"no": 0, "yes": 0, "unknown": 5_840} for one in account["channels"].values()
    )
    assert {"Boxing Day", "New Year's Day"} <= {row["label"] for row in account["calendar"]}
