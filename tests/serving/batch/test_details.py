from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import serving.batch.details as details
from features.catalog import CATALOG
from serving.batch.details import details_of, write_details
from tests import worlds

FEATURES = ("frequency", "recency_days")


def by_hand() -> dict[str, dict[int, float]]:
    """Return the amount sold on each order day of each customer, by a plain loop over the lines."""
    found: dict[str, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for line in worlds.orders().lines.to_pylist():
        gone = line["cancelled_day"] is not None and line["cancelled_day"] <= worlds.AS_OF
        if line["quantity"] > 0 and not line["returned"] and not gone:
            found[line["customer_id"]][line["day"]] += line["amount"]
    return found


def test_the_order_days_and_amounts_are_those_that_stand_on_the_day(tmp_path: Path) -> None:
    table = CATALOG.pick(FEATURES).compute(worlds.history(), worlds.AS_OF)
    write_details(
        tmp_path / "00000.parquet", details_of(worlds.history(), table, worlds.AS_OF, features=FEATURES)
    )
    rows, expected = pq.read_table(tmp_path / "00000.parquet").to_pylist(), by_hand()
    assert [row["customer_id"] for row in rows] == sorted(expected)
    for row in rows:
        days = expected[row["customer_id"]]
        assert row["order_days"] == sorted(days)
        assert row["order_amounts"] == pytest.approx([days[day] for day in sorted(days)], abs=1e-9)


def test_features_are_kept_as_single_floats() -> None:
    table = CATALOG.pick(FEATURES).compute(worlds.history(), worlds.AS_OF)
    found = details_of(worlds.history(), table, worlds.AS_OF, features=FEATURES)
    kept = np.array(found["recency_days"].to_pylist(), dtype=np.float32)
    assert str(found.schema.field("recency_days").type) == "float"
    assert kept.tolist() == table.columns["recency_days"].astype(np.float32).tolist()


def test_of_many_order_days_the_last_ones_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    table = CATALOG.pick(FEATURES).compute(worlds.history(), worlds.AS_OF)
    whole = details_of(worlds.history(), table, worlds.AS_OF, features=()).to_pylist()
    monkeypatch.setattr(details, "MOST_ORDER_DAYS", 3)
    short = details_of(worlds.history(), table, worlds.AS_OF, features=()).to_pylist()
    for name in ("order_days", "order_amounts"):
        assert [row[name] for row in short] == [row[name][-3:] for row in whole]
