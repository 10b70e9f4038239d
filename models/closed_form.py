"""Closed forms of the buy-till-you-die models BG/NBD and MBG/NBD, and of the Gamma-Gamma spend model.

Vectorised: `x`, `t_x`, `age` have shape (n,), `h` is a number of
days. Sources: Fader, Hardie & Lee (2005) "Counting your customers the easy way", eqs. 7, 9, 10; Batislam,
Denizel & Filiztekin (2007) for MBG/NBD; Fader & Hardie (2013) "The Gamma-Gamma model", eq. 5. The chance of
at least one order in h days follows from the Gamma(r + x, alpha + age) posterior of a living customer's rate:
P(alive) (1 - ((alpha + age) / (alpha + age + h))^(r + x)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import hyp2f1

from contracts.training import Floats


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
        slept = np.exp((self.r + x) * np.log((self.alpha + age) / (self.alpha + t_x)))
        if self.modified:
            return np.asarray(1.0 / (1.0 + self.a / (self.b + x) * slept))
        odds = self.a / (self.b + np.maximum(x, 1.0) - 1.0)
        return np.asarray(1.0 / (1.0 + np.where(x > 0, odds * slept, 0.0)))

    def p_order(self, x: Floats, t_x: Floats, age: Floats, h: float) -> Floats:
        """Return the chance of at least one order in the next h days; (n,)."""
        silent = np.exp((self.r + x) * np.log((self.alpha + age) / (self.alpha + age + h)))
        return self.p_alive(x, t_x, age) * (1.0 - silent)

    def expected_orders(self, x: Floats, t_x: Floats, age: Floats, h: float) -> Floats:
        """Return the expected number of orders in the next h days; (n,).

        The closed form loses its digits near a = 1 and for very long histories; the result is therefore
        held between its bounds P(at least one order) and P(alive) times the rate of one who never leaves.
        """
        a = self.a if abs(self.a - 1.0) > 1e-5 else 1.0 + 1e-5
        survived = self.b + x + (1.0 if self.modified else 0.0)
        silent = np.exp((self.r + x) * np.log((self.alpha + age) / (self.alpha + age + h)))
        with np.errstate(all="ignore"):
            series = hyp2f1(self.r + x, survived, a + survived - 1.0, h / (self.alpha + age + h))
            if_alive = (a + survived - 1.0) / (a - 1.0) * (1.0 - silent * series)
        most = (self.r + x) * h / (self.alpha + age)
        if_alive = np.where(np.isfinite(if_alive), if_alive, most)
        return self.p_alive(x, t_x, age) * np.clip(if_alive, 1.0 - silent, most)


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
