"""The default model: a base model bent by LightGBM as far as out-of-time folds show that it helps.

On the logit scale: base + weight * bend + level. `weight` and `level` are chosen on folds whose outcomes lie
wholly after everything the fold's models have seen. The weight is judged at each fold's own level, so that a
season does not pass for a bad ranking; of the newest fold's level only a part is believed, since one window's
level says little of the next one's. One monotone curve h -> P(order within h days) per customer is kept at
CURVE_KNOTS; chances, expected orders, values and dates all follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from contracts.metrics import log_loss
from contracts.tables import CURVE_KNOTS
from contracts.training import Columns, Floats, Prediction, TrainingData
from models.base import Base, best_base, load_base, orders_per_buyer
from models.contract import NoFit, logit, read_numbers, sigmoid, write_numbers
from models.curve import at_horizon, rising
from models.gamma_gamma import Spend
from models.lightgbm import LightGbm

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
MOST_FOLDS = 2
# How far the level of the newest fold is believed, and the most that it may shift the logit.
LEVEL_BELIEF = 1 / 3
MOST_LEVEL = 0.5


@dataclass(frozen=True)
class Fold:
    """One out-of-time fold: the base's logits, the bends and what happened; (n,) each."""

    plain: Floats
    bend: Floats
    bought: Floats


@dataclass(frozen=True)
class Answer:
    """curve: (n, len(CURVE_KNOTS)) chances; at: the answer for each asked horizon (days)."""

    curve: Floats
    at: Mapping[float, Prediction]


@dataclass(frozen=True)
class Ensemble:
    """A base model, perhaps a LightGBM bend, its weight and a level on the logit scale."""

    base: Base
    spend: Spend
    lightgbm: LightGbm | None
    weight: float
    level: float
    folds: tuple[dict[str, Any], ...] = ()
    why_simpler: str = ""
    name: ClassVar[str] = "ensemble"

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that the parts read."""
        parts = (*self.base.needs, *self.spend.needs, *(self.lightgbm.needs if self.lightgbm else ()))
        return tuple(dict.fromkeys(parts))

    @property
    def learnt_until(self) -> int:
        """The longest horizon (days) that was learnt from outcomes; beyond it the base extrapolates."""
        return max(self.lightgbm.horizons) if self.lightgbm else 0

    @property
    def parts(self) -> str:
        """Which parts answer, in words."""
        return f"{self.base.name} + lightgbm" if self.lightgbm else self.base.name

    @classmethod
    def fit(cls, data: TrainingData, *, threads: int = 0) -> Self:
        """Fit the parts and choose weight and level on out-of-time folds; NoFit if not even a base fits."""
        whole = cls.fit_parts(data, threads=threads)
        folds = []
        for day in _fold_days(data):
            fold = _fold(data, day, threads)
            if fold is not None:
                folds.append(fold)
        if not folds:
            return whole if whole.lightgbm is None else replace(whole, weight=0.5)
        weights = WEIGHTS if whole.lightgbm else (0.0,)
        losses = {w: float(np.mean([_loss_at_its_level(fold, w) for fold in folds])) for w in weights}
        weight = min(weights, key=losses.__getitem__)
        level = float(np.clip(LEVEL_BELIEF * _level(folds[0], weight), -MOST_LEVEL, MOST_LEVEL))
        notes = tuple({"weight": w, "log_loss": loss} for w, loss in losses.items())
        return replace(whole, weight=weight, level=level, folds=notes)

    @classmethod
    def fit_parts(cls, data: TrainingData, *, threads: int = 0) -> Self:
        """Fit the base and, where there is enough, LightGBM at full weight; no folds."""
        base, why = best_base(data)
        try:
            bent = LightGbm.fit(data, threads=threads, base=base)
        except NoFit as reason:
            whole = "; ".join(filter(None, (f"lightgbm: {reason}", why)))
            return cls(base, Spend.fit(data), None, 0.0, 0.0, why_simpler=whole)
        return cls(base, bent.spend, bent, 1.0, 0.0, why_simpler=why)

    def curve(self, columns: Columns, *, beyond: tuple[float, ...] = ()) -> Floats:
        """Return P(order within h) at CURVE_KNOTS and at horizons beyond the last knot; never falling."""
        knots = (*map(float, CURVE_KNOTS), *beyond)
        z = np.column_stack([logit(self.base.p_order(columns, h)) for h in knots])
        if self.lightgbm is not None and self.weight:
            z = z + self.weight * self.lightgbm.bend(columns, knots)
        return rising(sigmoid(z + self.level))

    def per_order_day(self, columns: Columns) -> Floats:
        """Return the expected amount per order day; (n,)."""
        return (self.lightgbm or self.spend).per_order_day(columns)

    def predict(self, columns: Columns, horizon: float) -> Prediction:
        """Answer for one horizon."""
        return self.answer(columns, (horizon,)).at[horizon]

    def answer(self, columns: Columns, horizons: Sequence[float]) -> Answer:
        """Answer for several horizons (days) at once, all from one curve."""
        beyond = tuple(sorted({h for h in horizons if h > CURVE_KNOTS[-1]}))
        curve = self.curve(columns, beyond=beyond)
        spend = self.per_order_day(columns)
        found = {}
        for h in dict.fromkeys(horizons):
            p = curve[:, len(CURVE_KNOTS) + beyond.index(h)] if h in beyond else at_horizon(curve, h)
            orders = p * orders_per_buyer(self.base, columns, h)
            found[h] = Prediction(p, orders, orders * spend)
        return Answer(curve[:, : len(CURVE_KNOTS)], found)

    def save(self, folder: Path) -> None:
        """Write ensemble.json and the parts' files."""
        numbers = {
            "base": self.base.name,
            "lightgbm": self.lightgbm is not None,
            "weight": self.weight,
            "level": self.level,
            "folds": list(self.folds),
            "why_simpler": self.why_simpler,
        }
        write_numbers(folder / "ensemble.json", numbers)
        if self.lightgbm is not None:
            self.lightgbm.save(folder)  # with its base and spend, which are ours
        else:
            self.base.save(folder)
            self.spend.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        numbers = read_numbers(folder / "ensemble.json")
        bent = LightGbm.load(folder) if numbers["lightgbm"] else None
        return cls(
            bent.base if bent else load_base(numbers["base"], folder),
            bent.spend if bent else Spend.load(folder),
            bent,
            numbers["weight"],
            numbers["level"],
            tuple(numbers["folds"]),
            numbers["why_simpler"],
        )


