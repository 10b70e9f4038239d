from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import serving.batch.history as kept
from contracts.days import to_date
from features.kernel.history import History
from features.orders import read_orders
from serving.batch.history import Forecast, keep, kept_rows
from tests import worlds

DAY, HORIZON = worlds.AS_OF - 30, 60


@cache
def lines() -> pa.Table:
    return read_orders(worlds.orders_file()).lines


def forecast(folder: Path, names: list[str]) -> Forecast:
    """Keep a forecast of customers, the first one best, each with his own chance; read it back."""
    rows = [
        {"customer_id": name, "rank": k + 1, "percentile": 100.0, "tier": "focus", "p": 1 / (k + 2),
         "expected_value": 10.0 / (k + 1)}
        for k, name in enumerate(names)
    ]  # fmt: skip
    facts = {
        "as_of": to_date(DAY).isoformat(),
        "horizon": HORIZON,
        "model_version": "v1",
        "customers": len(names),
    }
    keep(folder / "history", pa.Table.from_pylist(rows), facts=facts)
    found = Forecast.finished(folder / "history", DAY + HORIZON)
    assert found is not None
    return found


def by_hand(names: list[str]) -> list[dict[str, float]]:
    """Return what happened in each tenth by plain loops: order days and money of DAY+1 … DAY+HORIZON."""
    end = DAY + HORIZON
    tenths = [{"customers": 0.0, "buyers": 0.0, "value": 0.0} for _ in range(10)]
    rows = lines().to_pylist()
    for place, name in enumerate(names):
        bought, value = False, 0.0
        for line in (row for row in rows if row["customer_id"] == name and DAY < row["day"] <= end):
            gone = line["cancelled_day"] is not None and line["cancelled_day"] <= end
            bought |= line["quantity"] > 0 and not line["returned"] and not gone
            value += line["amount"]  # what is taken back counts on its own day
        tenth = tenths[place * 10 // len(names)]
        tenth["customers"] += 1
        tenth["buyers"] += bought
        tenth["value"] += value
    return tenths


def known_then() -> list[str]:
    """Return 60 customers of that day."""
    names = {
        row["customer_id"]
        for row in lines().to_pylist()
        if row["day"] <= DAY - 60 and row["quantity"] > 0 and row["cancelled_day"] is None
    }
    return sorted(names)[:60]


def test_each_tenth_brought_what_plain_loops_count(tmp_path: Path) -> None:
    names = known_then()
    found = forecast(tmp_path, names)
    told = found.report([found.happened(History.from_lines(lines()))])
    for tenth, expected in zip(told["tenths"], by_hand(names), strict=True):
        assert (tenth["customers"], tenth["buyers"]) == (expected["customers"], expected["buyers"])
        assert tenth["value"] == pytest.approx(expected["value"])
    assert told["total"]["buyers"] > 5 and told["customers_gone"] == 0


def test_what_was_expected_is_summed_by_tenths(tmp_path: Path) -> None:
    names = known_then()
    found = forecast(tmp_path, names)
    told = found.report([found.happened(History.from_lines(lines()))])
    assert told["tenths"][0]["expected_buyers"] == pytest.approx(sum(1 / (k + 2) for k in range(6)))
    assert told["total"]["expected_value"] == pytest.approx(sum(10.0 / (k + 1) for k in range(60)))


def test_parts_of_the_base_add_up(tmp_path: Path) -> None:
    found = forecast(tmp_path, known_then())
    history = History.from_lines(lines())
    places = np.arange(len(history.names))
    parts = [found.happened(history.of_customers(places[start::3])) for start in range(3)]
    assert found.report(parts) == found.report([found.happened(history)])


def test_customers_who_are_gone_are_counted(tmp_path: Path) -> None:
    found = forecast(tmp_path, ["nobody", *known_then(), "no one"])
    assert found.report([found.happened(History.from_lines(lines()))])["customers_gone"] == 2


def test_a_part_without_any_of_them_counts_nothing(tmp_path: Path) -> None:
    found = forecast(tmp_path, ["nobody"])
    assert found.happened(History.from_lines(lines()))["customers"] == [0.0] * 10


def test_the_latest_forecast_whose_horizon_is_over_is_read(tmp_path: Path) -> None:
    for back in (100, 61, 60, 59):
        facts: dict[str, Any] = {
            "as_of": to_date(DAY - back).isoformat(),
            "horizon": 60,
            "model_version": "v",
        }
        rows = {name: [1] for name in kept.COLUMNS}
        keep(tmp_path / "history", pa.table(rows), facts={**facts, "customers": back})
    found = Forecast.finished(tmp_path / "history", DAY)
    assert found is not None and (found.day, found.customers) == (DAY - 60, 60)
    assert Forecast.finished(tmp_path / "history", DAY - 101) is None
    assert Forecast.finished(tmp_path / "nothing", DAY) is None


@pytest.mark.parametrize(
    ("customers", "count"), [(7, 7), (20_000, 20_000), (20_001, 10_000), (1_000_000, 20_000)]
)
def test_a_large_base_is_kept_evenly_by_rank(customers: int, count: int) -> None:
    rank = np.arange(1, customers + 1)
    found = rank[kept_rows(rank, customers)]
    assert len(found) == count and len(set(np.diff(found))) <= 1
    tenths = np.bincount((found - 1) * 10 // customers, minlength=10)
    assert np.ptp(tenths) <= 1


def test_old_forecasts_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_DAYS", 2)
    for back in (3, 2, 1):
        facts = {
            "as_of": to_date(DAY - back).isoformat(),
            "horizon": 60,
            "model_version": "v",
            "customers": 1,
        }
        keep(tmp_path / "history", pa.table({name: [1] for name in kept.COLUMNS}), facts=facts)
    names = [path.name for path in sorted((tmp_path / "history").iterdir())]
    assert names == [f"{to_date(DAY - 2)}.parquet", f"{to_date(DAY - 1)}.parquet"]


@pytest.mark.parametrize(
    ("learnt_until", "in_sample"), [(DAY - 61, False), (DAY - 60, False), (DAY - 59, True)]
)
def test_days_that_the_model_had_learnt_from_are_no_test_of_it(
    tmp_path: Path, learnt_until: int, in_sample: bool
) -> None:
    as_of, learnt = (to_date(day).isoformat() for day in (DAY - 60, learnt_until))
    facts = {"as_of": as_of, "horizon": 60, "model_version": "v", "model_as_of": learnt, "customers": 1}
    keep(tmp_path / "history", pa.table({name: [1] for name in kept.COLUMNS}), facts=facts)
    found = Forecast.finished(tmp_path / "history", DAY)
    assert found is not None and found.in_sample is in_sample
