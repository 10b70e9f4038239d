from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import experiments.tracking  # noqa: F401 (before any mlflow: it switches the telemetry off)
from contracts.days import to_day
from experiments.recipe import Recipe
from experiments.train import Trained
from features.orders import read_orders
from tests import worlds


@dataclass(frozen=True)
class Tracking:
    """One MLflow database for the session; each test takes a shop name of its own."""

    uri: str
    folder: Path


@pytest.fixture(scope="session")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    folder = tmp_path_factory.mktemp("mlflow")
    return Tracking(f"sqlite:///{folder / 'mlflow.db'}", folder)


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Trained]:
    """Return two quickly trained models: BG/NBD alone, and the hiatus rule of a tiny shop."""
    folder, day = tmp_path_factory.mktemp("small"), to_day(worlds.FIRST) + 260
    rows = worlds.order_rows(customers=300, days=261, seed=9)
    tiny = [row for row in rows if int(row["customer_id"]) < 60]
    found = {}
    for name, part, model in (("bgnbd", rows, "bgnbd"), ("recency", tiny, "ensemble")):
        orders = read_orders(worlds.write_csv(folder / f"{name}.csv", part))
        recipe = Recipe(horizons=(30,), cutoffs=4, model=model)
        found[name] = worlds.train_on(orders, folder / name, as_of=day, recipe=recipe)
    return found
