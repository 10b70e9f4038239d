"""The default model: a base model bent by LightGBM as far as out-of-time windows show, on the level of the date.

On the logit scale: slope * (base + weight * bend) + anchor + level(date). `weight` and `slope` are chosen on windows
whose outcomes lie wholly after everything that their models have seen, each judged at its own level, so that a season
does not pass for a bad ranking. `anchor` gives the total of the base model back; `level` is how far that total is off
at a date (models.level). One monotone curve h -> P(order within h days) per customer is kept at CURVE_KNOTS; chances,
expected orders, values and dates all follow from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np

from contracts.metrics import log_loss
from contracts.tables import CURVE_KNOTS
from contracts.training import Columns, Floats, Outcome, Prediction, Summaries, TrainingData, Window
from models.base import Base, best_base, fit_like, further_orders, load_base, orders_along
from models.btyd_model import BtydModel
from models.contract import NoFit, logit, read_numbers, sigmoid, write_numbers
from models.curve import at_horizon, between, rising
from models.gamma_gamma import Spend
from models.level import OF_SPEND, Level, Shift, level_shift, log_mean, observed_shift, spend_shift
from models.lightgbm import MOST_ROWS, ORDER_PARAMETERS, LightGbm, by_lot, population
from models.spread import Checked, Spread

WEIGHTS = (0.0, 0.25, 0.5, 0.75, 1.0)
SLOPES = (0.8, 0.9, 1.0, 1.1, 1.2, 1.3)
_KNOTS = tuple(map(float, CURVE_KNOTS))
SPEND_HORIZON = 90  # days; the amount per order day hardly depends on it
# Where the shop is busy its buyers order more often, too: the orders after the first follow the level by this power.
LEVEL_POWER = 0.65
EXTRA_BOUNDS = (0.5, 2.0)  # of the factor on the base model's orders after the first
ROUNDS = (40, 80, 120)
MOST_WINDOWS = 2
MOST_SPREAD = 20_000  # customers of a cutoff from whom the spread of values is learnt
YEAR_DAYS = 365
LEAST_LEVELLED = 50  # customers at a cutoff, for its level to be seen


@dataclass(frozen=True)
class Answer:
    """curve: (n, len(CURVE_KNOTS)) chances; at: the answer for each asked horizon (days)."""

    curve: Floats
    at: Mapping[float, Prediction]


@dataclass(frozen=True)
class Ensemble:
    """A base model, perhaps a LightGBM bend with its weight and slope, anchors by knot, and the level.

    spend_anchor: what levels the amount per order day to the base's (log); extra: what the base model's orders
    after the first are multiplied by; spend_level: the level of what is spent; spread: how far values may be off.
    """

    base: Base
    spend: Spend
    lightgbm: LightGbm | None
    weight: float
    level: Level
    slope: float = 1.0
    anchors: tuple[float, ...] = (0.0,) * len(CURVE_KNOTS)
    spend_anchor: float = 0.0
    extra: float = 1.0
    spend_level: Level = field(default_factory=Level.none)
    spread: Spread = field(default_factory=Spread)
    folds: tuple[dict[str, Any], ...] = ()
    why_simpler: str = ""
    name: ClassVar[str] = "ensemble"

    @property
    def needs(self) -> tuple[str, ...]:
        """The columns that the parts read."""
        parts = (*self.base.needs, *self.spend.needs, *(self.lightgbm.needs if self.lightgbm else ()))
        return tuple(dict.fromkeys(parts))

    @property
    def reads(self) -> frozenset[str]:
        """Those of them by which an answer can differ."""
        return self.lightgbm.reads if self.lightgbm else frozenset(self.needs)

    @property
    def learnt_until(self) -> int:
        """The longest horizon (days) that was learnt from outcomes; beyond it the base extrapolates."""
        return max(self.lightgbm.horizons) if self.lightgbm else 0

    @property
    def parts(self) -> str:
        """Which parts answer, in words."""
        return f"{self.base.name} + lightgbm" if self.lightgbm else self.base.name

    @classmethod
    def fit(
        cls,
        data: TrainingData,
        *,
        threads: int = 0,
        seed: int = 1,
        season: bool = True,
        calibration: bool = True,
        parameters: Mapping[str, Any] | None = None,
        fitted: Mapping[str, BtydModel] = MappingProxyType({}),
        most_rows: int = MOST_ROWS,
    ) -> Self:
        """Fit the parts, choose rounds, weight and slope on out-of-time windows, and learn the level.

        season: learn the level of the date. calibration: choose weight and slope (else 1). parameters: what to
        change in LightGBM's. fitted: BTYD models by name that have been fitted to the data already. most_rows: of
        the panel, for the boosters. Raises NoFit if not even a base can be fitted.
        """
        windows = [data.window(day) for day in data.window_days(MOST_WINDOWS)]
        base, why = best_base(data, windows[:1], fitted=fitted)
        settings = dict(parameters or {})
        judged = []
        if calibration:
            judged = [
                one for one in (_judged(window, base, threads, seed, settings) for window in windows) if one
            ]
        choice = _choose(judged, settings)
        try:
            bent = LightGbm.fit(
                data,
                threads=threads,
                base=base,
                seed=seed,
                parameters={**settings, "rounds": choice.rounds},
                most_rows=most_rows,
            )
        except NoFit as reason:
            why = "; ".join(filter(None, (f"lightgbm: {reason}", why)))
            found = cls(base, Spend.fit(data), None, 0.0, Level.none(), why_simpler=why)
        else:
            found = cls(base, bent.spend, bent, choice.weight, Level.none(), choice.slope, why_simpler=why)
            found = replace(found, folds=choice.notes).anchored(population(data, bent.features))
        found = found.with_level(data) if season else found
        found = replace(found, extra=found._extra_orders(data))
        then = {one.day: found._as_of(one, data) for one in judged}
        return replace(found, spread=_spread(data, then)) if then else found

    @classmethod
    def of_base(cls, base: Base, data: TrainingData, *, why: str) -> Self:
        """Return a base model alone, on the level of the date."""
        return cls(base, Spend.fit(data), None, 0.0, Level.none(), why_simpler=why).with_level(data)

    def with_level(self, data: TrainingData) -> Self:
        """Return the same with the levels of orders and spend as known at the training's day."""
        seen = data.summaries or Summaries(data.panel, data.cutoff, data.outcomes)
        level = Level.fit(list(_shifts(seen, self.base)), day=data.day)
        spent = Level.fit(list(_spend_shifts(seen, self.base, self.spend)), day=data.day, strengths=OF_SPEND)
        return replace(self, level=level, spend_level=spent)

    def anchored(self, columns: Columns) -> Self:
        """Return the same with anchors by which these customers' totals are the base model's.

        The buyers at every knot, and the amount per order day.
        """
        z = replace(self, anchors=(0.0,) * len(CURVE_KNOTS))._logits(columns)
        totals = [float(self.base.p_order(columns, h).sum()) for h in CURVE_KNOTS]
        anchors = tuple(level_shift(z[:, k], total) for k, total in enumerate(totals))
        ours = replace(self, anchors=anchors, spend_anchor=0.0, level=Level.none(), spend_level=Level.none())
        found = ours.predict(columns, SPEND_HORIZON, day=0)
        plain = self.base.expected_orders(columns, SPEND_HORIZON)
        spend_anchor = log_mean(self.spend.per_order_day(columns), plain) - log_mean(
            ours.per_order_day(columns), found.expected_orders
        )
        return replace(self, anchors=anchors, spend_anchor=spend_anchor)

    def curve(self, columns: Columns, *, day: int, beyond: tuple[float, ...] = ()) -> Floats:
        """Return P(order within h) at CURVE_KNOTS and at horizons beyond the last knot; never falling.

        day: the end of the customers' past. Beyond the last knot the base model's logit goes on from there.
        """
        knots = (*CURVE_KNOTS, *beyond)
        return self._curve(columns, self.base.along(columns, knots)[0], knots, day)

    def _curve(self, columns: Columns, p: Floats, knots: Sequence[float], day: int) -> Floats:
        """Return the curve from the base model's chances at the knots (k, n)."""
        base, last = logit(p).T, len(CURVE_KNOTS) - 1
        z = self._bent(columns, base[:, : last + 1])
        further = z[:, -1:] + (base[:, last + 1 :] - base[:, last : last + 1])
        levels = [self.level.shift(day, min(h, CURVE_KNOTS[-1])) for h in knots]
        return rising(sigmoid(np.concatenate((z, further), axis=1) + np.array(levels)))

    def _logits(self, columns: Columns) -> Floats:
        """Return the logits at CURVE_KNOTS without the level; (n, len(CURVE_KNOTS))."""
        return self._bent(columns, logit(np.array([self.base.p_order(columns, h) for h in CURVE_KNOTS])).T)

    def _bent(self, columns: Columns, z: Floats) -> Floats:
        """Return the same from the base model's logits."""
        if self.lightgbm is not None and self.weight:
            known: dict[float, Floats] = dict(zip(_KNOTS, z.T, strict=True))
            z = np.add(z, self.weight * self.lightgbm.bend(columns, _KNOTS, known=known))
        return np.asarray(self.slope * z + np.array(self.anchors))

    def per_order_day(self, columns: Columns) -> Floats:
        """Return the expected amount per order day, without its level; (n,)."""
        found = (self.lightgbm or self.spend).per_order_day(columns)
        return np.asarray(found * np.exp(self.spend_anchor))

    def predict(self, columns: Columns, horizon: float, *, day: int) -> Prediction:
        """Answer for one horizon."""
        return self.answer(columns, (horizon,), day=day).at[horizon]

    def answer(self, columns: Columns, horizons: Sequence[float], *, day: int) -> Answer:
        """Answer for several horizons (days) at once, all from one curve."""
        beyond = tuple(sorted({h for h in horizons if h > CURVE_KNOTS[-1]}))
        knots = (*CURVE_KNOTS, *beyond)
        base = self.base.along(columns, knots)
        curve = self._curve(columns, base[0], knots, day)
        orders, value = self._sums(columns, curve, knots, day, further=further_orders(*base))
        found = {}
        for h in dict.fromkeys(horizons):
            p = curve[:, len(CURVE_KNOTS) + beyond.index(h)] if h in beyond else at_horizon(curve, h)
            found[h] = Prediction(p, np.maximum(between(knots, orders, h), p), between(knots, value, h))
        return Answer(curve[:, : len(CURVE_KNOTS)], found)

    def _sums(
        self, columns: Columns, curve: Floats, knots: Sequence[float], day: int, *, further: Floats
    ) -> tuple[Floats, Floats]:
        """Return expected order days and value until each knot, neither ever falling; (n, len(knots)) each.

        further: (len(knots), n) order days after the first, as the base model says.
        """
        known = [min(h, CURVE_KNOTS[-1]) for h in knots]
        extra = self.extra * np.exp(LEVEL_POWER * np.array([self.level.shift(day, h) for h in known]))
        busy = np.exp(np.array([self.spend_level.shift(day, h) for h in known]))
        orders = curve * (1.0 + extra * further.T)
        value = orders * self.per_order_day(columns)[:, None] * busy
        return np.maximum.accumulate(orders, axis=1), np.maximum.accumulate(value, axis=1)

    def _as_of(self, judged: _Judged, data: TrainingData) -> Ensemble:
        """Return this recipe as it would have been fitted before a window."""
        then, bent = data.as_known_on(judged.day), judged.lightgbm
        found = replace(self, base=bent.base, spend=bent.spend, lightgbm=bent)
        return found.anchored(population(then, bent.features)).with_level(then)

    def _extra_orders(self, data: TrainingData) -> float:
        """Return actual over expected orders after the first, of the panel's buyers; 1 where none is expected."""
        if data.horizon not in data.outcomes:
            return 1.0
        columns, outcome = data.observed(data.horizon)
        cutoff = data.cutoff[data.outcomes[data.horizon].observed]
        buyers = outcome.bought > 0
        some = {name: columns[name][buyers] for name in self.base.needs}
        further = orders_along(self.base, some, data.horizon, np.ones(int(buyers.sum()))) - 1.0
        days, at = np.unique(cutoff[buyers], return_inverse=True)
        busy = np.exp(LEVEL_POWER * np.array([self.level.shift(int(c), data.horizon) for c in days]))
        expected = float((further * busy[at]).sum())
        actual = float(outcome.order_days[buyers].sum() - buyers.sum())
        return float(np.clip(actual / expected, *EXTRA_BOUNDS)) if expected > 0 else 1.0

    def save(self, folder: Path) -> None:
        """Write ensemble.json, level.json and the parts' files."""
        numbers = {
            "base": self.base.name,
            "lightgbm": self.lightgbm is not None,
            "weight": self.weight,
            "slope": self.slope,
            "anchors": self.anchors,
            "spend_anchor": self.spend_anchor,
            "extra": self.extra,
            "folds": list(self.folds),
            "why_simpler": self.why_simpler,
        }
        write_numbers(folder / "ensemble.json", numbers)
        self.level.save(folder / "level.json")
        self.spend_level.save(folder / "spend_level.json")
        self.spread.save(folder)
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
            Level.load(folder / "level.json"),
            numbers["slope"],
            tuple(numbers["anchors"]),
            numbers["spend_anchor"],
            numbers["extra"],
            Level.load(folder / "spend_level.json"),
            Spread.load(folder),
            tuple(numbers["folds"]),
            numbers["why_simpler"],
        )


