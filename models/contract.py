"""What every model offers: learn from TrainingData, answer for named feature columns, live in a folder.

A model's name is the name of its file. `fit` may use lifetimes and scikit-learn; `predict` needs numpy and
LightGBM only. NoFit says that there is too little to learn from; the caller degrades to the next model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from contracts.errors import ContractError
from contracts.training import Columns, Floats, Prediction, TrainingData

SMALLEST_P = 1e-6
LARGEST_P = 1.0 - 1e-9


class NoFit(Exception):
    """There is too little to learn from, or the likelihood has no usable maximum; the message says which."""


class Model(Protocol):
    """A model of the chance to buy again and of what is spent."""

    name: ClassVar[str]

    @property
    def needs(self) -> tuple[str, ...]:
        """The feature columns that `predict` reads."""
        ...

    @classmethod
    def fit(cls, data: TrainingData) -> Self:
        """Learn; NoFit if there is too little."""
        ...

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer for (n,) customers as of the end of `day` and a horizon in days."""
        ...

    def save(self, folder: Path) -> None:
        """Write plain numbers into a folder."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        ...


class Answering(Protocol):
    """What answers one horizon (days) after the other; (n,) each."""

    def p_order(self, columns: Columns, horizon: float) -> Floats:
        """Return the chance of at least one order day in the horizon; (n,)."""
        ...

    def expected_orders(self, columns: Columns, horizon: float) -> Floats:
        """Return the expected order days in the horizon; (n,)."""
        ...


def at_each(model: Answering, columns: Columns, horizons: Sequence[float]) -> tuple[Floats, Floats]:
    """Return p_order and expected_orders at several horizons, one after the other; (horizons, n) each."""
    p = np.array([model.p_order(columns, h) for h in horizons])
    return p, np.array([model.expected_orders(columns, h) for h in horizons])


def logit(p: Floats) -> Floats:
    """Return log odds, p held inside [SMALLEST_P, 1 - SMALLEST_P]."""
    safe = np.clip(p, SMALLEST_P, 1.0 - SMALLEST_P)
    return np.asarray(np.log(safe / (1.0 - safe)))


def sigmoid(z: Floats) -> Floats:
    """Return the probability of log odds z."""
    return np.asarray(1.0 / (1.0 + np.exp(-z)))


def write_numbers(path: Path, numbers: dict[str, Any]) -> None:
    """Write plain numbers as JSON with sorted keys, each float in full."""
    path.write_text(json.dumps(numbers, indent=1, sort_keys=True, allow_nan=False) + "\n", encoding="utf-8")


def read_numbers(path: Path) -> dict[str, Any]:
    """Read what `write_numbers` wrote."""
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict):
        raise ContractError(f"{path.name} holds no table of numbers")
    return found
