"""What the laboratory's commands print."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from contracts.days import to_date
from repurchase import show

if TYPE_CHECKING:  # the training room is absent where only the serving group is installed
    from experiments.backtest_result import Backtest
    from experiments.leaderboard import Row
    from repurchase.compare_job import SideBySide

_METRICS = {
    "auc": ("AUC", "{:.4f}"),
    "average_precision": ("precision", "{:.4f}"),
    "log_loss": ("log loss", "{:.4f}"),
    "brier": ("Brier", "{:.4f}"),
    "value_gini": ("Gini", "{:.4f}"),
    "level_bias": ("level", "{:+.1%}"),
    "absolute_level_bias": ("|level|", "{:.1%}"),
    "calibration_slope": ("slope", "{:.2f}"),
    "value_bias": ("value", "{:+.1%}"),
}


# What has room beside the model on 80 columns.
_BOARD = ("auc", "log_loss", "value_gini", "level_bias")


def backtest(found: Backtest) -> None:
    """Print the means over origins of all models, the gate's verdict, and what a reader must know."""
    settings = found.settings
    days = ", ".join(to_date(day).isoformat() for day in settings.origins)
    for horizon in settings.horizons:
        title = f"Mean over {len(found.answers[horizon])} origins ({days}), {horizon} days ahead"
        show.out.print(_board(found.rows, horizon, title, settings.default))
    show.out.print(
        "More is better: AUC, Gini of value. Less: log loss. Level: predicted to actual buyers, all origins together. "
        "Worse by: log loss above our default's, with its paired 95 % interval."
    )
    for note in settings.notes:
        show.err.print(Text(f"· {note}."))
    for model, by_origin in found.not_fitted.items():
        reason = next(iter(by_origin.values()))
        answered = len(settings.origins) - len(by_origin)
        show.warning(f"{model} answered at {answered} of {len(settings.origins)} origins: {reason}")
    verdict = found.verdict
    show.out.print(f"Gate {'passed' if verdict.passed else 'NOT passed'}: {verdict.reason}.", markup=False)


def side_by_side(table: SideBySide, *, models: Sequence[str]) -> None:
    """Print the main metrics of some models, a column per source."""
    shown = Table(title="Means over the origins", title_justify="left", box=SIMPLE_HEAD)
    for title in ("model", "days", "metric"):
        shown.add_column(title, no_wrap=True)
    for source in table.sources:
        shown.add_column(source, justify="right", overflow="fold")
    for model, horizon, metric in table.keys:
        if metric in _METRICS and ("all" in models or model in (models or table.leaders)):
            label, pattern = _METRICS[metric]
            row = table.row((model, horizon, metric))
            cells = ("–" if value is None else pattern.format(value) for value in row)
            shown.add_row(model, horizon, label, *cells)
    show.out.print(shown)


def _board(rows: Sequence[Row], horizon: int, title: str, default: str) -> Table:
    by_model: dict[str, dict[str, Row]] = {}
    for row in rows:
        if row.origin is None and row.horizon == horizon:
            by_model.setdefault(row.model, {})[row.metric] = row
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("model", no_wrap=True)
    for label, _ in (_METRICS[metric] for metric in _BOARD):
        table.add_column(label, justify="right", no_wrap=True)
    table.add_column("worse by", justify="right", no_wrap=True)
    for model, found in sorted(by_model.items(), key=lambda item: _place(item[1])):
        cells = [_METRICS[m][1].format(found[m].value) if m in found else "–" for m in _BOARD]
        table.add_row(
            model, *cells, _behind(found.get("log_loss")), style="bold" if model == default else None
        )
    return table


def _place(found: dict[str, Row]) -> tuple[bool, float]:
    """Ablations stand apart, last; the others by log loss."""
    first = next(iter(found.values()))
    loss = found["log_loss"].value if "log_loss" in found else float("inf")
    return first.kind == "ablation", loss


def _behind(row: Row | None) -> str:
    if row is None or row.difference != row.difference:
        return "–"
    figures = (row.difference, row.difference_lower, row.difference_upper)
    mean, lower, upper = (f"{figure:+.4f}".replace("0.", ".", 1) for figure in figures)
    return f"{mean} [{lower} {upper}]"
