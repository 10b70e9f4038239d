"""What the commands print, with rich: results to standard output, progress to standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from contracts.days import to_date

if TYPE_CHECKING:
    from experiments.train import Trained

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

_METRICS = {
    "auc": ("AUC", "{:.4f}"),
    "log_loss": ("log loss", "{:.4f}"),
    "level_bias": ("level", "{:+.1%}"),
    "top_decile_lift": ("top-10 % lift", "{:.2f}"),
    "value_gini": ("value Gini", "{:.4f}"),
    "value_bias": ("value level", "{:+.1%}"),
}


@contextmanager
def steps(total: int) -> Iterator[Callable[[str], None]]:
    """Show a progress bar of `total` steps; the yielded function starts the next one and names it."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("starting", total=total)

        def begin(what: str) -> None:
            if not err.is_terminal:
                err.print(f"… {what}")
            bar.update(task, description=what, advance=0 if bar.tasks[0].description == "starting" else 1)

        yield begin


def warning(message: str) -> None:
    """Print a warning."""
    err.print(Text(f"! {message}", style="yellow"))


def failure(message: str) -> None:
    """Print an error, as plain text."""
    err.print(Text("error: ", style="bold red").append(message, style="default"))


def training(trained: Trained) -> None:
    """Print how the models did on the last finished window, and what follows for the champion."""
    evaluation = trained.evaluation
    if evaluation is None:
        reasons = "; ".join(sorted(set(trained.not_fitted.values())))
        warning(f"the recipe could not be judged out of time: {reasons}")
    else:
        window = (
            f"{to_date(evaluation.origin)} + {evaluation.horizon} days, {evaluation.customers:,} customers"
        )
        table = Table(title=f"Judged on a window that no model had seen: {window}", title_justify="left")
        table.add_column("model")
        for title, _ in _METRICS.values():
            table.add_column(title, justify="right")
        for name, found in evaluation.metrics.items():
            cells = [pattern.format(found[m]) if m in found else "–" for m, (_, pattern) in _METRICS.items()]
            table.add_row(name, *cells, style="bold" if name == "ensemble" else None)
        out.print(table)
        _gain(trained)
    for name, reason in trained.not_fitted.items():
        warning(f"{name} could not be fitted: {reason}")
    out.print(f"Answers come from: {trained.model.parts}.")


def _gain(trained: Trained) -> None:
    gain, baseline = trained.decision.against_baseline, trained.decision.baseline
    if gain is not None:
        out.print(
            f"Log loss against the best baseline ({baseline}): {gain.mean:+.4f} better "
            f"(95 % interval {gain.lower:+.4f} to {gain.upper:+.4f})."
        )


def ranking(scores: pa.Table, *, horizon: int, currency: str, rows: int = 10) -> None:
    """Print the first customers of a ranking and a summary by tenths of the base."""
    p, orders, value = (
        f"{what}_{horizon}d" for what in ("p_repurchase", "expected_orders", "expected_value")
    )
    top = Table(
        title=f"The {min(rows, scores.num_rows)} best of {scores.num_rows:,} customers", title_justify="left"
    )
    titles = (
        "rank",
        "customer",
        f"P(buys in {horizon} d)",
        f"orders {horizon} d",
        f"value {horizon} d {currency}",
    )
    for title in (*titles, "next order (median)", "orders so far", "last order, days ago"):
        top.add_column(title, justify="left" if title == "customer" else "right")
    for row in scores.slice(0, rows).to_pylist():
        counts = (str(row["frequency"] + 1), str(row["recency_days"]))
        name = Text(row["customer_id"])
        chance, number, worth = f"{row[p]:.1%}", f"{row[orders]:.2f}", f"{row[value]:,.2f}"
        top.add_row(str(row["rank"]), name, chance, number, worth, str(row["next_order_p50"] or "–"), *counts)
    out.print(top)
    out.print(_deciles(scores, p, value, horizon, currency))


def _deciles(scores: pa.Table, p: str, value: str, horizon: int, currency: str) -> Table:
    chance, worth = np.asarray(scores[p]), np.asarray(scores[value])
    table = Table(title="By tenths of the ranking", title_justify="left")
    for title in (
        "tenth",
        "customers",
        "mean P",
        f"buyers in {horizon} d",
        f"value {currency}",
        "share of value",
    ):
        table.add_column(title, justify="right")
    for number, part in enumerate(
        np.array_split(np.arange(scores.num_rows), min(10, scores.num_rows)), start=1
    ):
        share = worth[part].sum() / worth.sum() if worth.sum() else 0.0
        counts = (f"{len(part):,}", f"{chance[part].mean():.1%}", f"{chance[part].sum():,.0f}")
        table.add_row(str(number), *counts, f"{worth[part].sum():,.0f}", f"{share:.1%}")
    total = (f"{scores.num_rows:,}", f"{chance.mean():.1%}", f"{chance.sum():,.0f}", f"{worth.sum():,.0f}")
    table.add_row("all", *total, "100.0%", style="bold")
    return table


def next_commands(commands: Mapping[str, str]) -> None:
    """Print commands to type next, each with what it is for."""
    out.print("\nNext:")
    for purpose, command in commands.items():
        out.print(Text(f"  {command}", style="cyan"))
        out.print(Text(f"      {purpose}", style="dim"))
