"""What the commands print, with rich: results to standard output, progress to standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from contracts.days import to_date
from contracts.metrics import FAR_OFF

if TYPE_CHECKING:
    from experiments.train import Trained
    from features.kernel.declaration import Catalog
    from serving.outputs.postgres import Upserted

out = Console(highlight=False, soft_wrap=True)
# Bound to the stream of the start, so that the bar goes on while a library's chatter is caught.
err = Console(file=sys.stderr, highlight=False, soft_wrap=True)

_METRICS = {
    "auc": ("AUC", "{:.4f}"),
    "log_loss": ("log loss", "{:.4f}"),
    "level_bias": ("level", "{:+.1%}"),
    "top_decile_lift": ("lift", "{:.2f}"),
    "value_gini": ("Gini", "{:.4f}"),
    "value_bias": ("value", "{:+.1%}"),
}


@contextmanager
def steps(total: int) -> Iterator[Callable[[str], None]]:
    """Show a progress bar of `total` steps; the yielded function starts the next one and names it."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    begun = 0
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("", total=total)

        def begin(what: str) -> None:
            nonlocal begun
            if not err.is_terminal:
                err.print(f"… {what}")
            bar.update(task, description=what, completed=begun)
            begun += 1

        yield begin


def warning(message: str) -> None:
    """Print a warning."""
    err.print(Text(f"! {message}", style="yellow"))


def failure(message: str) -> None:
    """Print an error, as plain text."""
    err.print(Text("error: ", style="bold red").append(message, style="default"))


def refused(rows: int, read: int) -> None:
    """Warn of rows that were refused, of those that were read."""
    if rows:
        warning(f"{rows:,} of {read:,} rows were refused ({rows / read:.1%}); `repurchase check` says why.")


def upserted(done: Upserted, table: str | None = None) -> None:
    """Print what became of the rows of a table in a database; table: its name where it is not the usual one."""
    out.print(
        f"{done.inserted:,} customers inserted, {done.updated:,} updated, {done.unchanged:,} unchanged, "
        f"{done.removed:,} removed: {table or 'repurchase_scores'} of the database",
        markup=False,
    )


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
        title = f"Judged on a window that no model had seen: {window}"
        table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
        table.add_column("model", no_wrap=True)
        for title, _ in _METRICS.values():
            table.add_column(title, justify="right")
        for name, found in evaluation.metrics.items():
            cells = [pattern.format(found[m]) if m in found else "–" for m, (_, pattern) in _METRICS.items()]
            table.add_row(name, *cells, style="bold" if name == "ensemble" else None)
        out.print(table)
        out.print(
            "More is better: AUC, lift (first tenth), Gini of value. Less: log loss. Level, value: predicted to actual."
        )
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


def trust(backtest: Mapping[str, Any] | None) -> None:
    """Print how far the totals were off on the last window that the model's recipe was judged on."""
    if backtest is None:
        warning("the recipe could not be judged out of time: trust the order of the ranking, not its totals")
        return
    found = backtest["metrics"]["ensemble"]
    buyers, value = found.get("level_bias", 0.0), found.get("value_bias", 0.0)
    words = (
        f"On the {backtest['horizon']} days after {backtest['origin']} this recipe was {buyers:+.0%} off in buyers "
        f"and {value:+.0%} in value"
    )
    if max(abs(buyers), abs(value)) > FAR_OFF:
        warning(f"{words}: trust the order of the ranking more than its totals.")
    else:
        out.print(f"{words}.")


def next_commands(commands: Mapping[str, str]) -> None:
    """Print commands to type next, each with what it is for."""
    out.print("\nNext:")
    for purpose, command in commands.items():
        out.print(Text(f"  {command}", style="cyan"))
        out.print(Text(f"      {purpose}", style="dim"))


def catalog(features: Catalog) -> None:
    """Print the features by family, with what each needs."""
    table = Table("feature", "unit", "family", "needs", "description", box=None, pad_edge=False)
    for one in sorted(features, key=lambda one: one.family):
        needs = ", ".join((*one.needs, *(f"reference {name}" for name in one.needs_reference)))
        table.add_row(one.name, one.unit, one.family, needs, one.description)
    out.print(table, highlight=False)
    families = {one.family for one in features}
    out.print(f"{len(features)} features in {len(families)} families.")


def sentences(told: Sequence[str]) -> None:
    """Print sentences, one a line."""
    for sentence in told:
        out.print(sentence, markup=False)
