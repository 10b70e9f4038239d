"""Pareto/NBD against simulated customers, against lifetimes, and at its limits."""

from __future__ import annotations

import warnings
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.training import Floats
from models.btyd_fit import Certificate
from models.btyd_pareto import Pareto
from models.btyd_pareto_fit import fit_pareto, log_likelihood
from models.btyd_rows import compress
from models.contract import NoFit
from models.paretonbd import ParetoNbd
from tests.models.test_base import with_now
from tests.models.test_btyd_fit import cdnow
from tests.models.test_closed_form import GRID, assert_agrees
from tests.models.test_contract import columns, learnt

CUSTOMERS, AGE, HORIZON = 400_000, 180.0, 90.0
TRUE = Pareto(0.7, 60.0, 0.8, 90.0)


class Simulated(NamedTuple):
    """400,000 customers seen for AGE days and then for HORIZON more; (n,) each."""

    x: Floats
    t_x: Floats
    alive: NDArray[np.bool_]
    later: Floats


@cache
def simulated() -> Simulated:
    """Draw rate and day of death, and from them the orders before and after AGE."""
    chance = np.random.default_rng(7)
    rate = chance.gamma(TRUE.r, 1 / TRUE.alpha, CUSTOMERS)
    death = chance.exponential(1.0, CUSTOMERS) / chance.gamma(TRUE.s, 1 / TRUE.beta, CUSTOMERS)
    lived, left = np.minimum(death, AGE), np.clip(death - AGE, 0.0, HORIZON)
    x = chance.poisson(rate * lived).astype(np.float64)
    last = lived * chance.random(CUSTOMERS) ** (1.0 / np.maximum(x, 1.0))
    later = chance.poisson(rate * left).astype(np.float64)
    return Simulated(x, np.where(x > 0, last, 0.0), death > AGE, later)


def groups(seen: Simulated) -> Floats:
    """Group by orders (0, 1, 2, 3 and more) and by an early, late or very late last order."""
    return np.minimum(seen.x, 3) * 3 + (seen.t_x > AGE / 2) + (seen.t_x > 0.9 * AGE)


def seen_at(seen: Simulated) -> tuple[Floats, Floats, Floats]:
    return seen.x, seen.t_x, np.full(CUSTOMERS, AGE)


def test_p_alive_agrees_with_simulation() -> None:
    seen = simulated()
    assert_agrees(TRUE.p_alive(*seen_at(seen)), seen.alive.astype(np.float64), groups(seen))


def test_p_order_agrees_with_simulation_deaths_inside_the_horizon_included() -> None:
    seen = simulated()
    p = TRUE.p_order(*seen_at(seen), HORIZON)
    assert_agrees(p, (seen.later > 0).astype(np.float64), groups(seen))


def test_expected_orders_agree_with_simulation() -> None:
    seen = simulated()
    assert_agrees(TRUE.expected_orders(*seen_at(seen), HORIZON), seen.later, groups(seen))


def test_the_fit_finds_the_parameters_of_simulated_customers() -> None:
    seen = simulated()
    found, certificate = fit_pareto(*(column[:50_000] for column in seen_at(seen)))
    assert vars(found) == pytest.approx(vars(TRUE), rel=0.1)
    assert certificate.starts_converged == 3 and not certificate.at_bound


# ---------------------------------------------------------------- lifetimes, the second way
@cache
def on_cdnow() -> tuple[Pareto, Certificate]:
    data = cdnow()
    return fit_pareto(data["x"], data["t_x"], data["T"])


@cache
def fitted_by_lifetimes() -> Any:
    """Return lifetimes' ParetoNBDFitter on the same rows (Nelder-Mead on its own likelihood)."""
    data = cdnow()
    rows = compress(data["x"], data["t_x"], data["T"])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        import lifetimes

        fitter = lifetimes.ParetoNBDFitter()
        start = np.array([0.5, 2.0, 0.5, 2.0])
        return fitter.fit(rows.x, rows.t_x, rows.age, weights=rows.weight, initial_params=start, tol=1e-7)


def test_cdnow_gives_the_published_parameters() -> None:
    found, certificate = on_cdnow()
    assert (found.r, found.alpha, found.s, found.beta) == pytest.approx(
        (0.553, 10.58, 0.606, 11.67), rel=2e-3
    )
    assert certificate.log_likelihood == pytest.approx(-9595.0, abs=0.05)
    assert certificate.starts_converged == 3 and certificate.spread < 1e-3


def test_lifetimes_finds_the_same_parameters_and_no_higher_likelihood() -> None:
    found, certificate = on_cdnow()
    theirs = fitted_by_lifetimes()
    assert dict(theirs.params_) == pytest.approx(vars(found), rel=5e-3)
    data = cdnow()
    by_theirs = theirs._conditional_log_likelihood(
        tuple(theirs.params_), data["x"], data["t_x"], data["T"]
    ).sum()
    assert by_theirs == pytest.approx(certificate.log_likelihood, abs=0.01)


