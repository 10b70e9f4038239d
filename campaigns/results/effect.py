"""What an arm brought: treated less control, every customer of an arm counted (intention to treat).

Shares: Newcombe (1998). Money: Welch (1947). With what was known before, the interval shrinks: a regression in each
arm, as in Lin (2013), Annals of Applied Statistics 7:295 (CUPED of Deng, Xu, Kohavi and Walker, 2013, is its case of
one covariate with equal slopes), with HC2 errors, which need no equal variances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from campaigns.results.design import design
from campaigns.results.intervals import LEVEL, Difference, Sample, lift, newcombe, of_error, welch
from campaigns.results.trial import Trial
from features.kernel.running import Floats

CUSTOMERS_PER_COLUMN = 20  # in the smaller arm; with fewer the regression learns noise


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One outcome of one arm against the control.

    unit: rate or money; raw: the plain difference; adjusted: the same by regression on what was known before, None
    where there is nothing known or too few customers; relative: the lift with its interval, None where a mean is 0.
    """

    arm: str
    outcome: str
    unit: str
    treated: Sample
    control: Sample
    raw: Difference
    adjusted: Difference | None
    relative: tuple[float, float, float] | None

    @property
    def best(self) -> Difference:
        """The adjusted difference where there is one, else the plain one."""
        return self.adjusted or self.raw

    @property
    def narrower(self) -> float | None:
        """By which share the adjusted interval is shorter than the plain one (below 0: longer)."""
        plain = self.raw.upper - self.raw.lower
        if self.adjusted is None or not plain > 0:
            return None
        return 1 - (self.adjusted.upper - self.adjusted.lower) / plain


def effects(trial: Trial, *, level: float = LEVEL) -> list[Effect]:
    """Return the effect of each treated arm on each outcome; arms without customers are left out."""
    found: list[Effect] = []
    counts = trial.counts
    for number in range(1, len(trial.arms)):
        if counts[0] == 0 or counts[number] == 0:
            continue
        pair = trial if len(trial.arms) == 2 else trial.of((trial.arm == 0) | (trial.arm == number))
        found += _against_control(pair, number, level)
    return found


def _against_control(pair: Trial, number: int, level: float) -> list[Effect]:
    treated = pair.arm == number
    x = design(pair.covariates, len(pair)).standardised().x
    enough = min(treated.sum(), (~treated).sum()) >= CUSTOMERS_PER_COLUMN * (x.shape[1] + 1)
    found = []
    for name, values in pair.outcomes.items():
        one, other = Sample.of(values[treated]), Sample.of(values[~treated])
        unit = "rate" if name in pair.rates else "money"
        raw = newcombe(one, other, level=level) if unit == "rate" else welch(one, other, level=level)
        adjusted = regression(values, x, treated, level=level) if x.shape[1] and enough else None
        found.append(
            Effect(
                arm=pair.arms[number],
                outcome=name,
                unit=unit,
                treated=one,
                control=other,
                raw=raw,
                adjusted=adjusted,
                relative=lift(one, other, level=level),
            )
        )
    return found


def regression(y: Floats, x: Floats, treated: np.ndarray, *, level: float = LEVEL) -> Difference:
    """Return the difference of the arms at the mean of the covariates: Lin (2013), each arm with its own slopes.

    y: (n,); x: (n, k) of mean 0; treated: (n,). To the HC2 errors comes what the mean of the covariates itself varies
    between samples (Negi and Wooldridge, 2021, eq. 3.9), so that the interval is one of all customers of this kind.
    """
    one, one_slopes, one_error = _level(y[treated], x[treated])
    other, slopes, error = _level(y[~treated], x[~treated])
    turn = one_slopes - slopes
    of_mean = float(turn @ np.cov(x, rowvar=False, ddof=1).reshape(len(turn), -1) @ turn) / len(y)
    freedom = len(y) - 2 * (x.shape[1] + 1)
    return of_error(one - other, math.sqrt(one_error + error + of_mean), freedom=freedom, level=level)


def _level(y: Floats, x: Floats) -> tuple[float, Floats, float]:
    """Return an arm's mean at x = 0, its slopes, and the HC2 variance of that mean."""
    z = np.column_stack([np.ones(len(y)), x])
    inverse = np.linalg.pinv(z.T @ z, hermitian=True)
    weights = inverse @ (z.T @ y)
    left = y - z @ weights
    leverage = np.minimum(((z @ inverse) * z).sum(axis=1), 1 - 1e-9)
    variance = float(((z @ inverse[0]) ** 2 * left**2 / (1 - leverage)).sum())
    return float(weights[0]), weights[1:], variance
