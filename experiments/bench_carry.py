"""Whether a model keeps its accuracy on the days after its training: trained weekly, ranked nightly.

As in a nightly ranking, the customers' features are of the day, and the reference tables those of the training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from contracts.days import to_date
from contracts.errors import DataError
from contracts.metrics import log_loss
from experiments.bench_bars import Bar
from experiments.panels import Panels
from experiments.train import fit_recipe
from models.contract import NoFit
from models.ensemble import Ensemble
from models.level import Level

WITHIN = 0.01


def carry_bars(panels: Panels, trained_on: int, asked_on: Sequence[int], *, last_day: int) -> Iterator[Bar]:
    """Yield two bars for each later day: against itself without the level, and against one trained that day.

    Raises DataError if nothing can be learnt on the first day, or a day lies before it.
    """
    horizon = panels.recipe.horizon
    require_later(trained_on, asked_on)
    try:
        carried = fit_recipe(panels.training_data(trained_on), panels.recipe)
    except NoFit as reason:
        raise DataError(
            f"too little is known on {to_date(trained_on)}: {reason}. Give a later day."
        ) from None
    flat = replace(carried, level=Level.none())
    for day in asked_on:
        what = f"trained {to_date(trained_on)}, asked {to_date(day)}, {horizon} days"
        if day + horizon > last_day:
            yield Bar.unmeasured(what, "", "that window is not over in these orders")
            continue
        own = _loss(panels, carried, trained_on, day)
        without = _loss(panels, flat, trained_on, day)
        yield Bar(
            f"{what}: log loss",
            "not above its own without the level",
            f"{own:.4f} against {without:.4f}",
            own <= without,
        )
        fresh = own if day == trained_on else _loss(panels, _fresh(panels, day), day, day)
        yield Bar(
            f"{what}: log loss",
            f"within {WITHIN} of one trained that day",
            f"{own:.4f} against {fresh:.4f}",
            own <= fresh + WITHIN,
        )


def require_later(trained_on: int, asked_on: Sequence[int]) -> None:
    """Raise DataError if a day lies before the training's."""
    if min(asked_on) < trained_on:
        raise DataError(
            f"a model trained as of {to_date(trained_on)} cannot be asked on {to_date(min(asked_on))}. "
            "Give later days."
        )


def _fresh(panels: Panels, day: int) -> Ensemble:
    return fit_recipe(panels.training_data(day), panels.recipe)


def _loss(panels: Panels, model: Ensemble, trained_on: int, day: int) -> float:
    """Return the log loss of the window after `day`, the features reading the tables of the training's day."""
    references = panels.references(trained_on)
    table = panels.available(trained_on).compute(panels.history, day, references=references)
    outcome = panels.outcome(day, panels.recipe.horizon)
    return log_loss(outcome.bought, model.predict(table.columns, panels.recipe.horizon, day=day).p)
