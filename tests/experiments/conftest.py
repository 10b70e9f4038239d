from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import experiments.tracking  # noqa: F401 (before any mlflow: it switches the telemetry off)
from experiments.train import Trained
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
def small() -> dict[str, Trained]:
    """Return two quickly trained models: BG/NBD alone, and the hiatus rule of a tiny shop."""
    return {base: worlds.simple(base) for base in ("bgnbd", "recency")}