@dataclass(frozen=True)
class _Choice:
    """What the out-of-time windows say, and the losses that led there."""

    rounds: int
    weight: float
    slope: float
    notes: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class _Judged:
    """One window: the base's logits (n,), the bend by number of rounds, who bought, and the model of that day."""

    day: int
    plain: Floats
    bends: Mapping[int, Floats]
    bought: Floats
    lightgbm: LightGbm

    def loss(self, rounds: int, weight: float, slope: float = 1.0) -> float:
        """Return the log loss at the level of what happened."""
        z = slope * (self.plain + weight * self.bends[rounds])
        return log_loss(self.bought, sigmoid(z + level_shift(z, float(self.bought.sum()))))


def _judged(
    window: Window, base: Base, threads: int, seed: int, settings: Mapping[str, Any]
) -> _Judged | None:
    """Fit the parts to what was known before a window, and put them beside what happened; None if too little."""
    stages = (int(settings["rounds"]),) if "rounds" in settings else ROUNDS
    try:
        then = fit_like(base, window.then)
        bent = LightGbm.fit(
            window.then,
            threads=threads,
            base=then,
            seed=seed,
            parameters={**settings, "rounds": max(stages)},
            trial=True,
        )
    except NoFit:
        return None
    horizon = window.then.horizon
    plain = logit(then.p_order(window.columns, horizon))
    bends = {k: bent.bend(window.columns, (horizon,), rounds=k)[:, 0] for k in stages}
    return _Judged(window.then.day, plain, bends, window.bought, bent)


