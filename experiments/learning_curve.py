"""Show whether more rows or more customers would make the default model better: why its caps are enough.

    python -m experiments.learning_curve AS_OF [--orders FILE] [--map TOML] [--horizon 90]

The default model is trained as of AS_OF with LightGBM's cap on rows at parts and multiples of the default, then on
samples of the customers. Each is asked about the same customers, all of them, and judged on the window after AS_OF.
`gain` is how much lower its log loss is than that of the default (nats per customer), with the paired 95 % interval.
CDNOW, from the lifetimes package, is the default.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from contracts.days import parse_day, to_date
from contracts.errors import DataError, RepurchaseError
from contracts.metrics import auc, log_loss
from contracts.training import Outcome, Prediction, TrainingData
from experiments.data_sets import cdnow_file
from experiments.evaluate import log_loss_gain
from experiments.panels import Panels
from experiments.recipe import Recipe
from features.kernel.history import History
from features.orders import read_orders
from features.reading.mapping import load_mapping
from models.contract import NoFit
from models.ensemble import Ensemble
from models.lightgbm import MOST_ROWS

ROW_PARTS = (1 / 8, 1 / 4, 1 / 2, 1.0, 2.0)
CUSTOMER_PARTS = (1 / 8, 1 / 4, 1 / 2)


@dataclass(frozen=True)
class Point:
    """One training. rows: what its boosters of orders learnt from; cap: the most they may; cpu: seconds."""

    cap: int
    customers: int
    rows: int
    cpu: float
    answer: Prediction


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("as_of")
    parser.add_argument("--orders", default=str(cdnow_file()))
    parser.add_argument("--map", help="TOML file that says which column is which")
    parser.add_argument("--horizon", type=int, default=90)
    asked = parser.parse_args(arguments)
    try:
        mapping = load_mapping(asked.map) if asked.map else None
        history = History.from_lines(read_orders(asked.orders, mapping=mapping).lines)
        panels, day = Panels.of(history, Recipe(horizons=(asked.horizon,))), parse_day(asked.as_of)
        outcome = _outcome(panels, day)
        points = list(learning_curve(panels, day))
    except RepurchaseError as error:
        parser.error(str(error))
    title = f"{Path(asked.orders).name} as of {asked.as_of}, {asked.horizon} days ahead"
    Console(width=120).print(table_of(title, points, outcome))
    return 0


def learning_curve(
    panels: Panels,
    day: int,
    *,
    row_parts: Sequence[float] = ROW_PARTS,
    customer_parts: Sequence[float] = CUSTOMER_PARTS,
    most_rows: int = MOST_ROWS,
) -> Iterator[Point]:
    """Yield one training for each cap on rows, then one for each sample of customers at the default cap.

    Raises DataError if too little is known on that day for the boosters.
    """
    data = panels.training_data(day)
    for part in row_parts:
        yield _point(panels, data, day, round(part * most_rows))
    population = panels.population
    for part in customer_parts:
        recipe = replace(panels.recipe, most_customers=max(1, round(part * len(panels.history.customer_ids))))
        sample = Panels.of(population, recipe, catalog=panels.catalog)
        yield _point(panels, sample.training_data(day), day, most_rows)


def _point(panels: Panels, data: TrainingData, day: int, cap: int) -> Point:
    """Train on some data under a cap, and ask about all customers of the panels."""
    begun = time.process_time()
    try:
        model = Ensemble.fit(data, most_rows=cap)
    except NoFit as reason:
        raise DataError(f"too little is known on {to_date(day)}: {reason}. Give a later day.") from None
    cpu = time.process_time() - begun
    answer = model.predict(panels.features(day).columns, panels.recipe.horizon, day=day)
    return Point(cap, len(data.now["frequency"]), _rows(model, data, cap), cpu, answer)


def _rows(model: Ensemble, data: TrainingData, cap: int) -> int:
    """Return from how many rows the boosters of orders learnt, over all horizons; 0 without boosters."""
    if model.lightgbm is None:
        return 0
    horizons = model.lightgbm.horizons
    return sum(min(cap // len(horizons), int(data.outcomes[h].observed.sum())) for h in horizons)


def _outcome(panels: Panels, day: int) -> Outcome:
    horizon, last = panels.recipe.horizon, panels.history.last_order_day
    if not panels.first_day + horizon <= day <= last - horizon:
        raise DataError(
            f"{to_date(day)} needs {horizon} days on both sides; these orders are of {to_date(panels.first_day)} to "
            f"{to_date(last)}. Give another day."
        )
    return panels.outcome(day, horizon)


def table_of(title: str, points: Sequence[Point], outcome: Outcome) -> Table:
    """Return one row for each training; the gain is over the one with the default cap and all customers."""
    everyone = max(one.customers for one in points)
    usual = next(one for one in points if one.customers == everyone and one.cap == MOST_ROWS)
    table = Table(title=title, box=SIMPLE_HEAD)
    for head in ("customers", "cap on rows", "rows", "CPU s", "AUC", "log loss", "gain"):
        table.add_column(head, justify="right")
    for one in points:
        gain = log_loss_gain(outcome, one.answer, usual.answer)
        table.add_row(
            f"{one.customers:,}",
            f"{one.cap:,}",
            f"{one.rows:,}",
            f"{one.cpu:.0f}",
            f"{auc(outcome.bought, one.answer.p):.4f}",
            f"{log_loss(outcome.bought, one.answer.p):.4f}",
            "" if one is usual else f"{gain.mean:+.4f} [{gain.lower:+.4f}, {gain.upper:+.4f}]",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
