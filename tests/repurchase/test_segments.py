"""Segments of a shop from the front door: files, an earlier day as known then, scores, other tables, and refusals."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

from campaigns.sales import Sales
from contracts.days import to_date, to_day
from contracts.errors import ArtifactError, DataError, DeclarationError, RepurchaseError
from features.kernel.history import History
from features.orders import read_orders
from features.shop.files import OtherFiles
from repurchase import commands_segments
from repurchase.orders_job import OrdersJob
from repurchase.rank_job import rank
from repurchase.segments_job import Segmented, segments
from tests import worlds

AS_OF = to_day(worlds.FIRST) + 260
BEFORE = AS_OF - 90
NOW = datetime(2021, 10, 1, tzinfo=UTC)


def orders_csv() -> Path:
    """Return the file of a small shop: 300 customers."""
    worlds.simple("bgnbd")
    return worlds.home() / "bgnbd.csv"


def ask(out: Path, *, as_of: int = AS_OF, other: OtherFiles | None = None, **more: Any) -> Segmented:
    job = OrdersJob((str(orders_csv()),), None, as_of, NOW, other or OtherFiles())
    return segments(job, out=out, **more)


@cache
def compared() -> Segmented:
    return ask(worlds.home() / "segments", compare_to=BEFORE)


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def size(found: Segmented, name: str, which: str = "") -> dict[str, Any]:
    (row,) = (one for one in found.sizes.to_pylist() if (one["segment"], one["set"] or "") == (name, which))
    return dict(row)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def ids_of(as_of: int = AS_OF) -> list[str]:
    return [str(one) for one in Sales.of(history(), as_of).ids.to_pylist()]


@cache
def history() -> History:
    return History.from_lines(read_orders(orders_csv(), until=AS_OF).lines)


# ---------------------------------------------------------------- files
def test_each_customer_has_one_rfm_group_and_each_membership_one_row() -> None:
    folder = compared().folder
    groups = rows_of(folder, "rfm.csv")
    assert [row["customer_id"] for row in groups] == ids_of()
    table = pq.read_table(folder / "segments.parquet").to_pylist()
    assert rows_of(folder, "segments.csv") == table
    assert Counter(row["segment"] for row in table if row["set"] == "rfm") == Counter(
        row["segment"] for row in groups
    )


def test_new_one_time_and_repeat_are_what_plain_loops_find() -> None:
    days: dict[str, set[int]] = {}
    sales = Sales.of(history(), AS_OF)
    for customer, day in zip(sales.customer.tolist(), sales.day.tolist(), strict=True):
        days.setdefault(ids_of()[customer], set()).add(day)
    expected = {
        one: "new" if AS_OF - min(of) < 90 else "one_time" if len(of) == 1 else "repeat"
        for one, of in days.items()
    }
    table = rows_of(compared().folder, "segments.csv")
    assert {row["customer_id"]: row["segment"] for row in table if row["set"] == "orders"} == expected


def test_moves_are_those_between_two_runs_on_two_days(tmp_path: Path) -> None:
    ask(tmp_path / "then", as_of=BEFORE)
    was = {row["customer_id"]: row["segment"] for row in rows_of(tmp_path / "then", "rfm.csv")}
    became = {row["customer_id"]: row["segment"] for row in rows_of(compared().folder, "rfm.csv")}
    pairs = Counter((was.get(one, "(joined)"), became.get(one, "(left)")) for one in {*was, *became})
    found = rows_of(compared().folder, "moves.csv")
    assert {(r["from"], r["to"]): int(r["customers"]) for r in found if r["set"] == "rfm"} == pairs
    who = [row for row in rows_of(compared().folder, "who_moved.csv") if row["set"] == "rfm"]
    assert {row["customer_id"] for row in who} == {one for one in became if became[one] != was.get(one)}
    values = [float(row["value"]) for row in who]
    assert values == sorted(values, reverse=True)


def test_an_earlier_day_is_as_known_then(tmp_path: Path) -> None:
    alone, then = ask(tmp_path / "then", as_of=BEFORE).now, compared().then
    assert then is not None and alone.ids.equals(then.ids)
    assert alone.rfm.thresholds == then.rfm.thresholds
    for one, other in zip(alone.memberships.found, then.memberships.found, strict=True):
        assert (one.name, one.state) == (other.name, other.state)
        assert np.array_equal(one.inside, other.inside)


def test_sizes_say_who_joined_and_left_since_then() -> None:
    row, then = size(compared(), "high_value"), compared().then
    assert then is not None
    (was,) = (one for one in then.memberships.found if one.name == "high_value")
    before = set(np.array(then.ids.to_pylist())[was.inside])
    table = rows_of(compared().folder, "segments.csv")
    after = {one["customer_id"] for one in table if one["segment"] == "high_value"}
    assert (row["customers_then"], row["joined"], row["left"]) == (
        len(before), len(after - before), len(before - after),
    )  # fmt: skip


def test_an_older_folder_is_replaced_and_a_strange_one_is_not(tmp_path: Path) -> None:
    out = tmp_path / "segments"
    ask(out, compare_to=BEFORE)
    ask(out)
    assert not (out / "moves.csv").exists() and (out / "sizes.csv").is_file()
    write(out, "mine.txt", "x")
    with pytest.raises(ArtifactError, match="no folder of segments"):
        ask(out)
    assert (out / "mine.txt").is_file()


# ---------------------------------------------------------------- scores and other tables
@cache
def ranking() -> Path:
    job = OrdersJob((str(orders_csv()),), None, AS_OF, NOW)
    out, model = worlds.home() / "ranking-for-segments", str(worlds.simple("bgnbd").folder)
    rank(job, model=model, horizons=(90,), by="value", out=out, tracking_uri="", progress=lambda _: None)
    return out


def test_without_a_ranking_a_segment_of_scores_is_not_known_and_says_so() -> None:
    row = size(compared(), "high_future_value")
    assert (row["state"], row["customers"]) == ("not known", None)
    assert row["needs"] == "a ranking as of that day (--ranking)"


def test_with_a_ranking_it_is_the_fifth_with_the_highest_expected_value(tmp_path: Path) -> None:
    found = ask(tmp_path / "out", ranking=ranking(), compare_to=BEFORE)
    scores = pq.read_table(
        ranking() / "scores.parquet", columns=["customer_id", "expected_value_90d"]
    ).to_pydict()
    pairs = sorted(zip(scores["expected_value_90d"], scores["customer_id"], strict=True), reverse=True)
    best = {one for _, one in pairs[: len(pairs) // 5]}
    table = rows_of(tmp_path / "out", "segments.csv")
    assert {row["customer_id"] for row in table if row["segment"] == "high_future_value"} == best
    share = sum(value for value, one in pairs if one in best) / sum(scores["expected_value_90d"])
    assert size(found, "high_future_value")["expected_value_share"] == pytest.approx(share)
    assert any("not known on" in sentence for sentence in found.told)


def test_a_ranking_of_another_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"as of {to_date(AS_OF)}, the segments as of {to_date(BEFORE)}"):
        ask(tmp_path / "out", as_of=BEFORE, ranking=ranking())
    assert not (tmp_path / "out").exists()


def test_category_interest_is_one_segment_for_each_category() -> None:
    sales = Sales.of(history(), AS_OF)
    text = sales.text("category")
    lines = Counter(
        (customer, text.texts[code])
        for customer, code in zip(sales.customer.tolist(), text.codes.tolist(), strict=True)
    )
    table = [
        row for row in rows_of(compared().folder, "segments.csv") if row["segment"].startswith("category_")
    ]
    assert table and {row["segment"] for row in table} <= {f"category_interest: {one}" for one in text.texts}
    for row in table:
        customer, category = (
            ids_of().index(row["customer_id"]),
            row["segment"].removeprefix("category_interest: "),
        )
        counts = {name: count for (who, name), count in lines.items() if who == customer}
        assert counts[category] == max(counts.values()) >= sum(counts.values()) / 2


def test_events_make_cart_abandoners_known(tmp_path: Path) -> None:
    first, second, third = ids_of()[:3]
    last = dict(zip(ids_of(), Sales.of(history(), AS_OF).last_day.tolist(), strict=True))
    text = "customer_id,occurred_at,kind\n"
    for one, day in ((first, AS_OF), (second, AS_OF - 100), (third, last[third] - 1)):
        text += f"{one},{to_date(day)} 10:00:00,cart_add\n{one},{to_date(day)} 11:00:00,cart_abandon\n"
    own = write(
        tmp_path, "my.toml",
        '[segments.cart_abandoners]\nlabel = "Carts"\nsays = "x"\nleast = 1\n'
        'when = "cart_abandons_90d > 0 and not days_since_cart_add >= recency_days"\n',
    )  # fmt: skip
    other = OtherFiles(events=(str(write(tmp_path, "events.csv", text)),))
    found = ask(tmp_path / "out", other=other, path=own)
    assert size(found, "cart_abandoners")["state"] == "used"
    table = rows_of(tmp_path / "out", "segments.csv")
    inside = {row["customer_id"] for row in table if row["segment"] == "cart_abandoners"}
    assert inside == ({first} if last[first] < AS_OF else set())


def test_who_is_in_the_customers_table_without_an_order_is_a_prospect(tmp_path: Path) -> None:
    text = f"customer_id,gender\nnobody,f\n{ids_of()[0]},m\nzoe,f\n"
    other = OtherFiles(customers=(str(write(tmp_path, "customers.csv", text)),))
    found = ask(tmp_path / "out", other=other)
    assert size(found, "prospects", "rfm")["customers"] == 2
    inside = {row["customer_id"]: row["segment"] for row in rows_of(tmp_path / "out", "rfm.csv")}
    assert inside["nobody"] == inside["zoe"] == "prospects" and len(inside) == len(ids_of()) + 2
    assert {
        row["segment"] for row in rows_of(tmp_path / "out", "segments.csv") if row["customer_id"] == "zoe"
    } == {"prospects"}


def test_another_id_of_somebody_who_ordered_is_no_prospect(tmp_path: Path) -> None:
    text = f"customer_id,email\n{ids_of()[0]},anna@shop.de\nanna-2,anna@shop.de\nben-1,b@x.de\nben-2,b@x.de\n"
    other = OtherFiles(customers=(str(write(tmp_path, "customers.csv", text)),))
    ask(tmp_path / "out", other=other)
    inside = {
        row["customer_id"] for row in rows_of(tmp_path / "out", "rfm.csv") if row["segment"] == "prospects"
    }
    assert inside == {"ben-1"}


# ---------------------------------------------------------------- refusals
REFUSED: dict[str, tuple[Callable[[Path], object], type[RepurchaseError], str]] = {
    "later day": (lambda at: ask(at / "o", compare_to=AS_OF), DeclarationError, "Give an earlier day"),
    "day before all": (lambda at: ask(at / "o", compare_to=AS_OF - 900), DataError, "no customer|No order"),
    "no ranking": (lambda at: ask(at / "o", ranking=at / "x"), ArtifactError, "no published ranking"),
    "no file": (lambda at: ask(at / "o", path=at / "x.toml"), DeclarationError, "no such file"),
    "unknown section": (
        lambda at: ask(at / "o", path=write(at, "a.toml", "[segment.x]\n")),
        DeclarationError,
        r"unknown section \[segment\], did you mean 'segments'",
    ),
    "unknown column": (
        lambda at: ask(
            at / "o",
            path=write(at, "a.toml", '[segments.x]\nlabel="x"\nsays="x"\nwhen="recency_dais > 3"\n'),
        ),
        DeclarationError,
        "segment 'x': .*'recency_dais'.* did you mean 'recency_days'",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_done_is_refused_and_nothing_written(tmp_path: Path, what: str) -> None:
    asked, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        asked(tmp_path)
    assert not (tmp_path / "o").exists()


# ---------------------------------------------------------------- the command
def test_the_command_shows_sizes_the_matrix_and_what_is_missing(tmp_path: Path) -> None:
    app = typer.Typer()
    commands_segments.add_to(app)
    days = ["--as-of", str(to_date(AS_OF)), "--compare-to", str(to_date(BEFORE))]
    shown = CliRunner().invoke(app, [str(orders_csv()), *days, "--out", str(tmp_path / "out")])
    assert shown.exit_code == 0, shown.output
    assert f"RFM groups · {len(ids_of())} customers as of {to_date(AS_OF)}" in shown.stdout
    assert f"rfm: from {to_date(BEFORE)} (rows)" in shown.stdout
    assert "cart_abandoners: not known without events (--events). It would be: Left a cart" in shown.stdout
    assert "Scores of 1 to 5 are parted at" in shown.stdout
