"""Effects by group: each with its interval, and pulled towards the effect of all by how little it tells.

Whoever looks at many groups and picks the best one is fooled by chance. So p-values are Holm's for all groups of a
column, Cochran's Q says whether the groups differ at all, and `pooled` is the empirical-Bayes estimate: the groups'
true effects vary around a common one with the variance of DerSimonian and Laird (1986), and each is shrunk towards it
(Morris, 1983, JASA 78:47).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.results.effect import Effect, effects
from campaigns.results.intervals import LEVEL, Difference, Sample, chi_square_p, holm, of_error
from campaigns.results.trial import Trial
from features.kernel.running import Floats

FEWEST = 30  # customers in each arm of a group
FEWEST_HITS = 10  # customers of a group with any outcome, for its own variance to be believed


@dataclass(frozen=True, kw_only=True)
class GroupEffect:
    """An effect within one group of a column. pooled: shrunk towards the effect of all groups."""

    column: str
    group: str
    effect: Effect
    pooled: Difference
    p_holm: float | None


@dataclass(frozen=True, kw_only=True)
class Spread:
    """Whether the groups of a column differ in the effect of an arm on an outcome.

    deviation: the standard deviation of the true effects between groups; p_value: of no difference (Cochran's Q);
    weight: the mean share of a group's own figure in its pooled one.
    """

    column: str
    arm: str
    outcome: str
    groups: int
    deviation: float
    p_value: float
    weight: float


@dataclass(frozen=True)
class Grouped:
    """effects: by group; spreads: by arm and outcome; left_out: groups with too few customers in an arm."""

    effects: list[GroupEffect]
    spreads: list[Spread]
    left_out: tuple[str, ...]


def by_group(trial: Trial, column: str, *, level: float = LEVEL) -> Grouped:
    """Return the effects within each group of a column of the trial's `groups`."""
    labels = trial.groups[column]
    found: list[tuple[str, Effect]] = []
    left_out = []
    for text, code in sorted((str(text), code) for code, text in enumerate(labels.texts)):
        part = trial.of(labels.codes == code)
        if part.counts.min() < FEWEST:
            left_out += [text] if len(part) else []
            continue
        found += [(text, one) for one in effects(part, level=level)]
    kinds = dict.fromkeys((one.arm, one.outcome) for _, one in found)
    families = [[pair for pair in found if (pair[1].arm, pair[1].outcome) == kind] for kind in kinds]
    pooled = [_pool(column, family, level) for family in families]
    return Grouped(
        [one for effects_of, _ in pooled for one in effects_of],
        [spread for _, spread in pooled],
        tuple(left_out),
    )


@dataclass(frozen=True)
class Shrunk:
    """values, errors: (g,) after shrinking; deviation: between the true values; q: Cochran's; weight: (g,) own share.

    mean, mean_error: the common value (DerSimonian and Laird).
    """

    values: Floats
    errors: Floats
    deviation: float
    q: float
    weight: Floats
    mean: float
    mean_error: float


def shrink(values: Floats, errors: Floats) -> Shrunk:
    """Pull (g,) estimates with these standard errors (above 0) towards their common mean, by empirical Bayes."""
    own = 1 / errors**2
    fixed = float((own * values).sum() / own.sum())
    q = float((own * (values - fixed) ** 2).sum())
    scale = own.sum() - (own**2).sum() / own.sum()
    variance = max(0.0, (q - (len(values) - 1)) / scale) if len(values) > 1 else 0.0
    around = 1 / (errors**2 + variance)
    mean, mean_error = float((around * values).sum() / around.sum()), math.sqrt(1 / float(around.sum()))
    weight = variance / (variance + errors**2)
    shrunk_errors = np.sqrt(weight * errors**2 + (1 - weight) ** 2 * mean_error**2)
    shrunk = weight * values + (1 - weight) * mean
    return Shrunk(shrunk, shrunk_errors, math.sqrt(variance), q, weight, mean, mean_error)


def _pool(
    column: str, family: Sequence[tuple[str, Effect]], level: float
) -> tuple[list[GroupEffect], Spread]:
    values = np.array([one.best.value for _, one in family])
    found = shrink(values, _errors([one for _, one in family]))
    holms = holm([one.best.p_value for _, one in family])
    effects_of = [
        GroupEffect(
            column=column,
            group=group,
            effect=one,
            pooled=of_error(float(value), float(error), level=level),
            p_holm=p,
        )
        for (group, one), value, error, p in zip(family, found.values, found.errors, holms, strict=True)
    ]
    first = family[0][1]
    spread = Spread(
        column=column,
        arm=first.arm,
        outcome=first.outcome,
        groups=len(family),
        deviation=found.deviation,
        p_value=chi_square_p(found.q, len(family) - 1),
        weight=float(found.weight.mean()),
    )
    return effects_of, spread


def _errors(family: Sequence[Effect]) -> Floats:
    """Return standard errors that no small group can have too small by chance.

    A group in which hardly anybody bought seems surer than it is: it has at least the variance of all groups together.
    """
    arms = [[(one.treated, one.control)[arm] for one in family] for arm in (0, 1)]
    common = [_within(samples) for samples in arms]
    found = []
    for one in family:
        sizes = [(one.treated, common[0]), (one.control, common[1])]
        least = math.sqrt(sum(variance / sample.n for sample, variance in sizes))
        hits = min(_hits(one.treated), _hits(one.control))
        error = one.best.error
        found.append(max(error, least) if hits < FEWEST_HITS or not error > 0 else error)
    return np.maximum(np.array(found), 1e-12)


def _within(samples: Sequence[Sample]) -> float:
    """Return the variance within groups."""
    freedom = sum(one.n - 1 for one in samples)
    return sum(one.variance * (one.n - 1) for one in samples) / freedom if freedom else 0.0


def _hits(sample: Sample) -> float:
    """Return about how many customers had any outcome: of a mean m and variance v, n m² / (m² + v)."""
    square = sample.mean**2
    return sample.n * square / (square + sample.variance) if square else 0.0
