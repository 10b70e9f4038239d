"""The seasonal and trend level: how far a shop's total lies off the base model's, as a function of the date.

At every earlier cutoff c and horizon h, one shift on the logit scale makes the base model's expected total equal to
what happened. These shifts are seen as averages over the days of their windows of one hidden level u(t),

    shift(c, h) = mean of u over days c+1 ... c+h + offset(h) + noise,
    u = constant + season (periodic in a year) + trend (wanders slowly) + weather (forgotten within days),

a Gaussian process on a grid of weeks (Rasmussen & Williams 2006, eqs. 2.23-2.24; the periodic kernel is their 4.31).
How strong season, trend and weather are is not known: the answers of a grid of strengths are averaged, each weighted
by its marginal likelihood (their eq. 2.30). Where the history is short, no season can show itself and the level falls
back to 0; the strengths are bounded by what shops are like, and the same for all of them.

What is spent on an order day has a level of its own, learnt in the same way from the log of actual over expected value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.training import Floats
from models.contract import read_numbers, sigmoid, write_numbers

YEAR = 365.25
STEP_DAYS = 7
# The level is kept for windows that begin up to this many days after the training.
KEPT_DAYS = 400
LONGEST_WINDOW = 365
OFFSET = 0.03
SEASON_WIDTH = 0.6  # of the periodic kernel; about five weeks
TREND_DAYS, WEATHER_DAYS = 365.0, 5.0
MOST_SHIFT = 3.0
_MOST_KEPT = 1_024  # shifts that are kept for the next request


@dataclass(frozen=True)
class Strengths:
    """How strong the parts of a level may be: standard deviations. A shift of .3 at a low share is 30 % more."""

    seasons: tuple[float, ...]
    trends: tuple[float, ...]
    weathers: tuple[float, ...]
    constant: float


OF_ORDERS = Strengths((0.05, 0.15, 0.3, 0.5), (0.05, 0.1, 0.2), (0.1, 0.2, 0.3), 0.1)
# What is spent on an order day has a season, but hardly a trend that goes on.
OF_SPEND = Strengths((0.03, 0.1, 0.2), (0.02, 0.05), (0.1, 0.2, 0.3), 0.03)


@dataclass(frozen=True)
class Shift:
    """What was observed in one window: the shift that would have made the total right, and its variance."""

    cutoff: int
    horizon: int
    shift: float
    variance: float


@dataclass(frozen=True)
class Level:
    """The expected level on a grid of weeks.

    first_day: where the grid begins; values: the level of each week (logit); offsets: what is added for a horizon
    (days); spreads: the standard deviation of the shift for a window that begins on the training's day.
    """

    first_day: int
    values: tuple[float, ...]
    offsets: Mapping[int, float]
    spreads: Mapping[int, float]
    _shifts: dict[tuple[int, float], float] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def none(cls) -> Self:
        """Return the level that is 0 on every day."""
        return cls(0, (0.0,), {}, {})

    @classmethod
    def fit(cls, shifts: Sequence[Shift], *, day: int, strengths: Strengths = OF_ORDERS) -> Level:
        """Learn from the windows that were over at the end of `day`; without any, the level is 0."""
        if not shifts:
            return cls.none()
        if any(one.cutoff + one.horizon > day for one in shifts):
            raise ContractError("a level can be learnt only from windows that are over")
        first = min(one.cutoff for one in shifts)
        weeks = -(-(day - first + KEPT_DAYS + LONGEST_WINDOW) // STEP_DAYS)
        process = _Process.of(shifts, first, weeks, day)
        return process.level(strengths)

    def shift(self, day: int, horizon: float) -> float:
        """Return what is added to the logits for the window of `horizon` days after `day`."""
        found = self._shifts.get((day, horizon))
        if found is None:
            if len(self._shifts) >= _MOST_KEPT:
                self._shifts.clear()
            found = self._mean(self._known(day), horizon) + _between(self.offsets, horizon)
            self._shifts[day, horizon] = found
        return found

    def spread(self, horizon: float) -> float:
        """Return the standard deviation of the shift for a window that begins on the training's day."""
        return _between(self.spreads, horizon)

    def _mean(self, day: int, horizon: float) -> float:
        """Return the mean of the level over the window: the grid's running integral, read at both ends."""
        edges = self.first_day + STEP_DAYS * np.arange(len(self.values) + 1, dtype=np.float64)
        total = np.concatenate(([0.0], np.cumsum(self.values))) * STEP_DAYS
        ends = np.array([day, day + horizon])
        inside = np.interp(ends, edges, total)
        beyond = (np.maximum(ends - edges[-1], 0.0)) * self.values[-1]
        before = (np.minimum(ends - edges[0], 0.0)) * self.values[0]
        low, high = inside + beyond + before
        return float((high - low) / horizon)

    def _known(self, day: int) -> int:
        """Return the day, or the same date in an earlier year if the grid ends before."""
        last = self.first_day + STEP_DAYS * len(self.values) - LONGEST_WINDOW
        years = max(0, -(-(day - last) // 364)) if len(self.values) > 1 else 0
        return day - 364 * years

    def save(self, path: Path) -> None:
        """Write a file of numbers."""
        write_numbers(
            path,
            {
                "first_day": self.first_day,
                "step_days": STEP_DAYS,
                "values": list(self.values),
                "offsets": _named(self.offsets),
                "spreads": _named(self.spreads),
            },
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        numbers = read_numbers(path)
        return cls(
            numbers["first_day"],
            tuple(numbers["values"]),
            {int(h): value for h, value in numbers["offsets"].items()},
            {int(h): value for h, value in numbers["spreads"].items()},
        )


def level_shift(logits: Floats, total: float) -> float:
    """Return the shift on the logit scale at which the expected total is `total`, within MOST_SHIFT."""
    low, high = -MOST_SHIFT, MOST_SHIFT
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if sigmoid(logits + middle).sum() > total else (middle, high)
    return (low + high) / 2


def observed_shift(cutoff: int, horizon: int, logits: Floats, bought: Floats) -> Shift:
    """Return the shift of one finished window, from the base model's logits and what happened; (n,) each."""
    shift = level_shift(logits, float(bought.sum()))
    p = sigmoid(logits + shift)
    # Buyers come in households and on sale days, not one by one: twice the binomial variance.
    return Shift(cutoff, horizon, shift, 2.0 / max(float((p * (1.0 - p)).sum()), 1.0) + 0.02**2)


def log_mean(values: Floats, weights: Floats) -> float:
    """Return the logarithm of the weighted mean of (n,) values; 0 where there is none."""
    total, weight = float((values * weights).sum()), float(weights.sum())
    return float(np.log(total / weight)) if total > 0 and weight > 0 else 0.0


def spend_shift(
    cutoff: int, horizon: int, order_days: Floats, value: Floats, *, usual: float
) -> Shift | None:
    """Return the log of the actual over the usual amount per order day; None where nothing was spent.

    order_days, value: (n,) in the window; usual: what an order day was expected to bring.
    """
    total = usual * float(order_days.sum())
    if total <= 0 or value.sum() <= 0:
        return None
    error = float(np.sqrt(((value - usual * order_days) ** 2).sum())) / total
    shift = float(np.clip(np.log(value.sum() / total), -MOST_SHIFT, MOST_SHIFT))
    return Shift(cutoff, horizon, shift, error**2 + 0.02**2)


@dataclass(frozen=True)
class _Process:
    """The Gaussian process: n observed windows, k horizons, w weeks."""

    first: int
    windows: Floats  # (n, w) shares of the weeks in each window
    horizons: tuple[int, ...]
    which: Floats  # (n, k) the horizon of each window
    shifts: Floats
    variances: Floats
    ahead: Floats  # (k, w) the windows that begin on the training's day

    @staticmethod
    def of(shifts: Sequence[Shift], first: int, weeks: int, day: int) -> _Process:
        horizons = tuple(sorted({one.horizon for one in shifts}))
        starts = first + STEP_DAYS * np.arange(weeks, dtype=np.float64)
        return _Process(
            first,
            np.array([_shares(starts, one.cutoff, one.horizon) for one in shifts]),
            horizons,
            np.array([[float(one.horizon == h) for h in horizons] for one in shifts]),
            np.array([one.shift for one in shifts]),
            np.array([one.variance for one in shifts]),
            np.array([_shares(starts, day, h) for h in horizons]),
        )

    def level(self, strengths: Strengths) -> Level:
        """Return the average of all strengths' answers, weighted by their marginal likelihoods."""
        grid = product(strengths.seasons, strengths.trends, strengths.weathers)
        answers = [self._answer(strengths.constant, *one) for one in grid]
        likelihoods = np.array([one[0] for one in answers])
        weights = np.exp(likelihoods - likelihoods.max())
        weights /= weights.sum()
        values, offsets, means, variances = (np.array([one[i] for one in answers]) for i in range(1, 5))
        mean = weights @ means
        spread = np.sqrt(weights @ (variances + means**2) - mean**2)
        return Level(
            self.first,
            tuple(map(float, weights @ values)),
            dict(zip(self.horizons, map(float, weights @ offsets), strict=True)),
            dict(zip(self.horizons, map(float, spread), strict=True)),
        )

    def _answer(
        self, constant: float, season: float, trend: float, weather: float
    ) -> tuple[float, Floats, Floats, Floats, Floats]:
        """Return log likelihood, level by week, offsets, and mean and variance of the windows ahead."""
        hidden = _covariance(self.windows.shape[1], constant, season, trend, weather)
        by_week = self.windows @ hidden  # (n, w)
        known = by_week @ self.windows.T + OFFSET**2 * (self.which @ self.which.T) + np.diag(self.variances)
        root = np.linalg.cholesky(known)
        whitened = np.linalg.solve(root, self.shifts)
        likelihood = -0.5 * float(whitened @ whitened) - float(np.log(np.diag(root)).sum())
        weights = np.linalg.solve(root.T, whitened)
        values, offsets = weights @ by_week, OFFSET**2 * (weights @ self.which)
        ahead = by_week @ self.ahead.T + OFFSET**2 * self.which  # (n, k)
        explained = np.linalg.solve(root, ahead)
        prior = np.einsum("kw,wv,kv->k", self.ahead, hidden, self.ahead) + OFFSET**2
        variance = np.maximum(prior - (explained**2).sum(axis=0), 0.0)
        return likelihood, values, offsets, ahead.T @ weights, variance


def _covariance(weeks: int, constant: float, season: float, trend: float, weather: float) -> Floats:
    """Return the covariance of the level between weeks; (weeks, weeks)."""
    apart = STEP_DAYS * np.abs(np.subtract.outer(np.arange(weeks), np.arange(weeks))).astype(np.float64)
    yearly = np.exp(-2.0 * np.sin(np.pi * apart / YEAR) ** 2 / SEASON_WIDTH**2)
    return np.asarray(
        constant**2
        + season**2 * yearly
        + trend**2 * np.exp(-apart / TREND_DAYS)
        + weather**2 * np.exp(-apart / WEATHER_DAYS)
    )


def _shares(starts: Floats, day: int, horizon: float) -> NDArray[np.float64]:
    """Return which share of the window's days lies in each week."""
    inside = np.minimum(day + horizon, starts + STEP_DAYS) - np.maximum(day, starts)
    shares = np.clip(inside, 0.0, None)
    return np.asarray(shares / shares.sum())


def _between(known: Mapping[int, float], horizon: float) -> float:
    """Interpolate over log days; the first and last go on outside; 0 where nothing is known."""
    if not known:
        return 0.0
    horizons = sorted(known)
    return float(np.interp(np.log(horizon), np.log(horizons), [known[h] for h in horizons]))


def _named(values: Mapping[int, float]) -> dict[str, float]:
    return {str(h): value for h, value in values.items()}
