"""How well probabilities keep what they promise, in numpy only. All arrays have shape (n,).

`metrics.expected_calibration_error` and `metrics.level_bias` belong to them as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contracts.metrics import Floats, Ints, equal_count_bins, logit, shared_by_ties

# Simulated outcomes that are held in memory at once.
_AT_ONCE = 2**21
# Newton's method: it ends where a step gains less than this (nats), or undecided after so many steps.
_REACHED = 1e-20
_MOST_STEPS = 100
# A step may seem to lose this much (nats) by rounding alone.
_ROUNDING = 1e-14


@dataclass(frozen=True)
class BrierParts:
    """The Brier score in parts over bins: reliability - resolution + uncertainty + within_bins.

    reliability: mean squared distance of predicted and actual share of a bin, 0 is best; resolution: variance of the
    bins' actual shares, more is better; uncertainty: variance of the outcome, the same for every model; within_bins:
    what the spread of the predictions inside the bins adds (usually below 0).
    """

    reliability: float
    resolution: float
    uncertainty: float
    within_bins: float

    @property
    def total(self) -> float:
        """The Brier score."""
        return self.reliability - self.resolution + self.uncertainty + self.within_bins


@dataclass(frozen=True)
class CalibrationLine:
    """logit P(bought) = intercept + slope * logit p, fitted. Slope 1 and intercept 0 are best.

    A slope below 1 means predictions that are too far apart (overconfident).
    """

    intercept: float
    slope: float


def calibration_error_limit(
    p: Floats, *, generator: np.random.Generator, bins: int = 10, draws: int = 500, level: float = 0.95
) -> float:
    """Return the calibration error that a perfectly calibrated p stays below with chance `level`.

    Outcomes are drawn with chance p, `draws` times; each is measured as expected_calibration_error does.
    """
    if len(p) == 0:
        return float("nan")
    p = np.sort(p)
    inside = _InsideTies.of(p, np.cumsum([len(rows) for rows in equal_count_bins(p, bins)]))
    expected = inside.sums(p[None, :])
    errors = []
    for some in np.array_split(np.arange(draws), -(-draws * len(p) // _AT_ONCE)):
        actual = inside.sums((generator.random((len(some), len(p))) < p).astype(np.float64))
        errors.append(np.abs(np.diff(actual - expected, prepend=0.0)).sum(axis=1) / len(p))
    return float(np.quantile(np.concatenate(errors), level))


def brier_parts(outcome: Floats, p: Floats, *, bins: int = 10) -> BrierParts:
    """Return the parts of the Brier score over equal-count bins of p; they add up to it.

    Murphy (1973); the last part after Stephenson, Coelho and Jolliffe (2008): the variance of p within
    bins less twice its covariance with the outcome.
    """
    bought = np.asarray(outcome > 0, dtype=np.float64)
    shared, overall = shared_by_ties(bought, p), float(bought.mean())
    reliability = resolution = within = 0.0
    for rows in equal_count_bins(p, bins):
        predicted, actual, weight = p[rows].mean(), shared[rows].mean(), len(rows) / len(p)
        off = p[rows] - predicted
        reliability += weight * (predicted - actual) ** 2
        resolution += weight * (actual - overall) ** 2
        within += weight * float(np.mean(off * off) - 2 * np.mean(off * (shared[rows] - actual)))
    return BrierParts(float(reliability), float(resolution), overall * (1 - overall), within)


def calibration_line(outcome: Floats, p: Floats) -> CalibrationLine:
    """Return intercept and slope of the logistic regression of the outcome on logit p (Cox 1958).

    By Newton's method with halved steps. NaN where no finite line fits best: only one outcome occurs, all p are
    equal, or p separates buyers from the others without overlap. p is held inside [1e-9, 1 - 1e-9].
    """
    x, bought = logit(p), outcome > 0
    if not _overlap(x[bought], x[~bought]):
        return CalibrationLine(float("nan"), float("nan"))
    centre, scale = float(x.mean()), float(x.std())
    at, slope = _logistic_line((x - centre) / scale, bought.astype(np.float64))
    return CalibrationLine(at - slope * centre / scale, slope / scale)


@dataclass(frozen=True)
class _InsideTies:
    """Sums of sorted rows up to each of some edges, where rows of equal score count as their mean.

    starts, stops: the run of equal scores that each edge cuts; part: the share of it below the edge.
    """

    starts: Ints
    stops: Ints
    part: Floats

    @staticmethod
    def of(ascending: Floats, edges: Ints) -> _InsideTies:
        starts = np.searchsorted(ascending, ascending[edges - 1], "left")
        stops = np.searchsorted(ascending, ascending[edges - 1], "right")
        return _InsideTies(starts, stops, (edges - starts) / (stops - starts))

    def sums(self, rows: Floats) -> Floats:
        """Return the sums of each row of values; (draws, n) in, (draws, edges) out."""
        marks = np.unique(np.concatenate(([0], self.starts, self.stops)))
        sums = np.add.reduceat(rows, marks[:-1], axis=1)
        until = np.concatenate((np.zeros((len(rows), 1)), np.cumsum(sums, axis=1)), axis=1)
        low = until[:, np.searchsorted(marks, self.starts)]
        return low + self.part * (until[:, np.searchsorted(marks, self.stops)] - low)


def _overlap(buyers: Floats, others: Floats) -> bool:
    """Whether each group has somebody strictly below somebody of the other."""
    if len(buyers) == 0 or len(others) == 0:
        return False
    return bool(buyers.min() < others.max() and others.min() < buyers.max())


def _logistic_line(x: Floats, y: Floats) -> tuple[float, float]:
    """Return (a, b) of the most likely P(y) = 1 / (1 + exp(-a - b x)); NaN if it is not reached."""

    def loss(at: Floats) -> float:
        line = at[0] + at[1] * x
        return float(np.mean(np.logaddexp(0.0, line) - y * line))

    share = y.mean()
    found = np.array([np.log(share / (1 - share)), 0.0])
    for _ in range(_MOST_STEPS):
        rise, step = _newton_step(found, x, y)
        if not np.isfinite(step).all():
            break
        if rise < _REACHED:
            return float(found[0] + step[0]), float(found[1] + step[1])
        highest = loss(found) + _ROUNDING
        while loss(found + step) > highest:
            step = step / 2
        found = found + step
    return float("nan"), float("nan")


def _newton_step(found: Floats, x: Floats, y: Floats) -> tuple[float, Floats]:
    """Return the squared length of the gradient in the curvature's own metric, and the step; NaN if it is flat."""
    p = np.exp(-np.logaddexp(0.0, -(found[0] + found[1] * x)))
    spread, off = p * (1 - p), y - p
    c0, c1, c2 = spread.mean(), (spread * x).mean(), (spread * x * x).mean()
    g0, g1 = off.mean(), (off * x).mean()
    whole = c0 * c2 - c1 * c1
    if not whole > 0:
        return float("nan"), np.full(2, np.nan)
    step = np.array([c2 * g0 - c1 * g1, c0 * g1 - c1 * g0]) / whole
    return float(g0 * step[0] + g1 * step[1]), step
