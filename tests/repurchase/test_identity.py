"""Who is one person: the job that says so, and a small shop with e-mails, events and customers from end to end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.days import to_day
from contracts.errors import ArtifactError
from contracts.training import Floats
from experiments.recipe import Recipe
from experiments.train import Source, train
from features.prepared.process import Tally
from features.shop.files import OtherFiles
from features.shop.shop import open_shop
from models.bundle import Bundle, load_bundle
from repurchase.identity_job import compare_rankings, find_merges
from repurchase.orders_job import OrdersJob
from serving.rank import Scoring, absent_columns, ranked, score_customers
from tests.worlds import order_rows, write_csv

NOW = datetime(2022, 1, 1, tzinfo=UTC)
AS_OF = to_day(date(2021, 10, 1))
TWO_IDS: list[dict[str, Any]] = [
    {"customer_id": "a", "email": "anna@web.de", "order_id": "1", "ordered_at": "2021-01-01", "amount": 5},
    {"customer_id": "b", "email": "Anna@web.de", "order_id": "2", "ordered_at": "2021-02-01", "amount": 6},
    {"customer_id": "c", "email": "carl@web.de", "order_id": "3", "ordered_at": "2021-03-01", "amount": 7},
]


def job_of(folder: Path, rows: list[dict[str, Any]], as_of: int | None = None) -> OrdersJob:
    return OrdersJob((str(write_csv(folder / "orders.csv", rows)),), None, as_of, NOW)


# ---------------------------------------------------------------- who is one person
def test_the_merges_are_said_and_written_with_the_day_and_the_reason(tmp_path: Path) -> None:
    out = tmp_path / "merges.parquet"
    found = find_merges(job_of(tmp_path, TWO_IDS), OtherFiles(), out=out)
    assert found.report.sentences() == [
        "1 people have several ids, 2 in all, at most 2; ids merged: 1 by email."
    ]
    (row,) = pq.read_table(out).to_pylist()
    assert (row["canonical"], row["own_id"], row["since"]) == ("a", "b", date(2021, 2, 1))
    assert (row["why"], len(row["key_hash"])) == ("email", 8)


def test_before_the_second_id_is_seen_nobody_is_merged(tmp_path: Path) -> None:
    job = job_of(tmp_path, TWO_IDS, as_of=to_day(date(2021, 1, 31)))
    found = find_merges(job, OtherFiles(), out=None)
    assert found.report.sentences() == ["No person was found under several ids."]


def test_links_and_pairs_to_keep_apart_are_taken_from_files(tmp_path: Path) -> None:
    links = tmp_path / "links.csv"
    links.write_text("id_a,id_b,known_at\nb,c,2021-03-05\n")
    apart = tmp_path / "apart.csv"
    apart.write_text("id_a,id_b\na,b\n")
    files = OtherFiles(links=(str(links),), apart=apart)
    found = find_merges(job_of(tmp_path, TWO_IDS, as_of=to_day(date(2021, 4, 1))), files, out=None)
    assert found.report.merges.to_pylist()[0]["canonical"] == "b"
    assert found.report.sentences()[1:] == ["1 links are left out to keep pairs apart."]
    assert found.notes == (f"links from {links}: 1 rows read, 1 kept.",)


def test_the_merges_are_not_written_over_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is a folder"):
        find_merges(job_of(tmp_path, TWO_IDS), OtherFiles(), out=tmp_path)


# ---------------------------------------------------------------- from end to end
@dataclass(frozen=True)
class Shop:
    """A shop in which every sixth order is a guest's, its other tables, and a model trained on all of it."""

    job: OrdersJob
    files: OtherFiles
    folder: Path
    bundle: Bundle
    scores: pa.Table


def rows_of() -> Iterator[dict[str, Any]]:
    for i, row in enumerate(order_rows(customers=600, days=300, seed=5)):
        guest = int(row["order_id"].rsplit("-", 1)[1].strip("R")) % 6 == 0 or i % 97 == 0
        yield {
            **row,
            "email": f"u{row['customer_id']}@web.de",
            "customer_id": "" if guest else row["customer_id"],
        }


