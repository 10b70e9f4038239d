"""The report's other tables: levels, drift, a picture's numbers, what could not be fitted, what fitting cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from contracts.days import to_date
from contracts.training import Floats
from experiments.backtest_result import Backtest
from experiments.report_album import judged
from experiments.report_pictures import stability_index
from experiments.report_words import METRICS, UNKNOWN, number
from pages.chart import Axis, Chart
from pages.html import Html, folded, table

if TYPE_CHECKING:
    from experiments.answers import Answers

_MANY = 25


def level_table(answers: Sequence[Answers], levels: Mapping[str, Floats]) -> Html:
    """Return predicted to actual buyers by origin; levels: (origins,) by model."""
    level = METRICS["level_bias"]
    rows = [
        [
            to_date(one.origin).isoformat(),
            number(float(len(one.outcome.bought)), 0),
            number(float(one.outcome.bought.sum()), 0),
            *(level.write(float(values[place])) for values in levels.values()),
        ]
        for place, one in enumerate(answers)
    ]
    return table("Level by origin", ["Origin", "Customers", "Buyers", *levels], rows)


def drift_table(backtest: Backtest) -> Html:
    """Return how far the default's chances moved between origins: population stability index."""
    answers = judged(backtest)
    scores = [one.predictions[backtest.settings.default].p for one in answers]
    rows = []
    for place, (one, p) in enumerate(zip(answers, scores, strict=True)):
        before = stability_index(scores[place - 1], p) if place else math.nan
        first = stability_index(scores[0], p) if place else math.nan
        shares = (f"{number(100 * share, 1)} %" for share in (p.mean(), one.outcome.bought.mean()))
        rows.append(
            [to_date(one.origin).isoformat(), *shares, number(before, 3), number(first, 3), _moved(before)]
        )
    head = ["Origin", "Mean chance", "Bought", "PSI to the origin before", "PSI to the first", "In words"]
    return table("Score drift between origins", head, rows)


def chart_table(chart: Chart) -> Html:
    """Return a picture's numbers, folded, for who reads rather than looks; every fifth of many points."""
    first = chart.lines[0].x
    lines = [line for line in chart.lines if np.array_equal(line.x, first)]
    head, names = [chart.x.label], dict(chart.x.ticks)
    columns = [[names.get(x) or _point(x, chart.x) for x in first.tolist()]]
    for line in lines:
        head.append(line.name)
        columns.append([_point(y, chart.y) for y in line.y.tolist()])
        if line.lower is not None and line.upper is not None:
            head.append(f"{line.name}, interval")
            limits = zip(line.lower.tolist(), line.upper.tolist(), strict=True)
            columns.append([f"{_point(low, chart.y)} to {_point(high, chart.y)}" for low, high in limits])
    rows = list(zip(*columns, strict=True))
    few = rows if len(rows) <= _MANY else rows[::5]
    return folded("The numbers", table(chart.title, head, few))


def not_fitted_table(backtest: Backtest) -> Html:
    """Return which model could not be fitted, when, and why."""
    rows = [
        [model, to_date(origin).isoformat(), reason]
        for model, reasons in sorted(backtest.not_fitted.items())
        for origin, reason in sorted(reasons.items())
    ]
    return table("What could not be fitted", ["Model", "Origin", "Why"], rows, words=frozenset({2}))


def seconds_table(backtest: Backtest) -> Html:
    """Return what fitting cost, by model."""
    rows = [
        [
            model,
            number(float(np.mean(list(found.values()))), 2),
            number(max(found.values()), 2),
            str(len(found)),
        ]
        for model, found in sorted(backtest.fit_seconds.items())
        if found
    ]
    return table("CPU seconds of one fit", ["Model", "Mean", "Longest", "Fits"], rows)


def _point(value: float, axis: Axis) -> str:
    if not math.isfinite(value):
        return UNKNOWN
    return f"{number(100 * value, 1)} %" if axis.percent else number(value, 0 if value.is_integer() else 1)


def _moved(index: float) -> str:
    if not math.isfinite(index):
        return UNKNOWN
    return "stable" if index < 0.1 else "moved" if index < 0.25 else "moved far"
