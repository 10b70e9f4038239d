"""The command `plan`: from orders and a ranking to files, and every refusal before anything is written."""

from __future__ import annotations

import csv
import json
import shutil
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner, Result

from campaigns.plan.table import PLAN
from contracts.days import to_date, to_day
from contracts.errors import RepurchaseError
from features.shop.files import OtherFiles
from repurchase import commands_plan
from repurchase.orders_job import OrdersJob
from repurchase.rank_job import rank
from tests import worlds
from tests.repurchase.front_door import here as run

AS_OF = to_day(worlds.FIRST) + 260
NOW = datetime(2021, 10, 1, tzinfo=UTC)
FILES = {"plan.html", "plan.csv", "control.csv", "plan.parquet", "plan.json"}
GIFT = '[offers.mug]\nlabel = "Mug"\nsays = "A mug."\nkind = "gift"\nlevel = "small"\n'
PLAN_FILE = '[plans.spring]\nlabel = "Spring"\nweeks = 2\nbudget = 50\n'


def orders_csv() -> Path:
    """Return the file of a small shop: 300 customers, with products, discounts and costs."""
    worlds.simple("bgnbd")
    return worlds.home() / "bgnbd.csv"


@cache
def ranking() -> Path:
    """Return its published ranking."""
    job = OrdersJob((str(orders_csv()),), None, AS_OF, NOW, OtherFiles())
    rank(
        job, model=str(worlds.simple("bgnbd").folder), horizons=(), by="value", out=worlds.home() / "ranking",
        tracking_uri="", progress=lambda _: None,
    )  # fmt: skip
    return worlds.home() / "ranking"


def ask(out: Path, *words: str | Path, orders: Path | None = None, ranked: Path | None = None) -> Result:
    app = typer.Typer()
    commands_plan.add_to(app)
    first = [orders or orders_csv(), "--ranking", ranked or ranking(), "--out", out]
    return CliRunner().invoke(app, [*map(str, (*first, *words))], env={"COLUMNS": "160"})


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def log_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "plan.json").read_text(encoding="utf-8")))


@cache
def made() -> tuple[Path, Result]:
    out = worlds.home() / "plan"
    return out, ask(out, "--plan", write(worlds.home(), "spring.toml", PLAN_FILE))


# ---------------------------------------------------------------- files
def test_a_plan_is_a_folder_of_tables_a_log_and_a_page() -> None:
    out, shown = made()
    assert shown.exit_code == 0, shown.exception
    assert {one.name for one in out.iterdir()} == FILES
    table = pq.read_table(out / "plan.parquet")
    assert table.schema.names == PLAN.names
    assert table.num_rows == len(set(table["customer_id"].to_pylist())) == 296
    contacts, control = rows_of(out / "plan.csv"), rows_of(out / "control.csv")
    assert {one["arm"] for one in contacts} == {"treated"} and {one["arm"] for one in control} == {"control"}
    assert not {one["customer_id"] for one in contacts} & {one["customer_id"] for one in control}


def test_the_log_adds_up_with_the_table_and_keeps_the_budget() -> None:
    out, _ = made()
    log, contacts = log_of(out), rows_of(out / "plan.csv")
    assert log["summary"]["whole"]["customers"] == len(contacts)
    assert log["summary"]["whole"]["profit"] == pytest.approx(
        sum(float(one["expected_profit"]) for one in contacts)
    )
    assert sum(float(one["expected_cost"]) for one in contacts) <= 50
    assert (log["campaign"], log["as_of"], log["terms"]["budget"]) == (
        "spring", to_date(AS_OF).isoformat(), 50.0,
    )  # fmt: skip
    everyone = len(contacts) + sum(log["summary"]["left_out"].values())
    assert everyone == pq.read_metadata(out / "plan.parquet").num_rows


def test_messages_are_sent_inside_the_campaign_outside_quiet_hours() -> None:
    out, _ = made()
    for one in rows_of(out / "plan.csv"):
        at = datetime.fromisoformat(one["send_at"])
        assert AS_OF + 1 <= to_day(at.date()) <= AS_OF + 14 and 7 <= at.hour < 22


def test_what_is_printed_names_files_assumptions_and_what_is_missing() -> None:
    out, shown = made()
    words = " ".join(shown.stdout.split())
    for part in (
        "customers are contacted. Expected cost", "Not contacted:", "What if", "this plan", "Assumed:", "Missing:",
        "one contact is assumed to convert", "ast campaigns with a control group (--contacts)", f"{out}/plan.html",
    ):  # fmt: skip
        assert part in words, part


