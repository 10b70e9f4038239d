"""LightGBM on the panel of cutoffs: bends a base model's answer by what else is known of the customer.

Two boosters for all horizons, the horizon being a column. One starts from the base model's logit and learns the
difference; the other knows nothing of the base model and starts from the share that bought; the bend is the mean of
what both say of the customer. Both start at each cutoff's own level, so that they learn who buys rather than when:
the level of a date is learnt apart (models.level). The bend is levelled to the base model's total on the training's
day. A third booster starts from the expected amount per order day (Gamma-Gamma) and learns what is spent on an order
day by those who order. Between the trained horizons the bend is interpolated over log days; beyond the longest it
stays, and the base model extrapolates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from contracts.training import Columns, Floats, Prediction, TrainingData
from models import boosters
from models.base import Base, best_base, load_base, orders_along
from models.boosters import Booster
from models.contract import NoFit, logit, read_numbers, sigmoid, write_numbers
from models.gamma_gamma import Spend
from models.level import level_shift

Ints = NDArray[np.int64]
LEAST_ROWS = 2_000
LEAST_BUYERS = 100
# A horizon is learnt once the history spans it twice: before, every customer in the panel is newly won.
SPANS_PER_HORIZON = 2
MOST_ROWS = 150_000
FEW = 256  # customers up to whom all horizons are asked at once
MOST_TRIAL_ROWS = 75_000
MOST_LEVELLED = 50_000  # customers by whom the bend is levelled to the base model's total
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
FROM_BASE = ("p_alive", "base_logit")  # the base model's answers, as columns


@dataclass(frozen=True)
class LightGbm:
    """A base model, two boosters of its logit and a booster of the spend per order day.

    anchors: for each trained horizon, what levels the bend to the base model's total (logit).
    """

    base: Base
    spend: Spend
    features: tuple[str, ...]
    horizons: tuple[int, ...]
    anchors: tuple[float, ...]
    order_booster: Booster
    free_booster: Booster
    spend_booster: Booster | None
    name: ClassVar[str] = "lightgbm"

    @property
    def needs(self) -> tuple[str, ...]:
        """The base model's columns and the boosters'."""
        return tuple(dict.fromkeys((*self.base.needs, *self.spend.needs, *self.features)))

    @property
    def reads(self) -> frozenset[str]:
        """Those of them by which an answer can differ: the base model's, and what some tree splits by."""
        trees = [self.order_booster, self.free_booster, *filter(None, (self.spend_booster,))]
        split_by = frozenset[str]().union(*map(boosters.read_by, trees))
        return split_by.intersection(self.features).union(self.base.needs, self.spend.needs)

    @classmethod
    def fit(
        cls,
        data: TrainingData,
        *,
        threads: int = 0,
        base: Base | None = None,
        seed: int = 1,
        parameters: Mapping[str, Any] | None = None,
        trial: bool = False,
        most_rows: int = MOST_ROWS,
    ) -> Self:
        """Train on the panel; NoFit under LEAST_ROWS rows or LEAST_BUYERS buyers, or non-buyers.

        parameters: what to change in ORDER_PARAMETERS. trial: only the main horizon if it can be learnt; no spend.
        """
        horizons = tuple(
            h for h in sorted(data.outcomes) if data.span_days >= SPANS_PER_HORIZON * h and _enough(data, h)
        )
        if trial and data.horizon in horizons:
            horizons = (data.horizon,)
        if not horizons:
            raise NoFit(f"no horizon has {LEAST_ROWS} finished rows with {LEAST_BUYERS} buyers and others")
        base = best_base(data)[0] if base is None else base
        spend = Spend.fit(data)
        features = tuple(data.panel)
        settings = {"seed": seed, **(parameters or {})}
        most = (MOST_TRIAL_ROWS if trial else most_rows) // len(horizons)
        by_horizon = [_Rows.of(data, base, features, h, most) for h in horizons]
        order_booster, free_booster = _train_orders(by_horizon, features, settings, threads)
        found = cls(
            base,
            spend,
            features,
            horizons,
            (0.0,) * len(horizons),
            order_booster,
            free_booster,
            None if trial else _train_spend(data, spend, features, horizons, seed, threads),
        )
        return found.levelled(population(data, features))

    def levelled(self, columns: Columns) -> Self:
        """Return the same with anchors by which the total of these customers is the base model's."""
        plain = [logit(self.base.p_order(columns, h)) for h in self.horizons]
        bend = replace(self, anchors=(0.0,) * len(self.horizons)).bend(columns, self.horizons)
        anchors = (
            level_shift(z + bend[:, k], float(sigmoid(z).sum())) for k, z in enumerate(map(np.asarray, plain))
        )
        return replace(self, anchors=tuple(anchors))

    def bend(
        self,
        columns: Columns,
        horizons: tuple[float, ...],
        *,
        rounds: int | None = None,
        known: Mapping[float, Floats] = MappingProxyType({}),
    ) -> Floats:
        """Return what is added to the base model's logit; (n, len(horizons)).

        rounds: only the first trees. known: the base model's logit by horizon, where it has been asked already.
        """
        fixed, alive = self._fixed(columns), self.base.p_alive(columns)
        starts = [known[h] if h in known else logit(self.base.p_order(columns, h)) for h in self.horizons]
        together = len(self.horizons) if len(alive) <= FEW else 1
        found = np.empty((len(alive), len(self.horizons)))
        for first in range(0, len(self.horizons), together):
            some = range(first, min(first + together, len(self.horizons)))
            design = _design(fixed, [(self.horizons[k], alive, starts[k]) for k in some])
            start = design[:, -1]
            from_base, free = (
                boosters.ask(one, design, rounds=rounds) for one in (self.order_booster, self.free_booster)
            )
            found[:, some] = (0.5 * (from_base + free - start)).reshape(len(some), -1).T
        return _between(found + np.array(self.anchors), self.horizons, horizons)

    def _fixed(self, columns: Columns) -> Floats:
        """Return the features as (n, features)."""
        rows = np.concatenate([columns[name] for name in self.features]).reshape(len(self.features), -1)
        return np.ascontiguousarray(rows.T)

    def per_order_day(self, columns: Columns) -> Floats:
        """Return the expected amount per order day; (n,)."""
        start = np.maximum(self.spend.per_order_day(columns), SMALLEST_SPEND)
        if self.spend_booster is None:
            return start
        design = self._fixed(columns)
        return np.asarray(start * np.exp(boosters.ask(self.spend_booster, design)))

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer for one horizon; expected orders follow from the chance."""
        p = sigmoid(logit(self.base.p_order(columns, horizon)) + self.bend(columns, (horizon,))[:, 0])
        orders = orders_along(self.base, columns, horizon, p)
        return Prediction(p, orders, orders * self.per_order_day(columns))

    def save(self, folder: Path) -> None:
        """Write lightgbm.json, orders.txt, free.txt, spend.txt and the base model's files."""
        numbers = {
            "base": self.base.name,
            "features": self.features,
            "horizons": self.horizons,
            "anchors": self.anchors,
            "spend_booster": self.spend_booster is not None,
        }
        write_numbers(folder / "lightgbm.json", numbers)
        boosters.write(self.order_booster, folder / "orders.txt")
        boosters.write(self.free_booster, folder / "free.txt")
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
            tuple(numbers["anchors"]),
            boosters.read(folder / "orders.txt"),
            boosters.read(folder / "free.txt"),
            boosters.read(folder / "spend.txt") if numbers["spend_booster"] else None,
        )


