"""Fit MBG/CNBD-k: the log likelihood with its exact slope for each k, and the likeliest k.

k is judged by the likelihood of what the answers depend on, (x, t_x, T): given k, t_x is a sum of k x ticks. The
authors judge it by all gaps (their statistic litt); real customers have bursts and long silences, so that their gaps
look regular where their silences are not: on Online Retail II the gaps say k = 2, (x, t_x, T) says k = 1, and k = 2
is much worse out of time. Where the gaps are known they may only lower k. On customers who order as the model says,
both find k.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import betaln, digamma, gammaln

from contracts.training import Floats
from models.btyd_ascent import Likelihood, Summit, ascend
from models.btyd_erlang import MOST_K, Erlang
from models.btyd_fit import Certificate
from models.btyd_rows import Rows, compress
from models.contract import NoFit

# Logarithms of r, of alpha over the time in which one who orders on average ticks r times, a and b.
_STARTS = ((-0.7, 0.0, -0.3, 0.9), (0.3, 0.0, -2.0, 0.5), (-1.4, -1.0, 0.7, 0.7))
NO_GAPS = "k is from (x, t_x, T) alone: the gaps between orders (gap_log_mean) are not in the summary"


def fit_erlang(
    x: Floats, t_x: Floats, age: Floats, log_gaps: float | None, *, most_k: int = MOST_K
) -> tuple[Erlang, Certificate]:
    """Fit MBG/CNBD-k to n customers; x, t_x, age: (n,), times in days. NoFit if nothing converges.

    log_gaps: the sum over all customers of the logarithms of all gaps (days), if known. The certificate's likelihood
    is that of (x, t_x, T), on the same measure as the other models'.
    """
    if not np.any(x > 0):
        raise NoFit("no customer has ordered on a second day")
    unit = max(float(age.mean()), 1e-9)
    rows = compress(x, t_x, age).in_units_of(unit)
    orders, log_unit, late = float(np.sum(x)), float(np.log(unit)), _log_last(x, t_x)
    chosen: tuple[int, Summit, float, float] | None = None
    for k, found in _climb_each_k(rows, most_k):
        in_days = found.log_likelihood - k * orders * log_unit
        seen = in_days + (k - 1) * late - float(np.sum(gammaln(k * x[x > 0]) - gammaln(x[x > 0])))
        of_gaps = np.inf if log_gaps is None else in_days + (k - 1) * log_gaps - orders * float(gammaln(k))
        if chosen and (seen <= chosen[2] or of_gaps < chosen[3]):
            break
        chosen = (k, found, seen, of_gaps)
    assert chosen is not None  # k = 1 converged, or NoFit was raised
    k, found, seen, _ = chosen
    r, alpha, a, b = np.exp(found.log_parameters).tolist()
    note = NO_GAPS if log_gaps is None else ""
    certificate = Certificate(
        seen, len(x), len(rows), found.starts_converged, found.spread, found.at_bound, note
    )
    return Erlang(k, r, alpha * unit, a, b), certificate


def _log_last(x: Floats, t_x: Floats) -> float:
    """Return the sum over repeaters of x log t_x."""
    some = x > 0
    return float(np.sum(x[some] * np.log(np.maximum(t_x[some], 1e-9))))


def _climb_each_k(rows: Rows, most_k: int) -> Iterator[tuple[int, Summit]]:
    """Yield k and its summit for k = 1, 2, ... as far as any start converges, also that from the k before."""
    pace = float(np.log(np.sum(rows.weight * rows.age) / np.sum(rows.weight * rows.x)))
    found = ascend(likelihood_of(1), rows, [(r, r + shift + pace, a, b) for r, shift, a, b in _STARTS])
    yield 1, found
    for k in range(2, most_k + 1):
        # k ticks in the time of k - 1.
        quicker = found.log_parameters + np.array([0.0, np.log((k - 1) / k), 0.0, 0.0])
        r, shift, a, b = _STARTS[0]
        starts = [quicker.tolist(), [r, r + shift + pace - float(np.log(k)), a, b]]
        try:
            found = ascend(likelihood_of(k), rows, starts)
        except NoFit:
            return
        yield k, found


def likelihood_of(k: int) -> Likelihood:
    """Return the log likelihood for one k, without the factor of the gaps alone: gap^(k-1) / (k-1)! each."""

    def of_rows(log_parameters: Floats, rows: Rows) -> tuple[float, Floats]:
        return _log_likelihood(k, np.exp(log_parameters), rows)

    return of_rows


def _log_likelihood(k: int, parameters: Floats, rows: Rows) -> tuple[float, Floats]:
    """Return it and its slope by log r, log alpha, log a, log b.

    L ~ Gamma(R)/Gamma(r) alpha^r (alpha+t_x)^-R B(a, b+x+1)/B(a, b) (S + a/(b+x)), in the words of btyd_erlang.
    """
    r, alpha, a, b = parameters.tolist()
    shape, seen, whole, silent = r + k * rows.x, alpha + rows.t_x, alpha + rows.age, rows.age - rows.t_x
    value, by_w, by_shape = _ticks_and_slopes(k, shape, silent / whole)
    late = np.log1p(silent / seen)
    stayed, left = value * np.exp(-shape * late), a / (b + rows.x)
    share = stayed / (stayed + left)  # of those alive
    height = gammaln(shape) - gammaln(r) + r * np.log(alpha) - shape * np.log(seen)
    height = height + betaln(a, b + rows.x + 1.0) - betaln(a, b) + np.log(stayed + left)
    by_r = digamma(shape) - digamma(r) + np.log(alpha) - np.log(seen) + share * (by_shape / value - late)
    longer = shape * (1.0 / seen - 1.0 / whole) - by_w / value * silent / whole**2
    by_alpha = r / alpha - shape / seen + share * longer
    orders = digamma(a + b + rows.x + 1.0) - digamma(a + b)
    by_a = -orders + (1.0 - share) / a
    by_b = digamma(b + rows.x + 1.0) - digamma(b) - orders - (1.0 - share) / (b + rows.x)
    slopes = np.array([np.sum(rows.weight * by) for by in (by_r, by_alpha, by_a, by_b)])
    return float(np.sum(rows.weight * height)), slopes * parameters


def _ticks_and_slopes(k: int, shape: Floats, w: Floats) -> tuple[Floats, Floats, Floats]:
    """Return `ticks` and its slopes by w and by the shape; (n,) each."""
    value, by_w, by_shape = np.ones_like(w), np.zeros_like(w), np.zeros_like(w)
    for j in range(k - 1, 0, -1):
        factor = (shape + (j - 1.0)) / j
        by_w = factor * (value + w * by_w)
        by_shape = w / j * value + factor * w * by_shape
        value = 1.0 + factor * w * value
    return value, by_w, by_shape
