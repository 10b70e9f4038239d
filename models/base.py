"""The base of a prediction: the first of BTYD or the hiatus rule that can be fitted."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np

from contracts.training import Columns, Floats, TrainingData
from models.bgnbd import BgNbd
from models.contract import SMALLEST_P, Model, NoFit
from models.mbgnbd import MbgNbd
from models.recency import Recency


class Base(Model, Protocol):
    """A model that answers any horizon in closed form."""

    def p_alive(self, columns: Columns) -> Floats:
        """Return the chance of still being a customer; (n,)."""
        ...

    def p_order(self, columns: Columns, horizon: float) -> Floats:
        """Return the chance of at least one order day in the horizon; (n,)."""
        ...

    def expected_orders(self, columns: Columns, horizon: float) -> Floats:
        """Return the expected order days in the horizon; (n,)."""
        ...


_BASES: dict[str, type[BgNbd] | type[Recency]] = {"bgnbd": BgNbd, "mbgnbd": MbgNbd, "recency": Recency}


def best_base(data: TrainingData) -> tuple[Base, str]:
    """Fit BG/NBD and MBG/NBD and return the likelier, or the hiatus rule and why it is not one of them.

    Both have four parameters and see the same customers, so that their likelihoods compare fairly. NoFit if
    the hiatus rule cannot be fitted either.
    """
    found: list[BgNbd] = []
    reasons: list[str] = []
    for kind in (MbgNbd, BgNbd):
        try:
            found.append(kind.fit(data))
        except NoFit as reason:
            reasons.append(f"{kind.name}: {reason}")
    if found:
        return max(found, key=lambda model: model.certificate.log_likelihood), ""
    return Recency.fit(data), "; ".join(reasons)


def orders_per_buyer(base: Base, columns: Columns, horizon: float) -> Floats:
    """Return the expected order days of those who order at all in the horizon; (n,), at least 1."""
    chance = np.maximum(base.p_order(columns, horizon), SMALLEST_P)
    return np.maximum(base.expected_orders(columns, horizon) / chance, 1.0)


def load_base(name: str, folder: Path) -> Base:
    """Read the base model of this name."""
    return _BASES[name].load(folder)
