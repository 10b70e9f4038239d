"""What every model offers, on one generated world of 3,000 customers who order as BG/NBD says."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import pyarrow as pa
import pytest

from contracts.metrics import auc
from contracts.tables import CURVE_KNOTS, ORDER_LINES, REQUIRED_LINE_COLUMNS
from contracts.training import Columns, Floats, Outcome, Prediction, TrainingData
from experiments.panels import Panels
from experiments.recipe import Recipe
from features.kernel.history import History
from models.bgnbd import BgNbd
from models.btyd_model import BtydModel
from models.contract import NoFit, logit, read_numbers, sigmoid, write_numbers
from models.ensemble import Ensemble
from models.lightgbm import LightGbm
from models.mbgcnbdk import MbgCnbdK
from models.mbgnbd import MbgNbd
from models.paretonbd import ParetoNbd
from models.persistence import Persistence
from models.recency import Recency

pytestmark = pytest.mark.lab  # many trainings or long searches: make test-lab

AnyModel = Recency | Persistence | BtydModel | LightGbm | Ensemble
M = TypeVar("M", bound=AnyModel)
Kind = type[AnyModel]
MODELS: list[Kind] = [Recency, Persistence, BgNbd, MbgNbd, ParetoNbd, MbgCnbdK, LightGbm, Ensemble]
HORIZONS = (1, 30, 90, 365, 500)
DAY, LAST_DAY = 720, 810
every_model = pytest.mark.parametrize("kind", MODELS, ids=lambda one: one.name)


def order_times(customers: int, last_day: int, seed: int) -> tuple[Floats, Floats]:
    """Simulate BG/NBD customers won over the first 600 days: (customer, day) of each order."""
    chance = np.random.default_rng(seed)
    rate = chance.gamma(0.9, 1 / 40, customers)
    leaves = chance.beta(0.9, 3.5, customers)
    now = chance.uniform(0, 600, customers).astype(np.float64)
    active = np.arange(customers)
    who, when = [active], [now]
    while len(active):
        now = now + chance.exponential(1.0, len(active)) / rate[active]
        active, now = active[now < last_day], now[now < last_day]
        who.append(active)
        when.append(now)
        stays = chance.random(len(active)) >= leaves[active]
        active, now = active[stays], now[stays]
    return np.concatenate(who).astype(np.float64), np.concatenate(when)


def history_of_orders(customer: Floats, day: Floats, amount: Floats) -> History:
    """Return the history of one-line orders."""
    order = np.lexsort((day, customer))
    n, days = len(order), np.floor(day[order]).astype(np.int64)
    values = {
        "customer_id": [f"c{int(i):05d}" for i in customer[order]],
        "order_id": [f"{i:06d}" for i in range(n)],
        "line": np.ones(n, dtype=np.int32),
        "ordered_at": pa.array(days * 86_400_000_000).cast(pa.timestamp("us")),
        "day": days.astype(np.int32),
        "amount": np.round(amount[order], 2),
        "quantity": np.ones(n),
        "returned": np.zeros(n, dtype=bool),
        "reverses": np.zeros(n, dtype=bool),
        "cancelled_day": pa.nulls(n, pa.int32()),
    }
    schema = pa.schema([ORDER_LINES.field(name) for name in REQUIRED_LINE_COLUMNS])
    return History.from_lines(pa.table(values, schema=schema))


@cache
def world() -> Panels:
    """Return the generated world up to LAST_DAY."""
    customer, day = order_times(3_000, LAST_DAY, seed=20_260_501)
    chance = np.random.default_rng(5)
    level = 120.0 / chance.gamma(4.0, 1.0, 3_000)
    amount = chance.gamma(6.0, level[customer.astype(int)] / 6.0)
    return Panels.of(history_of_orders(customer, day, amount), Recipe(cutoffs=5))


@cache
def learnt() -> TrainingData:
    """Return what may be learnt from on DAY."""
    return world().training_data(DAY)


def fit(kind: type[M]) -> M:
    """Fit a model on DAY; boosters on one thread, since threads that wait for a busy core are slow."""
    found = kind.fit(learnt(), threads=1) if issubclass(kind, LightGbm | Ensemble) else kind.fit(learnt())
    return cast(M, found)


@cache
def _fitted(name: str) -> AnyModel:
    return fit(next(kind for kind in MODELS if kind.name == name))


def fitted(kind: type[M]) -> M:
    """Return the model fitted on DAY, always the same one."""
    return cast(M, _fitted(kind.name))


def columns() -> Columns:
    """Return the features of every customer on DAY."""
    return world().features(DAY).columns


def happened(horizon: int) -> Outcome:
    """Return what the customers did after DAY."""
    return world().outcome(DAY, horizon)


def some(values: Columns, rows: slice) -> Columns:
    """Return some customers' columns."""
    return {name: column[rows] for name, column in values.items()}


