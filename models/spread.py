"""How sure a value is: the variance and an 80 % interval of each customer's value, and totals that add up.

Learnt from out-of-time predictions beside what happened. A customer's value is nothing or a lognormal amount
(spread_shape); classes by expected value correct the interval so that it holds what it promises (spread_classes).
What a whole cutoff came out above or below, beyond what its customers explain, is the level that all
share (spread_total). Horizons between the learnt ones take the nearest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import exp, log, sqrt
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from contracts.training import Floats, Outcome, Prediction
from models.contract import LARGEST_P, read_numbers, write_numbers
from models.spread_classes import TAIL, Classes, Ranked
from models.spread_shape import Shape
from models.spread_total import Total

# Standard deviation of the log of a total's level before anything is learnt. Where the season was never seen, windows
# of other seasons tell nothing of it: it stays at the second at least, since shops sell a quarter more or less than
# usual in some seasons.
LEVEL_PRIOR = 0.10
LEVEL_PRIOR_NO_SEASON = 0.25
# Three worlds in which the level was predicted right, too low and too high (Gauss-Hermite): away in level_sd, weight.
_NODES = ((0.0, 2 / 3), (-sqrt(3.0), 1 / 6), (sqrt(3.0), 1 / 6))
# The prior counts like so many windows that do not overlap.
PRIOR_WINDOWS = 2.0
LEAST_LEVEL = 0.03


@dataclass(frozen=True)
class Checked:
    """What was predicted for n rows at their cutoffs (days) and one horizon, and what happened; (n,) each.

    The models had seen nothing after the row's cutoff.
    """

    cutoff: NDArray[np.int64]
    answer: Prediction
    outcome: Outcome

    @staticmethod
    def stack(by_cutoff: Mapping[int, tuple[Prediction, Outcome]]) -> Checked:
        """Put the answers and outcomes of several cutoffs (days) below each other."""
        answers = [vars(answer) for answer, _ in by_cutoff.values()]
        columns = {name: np.concatenate([one[name] for one in answers]) for name in answers[0]}
        sizes = [len(answer.p) for answer, _ in by_cutoff.values()]
        cutoff = np.repeat(np.array(list(by_cutoff), dtype=np.int64), sizes)
        return Checked(
            cutoff, Prediction(**columns), Outcome.stack([outcome for _, outcome in by_cutoff.values()])
        )


@dataclass(frozen=True)
class HorizonSpread:
    """What one horizon taught. level_sd: standard deviation of the log of the common level; rows: learnt from."""

    horizon: float
    shape: Shape = field(default_factory=Shape)
    classes: Classes = field(default_factory=Classes)
    level_sd: float = LEVEL_PRIOR_NO_SEASON
    rows: int = 0

    @staticmethod
    def fit(horizon: float, checked: Checked, *, seasons_from: int | None) -> HorizonSpread:
        """Learn the shape, the classes' shares and the level from one horizon's rows; see Spread.fit."""
        answer, outcome = checked.answer, checked.outcome
        level = _levels(checked)
        shape = Shape.fit(answer, outcome, level)
        level_sd = _level_sd(horizon, checked, shape, seasons_from)
        worlds = [
            _ranked(shape, raised(answer, level * exp(away * level_sd)), outcome.value, weight)
            for away, weight in _NODES
        ]
        return HorizonSpread(horizon, shape, Classes.fit(worlds), level_sd, len(outcome.value))

    def interval(self, answer: Prediction, scale: float = 1.0) -> tuple[Floats, Floats]:
        """Return the bounds of each customer's value; (n,) each. scale: the answer's horizon over this one."""
        asked = self.classes.shares[:, self.classes.of(answer.expected_value / scale)]
        quantile = self.shape.quantiles(answer)
        lower = np.where(1.0 - answer.p >= TAIL, 0.0, quantile(asked[0]))
        upper = quantile(np.where(lower > 0, asked[1], asked[2]))
        return np.minimum(lower, answer.expected_value), np.maximum(upper, answer.expected_value)


@dataclass(frozen=True)
class Spread:
    """The spread of values at each learnt horizon (days, ascending); a rule of thumb where none is."""

    horizons: tuple[HorizonSpread, ...] = ()
    name: ClassVar[str] = "spread"

    @classmethod
    def fit(cls, checked: Mapping[int, Checked], *, seasons_from: int | None) -> Self:
        """Learn from out-of-time predictions by horizon (days).

        seasons_from: the first cutoff (day) at which the same window of an earlier year was known; earlier cutoffs
        do not count for the level. None: not even now, so that the level is trusted less.
        """
        found = [
            HorizonSpread.fit(horizon, one, seasons_from=seasons_from)
            for horizon, one in sorted(checked.items())
            if len(one.cutoff)
        ]
        return cls(tuple(found))

    def variance(self, answer: Prediction, horizon: float) -> Floats:
        """Return the variance of each customer's value around the common level; (n,), currency squared."""
        return self._nearest(horizon).shape.variance(answer)

    def interval(self, answer: Prediction, horizon: float) -> tuple[Floats, Floats]:
        """Return where each customer's value lies in 8 of 10 cases; (n,) lower and (n,) upper, currency.

        The lower bound is 0 where no order has a chance of 10 % or more. The expected value is always inside. Where
        no order has a chance above 80 %, more than 80 % are inside: zero itself is.
        """
        nearest = self._nearest(horizon)
        return nearest.interval(answer, horizon / nearest.horizon)

    def level_sd(self, horizon: float) -> float:
        """Return the standard deviation of the log of a total's level.

        Beyond the longest learnt horizon it grows with the root of the horizon, as a random walk does.
        """
        longest = self.horizons[-1].horizon if self.horizons else horizon
        return self._nearest(horizon).level_sd * sqrt(max(horizon / longest, 1.0))

    def total(
        self,
        answer: Prediction,
        horizon: float,
        *,
        rows: NDArray[np.bool_] | None = None,
        level_sd: float | None = None,
    ) -> Total:
        """Return the total of all customers, or of some rows; totals of disjoint groups can be added.

        rows: (n,). level_sd: where it is known for the day; else that of the horizon.
        """
        inside = np.ones(len(answer.p), dtype=np.bool_) if rows is None else rows
        return self.totals(answer, horizon, inside.astype(np.intp), groups=2, level_sd=level_sd)[1]

    def totals(
        self,
        answer: Prediction,
        horizon: float,
        group: NDArray[np.intp],
        *,
        groups: int,
        level_sd: float | None = None,
    ) -> list[Total]:
        """Return the totals of the groups 0 ... groups - 1; group: (n,) each customer's."""
        level = self.level_sd(horizon) if level_sd is None else level_sd
        nothing = np.log1p(-np.minimum(answer.p, LARGEST_P))
        sums = np.stack(
            [
                np.bincount(group, one, groups)
                for one in (answer.expected_value, self.variance(answer, horizon), nothing)
            ]
        )
        return [
            Total(mean, own_variance, level * mean, log_nobody=log_nobody)
            for mean, own_variance, log_nobody in sums.T.tolist()
        ]

    def save(self, folder: Path) -> None:
        """Write spread.json."""
        write_numbers(folder / "spread.json", {"horizons": [asdict(one) for one in self.horizons]})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read spread.json."""
        return cls(tuple(_of_numbers(one) for one in read_numbers(folder / "spread.json")["horizons"]))

    def _nearest(self, horizon: float) -> HorizonSpread:
        if not self.horizons:
            return HorizonSpread(horizon)
        return min(self.horizons, key=lambda one: abs(log(one.horizon / horizon)))


def raised(answer: Prediction, factor: Floats) -> Prediction:
    """Return the answer at `factor` times as many expected orders; (n,). The chance follows as of a Poisson."""
    p = -np.expm1(factor * np.log1p(-np.minimum(answer.p, LARGEST_P)))
    return Prediction(p, answer.expected_orders * factor, answer.expected_value * factor)


def _ranked(shape: Shape, answer: Prediction, value: Floats, weight: float) -> Ranked:
    return Ranked(answer.expected_value, shape.rank(answer, value), 1.0 - answer.p, value, weight)


def _of_numbers(numbers: dict[str, Any]) -> HorizonSpread:
    classes = Classes(**{name: tuple(values) for name, values in numbers["classes"].items()})
    shape = Shape(**numbers["shape"])
    return HorizonSpread(numbers["horizon"], shape, classes, numbers["level_sd"], numbers["rows"])


def _levels(checked: Checked) -> Floats:
    """Return actual over expected total of each row's cutoff; (n,), 1 where there is none."""
    _, place = np.unique(checked.cutoff, return_inverse=True)
    expected = np.bincount(place, checked.answer.expected_value)
    actual = np.bincount(place, checked.outcome.value)
    known = (expected > 0) & (actual > 0)
    return np.divide(actual, expected, out=np.ones(len(actual)), where=known)[place]


