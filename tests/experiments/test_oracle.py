from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gammaincc

from contracts import metrics
from contracts.errors import ContractError
from contracts.training import Floats
from experiments.bench_worlds import Row, measure, misses
from experiments.known_worlds import AS_OF, LAWS, AnyTime, AtOrders, Drawn, Law, World, draw
from experiments.known_worlds.laws import seasonal_pace
from experiments.oracle import Seen, chances, chances_given
from models.bgnbd import BgNbd
from models.closed_form import Btyd

pytestmark = pytest.mark.lab

DAYS = 800
MIXED = replace(LAWS["rhythms"], pace=seasonal_pace, slower=1.5, leavier=1.4)
WARPED = replace(LAWS["paretonbd"], pace=seasonal_pace, slower=1.5)
ALL_LAWS = {**LAWS, "mixed": MIXED, "warped": WARPED}


@cache
def asked(name: str) -> tuple[Drawn, Seen, Floats, Floats]:
    """Return 30,000 customers of a world, their history, the oracle's 90 days and what happened."""
    drawn = draw(ALL_LAWS[name], customers=30_000, seed=8)
    seen = Seen.of(drawn.world, drawn.lines(until=AS_OF))
    return drawn, seen, chances_given(drawn.world, seen, 90), drawn.bought(90)


def history(world: World, orders: list[float]) -> Seen:
    """Return the history of one customer who ordered at these times."""
    times, gaps = np.array(orders), np.diff(world.busy(np.array(orders)))
    drawn = Drawn(world, 1, np.zeros(len(times), np.int64), times, np.ones(len(times)))
    seen = Seen.of(world, drawn.lines(until=world.as_of))
    assert seen.log_gaps[0] == pytest.approx(np.log(gaps).sum(), abs=1e-6)
    return seen


@pytest.mark.parametrize("modified", [False, True])
def test_without_stages_it_is_bgnbd_and_mbgnbd(modified: bool) -> None:
    world = World(Law(0.9, 60.0, AtOrders(0.7, 2.5, first=modified)), AS_OF, DAYS)
    x, t_x, age = np.array([0.0, 1.0, 7.0]), np.array([0.0, 200.0, 650.0]), np.array([500.0, 700.0, 790.0])
    seen = Seen(x, DAYS - age, DAYS - age + t_x, t_x, age - t_x, np.zeros(3))
    closed = Btyd(0.9, 60.0, 0.7, 2.5, modified).p_order(x, t_x, age, 90.0)
    assert chances_given(world, seen, 90.0) == pytest.approx(closed, rel=1e-9)


def test_leaving_at_any_time_agrees_with_adaptive_quadrature() -> None:
    world = World(LAWS["paretonbd"], AS_OF, DAYS)
    r, alpha, s, beta = 1.1 + 3, 80.0, 0.7, 250.0
    seen = history(world, [50.0, 90.0, 300.0, 500.0])
    here = (alpha + 750.0) ** -r * (beta + 750.0) ** -s
    left = quad(lambda u: s * (alpha + u) ** -r * (beta + u) ** -(s + 1), 450.0, 750.0, epsabs=0.0)[0]
    comes = quad(lambda u: r * (alpha + u) ** -(r + 1) * (beta + u) ** -s, 750.0, 840.0, epsabs=0.0)[0]
    assert chances_given(world, seen, 90.0)[0] == pytest.approx(comes / (here + left), rel=1e-8)


@pytest.mark.parametrize("name", ["regular", "shifting", "mixed"])
@pytest.mark.parametrize("orders", [[300.0], [40.0, 75.5, 610.0], [500.0, 530.0, 565.0, 590.0, 700.0, 770.0]])
def test_leaving_at_orders_agrees_with_importance_sampling(name: str, orders: list[float]) -> None:
    world, law, chance = World(ALL_LAWS[name], AS_OF, DAYS), ALL_LAWS[name], np.random.default_rng(5)
    assert isinstance(law.leaves, AtOrders)
    slower, leavier = (float(f[0]) for f in world.cohort(np.array(orders[:1])))
    rate = chance.gamma(law.r, 1 / (law.alpha * slower), 400_000)
    p = chance.beta(law.leaves.a * leavier, law.leaves.b, 400_000)
    k = chance.choice([k for k, _ in law.stages], 400_000, p=[share for _, share in law.stages])
    ends = [world.busy_at(at) for at in (*orders, DAYS, DAYS + 90)]
    weight = np.ones(400_000)
    for number, gap in enumerate(np.diff(ends[:-2])):
        stays = 1.0 if number == 0 and not law.leaves.first else 1.0 - p
        scale = np.array([1.0, 1.0, 2.0, 6.0, 24.0, 120.0, 720.0, 5040.0])[k - 1]  # (k - 1)!
        weight *= stays * (k * rate) ** k * gap ** (k - 1) * np.exp(-k * rate * gap) / scale
    stays = np.ones(1) if len(orders) == 1 and not law.leaves.first else 1.0 - p
    silent, longer = (gammaincc(k, k * rate * (end - ends[-3])) for end in ends[-2:])
    expected = np.sum(weight * stays * (silent - longer)) / np.sum(weight * (1.0 - stays + stays * silent))
    assert chances_given(world, history(world, orders), 90.0)[0] == pytest.approx(expected, rel=0.03)