def test_the_same_plan_again_is_the_same_to_the_byte(tmp_path: Path) -> None:
    out, _ = made()
    assert ask(tmp_path / "plan", "--plan", worlds.home() / "spring.toml").exit_code == 0
    for name in FILES:
        assert (tmp_path / "plan" / name).read_bytes() == (out / name).read_bytes(), name


def test_products_are_recommended_and_stand_in_the_slots() -> None:
    out, _ = made()
    row = rows_of(out / "plan.csv")[0]
    products = json.loads(row["slots"])["products"]
    assert products and products == row["products"].split("|")


def test_a_plainer_policy_plans_too_and_names_whom_it_would_have_contacted(tmp_path: Path) -> None:
    shown = ask(tmp_path / "plan", "--policy", "potential", "--budget", "5", "--campaign", "autumn")
    assert shown.exit_code == 0, shown.exception
    log = log_of(tmp_path / "plan")
    assert (log["policy"], log["campaign"], log["what_if"]) == ("potential", "autumn", [])
    assert log["summary"]["whole"]["cost"] <= 5
    assert rows_of(tmp_path / "plan" / "control.csv")


def test_without_control_everyone_may_be_contacted_and_it_is_said(tmp_path: Path) -> None:
    terms = write(tmp_path, "p.toml", '[plans.all]\nlabel = "All"\ncontrol_share = 0\n')
    shown = ask(tmp_path / "plan", "--plan", terms)
    assert "cannot be measured" in shown.stdout
    assert rows_of(tmp_path / "plan" / "control.csv") == []


def test_an_offer_of_our_own_that_cannot_be_judged_here_is_left_out_with_a_sentence(tmp_path: Path) -> None:
    thin = write(tmp_path, "p.toml", '[plans.thin]\nlabel = "Thin"\nmargin = 0.06\n')
    shown = ask(tmp_path / "plan", "--plan", thin)
    assert shown.exit_code == 0, shown.exception
    assert "Our offer '10 % discount' is left out: it costs" in " ".join(shown.stdout.split())


def test_formulas_and_tags_in_names_are_harmless(tmp_path: Path) -> None:
    evil = f'{GIFT}share = 0.01\nlift_prior = 0.05\nprior_source = "test"\n'.replace('"Mug"', '"=<script>1"')
    named = '[plans."=1+1"]\nlabel = "<script>x</script>"\noffers = ["mug"]\n'
    out = tmp_path / "plan"
    shown = ask(out, "--offers", write(tmp_path, "o.toml", evil), "--plan", write(tmp_path, "p.toml", named))
    assert shown.exit_code == 0, shown.exception
    row = rows_of(out / "plan.csv")[0]
    assert row["campaign_id"] == "'=1+1" and json.loads(row["slots"])["offer"] == "=<script>1"
    assert "<script" not in (out / "plan.html").read_text(encoding="utf-8")


# ---------------------------------------------------------------- other tables
def contacts_csv(folder: Path, *, control: bool) -> Path:
    at = datetime.combine(to_date(AS_OF), datetime.min.time()) - timedelta(days=40)
    ids = sorted({str(one["customer_id"]) for one in worlds.order_rows(customers=300, days=200, seed=9)})
    lines = ["campaign_id,customer_id,sent_at,arm,offer,channel"]
    for place, name in enumerate(ids):
        arm = "control" if control and place % 2 else "treated"
        lines.append(f"old,{name},{at},{arm},Small gift,email")
    return write(folder, "contacts.csv", "\n".join(lines) + "\n")


def test_contacts_without_control_leave_the_effects_assumed_and_it_is_said(tmp_path: Path) -> None:
    shown = ask(tmp_path / "plan", "--contacts", contacts_csv(tmp_path, control=False))
    assert shown.exit_code == 0, shown.exception
    words = " ".join(shown.stdout.split())
    assert "The contacts hold no test of these offers that can be believed" in words
    assert not any(log_of(tmp_path / "plan")["summary"]["measured"].values())


def test_contacts_with_a_control_group_measure_the_offer(tmp_path: Path) -> None:
    shown = ask(tmp_path / "plan", "--contacts", contacts_csv(tmp_path, control=True))
    assert shown.exit_code == 0, shown.exception
    measured = log_of(tmp_path / "plan")["summary"]["measured"]
    assert [name for name, one in measured.items() if one] == ["Small gift"]
    assert "Small gift: measured by 1" in " ".join(shown.stdout.split())


