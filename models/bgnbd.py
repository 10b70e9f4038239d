"""BG/NBD: orders at a personal rate until the customer silently leaves after an order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from contracts.training import Columns, Floats, Prediction, TrainingData
from models.btyd_fit import Certificate, fit_btyd
from models.closed_form import Btyd
from models.contract import NoFit, read_numbers, write_numbers
from models.gamma_gamma import Spend

LEAST_CUSTOMERS = 100
LEAST_REPEATERS = 20


@dataclass(frozen=True)
class BgNbd:
    """BG/NBD with Gamma-Gamma spend; times in days."""

    parameters: Btyd
    certificate: Certificate
    spend: Spend
    name: ClassVar[str] = "bgnbd"
    modified: ClassVar[bool] = False
    needs: ClassVar[tuple[str, ...]] = ("frequency", "recency", "tenure", "monetary_value")

    @classmethod
    def fit(cls, data: TrainingData) -> Self:
        """Fit with lifetimes on compressed rows.

        NoFit under LEAST_CUSTOMERS customers or LEAST_REPEATERS repeaters, or if nothing converges.
        """
        x, t_x, age = (data.now[name] for name in cls.needs[:3])
        repeaters = int((x > 0).sum())
        if len(x) < LEAST_CUSTOMERS or repeaters < LEAST_REPEATERS:
            raise NoFit(f"{len(x)} customers and {repeaters} repeaters are too few for {cls.name}")
        parameters, certificate = fit_btyd(x, t_x, age, modified=cls.modified)
        return cls(parameters, certificate, Spend.fit(data))

    def p_alive(self, columns: Columns) -> Floats:
        """Return the chance of still being a customer; (n,)."""
        return self.parameters.p_alive(*_summary(columns))

    def p_order(self, columns: Columns, horizon: float) -> Floats:
        """Return the chance of at least one order day in the horizon; (n,)."""
        return self.parameters.p_order(*_summary(columns), horizon)

    def expected_orders(self, columns: Columns, horizon: float) -> Floats:
        """Return the expected order days in the horizon; (n,)."""
        return self.parameters.expected_orders(*_summary(columns), horizon)

    def predict(self, columns: Columns, horizon: float) -> Prediction:
        """Answer from the closed forms."""
        orders = self.expected_orders(columns, horizon)
        value = orders * self.spend.per_order_day(columns)
        return Prediction(self.p_order(columns, horizon), orders, value)

    def save(self, folder: Path) -> None:
        """Write bgnbd.json (or mbgnbd.json) and gamma_gamma.json."""
        write_numbers(
            folder / f"{self.name}.json",
            {"parameters": dict(vars(self.parameters)), "certificate": dict(vars(self.certificate))},
        )
        self.spend.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        numbers = read_numbers(folder / f"{cls.name}.json")
        return cls(Btyd(**numbers["parameters"]), Certificate(**numbers["certificate"]), Spend.load(folder))


def _summary(columns: Columns) -> tuple[Floats, Floats, Floats]:
    return columns["frequency"], columns["recency"], columns["tenure"]
