from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from contracts.training import Outcome, Prediction
from experiments.evaluate import Evaluation
from experiments.plots import calibration_plot, figure, lift_plot, pictures
from experiments.report_album import album
from pages.chart import Chart, Line, even_axis
from tests.experiments.test_report import PEER, a_backtest


def an_evaluation() -> Evaluation:
    chance = np.random.default_rng(3)
    p = chance.random(50)
    bought = (chance.random(50) < p).astype(np.float64)
    told = {name: Prediction(p, p, p) for name in ("recency", "bgnbd", "mbgnbd", "ensemble")}
    losses = {name: {"log_loss": 0.5} for name in told}
    return Evaluation(10_000, 90, Outcome(bought, bought, bought), told, losses)


def drawn(found: Figure) -> list[str]:
    """Return the names in the legend; drawing fails on what cannot be drawn."""
    found.savefig(io.BytesIO(), format="png")
    legend = found.axes[0].get_legend()
    assert legend is not None
    return [words.get_text() for words in legend.get_texts()]


def test_the_calibration_plot_shows_the_answer_bgnbd_and_the_best_baseline() -> None:
    assert drawn(calibration_plot(an_evaluation())) == ["ensemble", "bgnbd", "recency", "as promised"]


def test_the_lift_plot_shows_the_same_models() -> None:
    assert drawn(lift_plot(an_evaluation())) == ["ensemble", "bgnbd", "recency", "in random order"]


def test_the_plots_say_which_window_they_show() -> None:
    for plot in (calibration_plot, lift_plot):
        title = plot(an_evaluation()).axes[0].get_title(loc="left")
        assert "90 days after 1997-05-19, 50 customers" in title


def test_an_evaluation_without_a_baseline_is_drawn() -> None:
    evaluation = an_evaluation()
    alone = replace(evaluation, predictions={"ensemble": evaluation.predictions["ensemble"]}, metrics={})
    assert drawn(lift_plot(alone)) == ["ensemble", "in random order"]


def test_pictures_are_the_reports_pictures_as_figures() -> None:
    found = pictures(a_backtest())
    assert list(found) == list(album(a_backtest()))
    assert {"gain", "lift", "level", "drift", "calibration_0_repurchase", "tracking_1997-05-19"} <= set(found)
    assert drawn(found["gain"]) == ["repurchase", PEER, "in random order"]


def test_the_same_backtest_gives_the_same_picture_to_the_byte() -> None:
    first, second = io.BytesIO(), io.BytesIO()
    for file in (first, second):
        figure(album(a_backtest())["level"]).savefig(file, format="png")
    assert first.getvalue() == second.getvalue()


@pytest.mark.parametrize("name", ["$x_1$ and $", "<b>", "_hidden"])
def test_names_are_drawn_as_they_are(name: str) -> None:
    line = Line(name, np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    chart = Chart("key", name, "", even_axis("x", 0, 1), even_axis("y", 0, 1), (line,))
    found = figure(chart)
    legend = found.axes[0].get_legend()
    assert legend is not None and [words.get_text() for words in legend.get_texts()] == [name]