def parts(answer: Prediction) -> list[list[float]]:
    """Return the answer's numbers, for comparison to the last bit."""
    return [values.tolist() for values in vars(answer).values()]


@every_model
@pytest.mark.parametrize("horizon", HORIZONS)
def test_answers_are_chances_and_finite_numbers_for_each_customer(kind: Kind, horizon: int) -> None:
    answer = fitted(kind).predict(columns(), horizon, day=DAY)
    n = len(world().features(DAY))
    assert all(values.shape == (n,) and np.isfinite(values).all() for values in vars(answer).values())
    assert answer.p.min() >= 0 and answer.p.max() <= 1
    assert answer.expected_value.min() >= 0


@every_model
@pytest.mark.parametrize("horizon", HORIZONS)
def test_expected_orders_are_at_least_the_chance_of_one(kind: Kind, horizon: int) -> None:
    answer = fitted(kind).predict(columns(), horizon, day=DAY)
    assert np.all(answer.expected_orders >= answer.p - 1e-9)


@every_model
def test_a_saved_model_gives_the_same_bits(kind: Kind, tmp_path: Path) -> None:
    model = fitted(kind)
    model.save(tmp_path)
    again = kind.load(tmp_path)
    assert again.needs == model.needs
    for horizon in (30, 47, 500):
        assert parts(again.predict(columns(), horizon, day=DAY)) == parts(
            model.predict(columns(), horizon, day=DAY)
        )


@every_model
def test_a_saved_model_is_text_alone(kind: Kind, tmp_path: Path) -> None:
    fitted(kind).save(tmp_path)
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".txt"}
    assert all(path.read_text(encoding="utf-8") for path in tmp_path.iterdir())


@every_model
def test_the_needed_columns_are_sufficient(kind: Kind) -> None:
    model = fitted(kind)
    needed = {name: columns()[name] for name in model.needs}
    assert parts(model.predict(needed, 90, day=DAY)) == parts(model.predict(columns(), 90, day=DAY))


@every_model
def test_one_customer_alone_gets_the_same_bits_as_in_the_base(kind: Kind) -> None:
    model = fitted(kind)
    base = model.predict(columns(), 90, day=DAY)
    for row in (0, 1, 7, 1500, len(base.p) - 1):
        alone = model.predict(some(columns(), slice(row, row + 1)), 90, day=DAY)
        assert parts(alone) == [[float(values[row])] for values in vars(base).values()]


@every_model
def test_the_same_data_give_the_same_model(kind: Kind) -> None:
    again = fit(kind)
    assert parts(again.predict(columns(), 90, day=DAY)) == parts(fitted(kind).predict(columns(), 90, day=DAY))


@every_model
def test_the_level_is_near_what_then_happened(kind: Kind) -> None:
    answer, actual = fitted(kind).predict(columns(), 90, day=DAY), happened(90)
    within = 0.35 if kind in (Recency, Persistence) else 0.12
    assert answer.p.mean() == pytest.approx(actual.bought.mean(), rel=within)
    assert answer.expected_orders.mean() == pytest.approx(actual.order_days.mean(), rel=2 * within)
    assert answer.expected_value.mean() == pytest.approx(actual.value.mean(), rel=2 * within)


@every_model
def test_the_ranking_is_far_better_than_chance(kind: Kind) -> None:
    assert auc(happened(90).bought, fitted(kind).predict(columns(), 90, day=DAY).p) > 0.75