@dataclass(frozen=True)
class _Rows:
    """The panel's rows for one horizon. design: (n, features + 3), the last three the horizon and the base's."""

    design: Floats
    bought: Floats
    level: Floats  # (n,) the shift that makes the base model's total right at the row's cutoff
    share: Floats  # (n,) the logit of the share that bought at the row's cutoff

    @staticmethod
    def of(data: TrainingData, base: Base, features: tuple[str, ...], horizon: int, most: int) -> _Rows:
        """Take the newest finished cutoffs, and of these at most `most` rows by lot."""
        known = np.flatnonzero(data.outcomes[horizon].observed)
        bought, cutoff = data.outcomes[horizon].bought[known], data.cutoff[known]
        start = logit(base.p_order({name: data.panel[name][known] for name in base.needs}, horizon))
        level, share = np.empty(len(known)), np.empty(len(known))
        for day in np.unique(cutoff):
            rows = cutoff == day
            level[rows] = level_shift(start[rows], float(bought[rows].sum()))
            share[rows] = logit(np.array([(bought[rows].sum() + 0.5) / (rows.sum() + 1.0)]))
        chosen = by_lot(len(known), most, horizon)
        some = {name: values[known[chosen]] for name, values in data.panel.items()}
        fixed = [some[name] for name in features]
        design = np.column_stack(
            (*fixed, np.full(len(chosen), float(horizon)), base.p_alive(some), start[chosen])
        )
        return _Rows(design, bought[chosen], level[chosen], share[chosen])


def _enough(data: TrainingData, horizon: int) -> bool:
    outcome = data.outcomes[horizon]
    rows = int(outcome.observed.sum())
    buyers = int(np.nansum(outcome.bought))
    return rows >= LEAST_ROWS and LEAST_BUYERS <= buyers <= rows - LEAST_BUYERS


