"""Cutoffs and outcomes: both ends of the horizon, cancellations and returns at their own time."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.training import Outcome
from features.catalog import CATALOG
from features.identity.links import Links
from features.panel import build_panel, cutoff_days, each_cutoff, outcome_at
from features.shop.merging import history_from
from tests.features.identity.people import link_table
from tests.features.shops import Row, history_of, line, taken_back

FIRST = line("a", "0", 50, 10.0)
ALONE = np.array([0])


def outcome(*rows: Row, cutoff: int = 100, horizon: int = 30) -> tuple[float, float, float]:
    """Return (bought, order days, value) of customer a in days 101 ... 130."""
    found = outcome_at(history_of([FIRST, *rows]), ALONE, cutoff, horizon)
    return (found.bought[0], found.order_days[0], found.value[0])


@pytest.mark.parametrize(("day", "bought"), [(100, 0), (101, 1), (130, 1), (131, 0)])
def test_the_horizon_is_the_days_after_the_cutoff_up_to_its_end(day: int, bought: int) -> None:
    assert outcome(line("a", "1", day, 7.0)) == (bought, bought, 7.0 * bought)


def test_order_days_count_days_and_value_adds_all_orders() -> None:
    rows = [line("a", "1", 110, 7.0), line("a", "2", 110, 2.0), line("a", "3", 111, 1.0)]
    assert outcome(*rows) == (1, 2, 10)


def test_a_free_order_is_bought() -> None:
    assert outcome(line("a", "1", 110, 0.0)) == (1, 1, 0)


def test_a_return_alone_is_no_purchase() -> None:
    assert outcome(taken_back("a", "0", 110, 4.0)) == (0, 0, -4)


@pytest.mark.parametrize(("day", "value"), [(100, 7), (101, 3), (130, 3), (131, 7)])
def test_returns_dated_inside_the_horizon_reduce_the_value(day: int, value: float) -> None:
    assert outcome(line("a", "1", 115, 7.0), taken_back("a", "0", day, 4.0)) == (1, 1, value)


@pytest.mark.parametrize(
    ("day", "found"), [(120, (0, 0, 0)), (130, (0, 0, 0)), (131, (1, 1, 7)), (300, (1, 1, 7))]
)
def test_an_order_cancelled_inside_the_horizon_is_none_and_later_counts(
    day: int, found: tuple[float, float, float]
) -> None:
    undo = taken_back("a", "1", day, 7.0, reverses=True)
    assert outcome(line("a", "1", 115, 7.0, cancelled_day=day), undo) == found


def test_a_cancellation_of_an_earlier_order_takes_its_money_but_no_order_day() -> None:
    sale = line("a", "1", 90, 7.0, cancelled_day=110)
    undo = taken_back("a", "1", 110, 7.0, reverses=True)
    assert outcome(sale, undo, line("a", "2", 120, 9.0)) == (1, 1, 2)


def test_one_customers_cancellation_leaves_the_others_outcomes() -> None:
    rows = [
        FIRST,
        line("a", "1", 115, 7.0, cancelled_day=120),
        line("b", "2", 60, 1.0),
        line("b", "3", 116, 3.0),
    ]
    found = outcome_at(history_of(rows), np.array([0, 1]), 100, 30)
    assert found.bought.tolist() == [0, 1]
    assert found.order_days.tolist() == [0, 1]


def test_outcomes_are_those_of_the_asked_positions() -> None:
    rows = [line(name, "1", day, 5.0) for day, name in zip((105, 140, 110), "abc", strict=True)]
    found = outcome_at(history_of(rows), np.array([2, 1]), 100, 30)
    assert found.bought.tolist() == [1, 0]


def test_a_horizon_that_is_not_over_is_not_observed() -> None:
    history = history_of([FIRST, line("a", "1", 110, 7.0)])
    panel = build_panel(history, [80, 81], horizons=(30,))
    np.testing.assert_array_equal(panel.outcomes[30].bought, [1.0, np.nan])
    assert panel.outcomes[30].observed.tolist() == [True, False]


def test_outcomes_may_use_nothing_after_the_day_they_are_held_to() -> None:
    history = history_of([FIRST, line("a", "1", 110, 7.0)])
    held = build_panel(history, [80], horizons=(30,), observed_until=109)
    assert held.outcomes[30].observed.tolist() == [False]
    assert held.observed_until == 109


def test_a_panel_has_one_row_for_each_customer_known_at_each_cutoff() -> None:
    history = history_of([FIRST, line("b", "1", 70, 1.0)])
    table = build_panel(history, [60, 75], horizons=(10,), catalog=CATALOG.pick(["orders"])).to_arrow()
    assert table["customer_id"].to_pylist() == ["a", "a", "b"]
    assert [str(day) for day in table["cutoff"].to_pylist()] == ["1970-03-02", "1970-03-17", "1970-03-17"]
    outcomes = ["outcome_bought_10d", "outcome_order_days_10d", "outcome_value_10d"]
    assert table.column_names == ["customer_id", "cutoff", "orders", *outcomes]


def test_a_customer_whose_only_order_is_cancelled_by_the_cutoff_has_no_row() -> None:
    history = history_of([FIRST, line("b", "1", 55, 1.0, cancelled_day=60)])
    table = build_panel(history, [59, 60], catalog=CATALOG.pick(["orders"])).features
    assert list(zip(table.customer_id, table.cutoff.tolist(), strict=True)) == [
        ("a", 59),
        ("b", 59),
        ("a", 60),
    ]


def test_a_table_says_where_its_customers_stand_in_the_history() -> None:
    history = history_of([line("a", "1", 9, 1.0), line("b", "2", 3, 1.0), line("c", "3", 2, 1.0)])
    table = CATALOG.pick(["orders"]).compute(history, 5)
    assert table.customers.tolist() == [1, 2]
    assert history.customer_ids[table.customers].tolist() == table.customer_id.tolist() == ["b", "c"]


def test_a_panel_is_its_cutoffs_below_each_other() -> None:
    rows = [
        FIRST,
        line("a", "1", 60, 7.0, cancelled_day=66),
        line("b", "2", 55, 1.0),
        line("b", "3", 90, 1.0),
    ]
    pick = CATALOG.pick(["orders", "spend"])
    whole = build_panel(history_of(rows), [60, 70], horizons=(10,), catalog=pick)
    parts = list(each_cutoff(history_of(rows), [60, 70], horizons=(10,), catalog=pick))
    assert [len(part.features) for part in parts] == [2, 2]
    assert whole.features.columns["orders"].tolist() == [2, 1, 1, 1]
    assert whole.outcomes[10].value.tolist() == [
        value for part in parts for value in part.outcomes[10].value.tolist()
    ]


def test_a_cutoff_among_others_equals_the_cutoff_alone() -> None:
    rows = [line("a", str(day), day, 1.0, cancelled_day=day + 15) for day in range(0, 100, 10)]
    together = build_panel(history_of(rows), [30, 60, 90], horizons=(10,)).features
    alone = [build_panel(history_of(rows), [day]).features for day in (30, 60, 90)]
    for name, values in together.columns.items():
        np.testing.assert_array_equal(values, np.concatenate([one.columns[name] for one in alone]), name)


def test_cutoffs_end_one_horizon_before_as_of_and_go_back_in_steps() -> None:
    assert cutoff_days(400, horizon=90, count=3, first_day=0) == [250, 280, 310]
    assert cutoff_days(400, horizon=90, count=9, first_day=280) == [280, 310]
    assert cutoff_days(400, horizon=90, count=3, first_day=0, step=7) == [296, 303, 310]
    assert cutoff_days(50, horizon=90, count=3, first_day=0) == []


def test_stacked_outcomes_stand_below_each_other() -> None:
    known = Outcome(np.array([1.0]), np.array([2.0]), np.array([9.0]))
    both = Outcome.stack([known, Outcome.unknown(1)])
    np.testing.assert_array_equal(both.value, [9.0, np.nan])
    assert both.observed.tolist() == [True, False]


def test_outcomes_of_ids_that_become_one_customer_are_those_of_that_customer() -> None:
    rows = [
        line("a", "1", 50, 1.0),
        line("b", "2", 60, 1.0),
        line("b", "3", 110, 7.0),
        line("c", "4", 50, 1.0),
    ]
    links = Links.of_table(link_table([("a", "b", 105)]))
    history = history_from(history_of(rows).lines.table, links=links)
    panel = build_panel(
        history, [100, 106], horizons=(10,), observed_until=130, catalog=CATALOG.pick(["orders"])
    )
    found = zip(
        panel.features.customer_id, panel.features.cutoff.tolist(), panel.outcomes[10].value, strict=True
    )
    assert list(found) == [
        ("a", 100, 7.0),
        ("b", 100, 7.0),
        ("c", 100, 0.0),
        ("a", 106, 7.0),
        ("c", 106, 0.0),
    ]
