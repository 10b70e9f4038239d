"""What accuracy was reached, as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from contracts.days import to_date
from experiments.backtest_result import Backtest
from experiments.bench_bars import Bar, error_limit

COLUMNS = {
    "auc": "AUC",
    "average_precision": "AP",
    "log_loss": "log loss",
    "brier": "Brier",
    "level_bias": "level",
    "calibration_slope": "slope",
    "calibration_error": "ECE",
    "value_gini": "value Gini",
    "value_bias": "value",
}
_SIGNED = ("level_bias", "value_bias")
_MARKS = {True: "yes", False: "NO", None: "–"}


def models_table(title: str, found: Backtest, days: int) -> Table:
    """Return one row for each model at each origin and over all, by the measures of COLUMNS."""
    table = Table(title=f"{title}, {days} days ahead", box=SIMPLE_HEAD)
    for head in ("as of", "customers", "bought", "model", *COLUMNS.values(), "ECE limit"):
        table.add_column(head, justify="right")
    values = {(row.origin, row.model, row.metric): row.value for row in found.compared[days]}
    for one in (*found.answers[days], None):
        origin = one.origin if one else None
        about = (f"{len(one.customers):,}", f"{one.outcome.bought.mean():.3f}") if one else ("", "")
        when = to_date(origin).isoformat() if origin is not None else "mean"
        for model in found.settings.kinds:
            cells = [_cell(values.get((origin, model, metric)), metric) for metric in COLUMNS]
            limit = f"{error_limit(one.predictions[model].p):.4f}" if one and model in one.predictions else ""
            table.add_row(when, *about, model, *cells, limit)
        table.add_section()
    return table


def bars_table(title: str, bars: Sequence[Bar]) -> Table:
    """Return the bars, one per row."""
    table = Table(title=title, box=SIMPLE_HEAD)
    for head in ("bar", "asked", "reached", "met"):
        table.add_column(head, overflow="fold")
    for bar in bars:
        table.add_row(bar.what, bar.asked, bar.reached, _MARKS[bar.met])
    return table


def _cell(value: float | None, metric: str) -> str:
    if value is None:
        return "–"
    return f"{value:+.1%}" if metric in _SIGNED else f"{value:.4f}"
