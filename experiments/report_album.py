"""Choose from a backtest what is drawn, and draw it: the answer beside the best peers, on the same customers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from contracts.training import Floats
from experiments.backtest_result import Backtest, Weekly
from experiments.report_pictures import (
    Window,
    calibration_chart,
    calibration_end,
    drift_chart,
    gain_chart,
    level_chart,
    lift_chart,
    tracking_chart,
)
from pages.chart import Chart

if TYPE_CHECKING:
    from experiments.answers import Answers

MOST_PEERS = 2
WEEK_DAYS = 7


def album(backtest: Backtest) -> dict[str, Chart]:
    """Return all pictures of the main horizon by their key; none where the default could not be fitted."""
    answers = judged(backtest)
    if not answers:
        return {}
    models = windows(backtest)
    end = calibration_end(models)
    origins = [one.origin for one in answers]
    scores = [one.predictions[backtest.settings.default].p for one in answers]
    charts = [
        *(
            calibration_chart(name, found, key=f"calibration_{slug(name, look)}", look=look, most=end)
            for look, (name, found) in enumerate(models.items())
        ),
        *(
            (gain_chart(models), lift_chart(models))
            if any(one.outcome.bought.any() for one in answers)
            else ()
        ),
        *(_tracking(backtest, weekly) for weekly in backtest.weekly if weekly.expected),
        level_chart(origins, levels(backtest)),
        drift_chart(origins, scores, [float(one.outcome.bought.mean()) for one in answers]),
    ]
    return {chart.key: chart for chart in charts}


def judged(backtest: Backtest) -> list[Answers]:
    """Return the main horizon's answers of the origins at which the default could be fitted."""
    every = backtest.answers.get(backtest.settings.horizon, ())
    return [one for one in every if backtest.settings.default in one.predictions and len(one.outcome.bought)]


def drawn(backtest: Backtest) -> list[str]:
    """Return the default and the peers with the lowest mean log loss among those fitted at all its origins."""
    answers, kinds = judged(backtest), backtest.settings.kinds
    loss = {
        row.model: row.value
        for row in backtest.rows
        if row.origin is None and row.metric == "log_loss" and row.horizon == backtest.settings.horizon
    }
    everywhere = set.intersection(*(set(one.predictions) for one in answers)) if answers else set()
    peers = [name for name in everywhere if kinds.get(name) == "peer" and np.isfinite(loss.get(name, np.nan))]
    return [backtest.settings.default, *sorted(peers, key=lambda name: (loss[name], name))[:MOST_PEERS]]


def windows(backtest: Backtest) -> dict[str, list[Window]]:
    """Return what happened and what was said at each origin, for the models that are drawn."""
    answers = judged(backtest)
    return {
        name: [Window(one.outcome.bought, one.predictions[name].p) for one in answers]
        for name in drawn(backtest)
    }


def levels(backtest: Backtest) -> Mapping[str, Floats]:
    """Return predicted to actual buyers, less 1, by origin for the models that are drawn."""
    return {name: np.array([_level(window) for window in found]) for name, found in windows(backtest).items()}


def slug(name: str, number: int) -> str:
    """Return a name that may be a file's and an address inside the page; the number keeps it unique."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.casefold()).strip("_")
    return f"{number}_{plain}" if plain else str(number)


def _level(window: Window) -> float:
    actual = float(window.bought.sum())
    return float(window.p.sum()) / actual - 1.0 if actual else float("nan")


def _tracking(backtest: Backtest, weekly: Weekly) -> Chart:
    """Draw full weeks only: a shorter last stretch would look like a fall."""
    ends = np.array(weekly.ends)
    full = np.diff(ends, prepend=0) == WEEK_DAYS
    full = full if full.any() else np.ones(len(ends), dtype=bool)
    first = sorted(weekly.expected, key=lambda name: (name != backtest.settings.default, name))
    expected = {name: np.array(weekly.expected[name])[full] for name in first}
    return tracking_chart(weekly.origin, ends[full] / WEEK_DAYS, np.array(weekly.actual)[full], expected)
