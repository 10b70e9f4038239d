"""Pareto/NBD: orders at a personal rate until the customer dies unseen, on any day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from contracts.training import Columns
from models.btyd_fit import Certificate
from models.btyd_model import BtydModel, summary
from models.btyd_pareto import Pareto
from models.btyd_pareto_fit import fit_pareto


@dataclass(frozen=True)
class ParetoNbd(BtydModel):
    """Pareto/NBD with Gamma-Gamma spend; times in days."""

    parameters: Pareto
    name: ClassVar[str] = "paretonbd"

    @classmethod
    def fit_parameters(cls, now: Columns) -> tuple[Pareto, Certificate]:
        """Fit by the exact likelihood and its slope."""
        return fit_pareto(*summary(now))

    @classmethod
    def read_parameters(cls, numbers: dict[str, Any]) -> Pareto:
        """Return the parameters from plain numbers."""
        return Pareto(**numbers)
