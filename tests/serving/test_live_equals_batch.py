"""A posted history gets the batch's scores, to the last bit, from the real application."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

import features.references
from contracts.days import to_date
from features.kernel.history import History
from features.orders import read_orders
from serving.app import create_app
from serving.live_scorer import LiveScorer
from serving.rank import Scoring, score_history
from tests import worlds
from tests.serving.shop import Client

NOW = datetime(2022, 2, 6, 3, 0, tzinfo=UTC)
HORIZONS = (30, 45, 90, 180, 365)
OPTIONAL = ("category", "cost", "coupon", "discount", "unit_price", "product_id", "quantity")
Row = dict[str, Any]


@pytest.fixture(scope="module")
def client() -> Client:
    scorer = LiveScorer(worlds.bundle(), lambda: NOW)
    return Client(create_app(store=None, scorer=scorer, keys=None, clock=lambda: NOW))


@pytest.fixture(scope="module")
def batch() -> dict[str, Row]:
    """Return the batch's scores of the whole file, by customer; its later rows stay unseen."""
    history = History.from_lines(read_orders(worlds.orders_file(), until=worlds.AS_OF).lines)
    scoring = Scoring(worlds.AS_OF, HORIZONS, 90, "value", NOW)
    table = score_history(history, worlds.bundle(), scoring)
    return {row["customer_id"]: row for row in table.to_pylist()}


def posted(row: Row) -> Row:
    """Return a row of the file as an entry of a posted history; what is empty is left out."""
    wanted = ("order_id", "ordered_at", "amount", *OPTIONAL)
    entry = {name: row[name] for name in wanted if row[name] != ""}
    return {**entry, "quantity": float(row["quantity"])}


def histories() -> dict[str, list[Row]]:
    """Return the entries of 120 customers: with returns, with whole cancellations, and any others."""
    by_customer: dict[str, list[Row]] = defaultdict(list)
    for row in worlds.rows():
        by_customer[row["customer_id"]].append(posted(row))
    returning = [name for name, rows in by_customer.items() if any(row["quantity"] < 0 for row in rows)]
    others = [name for name in by_customer if name not in returning]
    return {name: by_customer[name] for name in (*returning[:60], *others[:60])}


POSTED = histories()


def numbers(row: Row) -> dict[str, Any]:
    """Return what must be equal: every column but those about the whole base."""
    return {name: value for name, value in row.items() if name not in ("rank", "percentile")}


def answer(client: Client, customers: dict[str, list[Row]]) -> Iterator[Row]:
    body = {
        "as_of": to_date(worlds.AS_OF).isoformat(),
        "horizons": list(HORIZONS),
        "customers": [{"customer_id": name, "orders": orders} for name, orders in customers.items()],
    }
    response = client.score(body)
    assert response.status_code == 200, response.text
    yield from response.json()["scores"]


def differing(live: Row, ours: Row) -> list[str]:
    """Return the columns in which the live answer is not the batch's, to the bit."""
    shown = {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in numbers(ours).items()
    }
    shown["curve"] = {"days": live["curve"]["days"], "p_repurchase": ours["curve"]}
    return [name for name, value in live.items() if value != shown[name]]


def test_the_posted_customers_have_returns_cancellations_and_all_columns() -> None:
    entries = [entry for orders in POSTED.values() for entry in orders]
    assert len(POSTED) == 120 and all(any(name in entry for entry in entries) for name in OPTIONAL)
    assert sum(entry["quantity"] < 0 for entry in entries) > 60


def test_one_customer_per_request_gets_the_batchs_scores(client: Client, batch: dict[str, Row]) -> None:
    different = {}
    for name, orders in POSTED.items():
        for live in answer(client, {name: orders}):
            if columns := differing(live, batch[name]):
                different[name] = columns
    assert different == {}


def test_all_customers_in_one_request_get_the_batchs_scores(client: Client, batch: dict[str, Row]) -> None:
    found = {
        live["customer_id"]: differing(live, batch[live["customer_id"]]) for live in answer(client, POSTED)
    }
    assert {name: columns for name, columns in found.items() if columns} == {}


def test_the_same_customers_are_scored(client: Client, batch: dict[str, Row]) -> None:
    live = [row["customer_id"] for row in answer(client, POSTED)]
    assert live == [name for name in POSTED if name in batch]
    assert len(live) > 100


def test_the_order_of_the_entries_plays_no_part(client: Client, batch: dict[str, Row]) -> None:
    backwards = {name: orders[::-1] for name, orders in POSTED.items()}
    found = [differing(live, batch[live["customer_id"]]) for live in answer(client, backwards)]
    assert not any(found)


def test_every_number_of_the_scores_table_is_compared(client: Client, batch: dict[str, Row]) -> None:
    name, orders = next(item for item in POSTED.items() if item[0] in batch)
    live = next(answer(client, {name: orders}))
    of_the_whole_answer = {"as_of", "scored_at", "valid_until", "model_version", "currency"}
    assert set(numbers(batch[name])) - of_the_whole_answer == set(live)


def test_the_model_reads_reference_tables() -> None:
    assert {"item_popularity", "category_clock", "cohort_amount"} <= set(worlds.bundle().references)


def test_long_tables_that_are_narrowed_give_the_batchs_scores(
    client: Client, batch: dict[str, Row], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features.references, "_FEW_KEYS", 8)
    some = dict(list(POSTED.items())[:20])
    assert max(len(one["keys"]) for one in worlds.bundle().references.values()) > 8
    assert not any(differing(live, batch[live["customer_id"]]) for live in answer(client, some))


def test_columns_that_no_tree_splits_by_may_hold_anything() -> None:
    model, rows = worlds.bundle().model, 50
    chance = np.random.default_rng(1)
    columns = {name: chance.gamma(2.0, 20.0, rows) for name in model.needs}
    columns["tenure"] = columns["recency"] + 1.0
    unread = set(model.needs) - model.reads
    others = {name: np.full(rows, np.nan) if name in unread else columns[name] for name in columns}
    answers = [model.answer(each, (30, 90), day=worlds.AS_OF).at for each in (columns, others)]
    assert unread and all(np.array_equal(answers[0][h].p, answers[1][h].p) for h in (30, 90))
    assert np.array_equal(answers[0][90].expected_value, answers[1][90].expected_value)


def test_features_by_which_no_score_can_differ_are_not_computed_for_posted_histories() -> None:
    bundle = worlds.bundle()
    computed = {one.name for one in LiveScorer(bundle, lambda: NOW)._present.catalog}
    assert computed & set(bundle.features) <= bundle.model.reads | {"recency_days"}
