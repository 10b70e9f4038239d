"""How good the default recipe is on CDNOW, out of time: trained on what was known on 1998-04-01."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from contracts import metrics
from contracts.days import parse_day
from contracts.training import Outcome, Prediction
from experiments.data_sets import cdnow_file
from experiments.panels import Panels
from experiments.recipe import Recipe
from experiments.train import fit_recipe
from features.kernel.history import History
from features.orders import read_orders
from features.panel import outcome_at

pytestmark = pytest.mark.lab

AS_OF = parse_day("1998-04-01")


@cache
def predicted_and_actual() -> tuple[Prediction, Outcome, np.ndarray]:
    history = History.from_lines(read_orders(cdnow_file(), until=AS_OF).lines)
    panels = Panels.of(history, Recipe())
    features = panels.features(AS_OF)
    prediction = fit_recipe(panels.training_data(AS_OF), Recipe()).predict(features.columns, 90, day=AS_OF)
    everything = History.from_lines(read_orders(cdnow_file()).lines)
    assert np.array_equal(everything.customer_ids, features.customer_id)
    actual = outcome_at(everything, np.arange(len(features)), AS_OF, 90)
    return prediction, actual, features.columns["spend"]


def test_everybody_is_scored_also_those_whose_every_order_was_free() -> None:
    prediction, _, spend = predicted_and_actual()
    assert len(prediction.p) == 23_570
    assert (spend == 0).sum() >= 68
    assert np.isfinite(prediction.p).all() and np.isfinite(prediction.expected_value).all()


def test_buyers_stand_above_others() -> None:
    prediction, actual, _ = predicted_and_actual()
    assert metrics.auc(actual.bought, prediction.p) >= 0.838


def test_chances_are_better_than_those_of_the_peers() -> None:
    prediction, actual, _ = predicted_and_actual()
    assert metrics.log_loss(actual.bought, prediction.p) <= 0.300


def test_the_predicted_level_is_within_fifteen_percent_of_the_actual_one() -> None:
    prediction, actual, _ = predicted_and_actual()
    assert abs(metrics.level_bias(actual.bought, prediction.p)) <= 0.15


def test_value_ranks_better_than_past_spend() -> None:
    prediction, actual, spend = predicted_and_actual()
    spent = np.maximum(actual.value, 0.0)
    assert metrics.gini(spent, prediction.expected_value) > metrics.gini(spent, spend) + 0.02
