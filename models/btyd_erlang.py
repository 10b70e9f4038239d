"""Closed forms of MBG/CNBD-k: like MBG/NBD, with more regular orders: each is the k-th tick of a personal clock.

The clock ticks as a Poisson process of rate lambda ~ Gamma(r, alpha); an order falls on every k-th tick, so that gaps
are Erlang-k; after each order, the first included, the customer leaves with chance p ~ Beta(a, b). Platzer &
Reutterer (2016) "Ticking away the moments"; Reutterer, Platzer & Schroeder (2021). k = 1 is MBG/NBD.

Regular gaps have a memory: who ordered yesterday hardly orders today. Both answers below therefore start from the
last order and the silence since then (e = T - t_x), where the papers' software approximates:

The x gaps leave lambda ~ Gamma(R, alpha + t_x), R = r + k x. A customer who has not left is silent for e when fewer
than k ticks fall in it; integrated over lambda, with w = e / (alpha + t_x + e) (a negative binomial distribution),
    S(e) = (1 - w)^R (1 + R w + R(R+1)/2! w^2 + ... up to w^(k-1)).
Having left after the last of x + 1 orders or not have prior odds a : (b + x), so that
    P(alive) = S(e) / (S(e) + a / (b + x)).
A living customer leaves only at an order, hence P(an order in h) = P(alive) (1 - S(e + h) / S(e)), exactly.

Expected orders: given p, with q = 1 - p and M ticks in e + h, a living customer orders
(1 - q^floor(M/k)) / p times in the mean, and p ~ Beta(a, b + x + 1). With the k-th roots of unity v_l,
    q^floor(M/k) = sum over l of d_l y_l^M,   y_l = q^(1/k) v_l,   d_l = (1 - 1/q) / (k (1 - 1/y_l)),
and E[y^M | fewer than k ticks in e] = X^-R C(w y / X) / C(w), where X = 1 + (1 - y) h / (alpha + T) and C is the
polynomial in S. The mean over p is by nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from contracts.training import Floats
from models.btyd_quadrature import ANSWER_NODES, FEW, dropout_sums
from models.btyd_rows import distinct

MOST_K = 12
_LEAST_LEAVING = 1e-8  # below it rounding errors outweigh what leaving changes
_REGULAR_NODES = 20  # enough for four digits; a node costs k / 2 complex powers


@dataclass(frozen=True)
class Erlang:
    """Parameters of MBG/CNBD-k; alpha in days per tick's unit (the mean gap is k alpha / (r - 1))."""

    k: int
    r: float
    alpha: float
    a: float
    b: float

    def p_alive(self, x: Floats, t_x: Floats, age: Floats) -> Floats:
        """Return the chance that the customer is still a customer; (n,)."""
        return self._alive(x, self._log_silent(x, t_x, age))

    def _alive(self, x: Floats, log_silent: Floats) -> Floats:
        return np.asarray(expit(log_silent - np.log(self.a / (self.b + x))))

    def p_order(self, x: Floats, t_x: Floats, age: Floats, h: float | Floats) -> Floats:
        """Return the chance of at least one order in the next h days; (n,)."""
        silent = self._log_silent(x, t_x, age)
        longer = self._log_silent(x, t_x, age + h) - silent
        return self._alive(x, silent) * -np.expm1(np.minimum(longer, 0.0))

    def expected_orders(self, x: Floats, t_x: Floats, age: Floats, h: float | Floats) -> Floats:
        """Return the expected number of orders in the next h days; (n,). Equal customers are worked out once."""
        if len(x) <= FEW:
            return self._expected(x, t_x, age, h)
        first, of_row = distinct(x, t_x, age)
        return self._expected(x[first], t_x[first], age[first], h)[..., of_row]

    def _expected(self, x: Floats, t_x: Floats, age: Floats, h: float | Floats) -> Floats:
        sharp = (self.r + self.k * x + 1.0) * h / (self.alpha + age)
        if_alive, whole = dropout_sums(
            lambda c, _: self._orders_given(np.maximum(c, _LEAST_LEAVING), x, t_x, age, h),
            self.a,
            self.b + x + 1.0,
            sharp,
            ANSWER_NODES if self.k == 1 else _REGULAR_NODES,
        )
        expected = self.p_alive(x, t_x, age) * if_alive / whole
        return np.maximum(expected, self.p_order(x, t_x, age, h))

    def _log_silent(self, x: Floats, t_x: Floats, age: Floats) -> Floats:
        """Return log S(age - t_x); (n,)."""
        shape, silent = self.r + self.k * x, age - t_x
        return np.asarray(
            np.log(ticks(self.k, shape, silent / (self.alpha + age)))
            - shape * np.log1p(silent / (self.alpha + t_x))
        )

    def _orders_given(self, c: Floats, x: Floats, t_x: Floats, age: Floats, h: float | Floats) -> Floats:
        """Return the expected orders of a living customer who leaves with chance p = 1 - exp(-c); (n,)."""
        k, shape, w = self.k, self.r + self.k * x, (age - t_x) / (self.alpha + age)
        ahead, now = h / (self.alpha + age), ticks(self.k, shape, w)
        more = -np.expm1(-c / k) * ahead
        stayed = np.log(ticks(k, shape, w * np.exp(-c / k) / (1.0 + more)) / now) - shape * np.log1p(more)
        found = -np.expm1(_log_first(c, k) + stayed) / -np.expm1(-c)
        for turn in range(1, k // 2 + 1):
            y = np.exp(-c / k) * np.exp(2j * np.pi * turn / k)
            term = np.exp(c) / (k * (1.0 - 1.0 / y)) * _mean_power(k, shape, w, ahead, y) / now
            found += term.real * (1.0 if 2 * turn == k else 2.0)
        return found


def ticks(k: int, shape: Floats, w: Any) -> Any:
    """Return 1 + R w + R(R+1)/2! w^2 + ... up to w^(k-1), R the shape; (n,), complex for complex w."""
    found = np.ones_like(w)
    for j in range(k - 1, 0, -1):
        found = 1.0 + (shape + (j - 1.0)) / j * w * found
    return found


def _log_first(c: Floats, k: int) -> Floats:
    """Return log d_0 = log((exp(c) - 1) / (k (exp(c / k) - 1))); below .001 by its series, to keep its digits."""
    if k == 1:
        return np.zeros_like(c)
    series = c * (1.0 - 1.0 / k) / 2.0 + c * c * (1.0 - 1.0 / k**2) / 24.0
    return np.where(c < 1e-3, series, np.log(np.expm1(c) / (k * np.expm1(c / k))))


def _mean_power(k: int, shape: Floats, w: Floats, ahead: Floats, y: NDArray[np.complex128]) -> Any:
    """Return X^-R C(w y / X), X = 1 + (1 - y) h / (alpha + T); (n,) complex."""
    longer = 1.0 + (1.0 - y) * ahead
    # |longer| >= 1 and its angle is below a quarter turn: by parts, which is quicker than a complex logarithm.
    size = 0.5 * np.log(longer.real**2 + longer.imag**2)
    angle = -shape * np.arctan2(longer.imag, longer.real)
    power = np.exp(-shape * size) * (np.cos(angle) + 1j * np.sin(angle))
    return power * ticks(k, shape, w * y / longer)
