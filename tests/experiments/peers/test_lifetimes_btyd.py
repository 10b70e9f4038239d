from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from experiments.peers.lifetimes_btyd import LifetimesBgNbd, LifetimesMbgNbd, LifetimesParetoNbd
from experiments.peers.summary import repeat_spend
from models.closed_form import Btyd
from tests.experiments import laboratory as lab

pytestmark = pytest.mark.lab  # long searches: make test-lab

KINDS = (LifetimesBgNbd, LifetimesMbgNbd, LifetimesParetoNbd)


@cache
def by_name() -> dict[str, LifetimesBgNbd]:
    return {kind.name: kind.fit(lab.known()) for kind in KINDS}


def fitted(kind: type[LifetimesBgNbd]) -> LifetimesBgNbd:
    return by_name()[kind.name]


@pytest.mark.parametrize("kind", [LifetimesBgNbd, LifetimesMbgNbd])
def test_the_chance_is_that_of_the_closed_form(kind: type[LifetimesBgNbd]) -> None:
    now = lab.known().now
    values = {name: float(fitted(kind).fitter.params_[name]) for name in ("r", "alpha", "a", "b")}
    ours = Btyd(**values, modified=kind is LifetimesMbgNbd)
    expected = ours.p_order(now["frequency"], now["recency"], now["tenure"], 60.0)
    assert fitted(kind).predict(now, 60, day=lab.DAY).p == pytest.approx(expected, abs=1e-9)


def test_pareto_nbd_answers_what_its_assumptions_say() -> None:
    """Average the likelihood over a million hidden customers: lambda ~ Gamma(r, alpha), mu ~ Gamma(s, beta)."""
    model = fitted(LifetimesParetoNbd)
    r, alpha, s, beta = (float(model.fitter.params_[name]) for name in ("r", "alpha", "s", "beta"))
    x, t_x, age, h = 2.0, 100.0, 150.0, 60.0
    hidden = np.random.default_rng(5)
    rate, death = hidden.gamma(r, 1 / alpha, 10**6), hidden.gamma(s, 1 / beta, 10**6)

    def likelihood(until: float) -> float:
        alive = np.exp(-(rate + death) * until)
        dead = death / (rate + death) * (np.exp(-(rate + death) * t_x) - alive)
        return float(np.mean(rate**x * (alive + dead)))

    # Silent for h days more is the same history with a longer age.
    columns = {"frequency": np.array([x]), "recency": np.array([t_x]), "tenure": np.array([age])}
    expected = 1 - likelihood(age + h) / likelihood(age)
    assert model.p_order(columns, h)[0] == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_an_expected_count_is_at_least_the_chance_of_one_order(kind: type[LifetimesBgNbd]) -> None:
    found = fitted(kind).predict(lab.known().now, 60, day=lab.DAY)
    assert (found.expected_orders >= found.p - 1e-6).all()


def test_spend_is_learnt_from_repeat_purchases_only() -> None:
    columns = {
        "frequency": np.array([0.0, 2.0]),
        "monetary_value": np.array([50.0, 20.0]),
        "amount_first": np.array([50.0, 30.0]),
    }
    assert repeat_spend(columns).tolist() == [0.0, 15.0]  # (3 x 20 - 30) / 2
