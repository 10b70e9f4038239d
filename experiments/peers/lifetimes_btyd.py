"""lifetimes: BG/NBD, MBG/NBD and Pareto/NBD, each with Gamma-Gamma, fitted and asked by lifetimes' own code.

As its documentation has it: days since the first purchase, spend from the repeat purchases of returning customers,
defaults, and a larger penalizer where a fit does not converge. Its answers that are not numbers (E[n] where a comes
near 1) become the chance of an order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from contracts.training import Columns, Floats, Prediction, TrainingData
from experiments.peers.quiet import quiet
from experiments.peers.summary import repeat_spend, sampled
from models.contract import NoFit

PENALIZERS = (0.0, 0.001, 0.01, 0.1)
LEAST_CUSTOMERS = 100
LEAST_REPEATERS = 20


@dataclass(frozen=True)
class LifetimesBgNbd:
    """lifetimes' BetaGeoFitter × GammaGammaFitter; spend is None where no customer has repeated with money."""

    fitter: Any
    spend: Any
    name: ClassVar[str] = "lifetimes_bgnbd"
    fitter_name: ClassVar[str] = "BetaGeoFitter"

    @classmethod
    def fit(cls, data: TrainingData) -> Self:
        """Fit on at most MOST_CUSTOMERS customers; NoFit with too few, or if no penalizer helps."""
        columns = sampled(data.now)
        x = columns["frequency"]
        repeaters = int((x > 0).sum())
        if len(x) < LEAST_CUSTOMERS or repeaters < LEAST_REPEATERS:
            raise NoFit(f"{len(x)} customers and {repeaters} repeaters are too few for {cls.name}")
        with quiet():
            import lifetimes

            fitter = _converged(
                getattr(lifetimes, cls.fitter_name), x, columns["recency"], columns["tenure"], {}
            )
            return cls(fitter, _spend(lifetimes.GammaGammaFitter, columns))

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer for one horizon."""
        with quiet():
            p = np.clip(self.p_order(columns, horizon), 0.0, 1.0)
            found = self.fitter.conditional_expected_number_of_purchases_up_to_time(
                horizon, *_summary(columns)
            )
            orders = np.asarray(found, dtype=np.float64)
            orders = np.where(np.isfinite(orders), orders, p)
            return Prediction(p, orders, orders * self.per_order(columns))

    def p_order(self, columns: Columns, horizon: float) -> Floats:
        """Return P(alive) (1 - ((alpha + T) / (alpha + T + h))^(r + x)); (n,). lifetimes itself has no such answer."""
        x, t_x, age = _summary(columns)
        r, alpha = (float(self.fitter.params_[name]) for name in ("r", "alpha"))
        silent = ((alpha + age) / (alpha + age + horizon)) ** (r + x)
        return np.asarray(self.fitter.conditional_probability_alive(x, t_x, age) * (1.0 - silent))

    def per_order(self, columns: Columns) -> Floats:
        """Return the expected amount per order day; (n,)."""
        x = columns["frequency"]
        if self.spend is None:
            return columns["monetary_value"]
        found = self.spend.conditional_expected_average_profit(x, repeat_spend(columns))
        return np.maximum(np.asarray(found, dtype=np.float64), 0.0)


@dataclass(frozen=True)
class LifetimesMbgNbd(LifetimesBgNbd):
    """lifetimes' ModifiedBetaGeoFitter × GammaGammaFitter."""

    name: ClassVar[str] = "lifetimes_mbgnbd"
    fitter_name: ClassVar[str] = "ModifiedBetaGeoFitter"


@dataclass(frozen=True)
class LifetimesParetoNbd(LifetimesBgNbd):
    """lifetimes' ParetoNBDFitter × GammaGammaFitter."""

    name: ClassVar[str] = "lifetimes_paretonbd"
    fitter_name: ClassVar[str] = "ParetoNBDFitter"

    def p_order(self, columns: Columns, horizon: float) -> Floats:
        """Return 1 - P(no purchase up to the horizon); where that is no number, by the likelihoods' ratio; (n,).

        A customer who stays silent has the same (x, t_x) and a longer T: P(silent for h days) is
        L(x, t_x, T + h) / L(x, t_x, T).
        """
        x, t_x, age = _summary(columns)
        none = np.asarray(
            self.fitter.conditional_probability_of_n_purchases_up_to_time(0, horizon, x, t_x, age)
        )
        values = [float(self.fitter.params_[name]) for name in ("r", "alpha", "s", "beta")]
        now, later = (
            self.fitter._conditional_log_likelihood(values, x, t_x, until) for until in (age, age + horizon)
        )
        sound = np.isfinite(none) & (none >= 0.0) & (none <= 1.0)
        return np.nan_to_num(1.0 - np.where(sound, none, np.exp(later - now)), nan=0.0)


def _summary(columns: Columns) -> tuple[Floats, Floats, Floats]:
    return columns["frequency"], columns["recency"], columns["tenure"]


def _converged(fitter: Callable[..., Any], *columns: Any) -> Any:
    """Return the fitter, fitted with the least penalizer that converges; the last column is its options."""
    *arrays, options = columns
    for penalizer in PENALIZERS:
        model = fitter(penalizer_coef=penalizer)
        try:
            model.fit(*arrays, **options)
        except Exception as error:  # lifetimes raises errors of numpy, scipy and its own alike
            reason = error
            continue
        if np.all(np.isfinite(np.asarray(model.params_, dtype=np.float64))):
            return model
        reason = ValueError("the parameters are no numbers")
    raise NoFit(f"lifetimes did not converge with any penalizer up to {PENALIZERS[-1]}: {reason}")


def _spend(fitter: Callable[..., Any], columns: Columns) -> Any:
    x, mean = columns["frequency"], repeat_spend(columns)
    some = (x > 0) & (mean > 0)
    if some.sum() < LEAST_REPEATERS:
        return None
    try:
        model = _converged(fitter, x[some], mean[some], {})
        if float(model.params_["q"]) <= 1.0:  # no population mean: lifetimes offers a constraint
            model = _converged(fitter, x[some], mean[some], {"q_constraint": True})
    except NoFit:
        return None
    return model if float(model.params_["q"]) > 1.0 else None
