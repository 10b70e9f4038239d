"""pymc-marketing: BG/NBD × Gamma-Gamma by their maximum a posteriori, with the package's own priors.

Takes part where the extra `peers` is installed. Full sampling takes hours on a shop's base and is not run.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa

from contracts.training import Columns, Floats, Prediction, TrainingData
from experiments.peers.quiet import quiet
from experiments.peers.summary import repeat_spend, sampled
from models.contract import NoFit

LEAST_REPEATERS = 20
PACKAGE = "pymc_marketing"


def installed() -> bool:
    """Tell whether pymc-marketing is there, without importing it."""
    return importlib.util.find_spec(PACKAGE) is not None


@dataclass(frozen=True)
class PymcBgNbd:
    """pymc-marketing's BetaGeoModel × GammaGammaModel."""

    orders: Any
    spend: Any
    name: ClassVar[str] = "pymc_bgnbd"

    @classmethod
    def fit(cls, data: TrainingData) -> Self:
        """Fit on at most MOST_CUSTOMERS customers; NoFit with too few repeaters, or where it fails."""
        columns = sampled(data.now)
        spenders = (columns["frequency"] > 0) & (repeat_spend(columns) > 0)
        if spenders.sum() < LEAST_REPEATERS:
            raise NoFit(
                f"{int(spenders.sum())} customers have repeated with money; {LEAST_REPEATERS} are needed"
            )
        some = {name: values[spenders] for name, values in columns.items()}
        with quiet("pymc", "pytensor", "arviz"):
            clv: Any = importlib.import_module(
                f"{PACKAGE}.clv"
            )  # where the extra is not installed, it has no types
            try:
                orders = clv.BetaGeoModel(data=_frame(columns))
                orders.fit(method="map", progressbar=False)
                spend = clv.GammaGammaModel(data=_frame(some))
                spend.fit(method="map", progressbar=False)
            except Exception as error:  # errors of pymc, pytensor and scipy alike
                raise NoFit(f"pymc-marketing failed: {type(error).__name__}: {error}") from None
        return cls(orders, spend)

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer for one horizon."""
        with quiet("pymc", "pytensor", "arviz"):
            frame = _frame(columns)
            none = _array(self.orders.expected_probability_no_purchase(int(horizon), frame))
            found = _array(self.orders.expected_purchases(frame, future_t=int(horizon)))
            worth = _array(self.spend.expected_customer_spend(frame))
        p = np.clip(1.0 - none, 0.0, 1.0)
        orders = np.where(np.isfinite(found), found, p)
        return Prediction(p, orders, orders * np.maximum(worth, 0.0))


def _frame(columns: Columns) -> Any:
    """Return the data frame that pymc-marketing asks for."""
    return pa.table(
        {
            "customer_id": np.arange(len(columns["frequency"])),
            "frequency": columns["frequency"],
            "recency": columns["recency"],
            "T": columns["tenure"],
            "monetary_value": repeat_spend(columns),
        }
    ).to_pandas()


def _array(answer: Any) -> Floats:
    """Return the mean over chains and draws (one each for a MAP); (n,)."""
    return np.asarray(answer.mean(("chain", "draw")), dtype=np.float64)
