"""Closed forms against simulated customers, against lifetimes, and at the limits of all four BTYD models."""

from __future__ import annotations

import warnings
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import beta as beta_function

from contracts.training import Floats
from models.btyd_erlang import Erlang
from models.btyd_model import Form
from models.btyd_pareto import Pareto
from models.btyd_quadrature import decay_integral, dropout_nodes
from models.closed_form import Btyd, GammaGamma

CUSTOMERS, AGE, HORIZON = 400_000, 180.0, 90.0
FIVE = (0.6, 40.0, 0.9, 2.5)  # r, alpha (days), a, b
# Frequency, recency and age of seven customers.
GRID = (
    np.array([0.0, 0.0, 1.0, 4.0, 12.0, 12.0, 90.0]),
    np.array([0.0, 0.0, 3.0, 80.0, 300.0, 100.0, 650.0]),
    np.array([30.0, 700.0, 50.0, 90.0, 301.0, 700.0, 660.0]),
)


class Simulated(NamedTuple):
    """400,000 customers seen for AGE days and then for HORIZON more; (n,) each."""

    x: Floats
    t_x: Floats
    alive: NDArray[np.bool_]
    later: Floats


@cache
def simulated(modified: bool) -> Simulated:
    """Simulate order by order; `modified`: a customer may leave right after the first order."""
    r, alpha, a, b = FIVE
    chance = np.random.default_rng(11)
    rate, leaves = chance.gamma(r, 1 / alpha, CUSTOMERS), chance.beta(a, b, CUSTOMERS)
    x, t_x, later = np.zeros(CUSTOMERS), np.zeros(CUSTOMERS), np.zeros(CUSTOMERS)
    alive = np.ones(CUSTOMERS, dtype=bool)
    if modified:
        alive = chance.random(CUSTOMERS) >= leaves
    on, now = np.flatnonzero(alive), np.zeros(int(alive.sum()))
    while len(on):
        now = now + chance.exponential(1.0, len(on)) / rate[on]
        on, now = on[now <= AGE + HORIZON], now[now <= AGE + HORIZON]
        early = now <= AGE
        x[on[early]] += 1
        t_x[on[early]] = now[early]
        later[on[~early]] += 1
        stays = chance.random(len(on)) >= leaves[on]
        alive[on[early & ~stays]] = False
        on, now = on[stays], now[stays]
    return Simulated(x, t_x, alive, later)


def model(modified: bool, **changed: float) -> Btyd:
    return Btyd(**{**dict(zip(("r", "alpha", "a", "b"), FIVE, strict=True)), **changed}, modified=modified)


def assert_agrees(predicted: Floats, actual: Floats, group: Floats) -> None:
    """Compare means in each group to within 4.5 standard errors."""
    for number in np.unique(group):
        rows = group == number
        error = actual[rows].std() / np.sqrt(rows.sum())
        assert predicted[rows].mean() == pytest.approx(actual[rows].mean(), abs=4.5 * error + 1e-12)


def groups(seen: Simulated) -> Floats:
    """Group by orders (0, 1, 2, 3 and more) and by a late or early last order."""
    return np.minimum(seen.x, 3) * 2 + (seen.t_x > AGE / 2)


@pytest.mark.parametrize("modified", [False, True])
def test_p_order_agrees_with_simulation(modified: bool) -> None:
    seen = simulated(modified)
    p = model(modified).p_order(seen.x, seen.t_x, np.full(CUSTOMERS, AGE), HORIZON)
    assert_agrees(p, (seen.later > 0).astype(np.float64), groups(seen))


@pytest.mark.parametrize("modified", [False, True])
def test_expected_orders_agree_with_simulation(modified: bool) -> None:
    seen = simulated(modified)
    expected = model(modified).expected_orders(seen.x, seen.t_x, np.full(CUSTOMERS, AGE), HORIZON)
    assert_agrees(expected, seen.later, groups(seen))


@pytest.mark.parametrize("modified", [False, True])
def test_p_alive_agrees_with_simulation(modified: bool) -> None:
    seen = simulated(modified)
    p = model(modified).p_alive(seen.x, seen.t_x, np.full(CUSTOMERS, AGE))
    assert_agrees(p, seen.alive.astype(np.float64), groups(seen))


