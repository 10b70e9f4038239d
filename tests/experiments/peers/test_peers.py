"""What holds for every peer."""

from __future__ import annotations

import warnings
from functools import cache

import numpy as np
import pytest

from contracts import metrics
from contracts.training import Prediction
from experiments.backtest_models import PEERS
from experiments.peers.contract import Fitted
from models.contract import NoFit
from tests.experiments import laboratory as lab

pytestmark = pytest.mark.lab  # long searches: make test-lab

NAMES = [one.name for one in PEERS]


@cache
def fitted(name: str) -> Fitted:
    entrant = next(one for one in PEERS if one.name == name)
    return entrant.fit(lab.known(), lab.RECIPE, 1)


def asked(name: str, horizon: float) -> Prediction:
    return fitted(name).predict(lab.known().now, horizon, day=lab.DAY)


@pytest.mark.parametrize("name", NAMES)
def test_every_peer_answers_every_customer_with_a_chance_orders_and_a_value(name: str) -> None:
    found = asked(name, 60)
    for values in vars(found).values():
        assert values.shape == lab.next_60_days().bought.shape
        assert np.isfinite(values).all() and (values >= 0).all()
    assert (found.p <= 1).all()


@pytest.mark.parametrize("name", NAMES)
def test_every_peer_finds_buyers(name: str) -> None:
    assert metrics.auc(lab.next_60_days().bought, asked(name, 60).p) > 0.65


@pytest.mark.parametrize("name", NAMES)
def test_every_peer_answers_any_horizon_and_more_for_a_longer_one(name: str) -> None:
    totals = [asked(name, days).p.sum() for days in (7, 30, 45, 60, 91)]
    assert totals == sorted(totals) and totals[0] > 0


@pytest.mark.parametrize("name", NAMES)
def test_no_peer_warns_or_prints(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    entrant = next(one for one in PEERS if one.name == name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        entrant.fit(lab.known(), lab.RECIPE, 1).predict(lab.known().now, 30, day=lab.DAY)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", NAMES)
def test_a_handful_of_customers_is_refused_or_answered_without_a_crash(name: str) -> None:
    entrant = next(one for one in PEERS if one.name == name)
    data = lab.known()
    few = type(data)(
        {key: values[:5] for key, values in data.now.items()},
        {key: values[:5] for key, values in data.panel.items()},
        data.cutoff[:5],
        {h: outcome.take(np.arange(5)) for h, outcome in data.outcomes.items()},
        data.horizon,
        data.span_days,
        data.day,
    )
    try:
        found = entrant.fit(few, lab.RECIPE, 1).predict(few.now, 60, day=lab.DAY)
    except NoFit as reason:
        assert str(reason)
    else:
        assert np.isfinite(found.p).all()
