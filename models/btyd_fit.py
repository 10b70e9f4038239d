"""Fit BG/NBD, MBG/NBD and Gamma-Gamma with lifetimes on compressed rows.

Customers with the same (x, t_x, T) are one row with a weight (btyd_rows): the likelihood is the same and the fit is
many times quicker. Several starts are tried; the best log likelihood wins, and a certificate in the bundle says
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
from models.btyd_rows import Rows, compress
from models.closed_form import Btyd, GammaGamma
from models.contract import NoFit

LEAST_SPENDERS = 20
# Log parameters (r, alpha on lifetimes' scale of ten time units, a, b): starts, and how far a fit may go.
_STARTS = ((-1.4, -1.0, -0.3, 0.9), (0.0, 1.0, -2.0, 0.5))
_FARTHEST = 9.0


@dataclass(frozen=True)
class Certificate:
    """Why a fit may be trusted: the best log likelihood, and by how much the starts disagreed on it.

    Log likelihoods of all BTYD models are of order times in days: they compare. note: what was left out, and why.
    """

    log_likelihood: float
    customers: int
    distinct_rows: int
    starts_converged: int
    spread: float
    at_bound: bool
    note: str = ""


def fit_btyd(x: Floats, t_x: Floats, age: Floats, *, modified: bool) -> tuple[Btyd, Certificate]:
    """Fit BG/NBD (or MBG/NBD) to n customers; x, t_x, age: (n,), times in days. NoFit if nothing converges."""
    if not np.any(x > 0):
        raise NoFit("no customer has ordered on a second day")
    rows = compress(x, t_x, age)
    found: list[tuple[float, list[float], bool]] = []
    with _lifetimes() as lifetimes:
        for start in _STARTS:
            fitter = (lifetimes.ModifiedBetaGeoFitter if modified else lifetimes.BetaGeoFitter)()
            with contextlib.suppress(lifetimes.utils.ConvergenceError, np.linalg.LinAlgError):
                found.append(_fit_from(start, fitter, rows))
    found = [one for one in found if np.all(np.isfinite([one[0], *one[1]]))]
    if not found:
        raise NoFit(f"no start converged on {len(x)} customers")
    best, (r, alpha, a, b), at_bound = max(found)
    spread = best - min(likelihood for likelihood, *_ in found)
    return Btyd(r, alpha, a, b, modified), Certificate(best, len(x), len(rows), len(found), spread, at_bound)


def _fit_from(start: tuple[float, ...], fitter: Any, rows: Rows) -> tuple[float, list[float], bool]:
    """Return the log likelihood (of times in days), the parameters, and whether one is at its bound."""
    bounds = [(-_FARTHEST, _FARTHEST)] * 4
    fitter.fit(rows.x, rows.t_x, rows.age, weights=rows.weight, initial_params=np.array(start), bounds=bounds)
    r, alpha, a, b = (float(fitter.params_[name]) for name in ("r", "alpha", "a", "b"))
    # lifetimes reports the mean on its own time scale.
    total = -float(fitter._negative_log_likelihood_) * rows.weight.sum()
    total += float(np.sum(rows.weight * rows.x) * np.log(fitter._scale))
    on_its_scale = np.array([r, alpha * fitter._scale, a, b])
    return total, [r, alpha, a, b], bool(np.any(np.abs(np.log(on_its_scale)) > _FARTHEST - 0.01))


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


@contextlib.contextmanager
def _lifetimes() -> Iterator[Any]:
    """Import lifetimes with its side effects contained: warnings filters and what it prints."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        import lifetimes

        yield lifetimes
