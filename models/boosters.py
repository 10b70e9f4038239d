"""Train, keep and ask LightGBM boosters.

A booster lives as text. The text records how many threads trained it; that line is fixed, so that the same
rows give the same bytes at any number of threads. LightGBM 4.6 and 4.7 read each other's texts and give them back
to the letter (text format v4; a text of 4.6.0 stands in the tests).
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

VERSION: str = lightgbm.__version__
_SAME_EVERYWHERE: dict[str, Any] = {
    "verbose": -1,
    "deterministic": True,
    "force_col_wise": True,  # row-wise sums depend on the number of threads
    "seed": 1,
}
# Fewer bins than LightGBM's 255 cost no accuracy here and a third of the time.
_BINNING: dict[str, Any] = {"max_bin": 63, "feature_pre_filter": False, "verbose": -1}


class Design:
    """The rows that boosters learn from, binned once: (n, k) values and the k columns' names."""

    def __init__(self, rows: Floats, names: list[str]) -> None:
        """Bin the rows; NaN is a value of its own."""
        self.names = names
        self._data = lightgbm.Dataset(rows, feature_name=names, params=_BINNING, free_raw_data=False)

    def train(
        self,
        target: Floats,
        *,
        start: Floats,
        parameters: dict[str, Any],
        weight: Floats | None = None,
        unseen: tuple[str, ...] = (),
        threads: int = 0,
    ) -> Booster:
        """Train a booster of the target (n,) from a starting score (n,); threads 0 means all cores.

        unseen: columns that it may not split by.
        """
        parameters = {**_SAME_EVERYWHERE, **_BINNING, **parameters, "num_threads": threads}
        if unseen:
            parameters["feature_contri"] = [0.0 if name in unseen else 1.0 for name in self.names]
        rounds = parameters.pop("rounds")
        self._data.set_label(target)
        self._data.set_init_score(np.ascontiguousarray(start))
        self._data.set_weight(weight)
        trained = lightgbm.train(parameters, self._data, rounds)
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


def read_by(booster: Booster) -> frozenset[str]:
    """Return the columns that some tree splits by: the others may hold anything."""
    splits = zip(booster.feature_name(), booster.feature_importance("split"), strict=True)
    return frozenset(name for name, count in splits if count)


def ask(booster: Booster, design: Floats, *, rounds: int | None = None) -> Floats:
    """Return raw scores (n,) without the starting score; one thread for few rows, else all.

    rounds: how many of the first trees to ask; default all.
    """
    threads = 1 if len(design) < 2000 else 0
    raw = booster.predict(design, raw_score=True, num_threads=threads, num_iteration=rounds or -1)
    return np.asarray(raw, dtype=np.float64)
