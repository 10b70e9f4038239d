"""Train, keep and ask LightGBM boosters.

A booster lives as text. The text records how many threads trained it; that line is fixed, so that the same
rows give the same bytes at any number of threads.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from contracts.training import Floats

# LightGBM's threads spin while they wait for each other: beside other work a training takes ten times as long.
# OpenMP reads this once, when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import lightgbm
from lightgbm import Booster as Booster

_SAME_EVERYWHERE: dict[str, Any] = {
    "verbose": -1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 1,
}


def train(
    design: Floats,
    target: Floats,
    *,
    start: Floats,
    names: list[str],
    parameters: dict[str, Any],
    weight: Floats | None = None,
    threads: int = 0,
) -> Booster:
    """Train a booster on (n, k) rows from a starting score (n,); threads 0 means all cores."""
    parameters = {**_SAME_EVERYWHERE, **parameters, "num_threads": threads}
    rounds = parameters.pop("rounds")
    start = np.ascontiguousarray(start)  # a view of the design would make LightGBM copy all of it
    data = lightgbm.Dataset(design, target, init_score=start, weight=weight, feature_name=names)
    trained = lightgbm.train(parameters, data, rounds)
    return Booster(model_str=text_of(trained))


def text_of(booster: Booster) -> str:
    """Return the booster's text, without the number of threads."""
    return re.sub(r"\[num_threads: -?\d+\]", "[num_threads: 0]", booster.model_to_string())


def write(booster: Booster, path: Path) -> None:
    """Write the booster's text."""
    path.write_text(text_of(booster), encoding="utf-8")


def read(path: Path) -> Booster:
    """Read a booster. Only for files whose checksum was verified: LightGBM aborts on damaged ones."""
    return Booster(model_str=path.read_text(encoding="utf-8"))


def ask(booster: Booster, design: Floats) -> Floats:
    """Return raw scores (n,) without the starting score; one thread for few rows, else all."""
    threads = 1 if len(design) < 2000 else 0
    return np.asarray(booster.predict(design, raw_score=True, num_threads=threads), dtype=np.float64)
