"""Closed forms of the buy-till-you-die models BG/NBD and MBG/NBD, and of the Gamma-Gamma spend model.

Vectorised: `x`, `t_x`, `age` have shape (n,), `h` is a number of days. Sources: Fader, Hardie & Lee (2005)
"Counting your customers the easy way", eqs. 7, 9, 10; Batislam, Denizel & Filiztekin (2007) for MBG/NBD; Fader &
Hardie (2013) "The Gamma-Gamma model", eq. 5. The chance of at least one order in h days follows from the
Gamma(r + x, alpha + age) posterior of a living customer's rate:
P(alive) (1 - ((alpha + age) / (alpha + age + h))^(r + x)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from contracts.training import Floats
from models.btyd_quadrature import ANSWER_NODES, dropout_sums


@dataclass(frozen=True)
class Btyd:
    """Parameters of BG/NBD (`modified` false) or MBG/NBD (true); alpha in days."""

    r: float
    alpha: float
    a: float
    b: float
    modified: bool

    def p_alive(self, x: Floats, t_x: Floats, age: Floats) -> Floats:
        """Return the chance that the customer is still a customer; (n,)."""
        slept = (self.r + x) * np.log1p((age - t_x) / (self.alpha + t_x))
        if self.modified:
            return np.asarray(expit(-slept - np.log(self.a / (self.b + x))))
        odds = np.log(self.a / (self.b + np.maximum(x, 1.0) - 1.0))
        return np.where(x > 0, expit(-slept - odds), 1.0)

    def p_order(self, x: Floats, t_x: Floats, age: Floats, h: float | Floats) -> Floats:
        """Return the chance of at least one order in the next h days; (n,)."""
        silent = -(self.r + x) * np.log1p(h / (self.alpha + age))
        return self.p_alive(x, t_x, age) * -np.expm1(silent)

    def expected_orders(self, x: Floats, t_x: Floats, age: Floats, h: float | Floats) -> Floats:
        """Return the expected number of orders in the next h days; (n,).

        One who leaves after each order with chance p places (1 - (1 + p h / (alpha + age))^-(r + x)) / p orders in
        the mean; the living customer's p is Beta(a, b + x), or Beta(a, b + x + 1) in MBG/NBD. The mean over p is by
        nodes: the hypergeometric function that stands for it (eq. 10) loses all digits for long histories and
        horizons (it was 100 times too high), and at a = 1.
        """
        ahead, survived = h / (self.alpha + age), self.b + x + (1.0 if self.modified else 0.0)
        if_alive, whole = dropout_sums(
            lambda _, p: -np.expm1(-(self.r + x) * np.log1p(p * ahead)) / p,
            self.a,
            survived,
            (self.r + x + 1.0) * ahead,
            ANSWER_NODES,
        )
        return self.p_alive(x, t_x, age) * if_alive / whole


@dataclass(frozen=True)
class GammaGamma:
    """Parameters of the Gamma-Gamma model of spend per order day; v in the shop's currency."""

    p: float
    q: float
    v: float

    def expected_spend(self, order_days: Floats, mean_spend: Floats) -> Floats:
        """Return the expected amount per order day; (n,). Without any order day with money: the mean."""
        weight = self.p * order_days / (self.p * order_days + self.q - 1.0)
        return np.asarray((1.0 - weight) * self.population_mean + weight * mean_spend)

    @property
    def population_mean(self) -> float:
        """The expected spend per order day of an unknown customer (q > 1)."""
        return self.v * self.p / (self.q - 1.0)
