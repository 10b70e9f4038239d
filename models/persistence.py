"""Baseline: the near future is like the near past. What a customer did in the last h days, again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from contracts.training import Columns, Prediction, TrainingData
from models.contract import read_numbers, write_numbers
from models.shares import ShareTable

WINDOWS = (30, 90, 180, 365)
MOST_ORDERS = 5


@dataclass(frozen=True)
class Persistence:
    """The share of customers that bought, by their orders in a past window as long as the horizon."""

    shares: ShareTable
    name: ClassVar[str] = "persistence"
    needs: ClassVar[tuple[str, ...]] = tuple(f"{what}_{d}d" for what in ("orders", "spend") for d in WINDOWS)

    @classmethod
    def fit(cls, data: TrainingData) -> Self:
        """Learn the shares from the panel."""
        return cls(ShareTable.learn(data, _class_of, MOST_ORDERS + 1))

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer by the class of past orders; value is the past window's spend, at least 0."""
        window = _window(horizon)
        p, order_days = self.shares.answer(_class_of(columns, horizon), horizon)
        spend = np.maximum(columns[f"spend_{window}d"], 0.0) * (horizon / window)
        return Prediction(p, order_days, spend)

    def save(self, folder: Path) -> None:
        """Write persistence.json."""
        write_numbers(folder / "persistence.json", self.shares.numbers())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read persistence.json."""
        return cls(ShareTable.of_numbers(read_numbers(folder / "persistence.json")))


def _window(horizon: float) -> int:
    return min(WINDOWS, key=lambda window: abs(window - horizon))


def _class_of(columns: Columns, horizon: float) -> NDArray[np.int64]:
    return np.minimum(columns[f"orders_{_window(horizon)}d"], MOST_ORDERS).astype(np.int64)
