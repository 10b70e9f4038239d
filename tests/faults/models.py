"""Models of literal numbers, as many as are wanted, each with other answers; made without a fit."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from features.catalog import BTYD_SUMMARY, CATALOG
from models.btyd_fit import Certificate
from models.bundle import write_bundle
from models.closed_form import Btyd, GammaGamma
from models.ensemble import Ensemble
from models.gamma_gamma import Spend
from models.level import Level
from models.mbgnbd import MbgNbd

MANIFEST: Mapping[str, Any] = {
    "model": "ensemble",
    "horizon": 90,
    "first_day": "2020-01-01",
    "horizons": [30, 90],
    "learnt_until_days": 0,
    "as_of": "2023-12-28",
    "currency": "XXX",
    "timezone": "UTC",
    "clv": {"days": 365, "margin": 1.0, "discount_rate": 0.1},
    "backtest": None,
}


def write_model(folder: Path, number: int = 0, **told: Any) -> str:
    """Write the model of a number into a new folder and return its version."""
    spend = Spend(GammaGamma(6.25, 3.74, 15.44))
    btyd = Btyd(0.52 + 0.001 * number, 76.0, 0.6, 1.5, True)
    base = MbgNbd(btyd, Certificate(-1.0, 3, 3, 1, 0.0, False), spend)
    model = Ensemble(base, spend, None, 0.0, Level.none())
    names = tuple(dict.fromkeys((*BTYD_SUMMARY, *model.needs)))
    sample = {name: np.array([0.0, 2.0, 5.0]) for name in (*names, "recency")}
    sample["tenure"] = np.array([10.0, 200.0, 400.0])
    features = {name: next(iter(CATALOG.pick([name]))).source_hash for name in names}
    manifest = {**MANIFEST, "parts": model.parts, "features": features, **told}
    return write_bundle(folder, model, manifest=manifest, sample=sample)


def put(fresh: Path, folder: Path) -> None:
    """Put a finished folder in the place of another, as `repurchase train --out` does."""
    old = folder.with_name(f".{folder.name}.old")
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