def _level_sd(horizon: float, checked: Checked, shape: Shape, seasons_from: int | None) -> float:
    """Return the root mean square log error of the cutoffs' totals that customers' variances do not explain.

    Method of moments, shrunk to the prior; overlapping windows count as those that would lie side by side.
    """
    prior = LEVEL_PRIOR_NO_SEASON if seasons_from is None else LEVEL_PRIOR
    least = LEVEL_PRIOR_NO_SEASON if seasons_from is None else LEAST_LEVEL
    answer, outcome = checked.answer, checked.outcome
    days, place = np.unique(checked.cutoff, return_inverse=True)
    expected, actual = np.bincount(place, answer.expected_value), np.bincount(place, outcome.value)
    known = (expected > 0) & (actual > 0) & (days >= (days[0] if seasons_from is None else seasons_from))
    if not known.any():
        return prior
    own = np.bincount(place, shape.variance(answer))[known] / expected[known] ** 2
    beyond = max(float(np.mean(np.log(actual[known] / expected[known]) ** 2 - own)), 0.0)
    windows = min(float(known.sum()), 1.0 + float(np.ptp(days[known])) / horizon)
    shrunk = (windows * beyond + PRIOR_WINDOWS * prior**2) / (windows + PRIOR_WINDOWS)
    return max(sqrt(shrunk), least)
