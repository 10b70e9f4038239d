"""Whether a test may be believed: the arms have the planned sizes, and were alike before.

Sample ratio: Fabijan et al. (2019), KDD; below p = .001 something other than chance made the arms. Balance: the
standardised difference of each covariate (Austin, 2009), and one test of all at once (Hansen and Bowers, 2008,
Statistical Science 23:219, for any number of arms), numbers by rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from campaigns.results.design import design
from campaigns.results.intervals import chi_square_p, holm
from campaigns.results.trial import Trial
from features.kernel.running import Floats

REFUSED_BELOW = 0.001
DOUBTED_BELOW = 0.01
LARGE_DIFFERENCE = 0.1  # standard deviations
CUSTOMERS_PER_COLUMN = 5  # for the chi-square of all covariates


@dataclass(frozen=True, kw_only=True)
class Check:
    """verdict: ok, doubt (said beside the effect) or refused (no effect is shown)."""

    name: str
    verdict: str
    p_value: float | None
    told: str


@dataclass(frozen=True, kw_only=True)
class Balance:
    """One covariate column of an arm against the control before the test.

    difference: in standard deviations; p_holm: of no difference, for all columns and arms of the test.
    """

    arm: str
    covariate: str
    treated_mean: float
    control_mean: float
    difference: float
    p_holm: float | None


def sample_ratio(trial: Trial, *, fix: str = "") -> Check:
    """Compare the arms' sizes with the planned shares by chi-square. fix: what to do if another share was planned."""
    counts, n = trial.counts.astype(np.float64), len(trial)
    expected = n * np.array(trial.shares)
    p = chi_square_p(float(((counts - expected) ** 2 / expected).sum()), len(counts) - 1)
    sizes = ", ".join(
        f"{name} {count:,.0f} ({count / n:.1%}, planned {share:.1%})"
        for name, count, share in zip(trial.arms, counts, trial.shares, strict=True)
    )
    if p >= REFUSED_BELOW:
        return Check(
            name="sample ratio", verdict="ok", p_value=p, told=f"The arms have the planned sizes: {sizes}."
        )
    told = (
        f"The arms have not the planned sizes: {sizes}; by chance this happens in {_share(p)} of tests. Customers were "
        f"lost or added in one arm, so a difference would mislead.{fix}"
    )
    return Check(name="sample ratio", verdict="refused", p_value=p, told=told)


def balance(trial: Trial) -> list[Balance]:
    """Return how far each treated arm stood from the control in each covariate before the test."""
    columns = design(trial.covariates, len(trial))
    found: list[tuple[str, str, float, float, float]] = []
    p_values: list[float | None] = []
    for number in range(1, len(trial.arms)):
        one, other = columns.x[trial.arm == number], columns.x[trial.arm == 0]
        if not len(one) or not len(other):
            continue
        means, others = one.mean(axis=0), other.mean(axis=0)
        spread = np.sqrt((one.var(axis=0) + other.var(axis=0)) / 2)
        for k, name in enumerate(columns.names):
            apart = (means[k] - others[k]) / spread[k] if spread[k] > 0 else 0.0
            found.append((trial.arms[number], name, means[k], others[k], apart))
            p_values.append(chi_square_p(apart**2 / (1 / len(one) + 1 / len(other)), 1))
    return [
        Balance(
            arm=arm,
            covariate=name,
            treated_mean=float(mean),
            control_mean=float(other),
            difference=float(apart),
            p_holm=p,
        )
        for (arm, name, mean, other, apart), p in zip(found, holm(p_values), strict=True)
    ]


def alike(trial: Trial) -> Check | None:
    """Test all covariates of all arms at once; None where nothing is known or there are too few customers."""
    x = _independent(design(trial.covariates, len(trial), ranks=True).standardised().x)
    counts = trial.counts
    columns = x.shape[1]
    if not columns or counts.min() == 0 or len(trial) < CUSTOMERS_PER_COLUMN * len(counts) * columns:
        return None
    statistic = _apart(x, trial)
    p = chi_square_p(statistic, columns * (len(counts) - 1))
    known = ", ".join(trial.covariates)
    if p >= DOUBTED_BELOW:
        told = f"The arms were alike before ({known}): p = {p:.2f}."
        return Check(name="balance", verdict="ok", p_value=p, told=told)
    worst = max(balance(trial), key=lambda one: abs(one.difference))
    means = f"{worst.arm} {worst.treated_mean:,.4g}, {trial.arms[0]} {worst.control_mean:,.4g}"
    most = f"most in {worst.covariate}: {means}"
    if p >= REFUSED_BELOW:
        told = f"The arms differed before ({most}), as happens in {_share(p)} of tests. Trust the adjusted differences."
        return Check(name="balance", verdict="doubt", p_value=p, told=told)
    told = (
        f"The arms were not alike before ({most}); by chance this happens in {_share(p)} of tests. They were not drawn "
        "at random from the same customers, so a difference would mislead. Draw the control by chance next time."
    )
    return Check(name="balance", verdict="refused", p_value=p, told=told)


def _apart(x: Floats, trial: Trial) -> float:
    """Return the sum over arms of n_a times the squared distance of its mean, in the covariance of all."""
    covariance = np.cov(x, rowvar=False, ddof=1).reshape(x.shape[1], -1)
    inverse = np.linalg.pinv(covariance, hermitian=True)
    middle, statistic = x.mean(axis=0), 0.0
    for number, count in enumerate(trial.counts):
        away = x[trial.arm == number].mean(axis=0) - middle
        statistic += count * float(away @ inverse @ away)
    return statistic


def _independent(x: Floats) -> Floats:
    """Return the columns that the ones before them do not already say."""
    if not x.shape[1]:
        return x
    kept: list[int] = []
    lower = x.T @ x / len(x)
    left = lower.copy()
    for k in range(x.shape[1]):
        if left[k, k] > 1e-8:
            kept.append(k)
            left = left - np.outer(left[:, k], left[k]) / left[k, k]
    return x[:, kept]


def _share(p: float) -> str:
    return f"{p:.2%}" if p >= 0.0001 else "fewer than one in 10,000"


def believed(checks: list[Check]) -> bool:
    """Tell whether an effect may be shown."""
    return all(one.verdict != "refused" for one in checks)
