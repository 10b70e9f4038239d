"""What each family of features earns: train with all of them and without one family after the other.

    python -m experiments.family_table ORDERS [--as-of DAY ...] [--horizon 90] [--model ensemble] [--families ...]

Everything is trained on the same rows, known at the as-of day, and judged on the days after it. A row says how much
worse the answers are without the family, with paired 95 % intervals over the customers; what lies within the row of
the same features in another order is the noise of training. The BTYD summary stays: the base models stand on it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from contracts.days import parse_day, to_date
from contracts.errors import DataError
from contracts.training import Columns, Outcome, Prediction, TrainingData
from experiments.data_sets import cdnow_file
from experiments.evaluate import Difference, log_loss_gain, measure, value_gini_gain
from experiments.panels import Panels
from experiments.recipe import MODELS, Recipe
from experiments.train import fit_recipe
from features.catalog import BTYD_SUMMARY, CATALOG, FAMILIES
from features.kernel.declaration import FeatureTable
from features.kernel.history import History
from features.orders import read_orders
from features.panel import outcome_at

ALL = "all features"
NOISE = "all, in another order"
LEFT_OUT = tuple(name for name in FAMILIES if name != "btyd")


@dataclass(frozen=True)
class Earned:
    """How good the answers are without a family, and what all features gain on that."""

    left_out: str
    features: int
    auc: float
    log_loss: float
    value_gini: float
    log_loss_gain: Difference | None = None
    value_gini_gain: Difference | None = None


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("orders", nargs="?", default=str(cdnow_file()))
    parser.add_argument("--as-of", nargs="+", default=["1998-04-01"])
    parser.add_argument("--horizon", type=int, default=90)
    parser.add_argument("--model", choices=MODELS[:2], default=MODELS[0])
    parser.add_argument("--families", nargs="+", choices=LEFT_OUT, default=LEFT_OUT)
    asked = parser.parse_args(arguments)
    recipe = Recipe(horizons=(asked.horizon,), model=asked.model)
    console = Console(width=120)  # wide, also where the output is a file
    for day in asked.as_of:
        found = earned_by_family(asked.orders, parse_day(day), recipe, families=asked.families)
        console.print(_table(f"{Path(asked.orders).name}, {day}, {asked.horizon} days, {asked.model}", found))


def earned_by_family(
    orders: str, as_of: int, recipe: Recipe, *, families: Sequence[str] = LEFT_OUT
) -> list[Earned]:
    """Train with all features and without each family in turn, as far as these orders have features of it.

    Raises DataError if no order follows `as_of`.
    """
    panels = Panels.of(History.from_lines(read_orders(orders, until=as_of).lines), recipe)
    data, rows = panels.training_data(as_of), panels.features(as_of)
    outcome = _what_happened(orders, rows, as_of, recipe.horizon)

    def answer(names: Iterable[str]) -> Prediction:
        return _answer(data, recipe, rows.columns, names, as_of)

    whole = answer(rows.columns)
    found = [_earned(ALL, len(rows.columns), outcome, whole)]
    for title, names in choices(rows.columns, families):
        found.append(_earned(title, len(names), outcome, answer(names), whole=whole))
    return found


def choices(columns: Iterable[str], families: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Return the names to train on: all in another order, then without each family that is there."""
    family = {one.name: one.family for one in CATALOG.pick(list(columns))}
    there = [name for name in families if name in family.values()]
    without = [(name, [one for one in family if family[one] != name]) for name in there]
    return [(NOISE, list(reversed(family))), *without]


def _answer(
    data: TrainingData, recipe: Recipe, columns: Columns, names: Iterable[str], day: int
) -> Prediction:
    kept = [*dict.fromkeys((*names, *BTYD_SUMMARY))]
    model = fit_recipe(replace(data, panel={name: data.panel[name] for name in kept}), recipe)
    return model.predict({name: columns[name] for name in kept}, recipe.horizon, day=day)


def _earned(
    title: str, features: int, outcome: Outcome, found: Prediction, *, whole: Prediction | None = None
) -> Earned:
    numbers = measure(outcome, found)
    measured = (numbers["auc"], numbers["log_loss"], numbers["value_gini"])
    if whole is None:
        return Earned(title, features, *measured)
    gains = log_loss_gain(outcome, whole, found), value_gini_gain(outcome, whole, found)
    return Earned(title, features, *measured, *gains)


def _what_happened(orders: str, rows: FeatureTable, as_of: int, horizon: int) -> Outcome:
    actual = History.from_lines(read_orders(orders, until=as_of + horizon).lines)
    if actual.last_order_day <= as_of:
        raise DataError(f"{orders} holds no order after {to_date(as_of)}. Give an earlier day.")
    place = {name: i for i, name in enumerate(actual.customer_ids)}
    positions = np.array([place[name] for name in rows.customer_id], dtype=np.int64)
    return outcome_at(actual, positions, as_of, horizon)


def _table(title: str, found: Sequence[Earned]) -> Table:
    table = Table(title=title, box=SIMPLE_HEAD)
    for name in ("without", "features", "AUC", "AUC lost", "log loss lost, ×1000", "value Gini lost, ×1000"):
        table.add_column(name, justify="left" if name == "without" else "right")
    first = found[0]
    table.add_row(
        f"({first.left_out})", f"{first.features}", f"{first.auc:.4f}", "",
        f"of {first.log_loss:.4f}", f"of {first.value_gini:.4f}",
    )  # fmt: skip
    for one in found[1:]:
        title = f"({one.left_out})" if one.left_out == NOISE else one.left_out
        lost = f"{first.auc - one.auc:+.4f}"
        gains = (_thousandths(one.log_loss_gain), _thousandths(one.value_gini_gain))
        table.add_row(title, f"{one.features}", f"{one.auc:.4f}", lost, *gains)
    return table


def _thousandths(gain: Difference | None) -> str:
    if gain is None:
        return ""
    return f"{1000 * gain.mean:+.1f} ({1000 * gain.lower:+.1f} … {1000 * gain.upper:+.1f})"


if __name__ == "__main__":
    main()