def _choose(judged: Sequence[_Judged], settings: Mapping[str, Any]) -> _Choice:
    """Choose rounds and weight by the mean log loss of the windows, then the slope."""
    default = int(settings.get("rounds", ORDER_PARAMETERS["rounds"]))
    if not judged:
        return _Choice(default, 1.0, 1.0)
    losses = {
        (k, w): float(np.mean([one.loss(k, w) for one in judged])) for k in judged[0].bends for w in WEIGHTS
    }
    rounds, weight = min(losses, key=losses.__getitem__)
    slopes = {s: float(np.mean([one.loss(rounds, weight, s) for one in judged])) for s in SLOPES}
    slope = min(slopes, key=slopes.__getitem__)
    notes = [{"rounds": k, "weight": w, "slope": 1.0, "log_loss": loss} for (k, w), loss in losses.items()]
    notes += [
        {"rounds": rounds, "weight": weight, "slope": s, "log_loss": loss} for s, loss in slopes.items()
    ]
    return _Choice(rounds, weight, slope, tuple(notes))


def _spread(data: TrainingData, then: Mapping[int, Ensemble]) -> Spread:
    """Learn how far values are off at every finished cutoff since the first window, by the model of that time."""
    found: dict[int, dict[int, tuple[Prediction, Outcome]]] = {h: {} for h in data.outcomes}
    for cutoff in map(int, np.unique(data.cutoff[data.cutoff >= min(then)])):
        rows = np.flatnonzero(data.cutoff == cutoff)
        rows = rows[by_lot(len(rows), MOST_SPREAD, cutoff)]
        finished = [h for h, one in data.outcomes.items() if one.take(rows).observed.all()]
        model = then[max(day for day in then if day <= cutoff)]
        columns = {name: values[rows] for name, values in data.panel.items()}
        answer = model.answer(columns, finished, day=cutoff)
        for h in finished:
            found[h][cutoff] = (answer.at[h], data.outcomes[h].take(rows))
    second = data.day - data.span_days + YEAR_DAYS + data.horizon
    checked = {h: Checked.stack(one) for h, one in found.items() if one}
    return Spread.fit(checked, seasons_from=second if data.day >= second else None)


