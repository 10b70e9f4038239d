"""The record of a tuning in an SQLite file, by Optuna: which parameters to try next, and what came of each.

The only module that knows Optuna; it is imported when a study is opened. A trial's parameters follow from the
seed and the finished trials alone. So a tuning that was killed and started again tries the same as one that was not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import ArtifactError
from experiments.tuning_folds import Comparison
from experiments.tuning_space import SEARCHED, SPACE

if TYPE_CHECKING:  # a large package that only a tuning needs
    import optuna

# So many trials are drawn at random before the search follows what was found.
RANDOM_TRIALS = 8
# So many trials must be finished before one is given up for being worse than their median.
UNPRUNED_TRIALS = 6


@dataclass(frozen=True)
class Trial:
    """A finished trial. loss: None if it was given up after some folds; parameters: none for the defaults."""

    number: int
    parameters: Mapping[str, Any]
    loss: float | None
    comparison: Comparison | None


class Asked:
    """A trial under way."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial
        self.parameters = _readable(trial.params)

    def hopeless(self, fold: int, worse: float) -> bool:
        """Note how much worse than the default it is after some folds; tell whether to give it up."""
        self._trial.report(worse, fold)
        return self._trial.should_prune()


class Study:
    """The trials of one tuning. Opened by `opened`."""

    def __init__(self, study: optuna.Study, seed: int) -> None:
        self._study, self._seed = study, seed

    def trials(self) -> tuple[Trial, ...]:
        """Return the finished trials, oldest first; what was cut off in the middle does not count."""
        from optuna.trial import TrialState

        kept = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
        return tuple(_trial(number, one) for number, one in enumerate(kept))

    def begin(self, defaults: Mapping[str, Any], loss: float, folds: int) -> bool:
        """Make the defaults trial 0 of a study; False if it was begun before."""
        import optuna

        if self.trials():
            return False
        judged = optuna.trial.create_trial(
            params={name: defaults[name] for name in SEARCHED},
            distributions=_distributions(),
            value=loss,
            intermediate_values=dict.fromkeys(range(folds), 0.0),
            user_attrs={"default": True},
        )
        self._study.add_trial(judged)
        return True

    def ask(self) -> Asked:
        """Return the next trial."""
        from optuna.samplers import TPESampler

        seed = self._seed + len(self.trials())
        self._study.sampler = TPESampler(
            seed=seed, n_startup_trials=RANDOM_TRIALS, multivariate=True, constant_liar=False
        )
        return Asked(self._study.ask(_distributions()))

    def finish(self, asked: Asked, loss: float, comparison: Comparison) -> None:
        """Keep what a trial brought on all folds."""
        asked._trial.set_user_attr("gain", comparison.gain)
        asked._trial.set_user_attr("error", comparison.error)
        self._study.tell(asked._trial, loss)

    def give_up(self, asked: Asked) -> None:
        """Keep that a trial was given up."""
        from optuna.trial import TrialState

        self._study.tell(asked._trial, state=TrialState.PRUNED)


@contextmanager
def opened(storage: Path, name: str, *, seed: int) -> Iterator[Study]:
    """Open the study of this name in an SQLite file, or begin it; ArtifactError if the file cannot be used."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    _require_usable(storage)
    try:
        rows = optuna.storages.RDBStorage(f"sqlite:///{storage.resolve()}")
        pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED_TRIALS)
        study = optuna.create_study(storage=rows, study_name=name, pruner=pruner, load_if_exists=True)
    except (SQLAlchemyError, RuntimeError) as error:  # RuntimeError: another version's file
        raise _unusable(storage, error) from None
    try:
        yield Study(study, seed)
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise _unusable(storage, error) from None
    finally:
        rows.remove_session()
        rows.engine.dispose()


def _require_usable(storage: Path) -> None:
    """Refuse a folder, or a file that is no SQLite file, before Optuna meets it."""
    try:
        storage.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(storage)) as connection:
            connection.execute("pragma schema_version").fetchone()
    except (OSError, sqlite3.Error) as error:
        raise _unusable(storage, error) from None


def _unusable(storage: Path, error: Exception) -> ArtifactError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
    return ArtifactError(f"{storage}: the trials cannot be kept there: {reason}. Give another file.")


def _trial(number: int, kept: optuna.trial.FrozenTrial) -> Trial:
    known = kept.user_attrs
    parameters = {} if "default" in known else _readable(kept.params)
    if "gain" not in known:
        return Trial(number, parameters, kept.value if "default" in known else None, None)
    return Trial(number, parameters, kept.value, Comparison(known["gain"], known["error"]))


def _readable(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters as they are used: four digits are enough, and can be read in a recipe."""
    return {
        name: parameters[name] if SPACE[name].whole else float(f"{parameters[name]:.4g}") for name in SEARCHED
    }


def _distributions() -> dict[str, Any]:
    from optuna.distributions import FloatDistribution, IntDistribution

    return {
        name: IntDistribution(int(low), int(high), log=SPACE[name].log)
        if SPACE[name].whole
        else FloatDistribution(low, high, log=SPACE[name].log)
        for name, (low, high) in SEARCHED.items()
    }
