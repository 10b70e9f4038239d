"""Fit BG/NBD, MBG/NBD and Gamma-Gamma with lifetimes on compressed rows.

Customers with the same (x, t_x, T) are one row with a weight: the likelihood is the same and the fit is many
times quicker. Above MOST_ROWS distinct rows, t_x and T are rounded to the nearest week first (to nearest:
flooring biases alpha). Several starts are tried; the best log likelihood wins, and a certificate in the bundle says
how far the starts agreed and whether a bound was reached.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from contracts.training import Floats
from models.closed_form import Btyd, GammaGamma
from models.contract import NoFit

MOST_ROWS = 120_000
WEEK = 7.0
LEAST_SPENDERS = 20
# Log parameters (r, alpha on lifetimes' scale of ten time units, a, b): starts, and how far a fit may go.
_STARTS = ((-1.4, -1.0, -0.3, 0.9), (0.0, 1.0, -2.0, 0.5))
_FARTHEST = 9.0


@dataclass(frozen=True)
class Certificate:
    """Why a fit may be trusted: the best log likelihood, and by how much the starts disagreed on it."""

    log_likelihood: float
    customers: int
    distinct_rows: int
    starts_converged: int
    spread: float
    at_bound: bool


def fit_btyd(x: Floats, t_x: Floats, age: Floats, *, modified: bool) -> tuple[Btyd, Certificate]:
    """Fit BG/NBD (or MBG/NBD) to n customers; x, t_x, age: (n,), times in days. NoFit if nothing converges."""
    rows, weights = _compress(x, t_x, age)
    if not np.any(x > 0):
        raise NoFit("no customer has ordered on a second day")
    found: list[tuple[float, list[float]]] = []
    with _lifetimes() as lifetimes:
        for start in _STARTS:
            fitter = (lifetimes.ModifiedBetaGeoFitter if modified else lifetimes.BetaGeoFitter)()
            bounds = [(-_FARTHEST, _FARTHEST)] * 4
            with contextlib.suppress(lifetimes.utils.ConvergenceError, np.linalg.LinAlgError):
                fitter.fit(*rows.T, weights=weights, initial_params=np.array(start), bounds=bounds)
                values = [float(fitter.params_[name]) for name in ("r", "alpha", "a", "b")]
                likelihood = _log_likelihood(fitter, rows, weights)
                if np.all(np.isfinite([*values, likelihood])):
                    found.append((likelihood, values))
    if not found:
        raise NoFit(f"no start converged on {len(x)} customers")
    best, (r, alpha, a, b) = max(found)
    spread = best - min(likelihood for likelihood, _ in found)
    at_bound = bool(np.any(np.abs(np.log([r, a, b])) > _FARTHEST - 0.01))
    return Btyd(r, alpha, a, b, modified), Certificate(best, len(x), len(rows), len(found), spread, at_bound)


def fit_gamma_gamma(order_days: Floats, mean_spend: Floats) -> GammaGamma:
    """Fit the spend model to customers with money; (n,) each. NoFit if nothing converges or q <= 1."""
    some = (order_days > 0) & (mean_spend > 0)
    if some.sum() < LEAST_SPENDERS:
        raise NoFit(f"{int(some.sum())} customers have spent anything; {LEAST_SPENDERS} are needed")
    with _lifetimes() as lifetimes:
        for penalty in (0.0, 0.001, 0.01):
            fitter = lifetimes.GammaGammaFitter(penalizer_coef=penalty)
            with contextlib.suppress(lifetimes.utils.ConvergenceError, np.linalg.LinAlgError):
                fitter.fit(order_days[some], mean_spend[some])
                p, q, v = (float(fitter.params_[name]) for name in ("p", "q", "v"))
                if np.all(np.isfinite([p, q, v])) and q > 1.0:
                    return GammaGamma(p, q, v)
    raise NoFit(f"no fit converged on {int(some.sum())} customers with a mean (q > 1)")


def _log_likelihood(fitter: Any, rows: Floats, weights: Floats) -> float:
    """Return the total log likelihood in days; lifetimes reports the mean on its own time scale."""
    x, _, _ = rows.T
    on_its_scale = -float(fitter._negative_log_likelihood_) * weights.sum()
    return float(on_its_scale + np.sum(weights * x) * np.log(fitter._scale))


def _compress(x: Floats, t_x: Floats, age: Floats) -> tuple[Floats, Floats]:
    rows = np.column_stack((x, t_x, age))
    distinct, weights = np.unique(rows, axis=0, return_counts=True)
    if len(distinct) > MOST_ROWS:
        weeks = np.column_stack((x, np.round(t_x / WEEK) * WEEK, np.round(age / WEEK) * WEEK))
        distinct, weights = np.unique(weeks, axis=0, return_counts=True)
    return distinct, weights.astype(np.float64)


@contextlib.contextmanager
def _lifetimes() -> Iterator[Any]:
    """Import lifetimes with its side effects contained: warnings filters and what it prints."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        import lifetimes

        yield lifetimes
