"""Scores of past days are those that would have been made then; mappings and shops are made on request."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from contracts.days import to_date
from features.kernel.history import History
from features.orders import read_orders
from features.reading.mapping import load_mapping
from repurchase.backfill_job import backfill
from repurchase.orders_job import OrdersJob
from serving.rank import Scoring, score_history
from tests import worlds
from tests.repurchase.front_door import here as run

LAYERS = ["tier", "lifecycle", "segment"]  # found from the whole ranking
NOW = datetime(2022, 6, 1, tzinfo=UTC)


def test_the_scores_of_a_past_day_are_those_of_the_orders_up_to_then(tmp_path: Path) -> None:
    days = [worlds.AS_OF - 60, worlds.AS_OF]
    job = OrdersJob((str(worlds.orders_file()),), None, None, NOW)
    written = backfill(
        job,
        days=days,
        model=str(worlds.trained().folder),
        horizons=(),
        out=tmp_path / "past",
        tracking_uri="",
    )
    assert [path.name for path in written] == [f"{to_date(day)}.parquet" for day in days]
    for day, path in zip(days, written, strict=True):
        history = History.from_lines(read_orders(worlds.orders_file(), until=day).lines)
        scoring = Scoring(day, tuple(worlds.bundle().manifest["horizons"]), 90, "value", NOW)
        found, expected = pq.read_table(path), score_history(history, worlds.bundle(), scoring)
        assert found.drop_columns(LAYERS).equals(expected.drop_columns(LAYERS))
        assert not any(found[name].null_count for name in LAYERS)


def test_a_suggested_mapping_reads_the_file_that_it_was_made_of(tmp_path: Path) -> None:
    text = "Kunde;Datum;Betrag\n007;03.04.2021;12,50\n008;14.04.2021;9,00\n"
    (tmp_path / "shop.csv").write_text(text, encoding="utf-8")
    ended = run(tmp_path, "check", "shop.csv", "--suggest-map", "--out", "shop.toml")
    assert ended.code == 0 and "shop.toml" in ended.out
    mapping = (tmp_path / "shop.toml").read_text(encoding="utf-8")
    assert "12,50" in mapping and 'decimal = ","' in mapping


def test_a_suggested_mapping_of_known_columns_loads(tmp_path: Path) -> None:
    (tmp_path / "shop.csv").write_text("customer_id,date,amount\na,2021-01-02,5\n", encoding="utf-8")
    run(tmp_path, "check", "shop.csv", "--suggest-map", "--out", "shop.toml")
    assert load_mapping(tmp_path / "shop.toml").columns["ordered_at"] == "date"


def test_a_generated_shop_can_be_checked(tmp_path: Path) -> None:
    ended = run(tmp_path, "generate", "--lines", "1000", "--out", "world", "--truth")
    assert ended.code == 0 and (tmp_path / "world" / "truth.parquet").is_file()
    ended = run(tmp_path, "check", "world/orders.parquet")
    assert ended.code == 0 and "100.00 %" in ended.out