def other_files(folder: Path, rows: list[dict[str, Any]]) -> OtherFiles:
    owners = sorted({row["email"] for row in rows})
    seen = [
        {"email": mail, "occurred_at": date(2021, 1, 1) + timedelta(days=7 * k + i % 7), "event": "opened"}
        for i, mail in enumerate(owners)
        for k in range(i % 30)
    ]
    told = [
        {
            "customer_id": mail[1:6],
            "email": mail,
            "age": 20 + i % 50,
            "gender": "fm"[i % 2],
            "known_at": "2021-01-01",
        }
        for i, mail in enumerate(owners)
    ]
    events, customers = (
        (str(write_csv(folder / f"{name}.csv", table)),)
        for name, table in (("events", seen), ("customers", told))
    )
    return OtherFiles(events=events, customers=customers)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("shop")
    rows = list(rows_of())
    job, files = job_of(folder, rows, as_of=AS_OF), other_files(folder, rows)
    with job.opened() as found:
        inputs = open_shop(found, files, as_of=AS_OF, now=NOW)
        tally = Tally(fingerprinted=True)
        history = inputs.history(inputs.sample(tally, until=AS_OF, now=NOW, most=10_000))
        trained = train(
            history, as_of=AS_OF, recipe=Recipe(horizons=(30,), cutoffs=6, model="lightgbm"), champion=None,
            source=Source(inputs.fingerprint(tally.fingerprint), "XXX", "UTC"), folder=folder / "model",
            progress=lambda _: None,
        )  # fmt: skip
        bundle, scoring = load_bundle(trained.folder), Scoring(AS_OF, (30,), 30, "value", NOW)
        parts = inputs.process(
            lambda _, lines: score_customers(inputs.history(lines, days=(AS_OF,)), bundle, scoring),
            Tally(), until=AS_OF, now=NOW,
        )  # fmt: skip
        return Shop(job, files, trained.folder, bundle, ranked([part for _, part in parts], scoring))


def test_every_person_is_ranked_once(shop: Shop) -> None:
    people = {row["email"] for row in rows_of() if row["ordered_at"][:10] <= "2021-10-01"}
    assert shop.scores.num_rows <= len(people)
    assert len(set(shop.scores["customer_id"].to_pylist())) == shop.scores.num_rows


def test_scores_know_the_orders_under_all_ids(shop: Shop) -> None:
    ids = shop.scores["customer_id"].to_pylist()
    rows = [row for row in rows_of() if row["ordered_at"][:10] <= "2021-10-01" and row["quantity"] > 0]
    some = next(
        own for own in ids if len({row["customer_id"] for row in rows if row["email"][1:6] == own}) == 2
    )
    days = {row["ordered_at"][:10] for row in rows if row["email"][1:6] == some}
    assert shop.scores["frequency"][ids.index(some)].as_py() <= len(days) - 1
    assert shop.scores["frequency"][ids.index(some)].as_py() >= len(days) - 4  # cancelled ones


def test_a_model_that_knows_events_and_customers_says_so_when_it_is_asked_without(shop: Shop) -> None:
    absent = absent_columns(shop.bundle, frozenset({"product_id", "category", "discount", "coupon", "cost"}))
    assert {"events", "customers.age"} <= set(absent)


def test_the_ranking_with_and_without_merging_is_compared(shop: Shop) -> None:
    found = compare_rankings(shop.job, shop.files, model=str(shop.folder), tracking_uri="")
    assert found.merged.customers == shop.scores.num_rows < found.unmerged.customers == found.ids
    values: Floats = shop.scores["expected_value_30d"].to_numpy()
    assert found.merged.value == pytest.approx(values.sum())
    assert 0 < found.moved_merged <= found.moved <= found.ids
    assert found.top == 100 and 50 <= found.top_both <= 100
    assert found.sentences()[1].startswith(f"{found.top_both} of the best 100 customers would be")


def test_a_shop_without_merges_is_insensitive_to_them(shop: Shop) -> None:
    files = OtherFiles(events=shop.files.events, customers=shop.files.customers, merges=False)
    found = compare_rankings(shop.job, files, model=str(shop.folder), tracking_uri="")
    assert (found.moved, found.top_both) == (0, found.top) and found.merged == found.unmerged
