from __future__ import annotations

import numpy as np
import pytest

from contracts.training import Outcome
from experiments.peers.learnt import PerBuyer, between, nearest_learnt, order_days_per_buyer

pytestmark = pytest.mark.lab  # long searches: make test-lab

P = {30: np.array([0.1, 0.4]), 90: np.array([0.3, 0.6])}


def at(horizon: int) -> np.ndarray:
    return P[horizon]


def test_a_learnt_horizon_is_answered_as_learnt() -> None:
    assert between((30, 90), at, 90).tolist() == [0.3, 0.6]


def test_half_way_between_two_horizons_the_chances_of_silence_are_their_geometric_mean() -> None:
    silent = np.sqrt((1 - P[30]) * (1 - P[90]))
    assert between((30, 90), at, 60) == pytest.approx(1 - silent)


def test_beyond_the_longest_horizon_the_hazard_goes_on() -> None:
    assert between((30, 90), at, 180) == pytest.approx(1 - (1 - P[90]) ** 2)


def test_before_the_shortest_horizon_the_hazard_is_its_share() -> None:
    assert between((30, 90), at, 15) == pytest.approx(1 - (1 - P[30]) ** 0.5)


def test_order_days_of_a_buyer_start_at_one_and_go_through_what_was_learnt() -> None:
    buyers = {30: PerBuyer(1.2, 0.0), 90: PerBuyer(1.8, 0.0)}
    found = [order_days_per_buyer(buyers, days) for days in (0, 15, 30, 60, 90, 180)]
    assert found == pytest.approx([1.0, 1.1, 1.2, 1.5, 1.8, 2.6])


def test_a_buyer_is_described_by_those_who_bought() -> None:
    outcome = Outcome(np.array([1.0, 0.0, 1.0]), np.array([3.0, 0.0, 1.0]), np.array([30.0, -5.0, 10.0]))
    assert PerBuyer.of(outcome) == PerBuyer(2.0, 10.0)


def test_the_nearest_learnt_horizon_is_found() -> None:
    assert [nearest_learnt((30, 90), days) for days in (7, 59, 61, 365)] == [30, 30, 90, 90]
