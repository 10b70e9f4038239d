"""MBG/CNBD-k: like MBG/NBD, but the customer orders more regularly: gaps are Erlang-k."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from contracts.training import Columns
from models.btyd_erlang import Erlang
from models.btyd_erlang_fit import fit_erlang
from models.btyd_fit import Certificate
from models.btyd_model import BtydModel, summary

LOG_GAP = "gap_log_mean"  # mean logarithm of the days between order days; only `fit` reads it


@dataclass(frozen=True)
class MbgCnbdK(BtydModel):
    """MBG/CNBD-k with Gamma-Gamma spend; times in days. The column `gap_log_mean` may only lower k."""

    parameters: Erlang
    name: ClassVar[str] = "mbgcnbdk"

    @classmethod
    def fit_parameters(cls, now: Columns) -> tuple[Erlang, Certificate]:
        """Fit by the exact likelihood and its slope, for each k that may be the likeliest."""
        x = now["frequency"]
        some = x > 0
        log_gaps = float(np.sum(x[some] * now[LOG_GAP][some])) if LOG_GAP in now else None
        return fit_erlang(*summary(now), log_gaps)

    @classmethod
    def read_parameters(cls, numbers: dict[str, Any]) -> Erlang:
        """Return the parameters from plain numbers."""
        return Erlang(**numbers)
