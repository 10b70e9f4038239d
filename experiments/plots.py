"""Pictures as figures for MLflow, drawn without any display: of one evaluation, and of a whole backtest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from contracts.days import to_date
from experiments.backtest_result import Backtest
from experiments.evaluate import Evaluation
from experiments.report_album import album
from experiments.report_pictures import Window, calibration_chart, calibration_end, gain_chart
from pages.chart import REFERENCE, Axis, Chart, Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOURS = ("#1559b5", "#b04a00", "#1c7a45", "#8b3aa8", "#9a1f4f")
_STROKES = ("-", "--", ":", "-.", (0, (4, 4)))
_MARKS = ("o", "s", "D", "^", "v")
_GREY = "#5c6570"


def pictures(backtest: Backtest) -> dict[str, Figure]:
    """Return the report's pictures as figures, by file name without ending."""
    return {key: figure(chart) for key, chart in album(backtest).items()}


def calibration_plot(evaluation: Evaluation) -> Figure:
    """Draw the actual share against the predicted one, in ten bins of equal count; below the line: too much."""
    models = _drawn(evaluation)
    end = calibration_end(models)
    charts = [
        calibration_chart(name, windows, key="calibration", look=look, most=end)
        for look, (name, windows) in enumerate(models.items())
    ]
    lines = tuple(chart.lines[0] for chart in charts)
    title = f"Does the chance hold what it says?\n{_window(evaluation)}"
    first = charts[0]
    together = Chart("calibration", title, "", first.x, first.y, (*lines, first.lines[1]))
    return figure(together)


def lift_plot(evaluation: Evaluation) -> Figure:
    """Draw the share of all buyers found among the best-ranked customers."""
    chart = gain_chart(_drawn(evaluation))
    return figure(
        Chart(chart.key, f"{chart.title}\n{_window(evaluation)}", "", chart.x, chart.y, chart.lines)
    )


def figure(chart: Chart) -> Figure:
    """Draw a chart with matplotlib."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = drawn.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(chart.title, fontsize=10, loc="left", parse_math=False)
    for line in chart.lines:
        _draw(axes, chart, line)
    _scale(axes, chart.x, chart.y)
    legend = axes.legend(axes.get_lines(), [line.name for line in chart.lines], frameon=False, fontsize=8)
    for words in legend.get_texts():
        words.set_parse_math(False)
    return drawn


def _draw(axes: Axes, chart: Chart, line: Line) -> None:
    style = _style(line)
    x, y = chart.x.place(line.x), chart.y.place(line.y)
    if line.lower is not None and line.upper is not None:
        lower, upper = chart.y.place(line.lower), chart.y.place(line.upper)
        axes.vlines(x, lower, upper, color=style["color"], linewidth=1)
    axes.plot(x, y, **style)


def _scale(axes: Axes, x: Axis, y: Axis) -> None:
    """Write the ticks; the points stand at their places between 0 and 1 already."""
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    for axis, write in ((x, axes.set_xticks), (y, axes.set_yticks)):
        places = axis.place(np.array([at for at, _ in axis.ticks]))
        write(places.tolist(), [words for _, words in axis.ticks], fontsize=8)
    axes.set_xlabel(x.label, parse_math=False)
    axes.set_ylabel(y.label, parse_math=False)


def _style(line: Line) -> dict[str, Any]:
    if line.look == REFERENCE:
        style: dict[str, Any] = {"color": _GREY, "linewidth": 1, "linestyle": ":", "marker": "o"}
    else:
        look = line.look % len(_COLOURS)
        width = 2.5 if line.look == 0 else 1.4
        style = {
            "color": _COLOURS[look],
            "linewidth": width,
            "linestyle": _STROKES[look],
            "marker": _MARKS[look],
        }
    return {**style, "markersize": 4} if line.dots else {**style, "marker": ""}


def _drawn(evaluation: Evaluation) -> dict[str, list[Window]]:
    """Return what is worth a line: the answer, BG/NBD and the best baseline; the others lie on top of it."""
    names = ("ensemble", "bgnbd", evaluation.best_baseline or "")
    found = {name: evaluation.predictions[name] for name in names if name in evaluation.predictions}
    return {name: [Window(evaluation.outcome.bought, one.p)] for name, one in found.items()}


def _window(evaluation: Evaluation) -> str:
    day, customers = to_date(evaluation.origin), evaluation.customers
    return f"{evaluation.horizon} days after {day}, {customers:,} customers"
