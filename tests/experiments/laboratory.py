"""A part of CDNOW and what is known of it on one day, for the tests of the laboratory."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from contracts.days import parse_day
from contracts.training import Outcome, TrainingData
from experiments.backtest_result import Settings
from experiments.data_sets import cdnow_file
from experiments.panels import Panels
from experiments.recipe import Recipe
from features.kernel.history import History
from features.orders import read_orders

DAY = parse_day("1998-01-01")
RECIPE = Recipe(horizons=(60, 30), cutoffs=4)


@cache
def history(*, until: str | None = None) -> History:
    """Return every twelfth customer of CDNOW (1,964), with the orders up to the end of a day."""
    lines = read_orders(cdnow_file(), until=parse_day(until) if until else None).lines
    found = History.from_lines(lines)
    wanted = np.array([int(name) % 12 == 0 for name in found.customer_ids])
    return found.of_customers(np.flatnonzero(wanted))


@cache
def panels() -> Panels:
    """Return the panels of these customers."""
    return Panels.of(history(), RECIPE)


@cache
def known() -> TrainingData:
    """Return what a peer may learn from at the end of DAY."""
    data, now = panels().training_data(DAY), panels().features(DAY).columns
    return replace(data, now=now, outcomes={h: one for h, one in data.outcomes.items() if h <= 60})


@cache
def next_60_days() -> Outcome:
    """Return what the customers known on DAY did after it."""
    return panels().outcome(DAY, 60)


def settings(kinds: dict[str, str], *, origins: tuple[int, ...] = (DAY,), seeds: int = 1) -> Settings:
    """Return what a backtest of these models is asked."""
    return Settings(
        origins=origins,
        horizons=(60, 30),
        step_days=30,
        seeds=seeds,
        final=False,
        sealed=None,
        kinds=kinds,
        shop="lab",
        fingerprint="f" * 64,
        currency="USD",
        first_day=history().first_order_day,
        last_day=history().last_order_day,
        customers=len(history().customer_ids),
        recipe=RECIPE.to_dict(),
        versions={},
    )