def test_with_events_whoever_reads_nothing_stands_in_a_list_of_their_own(tmp_path: Path) -> None:
    at = datetime.combine(to_date(AS_OF), datetime.min.time())
    sent = [f"00001,{at - timedelta(days=one)},email_sent" for one in (5, 15, 25)]
    events = write(tmp_path, "events.csv", "\n".join(["customer_id,occurred_at,kind", *sent]) + "\n")
    terms = write(tmp_path, "p.toml", '[plans.x]\nlabel = "X"\nunknown_reach = "allow"\n')
    shown = ask(tmp_path / "plan", "--events", events, "--plan", terms)
    assert shown.exit_code == 0, shown.exception
    assert [one["customer_id"] for one in rows_of(tmp_path / "plan" / "reengage.csv")] == ["00001"]
    assert log_of(tmp_path / "plan")["reengage"] == 1
    again = ask(tmp_path / "plan", "--plan", terms)  # a folder with this file is a plan, too
    assert again.exit_code == 0 and not (tmp_path / "plan" / "reengage.csv").exists()


# ---------------------------------------------------------------- refusals
def refused(tmp_path: Path, *words: str | Path, **more: Any) -> str:
    """Return the one message; an older plan stays as it was and nothing else is written."""
    shutil.copytree(made()[0], tmp_path / "plan")
    before = {one.name: one.read_bytes() for one in (tmp_path / "plan").iterdir()}
    shown = ask(tmp_path / "plan", *words, **more)
    assert isinstance(shown.exception, RepurchaseError), shown.exception
    assert {one.name: one.read_bytes() for one in (tmp_path / "plan").iterdir()} == before
    assert not [one for one in tmp_path.iterdir() if one.name.startswith(".plan")]
    return str(shown.exception)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{GIFT}cost = 900\n", "[offers.mug]: costs 900.00"),
        (f"{GIFT}when = \"tier == 'focus' and frequncy > 1\"\n", "'frequncy', which does not exist, did you mean 'fre"),
        (f'{GIFT}currency = "USD"\ncost = 1\n', "[offers.mug]: counts in USD, the shop in XXX"),
        ('[offer.mug]\nlabel = "Mug"\n', "unknown section [offer], did you mean 'offers'?"),
        ("[offers.mug\n", "not a TOML file"),
        (f'{GIFT}cots = 1\n', "unknown key 'cots', did you mean 'cost'?"),
    ],
)  # fmt: skip
def test_an_offer_that_cannot_be_meant_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    assert message in refused(tmp_path, "--offers", write(tmp_path, "offers.toml", text))


def test_all_offers_at_fault_are_named_at_once(tmp_path: Path) -> None:
    text = f"{GIFT}cost = 900\n{GIFT.replace('mug', 'cup').replace('Mug', 'Cup')}cost = 901\n"
    said = refused(tmp_path, "--offers", write(tmp_path, "offers.toml", text))
    assert "[offers.mug]: costs 900.00" in said and "[offers.cup]: costs 901.00" in said


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("budget = 0", "budget is 0: nobody could be contacted"),
        ("budget = -1", "budget is -1"),
        ('currency = "USD"', "its money is in USD, the shop's in XXX"),
        ('channels = ["sms"]', "[channels.sms]: nobody can be contacted"),
        ('channels = ["smss"]', "channels has 'smss', did you mean 'sms'?"),
        ('offers = ["coupn_large"]', "offers has 'coupn_large', did you mean 'coupon_large'?"),
        (
            'when = "tear == 1"',
            "campaign x: the rule `tear == 1` asks for the column 'tear', which does not exist",
        ),
        ('when = "recency_days < 0"', "nobody can be contacted in this campaign: 296 not in this campaign"),
        (
            'start = "2021-01-01"',
            "campaign x: start is 2021-01-01, but the scores know the days up to 2021-09-18",
        ),
        ("floors = { focus = 9999 }", "'focus floor' (at least 9,999 customers) cannot be met"),
        ("floors = { focus = 5 }\nbudget = 0.001", "'focus floor' (at least 5 customers)"),
        ("control_share = 1.0", "control_share is 1"),
        ('country = "Atlantis"', "there is no calendar of holidays for the country 'Atlantis'"),
    ],
)
def test_terms_that_cannot_be_kept_are_refused(tmp_path: Path, lines: str, message: str) -> None:
    if "country" in lines:
        pytest.importorskip("holidays")
    path = write(tmp_path, "p.toml", f'[plans.x]\nlabel = "X"\n{lines}\n')
    assert message in refused(tmp_path, "--plan", path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--budget", "0"), "--budget: budget is 0"),
        (("--budget", "-3"), "--budget: budget is -3"),
        (("--policy", "profits"), "--policy 'profits', did you mean 'profit'?"),
        (("--as-of", "2021-09-01"), "the ranking is as of 2021-09-18, --as-of says 2021-09-01"),
        (("--plan", "none.toml"), "none.toml: there is no such file"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    tmp_path: Path, words: tuple[str, str], message: str
) -> None:
    assert message in refused(tmp_path, *words)


def test_an_unknown_campaign_is_refused_with_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "p.toml", PLAN_FILE)
    assert "no [plans.sprin], did you mean 'spring'?" in refused(
        tmp_path, "--plan", path, "--campaign", "sprin"
    )


