"""Tune LightGBM's parameters on out-of-time folds: by trials or by time, resumable, never worse than the defaults.

The defaults are trial 0. Another trial takes their place only if its mean log loss over the folds is lower by more
than two standard errors of the paired difference (tuning_folds.Comparison): the best of many trials looks better than
it is. What is tuned on may not hold the window that the result is judged on; `tune_before` sees to that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from contracts.days import to_date
from contracts.errors import ContractError
from contracts.training import Floats, TrainingData
from experiments.panels import Panels
from experiments.tuning_folds import Comparison, Fit, Fold, compare, fit_lightgbm, folds_of, losses, mean_loss
from experiments.tuning_space import SEARCHED
from experiments.tuning_study import Asked, Study, Trial, opened
from models.base import Base
from models.contract import NoFit
from models.ensemble import ROUNDS, WEIGHTS
from models.lightgbm import ORDER_PARAMETERS

Progress = Callable[[str], None]
# Called for each trial that ends: its number, its parameters (none for the defaults), its loss (None: given up).
OnTrial = Callable[[int, Mapping[str, Any], float | None], None]

SEED = 1
# Standard errors by which a trial must be better than the defaults. With 1,000 customers of CDNOW the best of 15 was
# better by 1.4, and worse by 1.3 in the window that followed.
NEEDED_ERRORS = 2.0
_PACKAGES = ("repurchase", "lightgbm", "optuna")


@dataclass(frozen=True)
class Tuned:
    """What a tuning brought.

    parameters: to be used in place of the defaults, empty if these stay. loss, default_loss: mean log loss over the
    folds at their own levels. comparison: of the best trial, used or not, to the defaults. trials: finished ones,
    those of earlier runs and the defaults included. folds: their days, newest first. reason: a sentence.
    """

    parameters: Mapping[str, Any]
    loss: float
    default_loss: float
    comparison: Comparison | None
    trials: tuple[Trial, ...]
    folds: tuple[int, ...]
    reason: str


@dataclass(frozen=True)
class _Bench:
    """What every trial is judged with: the data, the folds and the defaults' losses on them."""

    data: TrainingData
    folds: tuple[Fold, ...]
    default: tuple[Floats, ...]
    fit: Fit


def tune(
    data: TrainingData,
    *,
    trials: int | None = None,
    seconds: float | None = None,
    storage: Path,
    progress: Progress,
    on_trial: OnTrial = lambda number, parameters, loss: None,
    base: Base | None = None,
    fit: Fit = fit_lightgbm,
    seed: int = SEED,
) -> Tuned:
    """Search better parameters until there are `trials` finished ones or `seconds` are over.

    storage: an SQLite file, where the same data find their earlier trials again, and no others. Of the seed and the
    number of trials follows the result, however often the run was cut off. on_trial hears of new trials only. base: the
    kind of base model, None for the best.
    Raises NoFit if there is too little data for a fold, ArtifactError if the file cannot be used.
    """
    if trials is None and seconds is None:
        raise ContractError("tune was given neither trials nor seconds; it would never end")
    end = None if seconds is None else monotonic() + seconds
    bench = _bench(data, base, fit)
    progress(f"tuning on {_days(bench.folds)}")
    default_loss = mean_loss(bench.default)
    with opened(storage, _name(data, base, seed), seed=seed) as study:
        if study.begin(_defaults(data), default_loss, len(bench.folds)):
            on_trial(0, {}, default_loss)
        while (trials is None or len(study.trials()) < trials) and (end is None or monotonic() < end):
            _try(study, study.ask(), bench)
            last = study.trials()[-1]
            on_trial(last.number, last.parameters, last.loss)
            progress(_told(last, default_loss, trials))
        return _result(study.trials(), default_loss, bench.folds)


def tune_before(
    panels: Panels,
    as_of: int,
    *,
    trials: int | None = None,
    seconds: float | None = None,
    storage: Path,
    progress: Progress,
    on_trial: OnTrial = lambda number, parameters, loss: None,
    fit: Fit = fit_lightgbm,
) -> Tuned | None:
    """Tune for a training as of a day, on what was known one main horizon before it.

    So the last window, on which the training is judged, stays unseen. None, and `progress` hears why, if there is
    too little data for that: the defaults stay.
    """
    try:
        return tune(
            panels.training_data(as_of - panels.recipe.horizon),
            trials=trials,
            seconds=seconds,
            storage=storage,
            progress=progress,
            on_trial=on_trial,
            fit=fit,
        )
    except NoFit as reason:
        progress(f"not tuned: {reason}")
        return None


