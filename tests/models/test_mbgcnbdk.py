"""MBG/CNBD-k against simulated customers with regular gaps, against MBG/NBD, and at its limits."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from contracts.training import Floats
from models.btyd_erlang import Erlang
from models.btyd_erlang_fit import NO_GAPS, fit_erlang, likelihood_of
from models.btyd_fit import fit_btyd
from models.btyd_rows import compress
from models.closed_form import Btyd
from models.contract import NoFit
from models.mbgcnbdk import LOG_GAP, MbgCnbdK
from tests.models.test_base import with_now
from tests.models.test_btyd_fit import cdnow
from tests.models.test_closed_form import GRID, assert_agrees
from tests.models.test_contract import columns, learnt

CUSTOMERS, AGE, HORIZON = 400_000, 180.0, 90.0


def true(k: int) -> Erlang:
    return Erlang(k, 1.6, 45.0 / k, 0.9, 3.5)


class Simulated(NamedTuple):
    """400,000 customers seen for AGE days and then for HORIZON more; (n,) each; log_gaps: summed over all."""

    x: Floats
    t_x: Floats
    alive: NDArray[np.bool_]
    later: Floats
    log_gaps: float


@cache
def simulated(k: int) -> Simulated:
    """Simulate order by order."""
    chance, model = np.random.default_rng(5), true(k)
    rate, leaves = chance.gamma(model.r, 1 / model.alpha, CUSTOMERS), chance.beta(model.a, model.b, CUSTOMERS)
    x, t_x, later, log_gaps = np.zeros(CUSTOMERS), np.zeros(CUSTOMERS), np.zeros(CUSTOMERS), 0.0
    alive = chance.random(CUSTOMERS) >= leaves
    on, now = np.flatnonzero(alive), np.zeros(int(alive.sum()))
    while len(on):
        gap = chance.gamma(k, 1.0, len(on)) / rate[on]
        inside = now + gap <= AGE + HORIZON
        on, now, gap = on[inside], (now + gap)[inside], gap[inside]
        early = now <= AGE
        log_gaps += float(np.log(gap[early]).sum())
        x[on[early]] += 1
        t_x[on[early]] = now[early]
        later[on[~early]] += 1
        stays = chance.random(len(on)) >= leaves[on]
        alive[on[early & ~stays]] = False
        on, now = on[stays], now[stays]
    return Simulated(x, t_x, alive, later, log_gaps)


def groups(seen: Simulated) -> Floats:
    """Group by orders (0 to 4 and more) and by how long ago the last one was: it matters for regular gaps."""
    return np.minimum(seen.x, 4) * 4 + np.digitize(AGE - seen.t_x, (15.0, 45.0, 90.0))


def seen_at(seen: Simulated) -> tuple[Floats, Floats, Floats]:
    return seen.x, seen.t_x, np.full(CUSTOMERS, AGE)


@pytest.mark.parametrize("k", [2, 5])
def test_p_alive_agrees_with_simulation(k: int) -> None:
    seen = simulated(k)
    assert_agrees(true(k).p_alive(*seen_at(seen)), seen.alive.astype(np.float64), groups(seen))


@pytest.mark.parametrize("k", [2, 5])
def test_p_order_agrees_with_simulation_however_long_the_silence(k: int) -> None:
    seen = simulated(k)
    p = true(k).p_order(*seen_at(seen), HORIZON)
    assert_agrees(p, (seen.later > 0).astype(np.float64), groups(seen))


@pytest.mark.parametrize("k", [2, 5])
def test_expected_orders_agree_with_simulation(k: int) -> None:
    seen, some = simulated(k), slice(100_000)
    expected = true(k).expected_orders(seen.x[some], seen.t_x[some], np.full(100_000, AGE), HORIZON)
    assert_agrees(expected, seen.later[some], groups(seen)[some])


def test_who_ordered_yesterday_orders_later_than_one_who_is_due() -> None:
    regular = Erlang(12, 40.0, 100.0, 0.1, 5.0)  # about every 30 days
    p = regular.p_order(np.full(2, 10.0), np.full(2, 300.0), np.array([301.0, 325.0]), 7.0)
    assert p[0] < 0.01 and p[1] > 0.4


# ---------------------------------------------------------------- k = 1 is MBG/NBD
@pytest.mark.parametrize("horizon", [1.0, 30.0, 365.0])
def test_with_k_of_1_the_answers_are_those_of_mbgnbd(horizon: float) -> None:
    ours, theirs = Erlang(1, 0.6, 40.0, 0.9, 2.5), Btyd(0.6, 40.0, 0.9, 2.5, True)
    np.testing.assert_allclose(ours.p_alive(*GRID), theirs.p_alive(*GRID), rtol=1e-12)
    np.testing.assert_allclose(ours.p_order(*GRID, horizon), theirs.p_order(*GRID, horizon), rtol=1e-10)
    np.testing.assert_allclose(
        ours.expected_orders(*GRID, horizon), theirs.expected_orders(*GRID, horizon), rtol=1e-7
    )


def test_on_cdnow_k_is_1_and_the_fit_is_that_of_lifetimes_mbgnbd() -> None:
    data = cdnow()
    found, certificate = fit_erlang(data["x"], data["t_x"], data["T"], None)
    theirs, beside = fit_btyd(data["x"], data["t_x"], data["T"], modified=True)
    assert found.k == 1
    assert (found.r, found.alpha, found.a, found.b) == pytest.approx(
        (theirs.r, theirs.alpha, theirs.a, theirs.b), rel=5e-3
    )
    assert certificate.log_likelihood == pytest.approx(beside.log_likelihood, abs=0.01)


# ---------------------------------------------------------------- the fit
@pytest.mark.parametrize(("k", "gaps"), [(1, True), (2, False), (5, True)])
def test_the_fit_finds_k_and_the_parameters_of_simulated_customers(k: int, gaps: bool) -> None:
    seen = simulated(k)
    found, certificate = fit_erlang(*seen_at(seen), seen.log_gaps if gaps else None)
    assert vars(found) == pytest.approx(vars(true(k)), rel=0.1)
    assert certificate.note == ("" if gaps else NO_GAPS)
    assert certificate.starts_converged >= 2 and not certificate.at_bound


def test_gaps_that_look_irregular_keep_k_low() -> None:
    seen = simulated(5)
    assert fit_erlang(*seen_at(seen), seen.log_gaps - 2.0 * seen.x.sum())[0].k == 1


@pytest.mark.parametrize("k", [1, 2, 7])
def test_the_slope_is_that_of_the_likelihood(k: int) -> None:
    data, at, step = cdnow(), np.array([0.2, 1.5, -0.5, 1.0]), 1e-5
    rows, of_k = compress(data["x"], data["t_x"], data["T"]), likelihood_of(k)
    slope, moves = of_k(at, rows)[1], step * np.eye(4)
    measured = [(of_k(at + m, rows)[0] - of_k(at - m, rows)[0]) / (2 * step) for m in moves]
    np.testing.assert_allclose(slope, measured, atol=1e-6 * np.abs(slope).max())


def test_where_nobody_leaves_the_fit_ends_at_a_bound_and_says_so() -> None:
    chance = np.random.default_rng(2)
    age = np.full(3_000, 100.0)
    x = (1 + chance.poisson(chance.gamma(3.0, 1.0, 3_000))).astype(np.float64)
    found, certificate = fit_erlang(x, age, age, None)
    assert certificate.at_bound
    assert found.p_alive(x, age, age).min() > 0.99


def test_without_a_repeater_there_is_no_fit() -> None:
    with pytest.raises(NoFit, match="second day"):
        fit_erlang(np.zeros(500), np.zeros(500), np.full(500, 9.0), 0.0)


def test_the_model_answers_for_named_columns_and_keeps_its_bits_on_disk(tmp_path: Path) -> None:
    model = MbgCnbdK.fit(learnt())
    model = replace(model, parameters=replace(model.parameters, k=3))
    model.save(tmp_path)
    answers = [one.predict(columns(), 90.0, day=0) for one in (model, MbgCnbdK.load(tmp_path))]
    assert answers[0].expected_orders.tolist() == answers[1].expected_orders.tolist()
    assert np.all(answers[0].expected_orders >= answers[0].p)


def test_one_customer_alone_gets_the_same_bits_as_in_the_base() -> None:
    model = MbgCnbdK.fit(learnt())
    model = replace(model, parameters=replace(model.parameters, k=3))
    base = model.predict(columns(), 90.0, day=0)
    for row in (0, 7, 1500):
        one = {name: values[row : row + 1] for name, values in columns().items()}
        alone = model.predict(one, 90.0, day=0)
        assert (alone.p[0], alone.expected_orders[0]) == (base.p[row], base.expected_orders[row])


def test_the_gaps_are_read_where_they_are_known() -> None:
    clumpy = replace(learnt(), now={**learnt().now, LOG_GAP: np.zeros(len(learnt().now["frequency"]))})
    assert MbgCnbdK.fit(clumpy).certificate.note == ""


def test_too_few_customers_are_refused_by_name() -> None:
    with pytest.raises(NoFit, match=r"99 customers .* mbgcnbdk"):
        MbgCnbdK.fit(with_now(99))