def test_a_channel_in_another_currency_is_refused(tmp_path: Path) -> None:
    text = (
        '[channels.sms]\nlabel = "SMS"\ncost = 1\ncurrency = "USD"\nmost_7d = 1\nmost_30d = 2\nown = false\n'
    )
    path = write(tmp_path, "c.toml", text)
    assert "[channels.sms]: its cost is in USD, the shop's money in XXX" in refused(
        tmp_path, "--channels", path
    )


def test_orders_in_another_currency_than_the_ranking_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "map.toml", 'currency = "EUR"\n')
    assert "the orders are in EUR, the ranking in XXX" in refused(tmp_path, "--map", path)


def test_a_ranking_that_is_missing_damaged_or_of_other_orders_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "nobody" in refused(tmp_path / "empty", ranked=tmp_path / "nobody")
    broken = shutil.copytree(ranking(), tmp_path / "broken", symlinks=True)
    for path in broken.rglob("scores.parquet"):
        path.write_bytes(path.read_bytes()[:-10])
    (tmp_path / "b").mkdir()
    assert "damaged" in refused(tmp_path / "b", ranked=broken)
    others = [f"x{i},o{i},2021-0{1 + i % 8}-05,9" for i in range(50)]
    orders = write(
        tmp_path, "others.csv", "\n".join(["customer_id,order_id,ordered_at,amount", *others]) + "\n"
    )
    (tmp_path / "c").mkdir()
    assert "none of the 50 customers of these orders is in the ranking" in refused(
        tmp_path / "c", orders=orders
    )


def test_orders_of_the_same_ids_but_another_shop_are_refused(tmp_path: Path) -> None:
    lines = [f"{i:05d},o{i},2021-0{1 + i % 8}-05,9" for i in range(300)]
    orders = write(
        tmp_path, "others.csv", "\n".join(["customer_id,order_id,ordered_at,amount", *lines]) + "\n"
    )
    assert "the ranking was made from other orders" in refused(tmp_path, orders=orders)


def test_a_folder_that_holds_something_else_is_never_replaced(tmp_path: Path) -> None:
    kept = write(tmp_path, "letters.txt", "dear")
    shown = ask(tmp_path)
    assert "holds something that is no campaign plan" in str(shown.exception)
    assert kept.read_text() == "dear"


def test_at_the_command_line_a_refusal_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    ended = run(
        tmp_path, "plan", orders_csv(), "--ranking", ranking(), "--budget", "0", "--out", tmp_path / "plan"
    )
    assert (ended.code, len(ended.errors)) == (2, 1)
    assert "budget is 0" in ended.errors[0] and not (tmp_path / "plan").exists()


def test_days_without_sending_are_kept_free(tmp_path: Path) -> None:
    first = to_date(AS_OF + 1)
    free = [first + timedelta(days=day) for day in range(14) if day not in (3, 10)]
    listed = ", ".join(f'"{one}"' for one in free)
    path = write(tmp_path, "p.toml", f'[plans.x]\nlabel = "X"\nweeks = 2\nno_send = [{listed}]\n')
    assert ask(tmp_path / "plan", "--plan", path).exit_code == 0
    sent = {date.fromisoformat(one["send_at"][:10]) for one in rows_of(tmp_path / "plan" / "plan.csv")}
    assert sent <= {first + timedelta(days=3), first + timedelta(days=10)}
    assert len(log_of(tmp_path / "plan")["days"]["not_sent_on"]) == 12
