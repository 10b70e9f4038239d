"""Group totals from a published ranking: by a column, by a file, into a CSV file, and what is refused."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from contracts.days import to_day
from contracts.errors import ArtifactError, DataError, DeclarationError, RepurchaseError
from features.catalog import CATALOG
from features.kernel.history import History
from features.orders import read_orders
from models.bundle import load_bundle
from models.clv import Lifetime, Margins, lifetime_knots
from repurchase.cli import app
from repurchase.orders_job import OrdersJob
from repurchase.rank_job import rank
from repurchase.totals_job import Totalled, read_groups, totals
from serving.rank import features_for
from serving.store import publish
from tests import worlds
from tests.repurchase.front_door import here as run

AS_OF = to_day(worlds.FIRST) + 260


@cache
def ranking() -> Path:
    """Return the folder of a published ranking of a small shop."""
    folder, out = worlds.simple("bgnbd").folder, worlds.home() / "ranking-for-totals"
    job = OrdersJob((str(worlds.home() / "bgnbd.csv"),), None, AS_OF, datetime(2021, 10, 1, tzinfo=UTC))
    rank(job, model=str(folder), horizons=(), by="value", out=out, tracking_uri="", progress=lambda _: None)
    return out


def scores() -> pa.Table:
    return pq.read_table(ranking() / "scores.parquet")


def groups_csv(folder: Path, text: str) -> Path:
    path = folder / "groups.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def ask(
    *, groups: Path | None = None, by: str | None = None, level: float = 0.8, out: Path | None = None
) -> Totalled:
    return totals(ranking(), groups=groups, by=by, level=level, out=out)


# ---------------------------------------------------------------- the job
def test_all_customers_total_is_what_the_model_itself_says() -> None:
    bundle = load_bundle(worlds.simple("bgnbd").folder)
    history = History.from_lines(read_orders(worlds.home() / "bgnbd.csv", until=AS_OF).lines)
    columns = features_for(bundle, history, AS_OF, catalog=CATALOG).columns
    terms, knots = bundle.manifest["clv"], lifetime_knots(bundle.manifest["clv"]["days"])
    at = bundle.model.answer(columns, knots, day=AS_OF).at
    spread, last = bundle.model.spread, at[knots[-1]]
    lifetime = Lifetime.of(
        [at[h].expected_value for h in knots],
        knots,
        margin=Margins(**terms["margins"]).of(columns),
        discount_rate=terms["discount_rate"],
    )
    total = lifetime.total(spread.variance(last, knots[-1]), p=last.p, level_sd=spread.level_sd(knots[-1]))
    (row,) = ask(level=0.9).table.to_pylist()
    assert (row["group"], row["customers"]) == ("all", len(last.p))
    found = (row["clv"], row["clv_lower"], row["clv_upper"])
    assert found == pytest.approx((total.expected, *total.interval(0.9)), rel=1e-9)


def test_groups_by_a_column_are_those_of_the_scores() -> None:
    found, expected = ask(by="confidence"), scores().group_by("confidence").aggregate([("clv", "sum")])
    rows = {row["group"]: row for row in found.table.to_pylist()}
    for grade, value in zip(expected["confidence"], expected["clv_sum"], strict=True):
        assert rows[grade.as_py()]["clv"] == pytest.approx(value.as_py())
    assert rows["all"]["customers"] == sum(row["customers"] for row in rows.values()) / 2


def test_an_empty_column_is_one_group_and_said(tmp_path: Path) -> None:
    manifest = json.loads((ranking() / "manifest.json").read_text(encoding="utf-8"))
    bare = scores().set_column(
        scores().column_names.index("segment"), "segment", pa.nulls(scores().num_rows, pa.string())
    )
    publish(bare, tmp_path / "bare", manifest=manifest)
    found = totals(tmp_path / "bare", groups=None, by="segment")
    assert found.table["group"].to_pylist() == ["(none)", "all"]
    assert found.told == ("'segment' is empty in this ranking.",)


def test_whoever_is_not_in_the_file_or_has_no_score_is_counted(tmp_path: Path) -> None:
    first, second, third = scores()["customer_id"].to_pylist()[:3]
    text = f"customer_id,segment\n{first},gold\n{second},gold\n{third},\nnobody,gold\n"
    found = ask(groups=groups_csv(tmp_path, text))
    rows, n = found.table.to_pylist(), scores().num_rows
    assert [(row["group"], row["customers"]) for row in rows] == [("gold", 2), ("(none)", n - 2), ("all", n)]
    assert "1 of the 4 customers in" in found.told[0] and "'nobody'" in found.told[0]
    assert f"{n - 3} are not in" in found.told[1] and "1 have no group there" in found.told[1]


def test_of_several_columns_the_asked_one_is_the_group(tmp_path: Path) -> None:
    first = scores()["customer_id"][0].as_py()
    path = groups_csv(tmp_path, f"segment,customer_id,country\ngold,{first},DE\n")
    assert ask(groups=path, by="country").table["group"][0].as_py() == "DE"
    with pytest.raises(DataError, match="Say which: --by COLUMN"):
        ask(groups=path)
    with pytest.raises(DataError, match="no column 'contry', did you mean 'country'"):
        ask(groups=path, by="contry")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_as_a_spreadsheet_saves_it_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "groups.csv"
    path.write_bytes('customer_id;Größe\r\n007;"große; sehr"\r\n08 ;klein\r\n;\r\n'.encode(encoding))
    found = read_groups(path)
    assert found.column == "Größe"
    assert found.table.to_pylist() == [
        {"customer_id": "007", "group": "große; sehr"},
        {"customer_id": "08 ", "group": "klein"},
    ]


# ---------------------------------------------------------------- the CSV file
def test_the_csv_file_says_what_it_is_about_and_keeps_every_digit(tmp_path: Path) -> None:
    out = tmp_path / "new" / "totals.csv"
    found = ask(by="confidence", out=out, level=0.5)
    with out.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["clv_upper"]) for row in rows] == found.table["clv_upper"].to_pylist()
    assert (rows[0]["as_of"], rows[0]["level"], rows[0]["clv_days"]) == ("2021-09-18", "0.5", "365")
    assert out.read_bytes().count(b"\r\n") == len(rows) + 1 == out.read_bytes().count(b"\n")


def test_a_group_that_looks_like_a_formula_is_text_in_the_csv_file(tmp_path: Path) -> None:
    ids = scores()["customer_id"].to_pylist()
    names = ["=1+1", "@SUM(A1)", "+49", "-5", "-cmd|x"]
    text = "customer_id,g\n" + "".join(f"{one},{name}\n" for one, name in zip(ids, names, strict=False))
    ask(groups=groups_csv(tmp_path, text), out=tmp_path / "totals.csv")
    with (tmp_path / "totals.csv").open(newline="", encoding="utf-8") as file:
        written = {row["group"] for row in csv.DictReader(file)}
    assert written == {"'=1+1", "'@SUM(A1)", "'+49", "-5", "'-cmd|x", "(none)", "all"}


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Kunde,g\n1,a\n2,b\n", r"no column customer_id \(found: Kunde, g\)"),
        ("customer_id\n1\n2\n", "one column beside customer_id"),
        ("customer_id,g\n", "no row below the header"),
        ("customer_id,g\n1,a\n2,b\n1,a\n", "customer '1' stands on lines 2 and 4"),
        ("customer_id,g\n1,a\n,b\n", "line 3: there is no customer_id"),
        ("customer_id,g\n1,a\n2\n", "line 3: 1 fields where the header has 2"),
        ('customer_id,g\n1,"a\n2,b\n', "line 2: a quotation mark is not closed"),
        ("customer_id,g,g\n1,a,b\n", "names 'g' twice"),
        ("customer_id,g\n1.0,a\n2.0,b\n", "none of its 2 customers has a score"),
        ("PAR1\x00", "this is no CSV file"),
        ("", "the file is empty"),
    ],
)
def test_a_wrong_file_of_groups_is_refused_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ask(groups=groups_csv(tmp_path, text))


REFUSED: dict[str, tuple[Callable[[Path], object], type[RepurchaseError], str]] = {
    "no folder": (lambda at: totals(at / "x", groups=None, by=None), ArtifactError, "no published ranking"),
    "a file": (lambda at: totals(Path(__file__), groups=None, by=None), ArtifactError, "is a file"),
    "no groups file": (lambda at: ask(groups=at / "x.csv"), DataError, "no such file"),
    "no column": (lambda _: ask(by="segmnt"), DeclarationError, "did you mean 'segment'"),
    "no share": (lambda _: ask(level=80), DeclarationError, "--level 80 is no share"),
    "not a number": (lambda _: ask(level=float("nan")), DeclarationError, "--level nan is no share"),
    "out a folder": (lambda at: ask(out=at), ArtifactError, "is a folder"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_asked_is_refused(tmp_path: Path, what: str) -> None:
    asked, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        asked(tmp_path)


def test_damaged_scores_are_not_added_up(tmp_path: Path) -> None:
    home = shutil.copytree((ranking() / "current").resolve(), tmp_path / "copy")
    assert totals(home, groups=None, by=None).table.equals(ask().table)
    data = bytearray((home / "scores.parquet").read_bytes())
    data[len(data) // 2] ^= 1
    (home / "scores.parquet").write_bytes(data)
    with pytest.raises(ArtifactError, match=r"scores\.parquet is missing or damaged"):
        totals(home, groups=None, by=None)


# ---------------------------------------------------------------- the command
def test_rank_says_how_sure_the_common_level_is() -> None:
    terms = json.loads((ranking() / "manifest.json").read_text())["clv"]
    bundle = load_bundle(worlds.simple("bgnbd").folder)
    assert terms == {**bundle.manifest["clv"], "level_sd": bundle.model.spread.level_sd(terms["days"])}


def test_the_command_shows_groups_and_all(tmp_path: Path) -> None:
    path = tmp_path / "totals.csv"
    shown = CliRunner().invoke(app, ["totals", str(ranking()), "--by", "confidence", "--out", str(path)])
    value = f"{pc.sum(scores()['clv']).as_py():,.0f}"
    assert shown.exit_code == 0, shown.output
    assert "Lifetime value by confidence · 365 days after 2021-09-18" in shown.stdout
    assert value in shown.stdout and "all" in shown.stdout and path.is_file()


def test_many_groups_are_cut_in_the_terminal_only(tmp_path: Path) -> None:
    ids = scores()["customer_id"].to_pylist()[:50]
    path = groups_csv(tmp_path, "customer_id,g\n" + "".join(f"{one},g{one}\n" for one in ids))
    shown = CliRunner().invoke(app, ["totals", str(ranking()), "--groups", str(path)]).stdout
    assert "… 21 more: --out" in shown and "\n all " in shown


def test_a_wrong_column_is_one_message_and_exit_code_2(tmp_path: Path) -> None:
    ended = run(tmp_path, "totals", ranking(), "--by", "tiers")
    assert (ended.code, ended.out, len(ended.errors)) == (2, "", 1)
    assert "did you mean 'tier'" in ended.errors[0]