def _shifts(seen: Summaries, base: Base) -> Iterator[Shift]:
    """Yield how far the base model's totals were off in every finished window."""
    for cutoff, horizon, columns, outcome in _finished(seen):
        yield observed_shift(cutoff, horizon, logit(base.p_order(columns, horizon)), outcome.bought)


def _spend_shifts(seen: Summaries, base: Base, spend: Spend) -> Iterator[Shift]:
    """Yield how far the expected amount per order day was off in every finished window."""
    for cutoff, horizon, columns, outcome in _finished(seen):
        usual = spend.per_order_day(columns)
        expected = log_mean(usual, base.expected_orders(columns, horizon))
        shift = spend_shift(cutoff, horizon, outcome.order_days, outcome.value, usual=float(np.exp(expected)))
        if shift is not None:
            yield shift


def _finished(seen: Summaries) -> Iterator[tuple[int, int, Columns, Outcome]]:
    """Yield cutoff, horizon, columns and outcome of each finished window with enough customers."""
    for cutoff in np.unique(seen.cutoff):
        rows = seen.cutoff == cutoff
        columns = {name: values[rows] for name, values in seen.columns.items()}
        for horizon, outcome in seen.outcomes.items():
            happened = outcome.take(rows)
            if rows.sum() >= LEAST_LEVELLED and happened.observed.all():
                yield int(cutoff), horizon, columns, happened
