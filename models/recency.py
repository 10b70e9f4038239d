"""Baseline: the hiatus rule. Whoever ordered lately will order again; the share by days since the last order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from contracts.training import Columns, Floats, Prediction, TrainingData
from models.contract import at_each, read_numbers, write_numbers
from models.shares import ShareTable

EDGES = (7, 14, 21, 30, 45, 60, 90, 120, 150, 180, 240, 300, 365, 545, 730)


@dataclass(frozen=True)
class Recency:
    """The share of customers that bought by classes of recency_days, never rising with them."""

    shares: ShareTable
    name: ClassVar[str] = "recency"
    needs: ClassVar[tuple[str, ...]] = ("recency_days", "monetary_value")

    @classmethod
    def fit(cls, data: TrainingData) -> Self:
        """Learn the shares from the panel; NoFit without a finished window."""
        return cls(
            ShareTable.learn(data, lambda columns, _: _class_of(columns), len(EDGES) + 1, falling=True)
        )

    def p_order(self, columns: Columns, horizon: float) -> Floats:
        """Return the chance of at least one order day in the horizon; (n,)."""
        return self._answer(columns, horizon)[0]

    def p_alive(self, columns: Columns) -> Floats:
        """Return the chance of an order within a year, which stands in for being alive; (n,)."""
        return self.p_order(columns, 365.0)

    def expected_orders(self, columns: Columns, horizon: float) -> Floats:
        """Return the expected order days in the horizon; (n,)."""
        return self._answer(columns, horizon)[1]

    def along(self, columns: Columns, horizons: Sequence[float]) -> tuple[Floats, Floats]:
        """Return p_order and expected_orders at several horizons; (horizons, n) each."""
        return at_each(self, columns, horizons)

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer by the class of recency_days; value is the customer's mean amount per order day."""
        p, order_days = self._answer(columns, horizon)
        return Prediction(p, order_days, order_days * columns["monetary_value"])

    def _answer(self, columns: Columns, horizon: float) -> tuple[Floats, Floats]:
        p, order_days = self.shares.answer(_class_of(columns), horizon)
        # Inside a class the later last order stands first, by an amount that changes no level.
        return p * (1.0 - 1e-6 * columns["recency_days"] / (columns["recency_days"] + 365.0)), order_days

    def save(self, folder: Path) -> None:
        """Write recency.json."""
        write_numbers(folder / "recency.json", self.shares.numbers())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read recency.json."""
        return cls(ShareTable.of_numbers(read_numbers(folder / "recency.json")))


def _class_of(columns: Columns) -> NDArray[np.int64]:
    return np.searchsorted(np.array(EDGES, dtype=np.float64), columns["recency_days"])
