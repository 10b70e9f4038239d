"""Out-of-time folds on which parameters are judged, each at its own level.

A fold is a cutoff: everything is fitted on what was known at its end and judged on the main horizon after it. The
losses are those after the shift that makes the predicted total equal the actual one, so that a season does not
pass for a bad ranking. How many rounds and how much of the bend are taken is left to the ensemble's own choice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from contracts.metrics import log_losses
from contracts.training import Columns, Floats, TrainingData, Window
from models.base import Base, best_base, fit_like
from models.contract import NoFit, logit, sigmoid
from models.ensemble import ROUNDS, WEIGHTS
from models.level import level_shift
from models.lightgbm import LightGbm

MOST_FOLDS = 3


class Bends(Protocol):
    """What is judged: a fitted model that bends a base model's logit."""

    def bend(self, columns: Columns, horizons: tuple[float, ...], *, rounds: int | None = None) -> Floats:
        """Return what is added to the base model's logit; (n, len(horizons)). rounds: only the first trees."""
        ...


Fit = Callable[[TrainingData, Base, Mapping[str, Any]], Bends]


def fit_lightgbm(known: TrainingData, base: Base, parameters: Mapping[str, Any]) -> Bends:
    """Fit LightGBM from a base model with these parameters in place of its defaults."""
    return LightGbm.fit(known, base=base, parameters={"rounds": max(ROUNDS), **parameters})


@dataclass(frozen=True)
class Fold:
    """One fold: its day, the base model as known then, the customers of that day, (n,) each, and who bought."""

    day: int
    base: Base
    columns: Columns
    plain: Floats
    bought: Floats


@dataclass(frozen=True)
class Comparison:
    """A paired difference of mean losses (nats per customer), positive where the trial is better.

    error: one standard error, the largest that it can be: the mean of the folds' own, as if all folds held the
    same customers doing the same.
    """

    gain: float
    error: float


def folds_of(data: TrainingData, *, base: Base | None = None) -> tuple[Fold, ...]:
    """Return up to MOST_FOLDS folds, newest first, one main horizon apart.

    base: the kind of base model, None for the best. NoFit if none can be fitted.
    """
    windows = [data.window(day) for day in data.window_days(MOST_FOLDS)]
    windows = [one for one in windows if one.bought.min() < one.bought.max()]
    base = best_base(data, windows)[0] if base is None else base
    return tuple(fold for window in windows for fold in _fold(base, window))


def losses(data: TrainingData, fold: Fold, parameters: Mapping[str, Any], fit: Fit) -> Floats:
    """Fit as of a fold's day; return each customer's log loss at the fold's level; (choices, n).

    A choice is one of the ensemble's ROUNDS with one of its WEIGHTS. NoFit if there is too little to learn from.
    """
    fitted = fit(data.as_known_on(fold.day), fold.base, parameters)
    bends = [fitted.bend(fold.columns, (data.horizon,), rounds=rounds)[:, 0] for rounds in ROUNDS]
    return np.stack([_levelled(fold.bought, fold.plain + w * bend) for bend in bends for w in WEIGHTS])


def mean_loss(of_folds: Sequence[Floats]) -> float:
    """Return the mean log loss over the folds, with the choice that suits them best."""
    return float(_by_choice(of_folds).min())


def compare(ours: Sequence[Floats], default: Sequence[Floats]) -> Comparison:
    """Return how much lower our losses are than the default's, paired by customer within each fold."""
    mine, theirs = int(_by_choice(ours).argmin()), int(_by_choice(default).argmin())
    pairs = [other[theirs] - own[mine] for own, other in zip(ours, default, strict=True)]
    errors = [float(pair.std()) / np.sqrt(len(pair)) for pair in pairs]
    return Comparison(float(np.mean([pair.mean() for pair in pairs])), float(np.mean(errors)))


def _by_choice(of_folds: Sequence[Floats]) -> Floats:
    return np.asarray(np.mean([found.mean(axis=1) for found in of_folds], axis=0))


def _fold(base: Base, window: Window) -> Iterator[Fold]:
    """Yield the fold of a window, unless this kind of base model could not be fitted then."""
    try:
        then = fit_like(base, window.then)
    except NoFit:
        return
    plain = logit(then.p_order(window.columns, window.then.horizon))
    yield Fold(window.then.day, then, window.columns, plain, window.bought)


def _levelled(bought: Floats, z: Floats) -> Floats:
    """Return log losses after the shift of the logits z at which the predicted total equals the actual one."""
    return log_losses(bought, sigmoid(z + level_shift(z, float(bought.sum()))))
