"""LightGBM on the panel of cutoffs: bends a base model's answer by what else is known of the customer.

One booster for all horizons starts from the base model's logit and learns the difference; the horizon is a
column. Another starts from the expected amount per order day (Gamma-Gamma) and learns what is spent on an
order day by those who order. Between the trained horizons the difference is interpolated over log days;
beyond the longest it stays, and the base model extrapolates.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from contracts.training import Columns, Floats, Outcome, Prediction, TrainingData
from models import boosters
from models.base import Base, best_base, load_base, orders_per_buyer
from models.boosters import Booster
from models.contract import NoFit, logit, read_numbers, sigmoid, write_numbers
from models.gamma_gamma import Spend

LEAST_ROWS = 2_000
LEAST_BUYERS = 100
# A horizon is learnt once the history spans it twice: before, every customer in the panel is newly won.
SPANS_PER_HORIZON = 2
MOST_ROWS = 300_000
ORDER_PARAMETERS: dict[str, Any] = {
    "objective": "binary",
    "rounds": 80,
    "learning_rate": 0.05,
    "num_leaves": 15,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
}
SPEND_PARAMETERS: dict[str, Any] = {**ORDER_PARAMETERS, "objective": "gamma", "rounds": 60, "num_leaves": 7}
SMALLEST_SPEND = 0.01


@dataclass(frozen=True)
class LightGbm:
    """A base model, a booster of its logit and a booster of the spend per order day."""

    base: Base
    spend: Spend
    features: tuple[str, ...]
    horizons: tuple[int, ...]
    order_booster: Booster
    spend_booster: Booster | None
    name: ClassVar[str] = "lightgbm"

    @property
    def needs(self) -> tuple[str, ...]:
        """The base model's columns and the boosters'."""
        return tuple(dict.fromkeys((*self.base.needs, *self.spend.needs, *self.features)))

    @classmethod
    def fit(cls, data: TrainingData, *, threads: int = 0, base: Base | None = None) -> Self:
        """Train on the panel; NoFit under LEAST_ROWS rows or LEAST_BUYERS buyers, or non-buyers."""
        horizons = tuple(
            h for h in sorted(data.outcomes) if data.span_days >= SPANS_PER_HORIZON * h and _enough(data, h)
        )
        if not horizons:
            raise NoFit(f"no horizon has {LEAST_ROWS} finished rows with {LEAST_BUYERS} buyers and others")
        base = best_base(data)[0] if base is None else base
        spend = Spend.fit(data)
        features = tuple(data.panel)
        order_booster = _train_orders(data, base, features, horizons, threads)
        spend_booster = _train_spend(data, spend, features, horizons, threads)
        return cls(base, spend, features, horizons, order_booster, spend_booster)

    def bend(self, columns: Columns, horizons: tuple[float, ...]) -> Floats:
        """Return what is added to the base model's logit; (n, len(horizons))."""
        knots = np.log(np.array(self.horizons, dtype=np.float64))
        fixed = np.column_stack([columns[name] for name in self.features])
        known = np.column_stack(
            [
                boosters.ask(self.order_booster, _with_base(fixed, self.base, columns, h))
                for h in self.horizons
            ]
        )
        return np.column_stack([_between(knots, known, np.log(h)) for h in horizons])

    def per_order_day(self, columns: Columns) -> Floats:
        """Return the expected amount per order day; (n,)."""
        start = np.maximum(self.spend.per_order_day(columns), SMALLEST_SPEND)
        if self.spend_booster is None:
            return start
        design = np.column_stack([columns[name] for name in self.features])
        return np.asarray(start * np.exp(boosters.ask(self.spend_booster, design)))

    def predict(self, columns: Columns, horizon: float) -> Prediction:
        """Answer for one horizon; expected orders keep the base model's ratio to its chance."""
        p = sigmoid(logit(self.base.p_order(columns, horizon)) + self.bend(columns, (horizon,))[:, 0])
        orders = p * orders_per_buyer(self.base, columns, horizon)
        return Prediction(p, orders, orders * self.per_order_day(columns))

    def save(self, folder: Path) -> None:
        """Write lightgbm.json, orders.txt, spend.txt and the base model's files."""
        numbers = {
            "base": self.base.name,
            "features": self.features,
            "horizons": self.horizons,
            "spend_booster": self.spend_booster is not None,
        }
        write_numbers(folder / "lightgbm.json", numbers)
        boosters.write(self.order_booster, folder / "orders.txt")
        if self.spend_booster is not None:
            boosters.write(self.spend_booster, folder / "spend.txt")
        self.base.save(folder)
        self.spend.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        numbers = read_numbers(folder / "lightgbm.json")
        return cls(
            load_base(numbers["base"], folder),
            Spend.load(folder),
            tuple(numbers["features"]),
            tuple(numbers["horizons"]),
            boosters.read(folder / "orders.txt"),
            boosters.read(folder / "spend.txt") if numbers["spend_booster"] else None,
        )


