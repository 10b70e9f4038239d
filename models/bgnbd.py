"""BG/NBD: orders at a personal rate until the customer silently leaves after an order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from contracts.training import Columns
from models.btyd_fit import Certificate, fit_btyd
from models.btyd_model import LEAST_CUSTOMERS, LEAST_REPEATERS, BtydModel, summary
from models.closed_form import Btyd

__all__ = ["LEAST_CUSTOMERS", "LEAST_REPEATERS", "BgNbd"]


@dataclass(frozen=True)
class BgNbd(BtydModel):
    """BG/NBD with Gamma-Gamma spend, fitted by lifetimes; times in days."""

    parameters: Btyd
    name: ClassVar[str] = "bgnbd"
    modified: ClassVar[bool] = False

    @classmethod
    def fit_parameters(cls, now: Columns) -> tuple[Btyd, Certificate]:
        """Fit with lifetimes."""
        return fit_btyd(*summary(now), modified=cls.modified)

    @classmethod
    def read_parameters(cls, numbers: dict[str, Any]) -> Btyd:
        """Return the parameters from plain numbers."""
        return Btyd(**numbers)
