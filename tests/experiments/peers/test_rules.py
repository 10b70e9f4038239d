"""Historic spend, RFM, plain LightGBM."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from experiments.peers.historic_spend import HistoricSpend
from experiments.peers.lightgbm_plain import RFM, PlainLightGbm
from experiments.peers.rfm_logistic import RfmLogistic, _design
from tests.experiments import laboratory as lab

pytestmark = pytest.mark.lab  # long searches: make test-lab


def columns(**values: list[float]) -> dict[str, np.ndarray]:
    return {name: np.array(found) for name, found in values.items()}


def test_historic_spend_is_worth_the_spend_per_day_times_the_horizon() -> None:
    asked = columns(spend=[100.0, 100.0, -3.0], tenure=[200.0, 10.0, 50.0])
    found = HistoricSpend.fit(lab.known()).predict(asked, 60, day=lab.DAY)
    assert found.expected_value == pytest.approx([30.0, 100.0, 0.0])  # ten days say nothing of sixty


def test_historic_spend_ranks_chances_by_spend() -> None:
    asked = columns(spend=[5.0, 500.0, 50.0], tenure=[100.0, 100.0, 100.0])
    found = HistoricSpend.fit(lab.known()).predict(asked, 60, day=lab.DAY)
    assert np.argsort(found.p).tolist() == [0, 2, 1]


def test_rfm_has_a_weight_for_each_decile_but_the_first() -> None:
    edges = ((10.0, 20.0), (1.0,), (5.0, 7.0))
    asked = columns(recency_days=[5.0, 20.0], frequency=[1.0, 0.0], spend=[6.0, 4.0])
    assert _design(asked, edges).tolist() == [[0, 0, 1, 1, 0], [0, 1, 0, 0, 0]]


def test_equal_edges_of_deciles_are_one() -> None:
    found = RfmLogistic.fit(lab.known())
    assert all(len(set(cuts)) == len(cuts) for cuts in found.edges)


def test_lightgbm_on_rfm_sees_four_columns_and_the_ablation_all() -> None:
    assert PlainLightGbm.fit(lab.known(), features=RFM).features == RFM
    some = np.arange(0, len(lab.known().cutoff), 5)
    panel = {name: values[some] for name, values in lab.known().panel.items()}
    outcomes = {60: lab.known().outcomes[60].take(some)}
    everything = PlainLightGbm.fit(replace(lab.known(), panel=panel, outcomes=outcomes)).features
    assert set(everything) == set(lab.known().panel)
    assert not {"p_alive", "base_logit"} & set(everything)


def test_another_seed_gives_other_answers_and_the_same_seed_the_same() -> None:
    found = [
        PlainLightGbm.fit(lab.known(), features=RFM, seed=seed).predict(lab.known().now, 60, day=lab.DAY).p
        for seed in (1, 1, 2)
    ]
    assert np.array_equal(found[0], found[1]) and not np.array_equal(found[0], found[2])
