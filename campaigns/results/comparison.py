"""Two ways of grouping the same customers: which one separates the effect, or the revenue, better?

How far the groups' true means lie apart is the variance between them, freed of what the noise of small groups adds
(as in a one-way analysis of variance), so that a finer grouping does not win by being finer. The difference of the
two has a delete-a-group jackknife interval over the customers (Kott, 2001), who are the same in both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.results.intervals import LEVEL, Difference, of_error
from campaigns.results.trial import Trial
from contracts.errors import DataError
from features.kernel.codes import Text
from features.kernel.running import Floats, Ints

BLOCKS = 100  # of the jackknife
FEWEST = 30  # customers in each arm of a group; smaller groups are one


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What two groupings separate. what: the effect of an arm on an outcome, or the outcome of the control alone.

    first, second: standard deviation between the groups' true means, 0 where it cannot be told from none;
    difference: of the variances, first less second, with its interval.
    """

    first_column: str
    second_column: str
    what: str
    arm: str
    outcome: str
    first: float
    second: float
    difference: Difference

    @property
    def better(self) -> str | None:
        """The column that separates better; None where the interval holds 0."""
        if self.difference.lower > 0:
            return self.first_column
        return self.second_column if self.difference.upper < 0 else None


def compare(trial: Trial, first: str, second: str, *, level: float = LEVEL) -> list[Compared]:
    """Compare two columns of the trial's `groups`, for each outcome: the control's level, and each arm's effect."""
    found: list[Compared] = []
    block = _blocks(len(trial))
    columns = (first, second)
    for number in range(1, len(trial.arms)):
        pair = (trial.arm == 0) | (trial.arm == number)
        treated = (trial.arm[pair] == number).astype(np.int64)
        for outcome, values in trial.outcomes.items():
            sums = [
                _Sums.of(_merged(trial.groups[one], pair, treated), treated, values[pair], block[pair])
                for one in columns
            ]
            made = [("effect", trial.arms[number], [one.effects() for one in sums])]
            if number == 1:
                made.append(("level", trial.arms[0], [one.levels(0) for one in sums]))
            found += [_compared(columns, what, arm, outcome, spreads, level) for what, arm, spreads in made]
    return sorted(found, key=lambda one: one.what)


def compare_levels(
    values: Floats, first: Text, second: Text, *, columns: tuple[str, str], outcome: str, level: float = LEVEL
) -> Compared:
    """Compare how two groupings separate the level of an outcome where there is no control; (n,) each."""
    none = np.zeros(len(values), dtype=np.int64)
    everyone = np.ones(len(values), dtype=np.bool_)
    sums = [
        _Sums.of(_merged(one, everyone, none), none, values, _blocks(len(values))) for one in (first, second)
    ]
    return _compared(columns, "level", "all", outcome, [one.levels(0) for one in sums], level)


def _compared(
    columns: tuple[str, str], what: str, arm: str, outcome: str, spreads: Sequence[Floats], level: float
) -> Compared:
    apart = spreads[0] - spreads[1]
    whole, without = apart[0], apart[1:]
    error = math.sqrt((len(without) - 1) / len(without) * float(((without - without.mean()) ** 2).sum()))
    return Compared(
        first_column=columns[0],
        second_column=columns[1],
        what=what,
        arm=arm,
        outcome=outcome,
        first=math.sqrt(max(0.0, float(spreads[0][0]))),
        second=math.sqrt(max(0.0, float(spreads[1][0]))),
        difference=of_error(float(whole), error, freedom=len(without) - 1, level=level),
    )


@dataclass(frozen=True)
class _Sums:
    """Counts, sums and sums of squares of all customers, then without each block; (blocks + 1, arms, groups) each."""

    n: Floats
    total: Floats
    square: Floats

    @staticmethod
    def of(group: Ints, arm: Ints, values: Floats, block: Ints) -> _Sums:
        shape = (BLOCKS, 2, int(group.max(initial=0)) + 1)
        cell = (block * 2 + arm) * shape[2] + group
        centred = values - values.mean()
        parts = [
            np.bincount(cell, weights, minlength=math.prod(shape)).reshape(shape)
            for weights in (np.ones(len(values)), centred, centred * centred)
        ]
        whole = [np.concatenate((one.sum(0, keepdims=True), one.sum(0) - one)) for one in parts]
        return _Sums(*whole)

    def means(self, arm: int) -> tuple[Floats, Floats]:
        """Return each group's mean in an arm and its squared error."""
        n = np.maximum(self.n[:, arm], 1.0)
        mean = self.total[:, arm] / n
        variance = np.maximum(self.square[:, arm] - n * mean * mean, 0.0) / np.maximum(n - 1, 1.0)
        return mean, variance / n

    def levels(self, arm: int) -> Floats:
        """Return the variance between groups of an arm's mean; (blocks + 1,)."""
        return _between(*self.means(arm), self.n[:, arm])

    def effects(self) -> Floats:
        """Return the variance between groups of treated less control; (blocks + 1,)."""
        (one, error), (other, other_error) = self.means(1), self.means(0)
        return _between(one - other, error + other_error, self.n.sum(1))


def _between(means: Floats, errors: Floats, n: Floats) -> Floats:
    """Return the weighted variance of the means less what their own errors add to it; unbiased, may fall below 0."""
    weight = n / n.sum(1, keepdims=True)
    middle = (weight * means).sum(1, keepdims=True)
    noise = (weight * (1 - weight) * errors).sum(1)
    return (weight * (means - middle) ** 2).sum(1) - noise


def _merged(labels: Text, chosen: np.ndarray, treated: Ints) -> Ints:
    """Return groups 0 … g-1 of the chosen customers; those with too few customers in an arm, or no label, are one."""
    codes = labels.codes[chosen].astype(np.int64) + 1
    sizes = [
        np.bincount(codes[treated == arm], minlength=len(labels.values) + 1) for arm in np.unique(treated)
    ]
    large = np.min(sizes, axis=0) >= FEWEST
    large[0] = False
    if large.sum() < 1:
        raise DataError(f"no group has {FEWEST} customers in each arm. Compare groupings with fewer groups.")
    place = np.zeros(len(large), dtype=np.int64)
    place[large] = np.arange(1, int(large.sum()) + 1)
    return np.unique(place[codes], return_inverse=True)[1].astype(np.int64)


def _blocks(n: int) -> Ints:
    """Return a block of about equal size for each customer, drawn with a fixed seed."""
    return np.random.default_rng(0).permutation(n) % BLOCKS
