"""How much more customers buy at a deeper discount: observed, not caused.

Each customer's own slope, drawn towards the segment's: normal (Morris 1983, JASA 78, 47-55).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from campaigns.sales import Sales
from features.kernel.running import Floats, Ints


@dataclass(frozen=True)
class Elasticity:
    """By how many percent an order at list prices changes per percent that it is dearer; (n,). -2: two percent less.

    value: NaN where the own discounts do not vary enough. evidence: orders behind it. mean: of all, NaN if unknown.
    What is seen, not what a discount causes: where large orders earn the discount, it looks the same.
    """

    value: Floats
    evidence: Ints
    mean: float


ELASTICITY_ORDERS = 4
FEWEST_CUSTOMERS = 3  # whose own slope can be told
ELASTICITY_SPREAD = 0.05  # least standard deviation of log(1 - depth) within a customer


def elasticity_of(sales: Sales, group: Ints) -> Elasticity:
    """Return each customer's slope of log(order at list prices) on log(price paid over list price), shrunk.

    Drawn towards the mean of the group by its variance against that between customers (normal empirical Bayes).
    """
    size = len(sales)
    nothing = Elasticity(np.full(size, np.nan), np.zeros(size, np.int64), np.nan)
    if "discount" not in sales.optional:
        return nothing
    x, y, customer = _log_points(sales)
    count = np.bincount(customer, minlength=size)
    x, y = _centred(x, customer, count), _centred(y, customer, count)
    sxx, sxy = np.bincount(customer, x * x, size), np.bincount(customer, x * y, size)
    enough = (count >= ELASTICITY_ORDERS) & (sxx >= count * ELASTICITY_SPREAD**2)
    if enough.sum() < FEWEST_CUSTOMERS:
        return nothing
    slope = np.divide(sxy, sxx, out=np.zeros(size), where=enough)
    left = np.bincount(customer, (y - slope[customer] * x) ** 2, size)[enough].sum()
    noise = left / max(float((count[enough] - 2).sum()), 1.0)
    value = np.full(size, np.nan)
    value[enough] = _normal_shrunk(slope[enough], noise / sxx[enough], group[enough])
    return Elasticity(value, np.where(enough, count, 0), float(np.mean(value[enough])))


def _log_points(sales: Sales) -> tuple[Floats, Floats, Ints]:
    """Return log(1 - depth), log(amount before discount) and customer of the orders that have both."""
    count = len(sales.orders.customer)
    discount = np.bincount(sales.order, np.nan_to_num(sales.number("discount")), count)
    amount = sales.orders.amount
    some = (amount > 0) & (discount >= 0)
    listed = amount[some] + discount[some]
    return np.log(amount[some] / listed), np.log(listed), sales.orders.customer[some]


def _centred(values: Floats, customer: Ints, count: Ints) -> Floats:
    return values - (np.bincount(customer, values, len(count)) / np.maximum(count, 1))[customer]


def _normal_shrunk(value: Floats, variance: Floats, group: Ints) -> Floats:
    """Return values drawn towards their group's mean; variances by DerSimonian and Laird's moments."""
    weight = 1.0 / np.maximum(variance, 1e-12)
    sums = np.maximum(np.bincount(group, weight), 1e-12)
    mean = (np.bincount(group, weight * value) / sums)[group]
    groups = int((np.bincount(group) > 0).sum())
    spare = weight.sum() - float(np.sum(np.bincount(group, weight**2) / sums))
    excess = float(np.sum(weight * (value - mean) ** 2)) - (len(value) - groups)
    between = max(excess / spare, 0.0) if spare > 0 else 0.0
    return (value * between + mean * variance) / np.maximum(between + variance, 1e-12)