def _enough(data: TrainingData, horizon: int) -> bool:
    outcome = data.outcomes[horizon]
    rows = int(outcome.observed.sum())
    buyers = int(np.nansum(outcome.bought))
    return rows >= LEAST_ROWS and LEAST_BUYERS <= buyers <= rows - LEAST_BUYERS


def _train_orders(
    data: TrainingData, base: Base, features: tuple[str, ...], horizons: tuple[int, ...], threads: int
) -> Booster:
    designs, targets, starts = [], [], []
    for h in horizons:
        columns, outcome = _sampled(data, h, MOST_ROWS // len(horizons))
        fixed = np.column_stack([columns[name] for name in features])
        design = _with_base(fixed, base, columns, h)
        designs.append(design)
        targets.append(outcome.bought)
        starts.append(design[:, -1])
    rows = sum(map(len, targets))
    return boosters.train(
        np.concatenate(designs),
        np.concatenate(targets),
        start=np.concatenate(starts),
        names=[*features, "p_alive", "horizon_days", "base_logit"],
        parameters={**ORDER_PARAMETERS, "min_data_in_leaf": _least_in_leaf(rows)},
        threads=threads,
    )


def _train_spend(
    data: TrainingData, spend: Spend, features: tuple[str, ...], horizons: tuple[int, ...], threads: int
) -> Booster | None:
    horizon = min(horizons, key=lambda h: abs(h - data.horizon))
    columns, outcome = _sampled(data, horizon, MOST_ROWS)
    bought = (outcome.order_days > 0) & (columns["monetary_value"] > 0)
    if bought.sum() < LEAST_BUYERS:
        return None
    some = {name: values[bought] for name, values in columns.items()}
    days = outcome.order_days[bought]
    return boosters.train(
        np.column_stack([some[name] for name in features]),
        np.maximum(outcome.value[bought] / days, SMALLEST_SPEND),
        start=np.log(np.maximum(spend.per_order_day(some), SMALLEST_SPEND)),
        names=list(features),
        parameters={**SPEND_PARAMETERS, "min_data_in_leaf": _least_in_leaf(int(bought.sum()))},
        weight=days,
        threads=threads,
    )


def _sampled(data: TrainingData, horizon: int, most: int) -> tuple[Columns, Outcome]:
    columns, outcome = data.observed(horizon)
    n = len(outcome.bought)
    if n <= most:
        return columns, outcome
    rows = np.sort(np.random.default_rng(horizon).choice(n, most, replace=False))
    return {name: values[rows] for name, values in columns.items()}, outcome.take(rows)


def _with_base(fixed: Floats, base: Base, columns: Columns, horizon: float) -> Floats:
    start = logit(base.p_order(columns, horizon))
    return np.column_stack((fixed, base.p_alive(columns), np.full(len(fixed), float(horizon)), start))


def _between(knots: Floats, values: Floats, at: float) -> Floats:
    """Interpolate (n, k) values known at k ascending knots; the first and last go on outside them."""
    right = int(np.clip(np.searchsorted(knots, at), 0, len(knots)))
    if right == 0 or right == len(knots):
        return np.asarray(values[:, min(right, len(knots) - 1)])
    share = (at - knots[right - 1]) / (knots[right] - knots[right - 1])
    return np.asarray((1.0 - share) * values[:, right - 1] + share * values[:, right])


def _least_in_leaf(rows: int) -> int:
    return int(np.clip(rows // 400, 20, 100))
