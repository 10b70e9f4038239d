"""Backtest: every model and peer learns what was known at each origin, and is measured on the days after it.

Never a random split: at an origin everything is fitted on `Panels.training_data(origin)`, asked for the customers
known then, and compared with what they did next, as known at the end of the horizon.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from contracts.days import to_date
from contracts.errors import DataError
from contracts.training import Columns, Outcome, Prediction, TrainingData
from experiments.answers import Answers
from experiments.backtest_groups import slice_rows, texts_at
from experiments.backtest_models import BASELINES, Entrant
from experiments.backtest_result import Backtest, Settings
from experiments.backtest_weeks import weekly
from experiments.bootstrap import compare
from experiments.evaluate import measure
from experiments.leaderboard import Seeds, best_of, leaderboard, verdict
from experiments.panels import Panels
from experiments.peers.contract import Fitted
from features.kernel.running import Ints
from models.contract import NoFit

Progress = Callable[[str], None]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Origin:
    """One origin: its customers and outcomes by horizon, and what the entrants brought, by name, as they run."""

    day: int
    customers: Ints
    columns: Columns
    outcomes: Mapping[int, Outcome]
    predictions: Mapping[int, dict[str, Prediction]]
    fitted: dict[str, Fitted] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    not_fitted: dict[str, str] = field(default_factory=dict)
    seeds: Seeds = field(default_factory=dict)

    def answers(self, horizon: int) -> Answers:
        """Return what all entrants answered for one horizon."""
        return Answers(self.day, self.customers, self.outcomes[horizon], self.predictions[horizon])


def run(panels: Panels, settings: Settings, entrants: Sequence[Entrant], *, progress: Progress) -> Backtest:
    """Run all entrants at all origins, compare them and judge the default.

    Raises DataError if the default can be fitted at no origin. Origins at which it cannot be fitted are left out.
    """
    origins = [_at(panels, day, settings, entrants, progress) for day in settings.origins]
    judged = [one for one in origins if settings.default in one.fitted]
    if not judged:
        raise DataError(f"there is too little to learn from: {origins[-1].not_fitted[settings.default]}.")
    progress("comparing")
    answers = {h: tuple(one.answers(h) for one in judged) for h in settings.horizons}
    compared = {h: tuple(compare(found, default=settings.default)) for h, found in answers.items()}
    rows = leaderboard(compared, settings.kinds, [(one.day, one.seeds) for one in judged])
    columns = {one.day: one.columns for one in judged}
    texts = {one.day: texts_at(panels.history, one.customers, one.day) for one in judged}
    main = settings.horizon
    peer = best_of(rows, main, "peer")
    shown = [name for name in (settings.default, peer) if name]
    return Backtest(
        settings=settings,
        answers=answers,
        compared=compared,
        rows=rows,
        slices=slice_rows(answers[main], columns, texts, shown),
        columns=columns,
        texts=texts,
        weekly=tuple(weekly(panels, one.day, main, _some(one.fitted, shown)) for one in judged),
        fit_seconds=_by_model({one.day: one.seconds for one in origins}),
        not_fitted=_by_model({one.day: one.not_fitted for one in origins}),
        best_peer=peer,
        verdict=verdict(compared[main], rows, main, BASELINES),
    )


def _at(
    panels: Panels, day: int, settings: Settings, entrants: Sequence[Entrant], progress: Progress
) -> Origin:
    """Fit and ask every entrant at one origin."""
    data, table = panels.training_data(day), panels.features(day)
    outcomes = {h: panels.outcome(day, h) for h in settings.horizons}
    origin = Origin(day, table.customers, table.columns, outcomes, {h: {} for h in outcomes})
    wide = _for_peers(data, table.columns, max(settings.horizons))
    for entrant in entrants:
        progress(f"{to_date(day)} {entrant.name}")
        try:
            _enter(origin, entrant, wide if entrant.wide else data, panels, settings.seeds)
        except NoFit as reason:
            origin.not_fitted[entrant.name] = str(reason)
    return origin


def _enter(origin: Origin, entrant: Entrant, data: TrainingData, panels: Panels, seeds: int) -> None:
    """Fit one entrant, with each seed if it has one; the first seed answers."""
    begun = time.process_time()
    first = entrant.fit(data, panels.recipe, 1)
    seconds = time.process_time() - begun
    answers = _ask(first, origin)
    if entrant.seeded and seeds > 1:
        more = (_ask(entrant.fit(data, panels.recipe, seed), origin) for seed in range(2, seeds + 1))
        for found in (answers, *more):
            for h, prediction in found.items():
                measured = measure(origin.outcomes[h], prediction)
                origin.seeds.setdefault((entrant.name, h), []).append(measured)
    for h, prediction in answers.items():
        origin.predictions[h][entrant.name] = prediction
    origin.fitted[entrant.name], origin.seconds[entrant.name] = first, seconds


def _ask(model: Fitted, origin: Origin) -> dict[int, Prediction]:
    """Ask for all horizons; NoFit if an answer is no number."""
    found = {h: model.predict(origin.columns, h, day=origin.day) for h in origin.outcomes}
    for h, one in found.items():
        wrong = [name for name, values in vars(one).items() if not np.isfinite(values).all()]
        if wrong:
            raise NoFit(f"its {', '.join(wrong)} for {h} days are not all numbers")
    return found


def _for_peers(data: TrainingData, columns: Columns, longest: int) -> TrainingData:
    """Return what peers learn from: all features of today's customers, and no horizon beyond the asked ones."""
    outcomes = {h: outcome for h, outcome in data.outcomes.items() if h <= longest}
    return replace(data, now=columns, outcomes=outcomes)


def _some(found: Mapping[str, Value], names: Sequence[str]) -> dict[str, Value]:
    return {name: found[name] for name in names if name in found}


def _by_model(by_origin: Mapping[int, Mapping[str, Value]]) -> dict[str, dict[int, Value]]:
    found: dict[str, dict[int, Value]] = {}
    for day, by_name in by_origin.items():
        for name, value in by_name.items():
            found.setdefault(name, {})[day] = value
    return found
