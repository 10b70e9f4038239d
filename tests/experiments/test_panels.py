from __future__ import annotations

import numpy as np
import pytest

from experiments.panels import Panels
from experiments.recipe import Recipe
from features.history import History
from tests import worlds

DAY = worlds.AS_OF


@pytest.fixture(scope="module")
def panels() -> Panels:
    return Panels.of(worlds.history(), Recipe(horizons=(90,), cutoffs=3))


def test_the_cutoffs_lie_a_step_apart_before_and_after_one_horizon_ago(panels: Panels) -> None:
    cutoffs = np.unique(panels.training_data(DAY).cutoff) - DAY
    assert cutoffs.tolist() == [-240, -210, -180, -150, -120, -90, -60, -30]


def test_no_outcome_is_known_before_its_horizon_is_over(panels: Panels) -> None:
    data = panels.training_data(DAY)
    for horizon, outcome in data.outcomes.items():
        assert np.all(data.cutoff[outcome.observed] + horizon <= DAY)


def test_each_horizon_has_at_most_the_recipes_number_of_cutoffs(panels: Panels) -> None:
    data = panels.training_data(DAY)
    newest = {h: np.unique(data.cutoff[o.observed]) - DAY for h, o in data.outcomes.items()}
    assert newest[30].tolist() == [-90, -60, -30]
    assert newest[90].tolist() == [-150, -120, -90]


def test_the_data_of_an_earlier_day_are_those_of_a_history_that_ends_there(panels: Panels) -> None:
    day = DAY - 120
    lines = worlds.orders().lines
    cut = History.from_lines(lines.filter(np.asarray(lines["day"]) <= day))
    whole, ended = panels.training_data(day), Panels.of(cut, panels.recipe).training_data(day)
    for name, values in ended.panel.items():
        np.testing.assert_array_equal(whole.panel[name], values, err_msg=name)
    for horizon, outcome in ended.outcomes.items():
        np.testing.assert_array_equal(whole.outcomes[horizon].value, outcome.value)


def test_now_is_every_customer_with_an_order_up_to_the_day(panels: Panels) -> None:
    first = {}
    for row in worlds.rows():
        first.setdefault(row["customer_id"], worlds.day_of(row))
    started = sum(day <= DAY for day in first.values())
    assert started - len(panels.training_data(DAY).now["tenure"]) in range(10)  # cancelled as a whole


def test_the_sample_is_the_recipes_and_the_same_each_time() -> None:
    recipe = Recipe(most_customers=200)
    first, again = (Panels.of(worlds.history(), recipe).history.customer_ids for _ in range(2))
    assert len(first) == 200 and first.tolist() == again.tolist()


def test_a_history_shorter_than_the_horizon_gives_an_empty_panel(panels: Panels) -> None:
    data = panels.training_data(panels.first_day + 30)
    assert len(data.cutoff) == 0 and data.span_days == 30
    assert len(data.now["frequency"]) > 0
