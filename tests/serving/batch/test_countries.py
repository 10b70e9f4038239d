from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from contracts.days import to_day
from features.kernel.history import History
from features.orders import read_orders
from serving.live_scorer import LiveScorer
from serving.rank import Scoring, last_countries, score_history
from tests import worlds

NOW = datetime(2022, 6, 1, tzinfo=UTC)
AS_OF = to_day(date(2022, 2, 5))
SALE = {"customer_id": "a", "order_id": "1", "ordered_at": "2022-01-10", "amount": 9.0, "country": "DE"}
LATER = {**SALE, "order_id": "2", "ordered_at": "2022-01-20", "country": "AT"}


def lines(folder: Path, *rows: dict[str, Any]) -> pa.Table:
    return read_orders(worlds.write_csv(folder / "orders.csv", rows)).lines


def test_the_country_is_that_of_the_last_order_up_to_the_day(tmp_path: Path) -> None:
    history = History.from_lines(lines(tmp_path, SALE, LATER, {**SALE, "customer_id": "b", "order_id": "3"}))
    found = [last_countries(history, day) for day in (AS_OF - 20, AS_OF)]
    assert [one.to_pylist() for one in found if one is not None] == [["DE", "DE"], ["AT", "DE"]]


def test_it_is_null_where_no_order_names_one(tmp_path: Path) -> None:
    rows = (SALE, {**SALE, "customer_id": "b", "order_id": "3", "country": ""})
    found = last_countries(History.from_lines(lines(tmp_path, *rows)), AS_OF)
    assert found is not None and found.to_pylist() == ["DE", None]


def test_batch_and_live_give_the_same_country(tmp_path: Path) -> None:
    orders = lines(tmp_path, SALE, LATER, {**SALE, "customer_id": "b", "order_id": "3", "country": ""})
    batch = score_history(
        History.from_lines(orders), worlds.bundle(), Scoring(AS_OF, (90,), 90, "value", NOW)
    )
    live = LiveScorer(worlds.bundle(), lambda: NOW).score(orders, as_of=AS_OF, horizons=(90,))
    countries = [
        dict(zip(t["customer_id"].to_pylist(), t["country"].to_pylist(), strict=True)) for t in (live, batch)
    ]
    assert countries == [{"a": "AT", "b": None}] * 2


def test_without_a_column_of_countries_it_is_null_for_all() -> None:
    assert last_countries(worlds.history(), worlds.AS_OF) is None
    table = score_history(worlds.history(), worlds.bundle(), Scoring(worlds.AS_OF, (90,), 90, "value", NOW))
    assert table["country"].null_count == table.num_rows