@pytest.mark.parametrize("kind", [BgNbd, MbgNbd, Ensemble, Recency], ids=lambda one: one.name)
def test_a_longer_horizon_never_has_a_smaller_chance(kind: Kind) -> None:
    chances = [
        fitted(kind).predict(columns(), h, day=DAY).p for h in (1, 7, 20, 30, 75, 90, 91, 180, 365, 400, 730)
    ]
    assert all(np.all(later >= earlier - 1e-12) for earlier, later in pairwise(chances))


@pytest.mark.parametrize("kind", MODELS, ids=lambda one: one.name)
def test_too_little_to_learn_from_is_said(kind: Kind) -> None:
    days = np.array([0.0, 5.0, 9.0])
    tiny = history_of_orders(np.array([0.0, 0.0, 1.0]), days, np.ones(3))
    with pytest.raises(NoFit, match=r"\w+ \w+"):
        kind.fit(Panels.of(tiny, Recipe()).training_data(10))


# ---------------------------------------------------------------- the ensemble's curve
def bent() -> Ensemble:
    """Return the ensemble with its LightGBM bend at full weight."""
    model = fitted(Ensemble)
    assert model.lightgbm is not None
    return replace(model, weight=1.0)


def test_the_ensembles_curve_never_falls_and_stays_a_chance() -> None:
    curve = bent().curve(columns(), day=DAY, beyond=(500.0, 800.0))
    assert curve.shape == (len(world().features(DAY)), len(CURVE_KNOTS) + 2)
    assert np.all(np.diff(curve, axis=1) >= 0)
    assert curve.min() >= 0 and curve.max() <= 1


def test_the_bent_ensembles_chance_and_orders_rise_with_the_horizon() -> None:
    answers = [bent().predict(columns(), h, day=DAY) for h in (1, 7, 20, 30, 75, 90, 180, 365, 400)]
    for earlier, later in pairwise(answers):
        assert np.all(later.p >= earlier.p - 1e-12)
        assert np.all(later.expected_orders >= earlier.expected_orders - 1e-9)


def test_the_ensembles_answer_at_a_knot_lies_on_its_curve() -> None:
    curve = bent().curve(columns(), day=DAY)
    for i, knot in enumerate(CURVE_KNOTS):
        assert bent().predict(columns(), knot, day=DAY).p.tolist() == curve[:, i].tolist()


def test_the_ensembles_weight_is_the_best_of_its_folds() -> None:
    model = fitted(Ensemble)
    losses = {(one["rounds"], one["weight"]): one["log_loss"] for one in model.folds if one["slope"] == 1.0}
    assert model.weight == min(losses, key=losses.__getitem__)[1]
    assert len(losses) == 15


def test_without_enough_for_lightgbm_the_ensemble_is_its_base_and_says_why() -> None:
    customer, day = order_times(150, DAY, seed=3)
    data = Panels.of(history_of_orders(customer, day, np.full(len(day), 9.0)), Recipe()).training_data(DAY)
    model = Ensemble.fit(data, threads=1)
    assert model.lightgbm is None and model.weight == 0
    assert "lightgbm" in model.why_simpler
    assert model.parts in ("bgnbd", "mbgnbd", "paretonbd", "mbgcnbdk")


# ---------------------------------------------------------------- numbers
def test_log_odds_and_chances_are_inverse() -> None:
    p = np.array([1e-5, 0.2, 0.5, 0.999])
    np.testing.assert_allclose(sigmoid(logit(p)), p, rtol=1e-12)


def test_log_odds_of_certain_chances_are_finite() -> None:
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()


def test_numbers_are_written_in_full_and_not_as_nan(tmp_path: Path) -> None:
    write_numbers(tmp_path / "a.json", {"x": 0.1 + 0.2, "a": [1e-300]})
    assert read_numbers(tmp_path / "a.json") == {"a": [1e-300], "x": 0.30000000000000004}
    with pytest.raises(ValueError, match="JSON"):
        write_numbers(tmp_path / "b.json", {"x": float("nan")})
