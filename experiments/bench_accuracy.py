"""Measure accuracy as a user would meet it: train on what was known, rank, then look at what happened.

    python -m experiments.bench_accuracy AS_OF [AS_OF ...] [--orders FILE] [--horizon 90]

Prints one row per as-of day and model. `repurchase` is the ensemble: its bundle was written by a training and read
back; the others are fitted on the same rows. CDNOW, from the lifetimes package, is the
default.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from contracts.days import parse_day, to_date
from contracts.errors import DataError
from experiments.data_sets import cdnow_file
from experiments.evaluate import evaluate
from experiments.panels import Panels
from experiments.recipe import Recipe
from experiments.train import Source, fit_all, train
from features.kernel.history import History
from features.orders import read_orders
from features.panel import outcome_at
from models.bundle import load_bundle
from models.ensemble import Ensemble

COLUMNS = ("auc", "average_precision", "log_loss", "brier", "level_bias", "value_gini", "value_bias")


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("as_of", nargs="+")
    parser.add_argument("--orders", default=str(cdnow_file()))
    parser.add_argument("--horizon", type=int, default=90)
    asked = parser.parse_args()
    console = Console(width=130)  # wide, also where the output is a file
    table = Table(title=f"{Path(asked.orders).name}, {asked.horizon} days ahead", box=SIMPLE_HEAD)
    for title in ("as of", "customers", "model", *COLUMNS):
        table.add_column(title, justify="right")
    for day in asked.as_of:
        for name, customers, found in measure_at(asked.orders, parse_day(day), asked.horizon):
            cells = (f"{found[column]:.4f}" if column in found else "–" for column in COLUMNS)
            table.add_row(day, f"{customers:,}", name, *cells)
    console.print(table)


def measure_at(orders: str, as_of: int, horizon: int) -> list[tuple[str, int, dict[str, float]]]:
    """Return (model, customers, metrics) for the shipped bundle and each model fitted beside it."""
    known = read_orders(orders, until=as_of)
    actual = History.from_lines(read_orders(orders, until=as_of + horizon).lines)
    if actual.last_order_day <= as_of:
        raise DataError(f"{orders} holds no order after {to_date(as_of)}. Give an earlier day.")
    history, recipe = History.from_lines(known.lines), Recipe(horizons=(horizon,))
    panels = Panels.of(history, recipe)
    others, _ = fit_all(panels.training_data(as_of), recipe)
    rows = panels.features(as_of)
    place = {name: i for i, name in enumerate(actual.customer_ids)}
    positions = np.array([place[name] for name in rows.customer_id], dtype=np.int64)
    outcome = outcome_at(actual, positions, as_of, horizon)
    source = Source(known.fingerprint, known.currency, known.timezone)
    models = {name: model for name, model in others.items() if name != "ensemble"}
    shipped = _shipped(history, recipe, as_of, source)
    found = evaluate({**models, "repurchase": shipped}, rows.columns, outcome, origin=as_of, horizon=horizon)
    return [(name, len(rows), dict(by)) for name, by in found.metrics.items()]


def _shipped(history: History, recipe: Recipe, as_of: int, source: Source) -> Ensemble:
    """Train as `repurchase train` does, and return what the bundle's folder gives back."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "bundle"
        train(
            history,
            as_of=as_of,
            recipe=recipe,
            champion=None,
            source=source,
            folder=folder,
            progress=lambda _: None,
        )
        return load_bundle(folder).model


if __name__ == "__main__":
    main()
