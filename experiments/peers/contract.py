"""What every peer offers: a name, and answers for named feature columns."""

from __future__ import annotations

from typing import Protocol

from contracts.training import Columns, Prediction


class Fitted(Protocol):
    """A peer (or a model of ours) that has learnt."""

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer for (n,) customers as of the end of `day` and a horizon in days."""
        ...
