from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts.errors import ArtifactError, ContractError, DeclarationError
from contracts.training import Columns, Floats, Outcome, TrainingData
from experiments import tuning_folds
from experiments.panels import Panels
from experiments.recipe import Recipe
from experiments.tuning import Tuned, tune, tune_before
from experiments.tuning_folds import Comparison, compare, fit_lightgbm, folds_of, losses, mean_loss
from experiments.tuning_space import SEARCHED, SPACE, as_toml, checked, seconds_of
from experiments.tuning_study import Trial
from models.base import Base
from models.contract import NoFit
from models.ensemble import ROUNDS, WEIGHTS
from models.recency import Recency
from tests.experiments import laboratory

pytestmark = pytest.mark.lab

FEATURES = ("recency_days", "frequency", "orders_90d", "monetary_value", "tenure", "recency")


@dataclass(frozen=True)
class Hinted:
    """Leans on a column that hints at what happens; how far follows from one parameter, and not at all by default."""

    share: float
    column: str = "hint"

    def bend(self, columns: Columns, horizons: tuple[float, ...], *, rounds: int | None = None) -> Floats:
        return self.share * columns[self.column][:, None]


def hinted(known: TrainingData, base: Base, parameters: Mapping[str, Any]) -> Hinted:
    """Fit in no time; the best learning rate is about .1."""
    if not known.outcomes[known.horizon].observed.any():
        raise NoFit("no row is finished")
    return Hinted(20 * (parameters.get("learning_rate", 0.05) - 0.05))


@cache
def data() -> TrainingData:
    """Return training data of 600 customers with a few features, a hint at the outcome and a column of noise."""
    recipe = Recipe(horizons=(60, 30), cutoffs=8, most_customers=600)
    known = Panels.of(laboratory.history(), recipe).training_data(laboratory.DAY)
    noise, more = np.random.default_rng(5).normal(size=(2, len(known.cutoff)))
    hint = np.nan_to_num(known.outcomes[60].bought, nan=0.5) - 0.5 + noise
    return replace(known, panel={**{n: known.panel[n] for n in FEATURES}, "hint": hint, "noise": more})


@cache
def quick() -> dict[str, Any]:
    """Return the quickest models."""
    return {"fit": hinted, "base": Recency.fit(data())}


def tuned(storage: Path, trials: int = 4, **more: Any) -> Tuned:
    """Tune the hinted model, silently."""
    return tune(data(), trials=trials, storage=storage, progress=lambda _: None, **{**quick(), **more})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    """Return a tuning of eleven trials that nothing disturbed: some random, some guided."""
    return tuned(tmp_path_factory.mktemp("tuning") / "tuning.db", trials=11)


# ---------------------------------------------------------------- folds and losses
def test_folds_lie_a_main_horizon_apart_and_end_before_the_day() -> None:
    days = [fold.day for fold in folds_of(data(), base=quick()["base"])]
    assert days == [laboratory.DAY - 60, laboratory.DAY - 120, laboratory.DAY - 180]


def test_a_fold_is_fitted_on_nothing_that_ends_after_its_day() -> None:
    fold, seen = folds_of(data(), base=quick()["base"])[0], []

    def looking(known: TrainingData, base: Base, parameters: Mapping[str, Any]) -> Hinted:
        finished = known.cutoff[known.outcomes[60].observed] + 60
        seen.append((known.day, finished.max()))
        return hinted(known, base, parameters)

    losses(data(), fold, {}, looking)
    assert seen == [(fold.day, fold.day)]


def test_a_wrong_level_costs_nothing_but_a_wrong_order_does() -> None:
    bought, z = np.array([1.0, 0.0, 1.0, 0.0, 0.0]), np.array([2.0, -1.0, 0.5, 0.7, -2.0])
    right = tuning_folds._levelled(bought, z).mean()
    assert tuning_folds._levelled(bought, z + 1).mean() == pytest.approx(right, abs=1e-6)
    assert tuning_folds._levelled(bought, -z).mean() > right + 0.1


def test_at_its_level_the_predicted_total_is_the_actual_one() -> None:
    bought, z = np.array([1.0, 0.0, 0.0, 0.0]), np.zeros(4)
    expected = np.where(bought > 0, -np.log(0.25), -np.log(0.75))
    np.testing.assert_allclose(tuning_folds._levelled(bought, z), expected, atol=1e-6)


def test_the_loss_is_the_mean_over_folds_with_the_best_weight() -> None:
    folds = [np.array([[0.4, 0.2], [0.2, 0.2]]), np.array([[0.1, 0.1], [0.3, 0.1]])]
    assert mean_loss(folds) == pytest.approx(0.2)  # weights: (.3 + .1) / 2 and (.2 + .2) / 2


