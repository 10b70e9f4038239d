"""The calibration slope of many resamplings, from sums over customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contracts.calibration_metrics import CalibrationLine, calibration_line
from contracts.metrics import logit
from contracts.training import Floats
from experiments.weighted_ranking import ratio

# Gradient (2), curvature (3) and its change (4) of the logistic regression's likelihood.
TERMS = 9


@dataclass(frozen=True)
class Slope:
    """The calibration slope of all customers, and what finds that of a draw from sums over its customers.

    The line of a draw lies near that of all: one step of Newton's method from there, and its correction for the bend
    of the curve (Chebyshev's method), leave an error of the third order.
    """

    of_all: float
    terms: Floats

    @staticmethod
    def of(bought: Floats, p: Floats) -> Slope:
        """Fit the line of all customers; p may be NaN throughout. terms: (n, 9)."""
        unknown = np.isnan(p).any()
        line = calibration_line(bought, p) if not unknown else CalibrationLine(np.nan, np.nan)
        if np.isnan(line.slope):
            return Slope(line.slope, np.full((len(p), TERMS), np.nan))
        x = logit(p)
        fitted = np.exp(-np.logaddexp(0.0, -(line.intercept + line.slope * x)))
        spread, x = fitted * (1 - fitted), x - x.mean()
        off: Floats = (bought > 0) - fitted
        bend = spread * (1 - 2 * fitted)
        powers = np.column_stack([np.ones(len(x)), x, x * x, x * x * x])
        terms = [off[:, None] * powers[:, :2], spread[:, None] * powers[:, :3], bend[:, None] * powers]
        return Slope(line.slope, np.hstack(terms))

    def under(self, sums: Floats) -> Floats:
        """Return the slope of each draw from the sums of the terms; (draws, 9) in, (draws,) out."""
        g0, g1, c0, c1, c2, t0, t1, t2, t3 = sums.T
        whole = c0 * c2 - c1 * c1
        a, b = ratio(c2 * g0 - c1 * g1, whole), ratio(c0 * g1 - c1 * g0, whole)
        bent0 = g0 - 0.5 * (t0 * a * a + 2 * t1 * a * b + t2 * b * b)
        bent1 = g1 - 0.5 * (t1 * a * a + 2 * t2 * a * b + t3 * b * b)
        return self.of_all + ratio(c0 * bent1 - c1 * bent0, whole)
