"""Fit Pareto/NBD: the log likelihood with its exact slope, by the integral over the day of death."""

from __future__ import annotations

import numpy as np
from scipy.special import digamma, gammaln

from contracts.training import Floats
from models.btyd_ascent import ascend
from models.btyd_fit import Certificate
from models.btyd_pareto import Pareto
from models.btyd_quadrature import FIT_NODES, decay_nodes
from models.btyd_rows import Rows, compress
from models.contract import NoFit

# Logarithms of r, alpha over the time in which one who orders on average orders r times, s, beta over the mean age.
_STARTS = ((-0.7, 0.0, -0.7, 0.0), (0.3, 0.0, 0.5, 1.0), (-1.2, 0.0, -2.0, -1.5))
_PART = 8_192  # rows at a time: small arrays stay near the processor


def fit_pareto(x: Floats, t_x: Floats, age: Floats) -> tuple[Pareto, Certificate]:
    """Fit Pareto/NBD to n customers; x, t_x, age: (n,), times in days. NoFit if nothing converges."""
    if not np.any(x > 0):
        raise NoFit("no customer has ordered on a second day")
    unit = max(float(age.mean()), 1e-9)
    rows = compress(x, t_x, age).in_units_of(unit)
    pace = np.log(np.sum(rows.weight * rows.age) / np.sum(rows.weight * rows.x))
    starts = [(r, r + pace, s, beta) for r, _, s, beta in _STARTS]
    found = ascend(log_likelihood, rows, starts)
    r, alpha, s, beta = np.exp(found.log_parameters).tolist()
    in_days = found.log_likelihood - float(np.sum(x)) * float(np.log(unit))
    certificate = Certificate(
        in_days, len(x), len(rows), found.starts_converged, found.spread, found.at_bound
    )
    return Pareto(r, alpha * unit, s, beta * unit), certificate


def log_likelihood(log_parameters: Floats, rows: Rows) -> tuple[float, Floats]:
    """Return the log likelihood of all rows and its slope by log r, log alpha, log s, log beta."""
    total, slope = 0.0, np.zeros(4)
    for start in range(0, len(rows), _PART):
        part = Rows(*(column[start : start + _PART] for column in vars(rows).values()))
        height, steep = _of_part(np.exp(log_parameters), part)
        total, slope = total + height, slope + steep
    return total, slope


def _of_part(parameters: Floats, rows: Rows) -> tuple[float, Floats]:
    r, alpha, s, beta = parameters.tolist()
    shape, seen, hazard, silent = r + rows.x, alpha + rows.t_x, beta + rows.t_x, rows.age - rows.t_x
    late, late_hazard = np.log1p(silent / seen), np.log1p(silent / hazard)
    alive = np.exp(-shape * late - s * late_hazard)  # all densities relative to those on the day t_x
    # Sums over the day y on which the customer died or, alive, was last seen.
    whole, log_seen, log_hazard = alive.copy(), alive * late, alive * late_hazard
    per_seen, per_hazard = alive * shape / (alpha + rows.age), alive * s / (beta + rows.age)
    exponent = np.full_like(seen, s + 1.0)
    for u, first, second, value in decay_nodes(seen, shape, hazard, exponent, silent, FIT_NODES):
        died = value * s / hazard
        whole += died
        log_seen += died * first
        log_hazard += died * second
        per_seen += died * shape / (seen + u)
        per_hazard += died * (s + 1.0) / (hazard + u)
    log_seen_at, log_hazard_at = np.log(seen), np.log(hazard)
    height = gammaln(shape) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    height = height - shape * log_seen_at - s * log_hazard_at + np.log(whole)
    by_r = digamma(shape) - digamma(r) + np.log(alpha) - log_seen_at - log_seen / whole
    by_alpha = r / alpha - per_seen / whole
    by_s = np.log(beta) + (1.0 - alive / whole) / s - log_hazard_at - log_hazard / whole
    by_beta = s / beta - per_hazard / whole
    slopes = np.array([np.sum(rows.weight * by) for by in (by_r, by_alpha, by_s, by_beta)])
    return float(np.sum(rows.weight * height)), slopes * parameters