def test_a_difference_is_paired_by_customer_and_its_error_counts_no_fold_twice() -> None:
    ours, default = np.array([[0.1, 0.2, 0.3, 0.2]]), np.array([[0.2, 0.2, 0.4, 0.4]])
    gains = [0.1, 0.0, 0.1, 0.2]
    once, twice = compare([ours], [default]), compare([ours, ours], [default, default])
    assert once.gain == pytest.approx(0.1) and once.error == pytest.approx(np.std(gains) / 2)
    assert twice == once


def test_the_real_model_is_judged_with_given_parameters() -> None:
    known = laboratory.known()
    fold = folds_of(known, base=quick()["base"])[0]
    slow, fast = (losses(known, fold, {"learning_rate": rate}, fit_lightgbm) for rate in (0.001, 0.05))
    assert slow.shape == fast.shape == (len(ROUNDS) * len(WEIGHTS), len(fold.bought))
    np.testing.assert_array_equal(slow[0], fast[0])  # the base model alone
    assert not np.allclose(slow[-1], fast[-1])


# ---------------------------------------------------------------- the search
def test_the_defaults_are_trial_0_and_are_told_like_the_others(tmp_path: Path) -> None:
    told: list[tuple[int, Mapping[str, Any], float | None]] = []
    found = tuned(tmp_path / "t.db", trials=3, on_trial=lambda *trial: told.append(trial))
    assert [number for number, _, _ in told] == [0, 1, 2]
    assert told[0] == (0, {}, found.default_loss)
    assert [dict(one.parameters) for one in found.trials] == [dict(parameters) for _, parameters, _ in told]


def test_every_trial_lies_inside_the_search(whole: Tuned) -> None:
    for trial in whole.trials[1:]:
        assert all(SPACE[name].holds(value) for name, value in trial.parameters.items())
        assert all(low <= trial.parameters[name] <= high for name, (low, high) in SEARCHED.items())


def test_what_is_clearly_better_than_the_defaults_takes_their_place(whole: Tuned) -> None:
    best = min((one for one in whole.trials if one.loss is not None), key=lambda one: one.loss or 0.0)
    assert whole.parameters == best.parameters and whole.loss == best.loss
    assert whole.comparison == best.comparison and best.comparison is not None
    assert whole.default_loss - whole.loss == pytest.approx(best.comparison.gain)
    assert best.comparison.gain > 2 * best.comparison.error and whole.reason.startswith(
        f"trial {best.number} takes"
    )


def test_the_defaults_stay_unless_a_trial_is_better_by_more_than_two_standard_errors(tmp_path: Path) -> None:
    def misled(known: TrainingData, base: Base, parameters: Mapping[str, Any]) -> Hinted:
        return replace(hinted(known, base, parameters), column="noise")

    found = tuned(tmp_path / "t.db", fit=misled)
    assert found.comparison is not None and 0 <= found.comparison.gain <= 2 * found.comparison.error
    assert found.parameters == {} and found.loss == found.default_loss
    assert found.reason.startswith("the defaults stay")


def test_hopeless_trials_are_given_up(whole: Tuned) -> None:
    given_up = [one for one in whole.trials if one.loss is None]
    assert given_up and all(one.comparison is None for one in given_up)
    assert all(one.parameters["learning_rate"] < whole.parameters["learning_rate"] for one in given_up)


def test_the_same_seed_and_number_of_trials_bring_the_same(whole: Tuned, tmp_path: Path) -> None:
    assert tuned(tmp_path / "again.db", trials=11) == whole
    assert tuned(tmp_path / "other.db", trials=3, seed=2).trials != whole.trials[:3]


# ---------------------------------------------------------------- resuming
KILLED = """
import os, signal, sys
from pathlib import Path
from tests.experiments import test_tuning as here

finished = []
def dying(known, base, parameters):
    if 3 in finished:  # in the middle of trial 4
        os.kill(os.getpid(), signal.SIGKILL)
    return here.hinted(known, base, parameters)

here.tuned(Path(sys.argv[1]), trials=11, fit=dying, on_trial=lambda number, *_: finished.append(number))
"""


def test_a_killed_run_goes_on_with_its_finished_trials_and_ends_the_same(
    whole: Tuned, tmp_path: Path
) -> None:
    storage, told = tmp_path / "killed.db", list[int]()
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(storage)], env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=120
    )
    assert died.returncode == -signal.SIGKILL
    resumed = tuned(storage, trials=11, on_trial=lambda number, parameters, loss: told.append(number))
    assert told == list(range(4, 11))
    assert resumed == whole