@pytest.mark.parametrize("name", ALL_LAWS)
def test_customers_whose_history_is_alike_buy_as_often_as_it_says(name: str) -> None:
    _, seen, p, bought = asked(name)
    cells = np.minimum(seen.x, 6) * 1_000 + seen.silent // 60 * 20 + seen.first // 200
    _, cell, count = np.unique(cells, return_inverse=True, return_counts=True)
    spread = np.sqrt(np.bincount(cell, p * (1 - p)))
    z = np.bincount(cell, bought - p)[count >= 60] / spread[count >= 60]
    assert len(z) > 100
    assert np.mean(z**2) == pytest.approx(1.0, abs=4 * np.sqrt(2 / len(z)))
    assert np.abs(z).max() < 4.5


@pytest.mark.parametrize("name", ALL_LAWS)
def test_it_is_calibrated(name: str) -> None:
    *_, p, bought = asked(name)
    assert abs((bought - p).sum()) < 3.5 * np.sqrt((p * (1 - p)).sum())
    assert metrics.expected_calibration_error(bought, p) < 0.009


def test_who_knows_the_season_only_of_the_past_or_not_the_stages_does_worse() -> None:
    for name, less in (
        ("seasonal", "bgnbd"),
        ("regular", "bgnbd"),
        ("shifting", "bgnbd"),
        ("bgnbd", "regular"),
    ):
        drawn, _, best, bought = asked(name)
        p = chances(replace(drawn.world, law=LAWS[less]), drawn.lines(until=AS_OF), 90)
        assert metrics.log_loss(bought, p) > 1.005 * metrics.log_loss(bought, best), name


def test_the_hour_of_an_order_is_worth_next_to_nothing() -> None:
    drawn, _, best, bought = asked("regular")
    noon = replace(drawn, time=np.floor(drawn.time) + 0.5)
    p = chances(drawn.world, noon.lines(until=AS_OF), 90)
    assert metrics.log_loss(bought, p) < 1.001 * metrics.log_loss(bought, best)
    assert metrics.auc(bought, p) > metrics.auc(bought, best) - 0.0005


@pytest.mark.parametrize("name", ["bgnbd", "paretonbd", "mixed"])
def test_the_chance_grows_with_the_horizon(name: str) -> None:
    drawn, seen, _, _ = asked(name)
    few = seen.take(slice(0, 500))
    curve = np.array([chances_given(drawn.world, few, h) for h in (1, 7, 30, 90, 365)])
    assert (np.diff(curve, axis=0) > 0).all()
    assert ((curve > 0) & (curve < 1)).all()


def test_orders_after_the_as_of_day_are_refused() -> None:
    drawn = draw("bgnbd", customers=50, seed=1)
    with pytest.raises(ContractError, match="orders after the as-of day"):
        chances(drawn.world, drawn.lines(until=AS_OF + 30), 90)


def test_leaving_at_any_time_takes_any_number_of_customers() -> None:
    drawn, seen, p, _ = asked("paretonbd")
    alone = chances_given(drawn.world, seen.take(slice(29_999, 30_000)), 90)
    assert isinstance(drawn.world.law.leaves, AnyTime)
    assert alone[0] == pytest.approx(p[-1], rel=1e-12)


def test_a_row_says_how_much_of_the_loss_is_level_and_spread() -> None:
    _, _, p, bought = asked("bgnbd")
    wrong = 1 / (1 + np.exp(-(0.5 + 1.4 * np.log(p / (1 - p)))))
    row = Row.of(bought, wrong, p, 1.0)
    assert row.gain == pytest.approx(1.0)
    assert row.loss_ratio - row.level - row.spread == pytest.approx(1.0, abs=0.001)
    assert row.level > 0.005
    assert row.spread > 0.005


def test_a_model_is_fitted_on_the_past_and_held_against_the_oracle_on_the_same_customers() -> None:
    drawn = draw("bgnbd", customers=3_000, seed=2, days=300)
    found = measure(drawn, 30, {"bgnbd": BgNbd.fit})
    assert list(found) == ["oracle", "bgnbd"]
    assert (found["oracle"].gain, found["oracle"].loss_ratio) == (1.0, 1.0)
    assert 0.98 < found["bgnbd"].gain < 1.01
    assert 0.99 < found["bgnbd"].loss_ratio < 1.02


def test_a_bar_that_is_missed_is_named() -> None:
    fine = Row(0.8, 0.4, 0.0, 0.985, 1.015, 0.0, 0.0, 1.0)
    assert misses(fine) == []
    said = misses(replace(fine, gain=0.97, loss_ratio=1.03))
    assert said == [
        "97.00% of the oracle's AUC gain; 98% are asked for",
        "log loss 3.00% above the oracle's; 2% allowed",
    ]