def _train_orders(
    by_horizon: list[_Rows], features: tuple[str, ...], settings: Mapping[str, Any], threads: int
) -> tuple[Booster, Booster]:
    """Train the booster that starts from the base model, and the one that is free of it."""
    rows = np.concatenate([one.design for one in by_horizon])
    design = boosters.Design(rows, [*features, "horizon_days", *FROM_BASE])
    bought = np.concatenate([one.bought for one in by_horizon])
    level, share = (np.concatenate([getattr(one, name) for one in by_horizon]) for name in ("level", "share"))
    parameters = {**ORDER_PARAMETERS, "min_data_in_leaf": _least_in_leaf(len(rows)), **settings}
    return (
        design.train(bought, start=rows[:, -1] + level, parameters=parameters, threads=threads),
        design.train(bought, start=share, parameters=parameters, unseen=FROM_BASE, threads=threads),
    )


def _train_spend(
    data: TrainingData,
    spend: Spend,
    features: tuple[str, ...],
    horizons: tuple[int, ...],
    seed: int,
    threads: int,
) -> Booster | None:
    horizon = min(horizons, key=lambda h: abs(h - data.horizon))
    known = data.outcomes[horizon]
    bought = np.flatnonzero((known.order_days > 0) & (data.panel["monetary_value"] > 0))
    if len(bought) < LEAST_BUYERS:
        return None
    bought = bought[by_lot(len(bought), MOST_ROWS, horizon)]
    some = {name: values[bought] for name, values in data.panel.items()}
    days, value = known.order_days[bought], known.value[bought]
    usual = np.maximum(spend.per_order_day(some), SMALLEST_SPEND)
    design = boosters.Design(np.column_stack([some[name] for name in features]), list(features))
    return design.train(
        np.maximum(value / days, SMALLEST_SPEND),
        start=np.log(usual) + _spend_levels(data.cutoff[bought], horizon, usual * days, value),
        parameters={**SPEND_PARAMETERS, "min_data_in_leaf": _least_in_leaf(len(bought)), "seed": seed},
        weight=days,
        threads=threads,
    )


def _spend_levels(cutoff: np.ndarray, horizon: int, expected: Floats, value: Floats) -> Floats:
    """Return for each row the log of actual over expected value at its cutoff; (n,)."""
    found = np.zeros(len(cutoff))
    for day in np.unique(cutoff):
        rows = cutoff == day
        actual, usual = float(value[rows].sum()), float(expected[rows].sum())
        found[rows] = np.log(actual / usual) if actual > 0 and usual > 0 else 0.0
    return found


def by_lot(rows: int, most: int, seed: int) -> np.ndarray:
    """Return all row numbers, or `most` of them drawn by lot, ascending."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def population(data: TrainingData, features: tuple[str, ...]) -> Columns:
    """Return customers as of the training's day, or of the newest cutoff if their features are not at hand."""
    if all(name in data.now for name in features):
        rows = by_lot(len(data.now[features[0]]), MOST_LEVELLED, 0)
        return {name: values[rows] for name, values in data.now.items()}
    newest = data.cutoff == data.cutoff.max()
    return {name: values[newest] for name, values in data.panel.items()}


def _design(fixed: Floats, blocks: Sequence[tuple[float, Floats, Floats]]) -> Floats:
    """Return the features with (horizon, chance of being alive, logit) of one block of rows below the other."""
    n, k = fixed.shape
    design = np.empty((len(blocks), n, k + 3))
    design[..., :k] = fixed
    for block, (horizon, alive, start) in zip(design, blocks, strict=True):
        block[:, k], block[:, k + 1], block[:, k + 2] = horizon, alive, start
    return design.reshape(-1, k + 3)


def _between(values: Floats, known: tuple[int, ...], horizons: tuple[float, ...]) -> Floats:
    """Interpolate (n, k) values known at k horizons over log days; the first and last go on outside them."""
    left, right, share = _places(known, horizons)
    low, high = values[:, left], values[:, right]
    return np.where(share > 0.0, (1.0 - share) * low + share * high, high)


@lru_cache(maxsize=64)
def _places(known: tuple[int, ...], horizons: tuple[float, ...]) -> tuple[Ints, Ints, Floats]:
    """Return between which two known horizons each lies, and how far; a share of 0 means the right one alone."""
    knots, at = np.log(np.array(known, dtype=np.float64)), np.log(np.array(horizons, dtype=np.float64))
    place = np.searchsorted(knots, at)
    right = np.minimum(place, len(knots) - 1)
    left = np.maximum(right - 1, 0)
    inside = (place > 0) & (place < len(knots))
    share = np.zeros(len(at))
    share[inside] = (at[inside] - knots[left[inside]]) / (knots[right[inside]] - knots[left[inside]])
    return left, right, share


def _least_in_leaf(rows: int) -> int:
    return int(np.clip(rows // 400, 20, 100))
