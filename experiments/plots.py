"""Pictures of an evaluation: calibration and decile lift, drawn without any display."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from contracts.days import to_date
from contracts.training import Floats, Prediction
from experiments.evaluate import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 10


def calibration_plot(evaluation: Evaluation) -> Figure:
    """Draw the actual share against the predicted one, in ten bins of equal count; below the line: too much."""
    figure, axes = _canvas(evaluation, "Does the chance hold what it says?")
    for name, prediction in _drawn(evaluation).items():
        rows = np.array_split(np.argsort(prediction.p, kind="stable"), BINS)
        said = [prediction.p[r].mean() for r in rows if len(r)]
        came = [evaluation.outcome.bought[r].mean() for r in rows if len(r)]
        axes.plot(said, came, marker="o", markersize=3, label=name, **_style(name))
    end = max(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([0, end], [0, end], color="#999999", linewidth=1, linestyle=":", label="as promised")
    axes.set_xlabel("predicted chance to buy (each dot: a tenth of the customers)")
    axes.set_ylabel("share that bought")
    axes.legend(frameon=False)
    return figure


def lift_plot(evaluation: Evaluation) -> Figure:
    """Draw the share of all buyers found among the best-ranked customers."""
    figure, axes = _canvas(evaluation, "How many buyers are among the first?")
    for name, prediction in _drawn(evaluation).items():
        axes.plot(*_gain(evaluation.outcome.bought, prediction.p), label=name, **_style(name))
    axes.plot([0, 100], [0, 100], color="#999999", linewidth=1, linestyle=":", label="in random order")
    axes.set_xlabel("customers contacted, best first (%)")
    axes.set_ylabel("buyers reached (%)")
    axes.legend(frameon=False)
    return figure


def _drawn(evaluation: Evaluation) -> dict[str, Prediction]:
    """Return what is worth a line: the best baseline, BG/NBD and the answer; the others lie on top of it."""
    names = (evaluation.best_baseline, "bgnbd", "ensemble")
    return {name: found for name, found in evaluation.predictions.items() if name in names}


def _gain(bought: Floats, p: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(-p, kind="stable")
    reached = np.concatenate(([0.0], np.cumsum(bought[order]))) / max(bought.sum(), 1.0)
    shown = np.linspace(0, len(order), min(len(order), 200) + 1).astype(np.int64)
    return 100.0 * shown / len(order), 100.0 * reached[shown]


def _canvas(evaluation: Evaluation, title: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    window = (
        f"{evaluation.horizon} days after {to_date(evaluation.origin)}, {evaluation.customers:,} customers"
    )
    axes.set_title(f"{title}\n{window}", fontsize=10, loc="left")
    return figure, axes


def _style(name: str) -> dict[str, Any]:
    return {"linewidth": 2.5, "alpha": 1.0} if name == "ensemble" else {"linewidth": 1.2, "alpha": 0.6}