def _bench(data: TrainingData, base: Base | None, fit: Fit) -> _Bench:
    """Judge the defaults; folds on which LightGBM cannot be fitted are left out."""
    folds, default, reasons = [], [], []
    for fold in folds_of(data, base=base):
        try:
            default.append(losses(data, fold, {}, fit))
            folds.append(fold)
        except NoFit as reason:
            reasons.append(f"{to_date(fold.day)}: {reason}")
    if not folds:
        why = "; ".join(reasons) or f"no finished window of {data.horizon} days has anything before it"
        raise NoFit(f"there is no fold to tune on ({why})")
    return _Bench(data, tuple(folds), tuple(default), fit)


def _try(study: Study, asked: Asked, bench: _Bench) -> None:
    """Judge a trial fold by fold, until it is done or hopeless beside the others."""
    found: list[Floats] = []
    for number, fold in enumerate(bench.folds):
        found.append(losses(bench.data, fold, asked.parameters, bench.fit))
        worse = mean_loss(found) - mean_loss(bench.default[: number + 1])
        if asked.hopeless(number, worse) and number + 1 < len(bench.folds):
            study.give_up(asked)
            return
    study.finish(asked, mean_loss(found), compare(found, bench.default))


def _result(trials: Sequence[Trial], default_loss: float, folds: Sequence[Fold]) -> Tuned:
    days = tuple(fold.day for fold in folds)
    judged = [one for one in trials if one.comparison is not None and one.loss is not None]
    if not judged:
        why = "no trial but the defaults was finished"
        return Tuned({}, default_loss, default_loss, None, tuple(trials), days, why)
    best = min(judged, key=lambda one: (one.loss, one.number))
    assert best.comparison is not None and best.loss is not None
    gain, error = best.comparison.gain, best.comparison.error
    measured = f"{abs(gain):.5f} {'lower' if gain > 0 else 'higher'} (standard error {error:.5f})"
    if gain > NEEDED_ERRORS * error:
        why = f"trial {best.number} takes the defaults' place: its log loss is {measured}"
        return Tuned(best.parameters, best.loss, default_loss, best.comparison, tuple(trials), days, why)
    why = f"the defaults stay: beside theirs the log loss of the best trial, {best.number}, is {measured}"
    return Tuned({}, default_loss, default_loss, best.comparison, tuple(trials), days, why)


def _defaults(data: TrainingData) -> dict[str, Any]:
    """Return the defaults as a point of the search, which learns from it; they are judged as they are."""
    rows = int(data.outcomes[data.horizon].observed.sum())
    known = {"min_data_in_leaf": int(np.clip(rows // 400, 20, 100)), **ORDER_PARAMETERS}
    return {name: min(max(known[name], low), high) for name, (low, high) in SEARCHED.items()}


def _name(data: TrainingData, base: Base | None, seed: int) -> str:
    """Return the study's name: a hash of all that its trials depend on."""
    digest = hashlib.blake2b(digest_size=16)
    about = (
        data.horizon,
        data.day,
        data.span_days,
        seed,
        sorted(ORDER_PARAMETERS.items()),
        SEARCHED,
        ROUNDS,
        WEIGHTS,
        None if base is None else base.name,
    )
    digest.update(repr((about, [(name, version(name)) for name in _PACKAGES])).encode())
    digest.update(np.ascontiguousarray(data.cutoff).tobytes())
    for name, values in sorted(data.panel.items()):
        digest.update(f"{name}:{len(values)};".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    for horizon, outcome in sorted(data.outcomes.items()):
        digest.update(f"{horizon};".encode())
        digest.update(np.ascontiguousarray(outcome.bought).tobytes())
    return f"lightgbm-{digest.hexdigest()}"


def _days(folds: Sequence[Fold]) -> str:
    days = ", ".join(str(to_date(fold.day)) for fold in folds)
    return f"{len(folds)} window{'s' if len(folds) > 1 else ''} after {days}"


def _told(trial: Trial, default_loss: float, trials: int | None) -> str:
    of = f" of {trials - 1}" if trials is not None else ""
    if trial.loss is None:
        return f"trial {trial.number}{of}: given up, worse than most"
    return f"trial {trial.number}{of}: log loss {trial.loss:.5f} (defaults {default_loss:.5f})"