def _fold_days(data: TrainingData) -> list[int]:
    """Return up to MOST_FOLDS cutoffs, one main horizon apart, whose outcomes are known."""
    days = np.unique(data.cutoff[data.outcomes[data.horizon].observed])
    found: list[int] = []
    for day in days[::-1]:
        if len(found) < MOST_FOLDS and (not found or day <= found[-1] - data.horizon):
            found.append(int(day))
    return found


def _fold(data: TrainingData, day: int, threads: int) -> Fold | None:
    """Fit the parts as of a fold's day and put them beside what happened next; None if too little."""
    try:
        parts = Ensemble.fit_parts(data.as_known_on(day), threads=threads)
    except NoFit:
        return None
    rows = data.cutoff == day
    columns = {name: values[rows] for name, values in data.panel.items()}
    plain = logit(parts.base.p_order(columns, data.horizon))
    bend = parts.lightgbm.bend(columns, (data.horizon,))[:, 0] if parts.lightgbm else np.zeros(len(plain))
    return Fold(plain, bend, data.outcomes[data.horizon].bought[rows])


def _loss_at_its_level(fold: Fold, weight: float) -> float:
    """Return the fold's log loss, levelled to what happened in it."""
    return log_loss(fold.bought, sigmoid(fold.plain + weight * fold.bend + _level(fold, weight)))


def _level(fold: Fold, weight: float) -> float:
    """Return the shift on the logit scale at which the predicted total equals the actual one."""
    low, high = -3.0, 3.0
    for _ in range(40):
        middle = (low + high) / 2
        too_high = sigmoid(fold.plain + weight * fold.bend + middle).sum() > fold.bought.sum()
        low, high = (low, middle) if too_high else (middle, high)
    return (low + high) / 2
