from __future__ import annotations

import numpy as np
import pytest

from experiments.panels import Panels
from experiments.recipe import Recipe
from features.catalog import CATALOG
from features.kernel.history import History
from features.references import fit_over
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


def test_now_is_every_customer_with_an_order_that_stands_on_the_day(panels: Panels) -> None:
    lines = worlds.orders().lines.to_pylist()
    stands = {
        line["customer_id"]
        for line in lines
        if line["quantity"] > 0 and (line["cancelled_day"] is None or line["cancelled_day"] > DAY)
    }
    assert 0 < worlds.orders().report.customers_kept - len(stands) < 20
    assert len(panels.training_data(DAY).now["tenure"]) == len(stands)


def test_the_sample_is_the_recipes_and_the_same_each_time() -> None:
    recipe = Recipe(most_customers=200)
    first, again = (Panels.of(worlds.history(), recipe).history.customer_ids for _ in range(2))
    assert len(first) == 200 and first.tolist() == again.tolist()


def test_before_a_horizon_has_passed_none_of_its_outcomes_is_known(panels: Panels) -> None:
    data = panels.training_data(panels.first_day + 60)
    assert data.span_days == 60 and len(data.now["frequency"]) > 0
    assert not data.outcomes[90].observed.any() and data.outcomes[30].observed.any()


# ---------------------------------------------------------------- reference tables
def test_each_cutoff_reads_the_tables_of_what_was_known_then(panels: Panels) -> None:
    data = panels.training_data(DAY)
    for cutoff in np.unique(data.cutoff).tolist():
        tables = fit_over([panels.history], [cutoff], CATALOG)[cutoff]
        assert tables.at("item_popularity", cutoff).day == cutoff
        catalog = panels.available(cutoff)
        expected = catalog.compute(panels.history, cutoff, references=tables).columns
        for name in (one.name for one in catalog if one.needs_reference):
            np.testing.assert_array_equal(
                data.panel[name][data.cutoff == cutoff], expected[name], err_msg=name
            )


def test_tables_are_fitted_on_the_whole_history_whatever_the_sample() -> None:
    history = worlds.history()
    few = Panels.of(history, Recipe(most_customers=50))
    whole, of_few = (fit_over([one], [DAY], CATALOG)[DAY] for one in (history, few.history))
    assert few.references(DAY).to_plain() == whole.to_plain() != of_few.to_plain()