def fitter_of(name: str, **parameters: float) -> Any:
    """Return a fitter of lifetimes that holds these parameters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lifetimes
    fitter = getattr(lifetimes, name)()
    fitter.params_ = parameters
    return fitter


@pytest.mark.parametrize("horizon", [1.0, 30.0, 365.0])
def test_bgnbd_equals_lifetimes(horizon: float) -> None:
    ours = model(False)
    theirs = fitter_of("BetaGeoFitter", r=ours.r, alpha=ours.alpha, a=ours.a, b=ours.b)
    np.testing.assert_allclose(ours.p_alive(*GRID), theirs.conditional_probability_alive(*GRID), rtol=1e-9)
    expected = theirs.conditional_expected_number_of_purchases_up_to_time(horizon, *GRID)
    np.testing.assert_allclose(ours.expected_orders(*GRID, horizon), expected, rtol=1e-6)


@pytest.mark.parametrize("horizon", [1.0, 30.0, 365.0])
def test_mbgnbd_equals_lifetimes(horizon: float) -> None:
    ours = model(True)
    theirs = fitter_of("ModifiedBetaGeoFitter", r=ours.r, alpha=ours.alpha, a=ours.a, b=ours.b)
    np.testing.assert_allclose(ours.p_alive(*GRID), theirs.conditional_probability_alive(*GRID), rtol=1e-9)
    expected = theirs.conditional_expected_number_of_purchases_up_to_time(horizon, *GRID)
    np.testing.assert_allclose(ours.expected_orders(*GRID, horizon), expected, rtol=1e-6)


@pytest.mark.parametrize("modified", [False, True])
def test_a_of_exactly_1_gives_what_its_neighbours_give(modified: bool) -> None:
    low, one, high = (model(modified, a=a).expected_orders(*GRID, 90.0) for a in (0.999, 1.0, 1.001))
    assert np.isfinite(one).all()
    np.testing.assert_allclose(one, (low + high) / 2, rtol=1e-4)


@pytest.mark.parametrize("modified", [False, True])
@pytest.mark.parametrize("x", [500.0, 5_000.0, 100_000.0])
def test_very_long_histories_give_finite_orders_within_their_bounds(modified: bool, x: float) -> None:
    columns = (np.array([x]), np.array([999.0]), np.array([1000.0]))
    found = model(modified).expected_orders(*columns, 90.0)[0]
    assert model(modified).p_order(*columns, 90.0)[0] <= found <= (x + 1) * 90 / 1000


def test_long_histories_and_horizons_give_the_integral_over_the_chance_of_leaving() -> None:
    model, (x, age, h) = Btyd(2.0, 5.0, 3.0, 4.0, True), (2_000.0, 1_000.0, 3_650.0)

    def orders(p: float) -> float:
        weight = np.exp((4.0 + x) * np.log1p(-p)) * p**2 / beta_function(3.0, 5.0 + x)
        return float(weight * -np.expm1(-(2.0 + x) * np.log1p(p * h / (5.0 + age))) / p)

    exact = quad(orders, 0.0, 0.05, epsrel=1e-10, limit=500)[0]
    columns = (np.array([x]), np.array([age]), np.array([age]))
    found = model.expected_orders(*columns, h) / model.p_alive(*columns)
    assert found[0] == pytest.approx(exact, rel=1e-5)


def test_one_time_buyers_are_alive_in_bgnbd_and_perhaps_not_in_mbgnbd() -> None:
    once = (np.zeros(3), np.zeros(3), np.array([0.0, 30.0, 3000.0]))
    assert model(False).p_alive(*once).tolist() == [1, 1, 1]
    p = model(True).p_alive(*once)
    assert p[0] == pytest.approx(2.5 / 3.4)
    assert 1 > p[0] > p[1] > p[2] > 0


@pytest.mark.parametrize("modified", [False, True])
def test_chances_rise_with_the_horizon_and_never_pass_p_alive(modified: bool) -> None:
    chances = [model(modified).p_order(*GRID, h) for h in (0.0, 1.0, 30.0, 365.0, 1e6)]
    assert chances[0].tolist() == [0] * len(GRID[0])
    assert all(np.all(later >= earlier) for earlier, later in pairwise(chances))
    assert np.all(chances[-1] <= model(modified).p_alive(*GRID))


# ---------------------------------------------------------------- the limits of all four
shapes = st.floats(-9.0, 9.0).map(np.exp)
scales = st.floats(-4.0, 12.0).map(np.exp)
forms = st.one_of(
    st.builds(Btyd, shapes, scales, shapes, shapes, st.booleans()),
    st.builds(Pareto, shapes, scales, shapes, scales),
    st.builds(Erlang, st.integers(1, 12), shapes, scales, shapes, shapes),
)
# Order days less one (at most one a day), the share of the age at the last one, and the age: up to 20 years.
histories = st.tuples(st.integers(0, 5_000), st.floats(0.0, 1.0), st.integers(0, 7_300)).map(
    lambda one: (min(one[0], one[2]), one[1] * one[2] if min(one[0], one[2]) else 0.0, one[2])
)


@settings(max_examples=150, deadline=None)
@given(form=forms, seen=st.lists(histories, min_size=1, max_size=20))
def test_any_customer_and_any_parameters_give_chances_that_rise_with_the_horizon(
    form: Form, seen: list[tuple[float, float, float]]
) -> None:
    x, t_x, age = np.array(seen, dtype=np.float64).T
    alive, before = form.p_alive(x, t_x, age), np.zeros(len(seen))
    assert np.all((alive >= 0) & (alive <= 1))
    for h in (1.0, 30.0, 365.0, 3650.0):
        p, orders = form.p_order(x, t_x, age, h), form.expected_orders(x, t_x, age, h)
        assert np.all(p >= before - 1e-7) and np.all(p <= alive + 1e-9)
        assert np.isfinite(orders).all() and np.all(orders >= p * (1 - 1e-7) - 1e-12)
        before = p


@settings(max_examples=60, deadline=None)
@given(
    scale=scales,
    shape=st.floats(0.01, 5000),
    other=scales,
    power=st.floats(0.01, 50),
    length=st.floats(0.1, 7e3),
)
def test_the_integral_of_two_decays_is_that_of_small_steps(
    scale: float, shape: float, other: float, power: float, length: float
) -> None:
    found = decay_integral(*(np.array([v]) for v in (scale, shape, other, power, length)))[0]
    steep = 1.0 / (shape / scale + power / other)
    edges = np.unique(np.minimum(np.r_[0.0, steep * np.geomspace(1e-3, 1e9, 40)], length))

    def decay(u: float) -> float:
        return float(np.exp(-shape * np.log1p(u / scale) - power * np.log1p(u / other)))

    exact = sum(quad(decay, low, high, epsabs=0, epsrel=1e-10)[0] for low, high in pairwise(edges))
    assert found == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize(("a", "b"), [(0.05, 0.3), (0.9, 2.5), (1.0, 1.0), (3.0, 400.0), (50.0, 900.0)])
def test_the_nodes_of_a_chance_of_leaving_give_its_mean_and_spread(a: float, b: float) -> None:
    nodes = [(p[0], w[0]) for _, p, w in dropout_nodes(a, np.array([b]), np.array([1.0]), 32)]
    p, weight = np.array(nodes).T / np.array([[1.0], [sum(w for _, w in nodes)]])
    mean = a / (a + b)
    assert np.sum(weight * p) == pytest.approx(mean, rel=1e-5)
    assert np.sum(weight * (p - mean) ** 2) == pytest.approx(mean * (1 - mean) / (a + b + 1), rel=1e-4)


def test_expected_spend_equals_lifetimes() -> None:
    ours = GammaGamma(6.25, 3.74, 15.44)
    theirs = fitter_of("GammaGammaFitter", p=6.25, q=3.74, v=15.44)
    days, mean = np.array([1.0, 2.0, 30.0]), np.array([10.0, 200.0, 35.0])
    np.testing.assert_allclose(
        ours.expected_spend(days, mean), theirs.conditional_expected_average_profit(days, mean)
    )


def test_without_an_order_day_the_expected_spend_is_the_populations() -> None:
    ours = GammaGamma(6.25, 3.74, 15.44)
    assert ours.expected_spend(np.zeros(1), np.array([999.0]))[0] == pytest.approx(6.25 * 15.44 / 2.74)
    assert ours.population_mean == pytest.approx(6.25 * 15.44 / 2.74)
