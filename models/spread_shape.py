"""How far a customer's value lies from what is expected: nothing at all, or a lognormal amount.

With chance 1 - p the value is 0. Whoever buys is expected to bring m = expected value / p, with the variance
m² (shared + per_order / k), k being the expected order days of a buyer: what is uncertain about the customer does
not shrink with more orders, the amount of each order does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from contracts.training import Floats, Outcome, Prediction
from models.contract import SMALLEST_P

# Squares of relative errors above this share of them are cut to it: one customer must not decide for all.
CUT_AT = 0.999
FEWEST_BUYERS = 30
LEAST_VARIANCE = 0.05


@dataclass(frozen=True)
class Shape:
    """Relative variance of a buyer's value: shared + per_order / expected order days of a buyer."""

    shared: float = 0.3
    per_order: float = 0.5

    @staticmethod
    def fit(answer: Prediction, outcome: Outcome, level: Floats) -> Shape:
        """Learn from what buyers brought; the default with too few of them.

        level: (n,) by how much all of the row's cutoff came out above what was expected, which is not the
        customer's own. Least squares of the squared relative error on 1 and 1/k, none of both below 0.
        """
        known = (outcome.bought > 0) & (answer.expected_value > 0)
        if known.sum() < FEWEST_BUYERS:
            return Shape()
        orders = _orders_of_buyer(answer)[known]
        expected = (_value_of_buyer(answer) * level)[known]
        square = (outcome.value[known] / expected - 1.0) ** 2
        square = np.minimum(square, np.quantile(square, CUT_AT))
        return Shape(*line_above_zero(1.0 / orders, square, weight=orders))

    def relative(self, answer: Prediction) -> Floats:
        """Return the variance of a buyer's value over its squared mean; (n,)."""
        return np.maximum(self.shared + self.per_order / _orders_of_buyer(answer), LEAST_VARIANCE)

    def variance(self, answer: Prediction) -> Floats:
        """Return the variance of the value, those who do not buy included; (n,), currency squared."""
        chance = _chance(answer)
        return np.asarray(answer.expected_value**2 * ((1.0 + self.relative(answer)) / chance - 1.0))

    def rank(self, answer: Prediction, value: Floats) -> Floats:
        """Return the chance that the value is at most `value`; (n,). At 0 it is that of no order, below it 0."""
        deviation = np.sqrt(np.log1p(self.relative(answer)))
        some = (value > 0) & (answer.expected_value > 0)
        ratio = np.divide(value, _value_of_buyer(answer), out=np.ones(len(value)), where=some)
        inside = ndtr(np.log(np.where(some, ratio, 1.0)) / deviation + deviation / 2.0)
        inside = np.where(some, inside, value > 0)
        return np.where(value >= 0, 1.0 - answer.p + answer.p * inside, 0.0)

    def quantile(self, answer: Prediction, share: Floats) -> Floats:
        """Return the value that stays below with chance `share` (n,); 0 where no order is likelier than that."""
        return self.quantiles(answer)(share)

    def quantiles(self, answer: Prediction) -> Callable[[Floats], Floats]:
        """Return `quantile` of this answer, for several shares."""
        chance, value = _chance(answer), _value_of_buyer(answer)
        deviation = np.sqrt(np.log1p(self.relative(answer)))
        nobody, half = 1.0 - chance, deviation / 2.0

        def at(share: Floats) -> Floats:
            inside = np.minimum(np.maximum((share - nobody) / chance, 0.0), 1.0 - 1e-9)
            # ndtri(0) is minus infinity, and its exponential 0.
            return np.asarray(value * np.exp(deviation * (ndtri(inside) - half)))

        return at


def _chance(answer: Prediction) -> Floats:
    return np.minimum(np.maximum(answer.p, SMALLEST_P), 1.0)


def _value_of_buyer(answer: Prediction) -> Floats:
    return np.asarray(answer.expected_value / _chance(answer))


def _orders_of_buyer(answer: Prediction) -> Floats:
    return np.maximum(answer.expected_orders / _chance(answer), 1.0)


def line_above_zero(x: Floats, y: Floats, *, weight: Floats) -> tuple[float, float]:
    """Return intercept and slope of the weighted least squares line with neither below 0."""
    total, mean_x, mean_y = weight.sum(), np.average(x, weights=weight), np.average(y, weights=weight)
    spread = weight @ (x - mean_x) ** 2
    slope = float(weight @ ((x - mean_x) * (y - mean_y)) / spread) if spread > 1e-9 * total else 0.0
    slope = max(slope, 0.0)
    intercept = float(mean_y - slope * mean_x)
    if intercept < 0.0:
        return 0.0, float((weight * x) @ y / ((weight * x) @ x))
    return intercept, slope
