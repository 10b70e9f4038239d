"""Gamma-Gamma: what a customer spends on an order day, shrunk towards the mean of all."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from contracts.training import Columns, Floats, TrainingData
from models.btyd_fit import fit_gamma_gamma
from models.closed_form import GammaGamma
from models.contract import NoFit, read_numbers, write_numbers


@dataclass(frozen=True)
class Spend:
    """Expected amount per order day, from the customer's order days and their mean amount."""

    parameters: GammaGamma
    name: ClassVar[str] = "gamma_gamma"
    needs: ClassVar[tuple[str, ...]] = ("frequency", "monetary_value")

    @classmethod
    def fit(cls, data: TrainingData) -> Self:
        """Fit with lifetimes; on too little data every customer is expected to spend as before."""
        order_days, mean = data.now["frequency"] + 1.0, data.now["monetary_value"]
        try:
            return cls(fit_gamma_gamma(order_days, mean))
        except NoFit:
            some = mean[mean > 0]
            overall = float(some.mean()) if len(some) else 0.0
            # p = 1, q = 2: one order day of the population's mean is added to the customer's own.
            return cls(GammaGamma(1.0, 2.0, overall))

    def per_order_day(self, columns: Columns) -> Floats:
        """Return the expected amount per order day; (n,), at least 0."""
        expected = self.parameters.expected_spend(columns["frequency"] + 1.0, columns["monetary_value"])
        return np.maximum(expected, 0.0)

    def save(self, folder: Path) -> None:
        """Write gamma_gamma.json."""
        write_numbers(folder / "gamma_gamma.json", dict(vars(self.parameters)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read gamma_gamma.json."""
        return cls(GammaGamma(**read_numbers(folder / "gamma_gamma.json")))
