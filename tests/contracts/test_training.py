"""What could be learnt from on a day: nothing whose outcome was not over by then."""

from __future__ import annotations

import numpy as np

from contracts.training import Outcome, TrainingData

NAN = np.nan


def outcome(*bought: float) -> Outcome:
    values = np.array(bought)
    return Outcome(values, values * 2, values * 10)


# Customers a, b at cutoff 100, a, b, c at 130, a, c at 160; learnt from at day 200.
DATA = TrainingData(
    now={"x": np.array([7.0, 8.0, 9.0])},
    panel={"x": np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0])},
    cutoff=np.array([100, 100, 130, 130, 130, 160, 160]),
    outcomes={30: outcome(1, 0, 1, 0, 1, 0, 1), 60: outcome(1, 0, 1, 1, 1, NAN, NAN)},
    horizon=30,
    span_days=190,
    day=200,
)


def test_observed_rows_are_those_whose_outcome_is_over() -> None:
    columns, found = DATA.observed(60)
    assert columns["x"].tolist() == [1, 2, 3, 4, 5]
    assert found.bought.tolist() == [1, 0, 1, 1, 1]
    assert found.value.tolist() == [10, 0, 10, 10, 10]


def test_on_an_earlier_day_the_panel_ends_before_that_day() -> None:
    earlier = DATA.as_known_on(160)
    assert earlier.cutoff.tolist() == [100, 100, 130, 130, 130]
    assert earlier.panel["x"].tolist() == [1, 2, 3, 4, 5]


def test_on_an_earlier_day_now_is_the_panel_of_that_day() -> None:
    assert DATA.as_known_on(130).now["x"].tolist() == [3, 4, 5]


def test_an_outcome_that_ends_on_that_day_is_known_and_one_that_ends_later_is_not() -> None:
    earlier = DATA.as_known_on(160)
    np.testing.assert_array_equal(earlier.outcomes[30].bought, [1, 0, 1, 0, 1])
    np.testing.assert_array_equal(earlier.outcomes[60].bought, [1, 0, NAN, NAN, NAN])
    assert len(earlier.observed(60)[0]["x"]) == 2


def test_on_an_earlier_day_the_span_is_shorter_by_the_days_between() -> None:
    earlier = DATA.as_known_on(130)
    assert (earlier.span_days, earlier.day, earlier.horizon) == (120, 130, 30)


def test_looking_back_changes_nothing_of_the_data_itself() -> None:
    DATA.as_known_on(130)
    assert len(DATA.observed(30)[0]["x"]) == 7


def test_hidden_rows_are_not_observed_in_any_measure() -> None:
    found = outcome(1, 0).hidden(np.array([True, False]))
    assert found.observed.tolist() == [False, True]
    assert np.isnan([found.bought[0], found.order_days[0], found.value[0]]).all()


def test_an_unknown_outcome_has_no_observed_row() -> None:
    assert Outcome.unknown(3).observed.tolist() == [False, False, False]


def test_taking_rows_keeps_the_three_measures_together() -> None:
    found = outcome(1, 0, 1).take(np.array([2, 1]))
    assert (found.bought.tolist(), found.order_days.tolist(), found.value.tolist()) == (
        [1, 0],
        [2, 0],
        [10, 0],
    )