@pytest.mark.parametrize("horizon", [1.0, 13.0, 52.0])
def test_the_answers_equal_those_of_lifetimes(horizon: float) -> None:
    theirs = fitted_by_lifetimes()
    ours = Pareto(**{name: float(value) for name, value in theirs.params_.items()})
    x, t_x, age = (column[:6] for column in GRID)  # lifetimes loses the seventh, of 90 orders
    np.testing.assert_allclose(
        ours.p_alive(x, t_x, age), theirs.conditional_probability_alive(x, t_x, age), rtol=1e-7
    )
    orders = theirs.conditional_expected_number_of_purchases_up_to_time(horizon, x, t_x, age)
    np.testing.assert_allclose(ours.expected_orders(x, t_x, age, horizon), orders, rtol=1e-7)
    none = theirs.conditional_probability_of_n_purchases_up_to_time(0, horizon, x, t_x, age)
    np.testing.assert_allclose(ours.p_order(x, t_x, age, horizon), 1.0 - none, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("place", [(0.2, 3.0, -0.5, 1.0), (-2.0, -1.0, 1.5, 4.0), (3.0, 5.0, -6.0, -3.0)])
def test_the_slope_is_that_of_the_likelihood(place: tuple[float, ...]) -> None:
    data, at, step = cdnow(), np.array(place), 1e-5
    rows = compress(data["x"], data["t_x"], data["T"])
    slope = log_likelihood(at, rows)[1]
    moves = step * np.eye(4)
    measured = [
        (log_likelihood(at + m, rows)[0] - log_likelihood(at - m, rows)[0]) / (2 * step) for m in moves
    ]
    np.testing.assert_allclose(slope, measured, atol=1e-6 * np.abs(slope).max())


# ---------------------------------------------------------------- limits
def test_the_time_unit_changes_alpha_and_beta_alone() -> None:
    data, (weeks, in_weeks) = cdnow(), on_cdnow()
    days, in_days = fit_pareto(data["x"], 7 * data["t_x"], 7 * data["T"])
    assert (days.r, days.alpha, days.s, days.beta) == pytest.approx(
        (weeks.r, 7 * weeks.alpha, weeks.s, 7 * weeks.beta), rel=1e-3
    )
    moved = in_weeks.log_likelihood - data["x"].sum() * np.log(7.0)
    assert in_days.log_likelihood == pytest.approx(moved, abs=0.01)


def test_where_nobody_dies_the_fit_ends_at_a_bound_and_says_so() -> None:
    chance = np.random.default_rng(2)
    x = (1 + chance.poisson(chance.gamma(3.0, 1.0, 3_000))).astype(np.float64)
    found, certificate = fit_pareto(x, np.full(3_000, 100.0), np.full(3_000, 100.0))
    assert certificate.at_bound
    assert found.p_alive(x, np.full(3_000, 100.0), np.full(3_000, 101.0)).min() > 0.99


def test_without_a_repeater_there_is_no_fit() -> None:
    with pytest.raises(NoFit, match="second day"):
        fit_pareto(np.zeros(500), np.zeros(500), np.full(500, 9.0))


def test_the_model_answers_for_named_columns_and_keeps_its_bits_on_disk(tmp_path: Path) -> None:
    model = ParetoNbd.fit(learnt())
    model.save(tmp_path)
    answers = [one.predict(columns(), 90.0, day=0) for one in (model, ParetoNbd.load(tmp_path))]
    assert answers[0].p.tolist() == answers[1].p.tolist()
    assert np.all(answers[0].expected_orders >= answers[0].p)
    assert np.all(model.p_alive(columns()) >= answers[0].p)


def test_one_customer_alone_gets_the_same_bits_as_in_the_base() -> None:
    model = ParetoNbd.fit(learnt())
    base = model.predict(columns(), 90.0, day=0)
    for row in (0, 7, 1500):
        one = {name: values[row : row + 1] for name, values in columns().items()}
        alone = model.predict(one, 90.0, day=0)
        assert (alone.p[0], alone.expected_orders[0]) == (base.p[row], base.expected_orders[row])


def test_too_few_customers_are_refused_by_name() -> None:
    with pytest.raises(NoFit, match=r"99 customers .* paretonbd"):
        ParetoNbd.fit(with_now(99))


def test_a_longer_horizon_has_a_higher_chance() -> None:
    chances = [TRUE.p_order(*GRID, h) for h in (0.0, 1.0, 30.0, 365.0, 3650.0)]
    assert chances[0].tolist() == [0.0] * len(GRID[0])
    assert all(np.all(later > earlier) for earlier, later in pairwise(chances))
