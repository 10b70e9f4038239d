"""Closed forms of Pareto/NBD: orders at a personal rate until an unseen death at a personal hazard.

The rate is Gamma(r, alpha), the hazard of death Gamma(s, beta). Schmittlein, Morrison & Colombo (1987); Fader &
Hardie (2005) "A note on deriving the Pareto/NBD model". The paper's hypergeometric functions (eqs. 19, 20) stand for
one integral over the day of death, which has no branches and does not overflow (`btyd_quadrature`):

    L ~ (alpha+T)^-(r+x) (beta+T)^-s + s * integral from t_x to T of (alpha+y)^-(r+x) (beta+y)^-(s+1) dy
        alive at T                     died on y

The first order after T falls on T + u, before any death, with the density of a living customer's next order,
(r+x)/(alpha+T) (1 + u/(alpha+T))^-(r+x+1) (1 + u/(beta+T))^-s: its integral over u from 0 to h is P(at least one
order in h | alive), so that a death inside h is counted on its day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from contracts.training import Floats
from models.btyd_quadrature import decay_integral

_TINY = 1e-300


@dataclass(frozen=True)
class Pareto:
    """Parameters of Pareto/NBD; alpha and beta in days."""

    r: float
    alpha: float
    s: float
    beta: float

    def p_alive(self, x: Floats, t_x: Floats, age: Floats) -> Floats:
        """Return the chance that the customer is still a customer (eq. 36); (n,)."""
        seen, hazard, silent = self.alpha + t_x, self.beta + t_x, age - t_x
        died = decay_integral(seen, self.r + x, hazard, np.full_like(seen, self.s + 1.0), silent)
        odds = np.log(np.maximum(self.s / hazard * died, _TINY))
        odds += (self.r + x) * np.log1p(silent / seen) + self.s * np.log1p(silent / hazard)
        return np.asarray(expit(-odds))

    def p_order(self, x: Floats, t_x: Floats, age: Floats, h: float | Floats) -> Floats:
        """Return the chance of at least one order in the next h days; (n,)."""
        seen, hazard = self.alpha + age, self.beta + age
        length, shape = np.zeros_like(seen) + h, np.full_like(seen, self.s)
        ordered = (self.r + x) / seen * decay_integral(seen, self.r + x + 1.0, hazard, shape, length)
        return self.p_alive(x, t_x, age) * np.clip(ordered, 0.0, 1.0)

    def expected_orders(self, x: Floats, t_x: Floats, age: Floats, h: float | Floats) -> Floats:
        """Return the expected number of orders in the next h days (eq. 41); (n,)."""
        hazard = self.beta + age
        lived = hazard * _power_integral(np.log1p(h / hazard), 1.0 - self.s)
        return self.p_alive(x, t_x, age) * (self.r + x) / (self.alpha + age) * lived


def _power_integral(log_end: Floats, power: float) -> Floats:
    """Return (end^power - 1) / power from log(end), also at power 0."""
    return np.asarray(log_end if abs(power) < 1e-12 else np.expm1(power * log_end) / power)
