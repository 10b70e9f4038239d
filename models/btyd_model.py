"""What the four BTYD models share: answers in closed form, Gamma-Gamma spend, and their folder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from contracts.training import Columns, Floats, Prediction, TrainingData
from models.btyd_fit import Certificate
from models.contract import NoFit, at_each, read_numbers, write_numbers
from models.gamma_gamma import Spend

LEAST_CUSTOMERS = 100
LEAST_REPEATERS = 20
FEW = 256  # customers up to whom all horizons at once are quicker than one after the other


class Form(Protocol):
    """Parameters that answer for order days less one, days to the last order and to the cutoff; (n,) each.

    h may be (horizons, 1): then the answer is (horizons, n).
    """

    def p_alive(self, x: Floats, t_x: Floats, age: Floats) -> Floats:
        """Return the chance of still being a customer; (n,)."""
        ...

    def p_order(self, x: Floats, t_x: Floats, age: Floats, h: float | Floats) -> Floats:
        """Return the chance of at least one order in the next h days; (n,)."""
        ...

    def expected_orders(self, x: Floats, t_x: Floats, age: Floats, h: float | Floats) -> Floats:
        """Return the expected orders in the next h days; (n,)."""
        ...


@dataclass(frozen=True)
class BtydModel(ABC):
    """A buy-till-you-die model with Gamma-Gamma spend; times in days."""

    parameters: Form
    certificate: Certificate
    spend: Spend
    name: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ("frequency", "recency", "tenure", "monetary_value")

    @classmethod
    @abstractmethod
    def fit_parameters(cls, now: Columns) -> tuple[Form, Certificate]:
        """Fit to the summary of all customers; NoFit if nothing converges."""

    @classmethod
    @abstractmethod
    def read_parameters(cls, numbers: dict[str, Any]) -> Form:
        """Return the parameters from plain numbers."""

    @classmethod
    def fit(cls, data: TrainingData, *, spend: Spend | None = None) -> Self:
        """Fit on compressed rows. spend: where the spend model has been fitted already.

        NoFit under LEAST_CUSTOMERS customers or LEAST_REPEATERS repeaters, or if nothing converges.
        """
        x = data.now["frequency"]
        repeaters = int((x > 0).sum())
        if len(x) < LEAST_CUSTOMERS or repeaters < LEAST_REPEATERS:
            raise NoFit(f"{len(x)} customers and {repeaters} repeaters are too few for {cls.name}")
        parameters, certificate = cls.fit_parameters(data.now)
        return cls(parameters, certificate, Spend.fit(data) if spend is None else spend)

    def p_alive(self, columns: Columns) -> Floats:
        """Return the chance of still being a customer; (n,)."""
        return self.parameters.p_alive(*summary(columns))

    def p_order(self, columns: Columns, horizon: float) -> Floats:
        """Return the chance of at least one order day in the horizon; (n,)."""
        return self.parameters.p_order(*summary(columns), horizon)

    def expected_orders(self, columns: Columns, horizon: float) -> Floats:
        """Return the expected order days in the horizon; (n,), at least the chance of one."""
        orders = self.parameters.expected_orders(*summary(columns), horizon)
        return np.maximum(orders, self.p_order(columns, horizon))

    def along(self, columns: Columns, horizons: Sequence[float]) -> tuple[Floats, Floats]:
        """Return p_order and expected_orders at several horizons; (horizons, n) each."""
        if len(columns["frequency"]) > FEW:
            return at_each(self, columns, horizons)
        seen, h = summary(columns), np.array(horizons, dtype=np.float64)[:, None]
        p = self.parameters.p_order(*seen, h)
        return p, np.maximum(self.parameters.expected_orders(*seen, h), p)

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer from the closed forms."""
        orders, p = self.expected_orders(columns, horizon), self.p_order(columns, horizon)
        return Prediction(p, orders, orders * self.spend.per_order_day(columns))

    def save(self, folder: Path) -> None:
        """Write <name>.json and gamma_gamma.json."""
        write_numbers(
            folder / f"{self.name}.json",
            {"parameters": dict(vars(self.parameters)), "certificate": dict(vars(self.certificate))},
        )
        self.spend.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        numbers = read_numbers(folder / f"{cls.name}.json")
        parameters = cls.read_parameters(numbers["parameters"])
        return cls(parameters, Certificate(**numbers["certificate"]), Spend.load(folder))


def summary(columns: Columns) -> tuple[Floats, Floats, Floats]:
    """Return x, t_x and T; (n,) each."""
    return columns["frequency"], columns["recency"], columns["tenure"]