def test_other_data_never_meet_these_trials(tmp_path: Path) -> None:
    first = tuned(tmp_path / "t.db", trials=2)
    bought = np.roll(data().outcomes[60].bought, 1)
    changed = replace(data(), outcomes={**data().outcomes, 60: replace(data().outcomes[60], bought=bought)})
    told: list[int] = []
    tune(
        changed, trials=2, storage=tmp_path / "t.db", progress=lambda _: None, **quick(),
        on_trial=lambda number, parameters, loss: told.append(number),
    )  # fmt: skip
    assert len(first.trials) == 2 and told == [0, 1]


def test_finished_trials_are_not_run_again(tmp_path: Path) -> None:
    first, told = tuned(tmp_path / "t.db", trials=3), list[int]()
    again = tuned(tmp_path / "t.db", trials=3, on_trial=lambda number, parameters, loss: told.append(number))
    assert again == first and told == []


def test_time_that_is_over_leaves_the_defaults(tmp_path: Path) -> None:
    found = tuned(tmp_path / "t.db", trials=None, seconds=1e-9)  # type: ignore[arg-type]
    assert found.parameters == {} and len(found.trials) == 1 and "no trial" in found.reason


# ---------------------------------------------------------------- what cannot be
def test_neither_trials_nor_seconds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="never end"):
        tune(data(), storage=tmp_path / "t.db", progress=lambda _: None)


def test_too_little_data_for_a_fold_is_said(tmp_path: Path) -> None:
    early = data().as_known_on(laboratory.DAY - 240)
    unknown = {60: Outcome.unknown(len(early.cutoff))}
    with pytest.raises(NoFit, match="no fold to tune on"):
        tune(replace(early, outcomes=unknown), trials=2, storage=tmp_path / "t.db", progress=lambda _: None)


def test_the_window_that_a_training_is_judged_on_is_never_tuned_on(tmp_path: Path) -> None:
    seen: list[int] = []

    def looking(known: TrainingData, base: Base, parameters: Mapping[str, Any]) -> Hinted:
        seen.append(known.day)
        return Hinted(0.0, "frequency")

    few = Panels.of(laboratory.history(), Recipe(horizons=(60, 30), cutoffs=3, most_customers=100))
    found = tune_before(
        few, laboratory.DAY, trials=1, storage=tmp_path / "t.db", progress=lambda _: None, fit=looking
    )
    assert found is not None and found.folds == (laboratory.DAY - 120, laboratory.DAY - 180)
    assert tuple(seen) == found.folds  # and the window after the newest ends 60 days before DAY


def test_too_short_a_history_is_said_and_leaves_the_defaults(tmp_path: Path) -> None:
    few = Panels.of(laboratory.history(), Recipe(horizons=(60,), cutoffs=3, most_customers=100))
    said: list[str] = []
    day = few.first_day + 90
    assert tune_before(few, day, trials=2, storage=tmp_path / "t.db", progress=said.append) is None
    assert said[-1].startswith("not tuned: ")


def test_a_storage_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("these are my notes, and no database of any kind\n" * 99)
    with pytest.raises(
        ArtifactError, match=r"notes\.txt: the trials cannot be kept there: file is not a database"
    ):
        tuned(tmp_path / "notes.txt", trials=2)
    with pytest.raises(ArtifactError, match="cannot be kept there"):
        tuned(tmp_path, trials=2)


# ---------------------------------------------------------------- what a recipe and the command line say
@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1h", 3600), ("1.5h", 5400)])
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "0s", "-5m", "10 minutes", "1d", "1h30m", "1e3s", "inf"])
def test_what_is_no_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(DeclarationError, match=r"is no duration\. Write .*90s, 10m, 1h"):
        seconds_of(text)


def test_a_recipes_parameters_are_checked() -> None:
    assert checked({"rounds": 60, "lambda_l2": 5}, where="r.toml") == {"rounds": 60, "lambda_l2": 5}
    with pytest.raises(
        DeclarationError, match=r"r\.toml: \[lightgbm\] .*'num_leafs', did you mean 'num_leaves'\?"
    ):
        checked({"num_leafs": 7}, where="r.toml")
    with pytest.raises(DeclarationError, match=r"'rounds' is 1\.5; it must be a whole number from 1 to 2000"):
        checked({"rounds": 1.5}, where="r.toml")
    for wrong in (True, "0.1", 0, 1.01, float("nan")):
        with pytest.raises(DeclarationError, match="'feature_fraction'"):
            checked({"feature_fraction": wrong}, where="r.toml")


def test_tuned_parameters_are_written_as_a_recipe_reads_them(whole: Tuned) -> None:
    import tomllib

    parameters = whole.trials[1].parameters
    read = tomllib.loads(as_toml(parameters))["lightgbm"]
    assert checked(read, where="r.toml") == parameters


def test_a_trial_says_what_it_is() -> None:
    assert Trial(3, {"rounds": 60}, 0.3, Comparison(0.01, 0.002)).comparison == Comparison(0.01, 0.002)
