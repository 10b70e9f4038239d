"""Measures of predicted next-order days against the days of the first orders, in numpy only.

Days count from the cutoff: the day after it is day 1. All arrays have shape (n,):

quantile_days: by when the customer orders with chance u, that is the first h with P(order by day h) = u; a curve
    that is linear between whole days gives fractions of days; inf where the chance is never reached. Never NaN.
order_day: the first order day after the cutoff; inf where there is none in the observed window.
window: the observed days after the cutoff.

A whole day d stands for the time from d - 1 to d, in which an order is equally likely at any moment, as on the
curve. So an order on day 3 has happened by 2.25 with chance .25, and by whole days exactly if it is not later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contracts.metrics import Floats


@dataclass(frozen=True)
class Coverage:
    """The share of customers who ordered by their quantile, to be compared with u; NaN without customers.

    customers: how many were counted.
    """

    share: float
    customers: int


def quantile_coverage(quantile_days: Floats, order_day: Floats, *, window: float) -> Coverage:
    """Return the share that has ordered by its u-quantile, among those whose quantile is inside the window.

    Who is counted depends on the prediction alone, so the share of a right curve is u.
    """
    counted = quantile_days <= window
    return _coverage(_ordered_by(quantile_days, order_day)[counted].sum(), counted.sum(), counted)


def conditional_quantile_coverage(
    quantile_days: Floats, order_day: Floats, *, window: float, chance: Floats, span: float = 365
) -> Coverage:
    """Return the same for quantiles given an order within `span` days, among those with one.

    quantile_days: the first h with P(order by day h) = u * P(order by day `span`). chance: P(order by day `span`).
    Where the window has the whole span, the customers who ordered in it are counted. In a shorter one it is not yet
    known who will: the orders by the quantile are then divided by the expected number of such customers, the sum of
    `chance`, so the share is u only if that chance is right as well.
    """
    counted = quantile_days <= window
    if window >= span:
        counted &= order_day <= span
        orders_in_span = float(counted.sum())
    else:
        orders_in_span = float(chance[counted].sum())
    return _coverage(_ordered_by(quantile_days, order_day)[counted].sum(), orders_in_span, counted)


def pinball_loss(quantile_days: Floats, order_day: Floats, *, u: float, window: float) -> float:
    """Return the mean pinball loss of the u-quantile of the days until the next order; days, less is better.

    Whatever lies beyond the window counts as its end, on both sides: the u-quantile of min(day, window) is
    min(quantile, window), so the loss is still least for the right quantile (Koenker and Bassett 1978).
    """
    predicted, actual = np.minimum(quantile_days, window), np.minimum(order_day, window)
    late = actual - predicted
    return float(np.mean(np.where(late > 0, u * late, (u - 1) * late)))


def _ordered_by(quantile_days: Floats, order_day: Floats) -> Floats:
    there = np.isfinite(order_day)
    passed = np.where(there, quantile_days, 0.0) - np.where(there, order_day - 1.0, 0.0)
    return np.asarray(np.where(there, np.clip(passed, 0.0, 1.0), 0.0))


def _coverage(ordered: float, among: float, counted: np.ndarray) -> Coverage:
    share = float(ordered) / float(among) if among > 0 else float("nan")
    return Coverage(share, int(counted.sum()))
