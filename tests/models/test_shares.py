"""Observed shares by class, and the two baselines that stand on them."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.training import Columns, Outcome, TrainingData
from models.contract import NoFit
from models.persistence import Persistence
from models.recency import Recency
from models.shares import PRIOR_CUSTOMERS, ShareTable

# Two horizons, two classes: class 0 buys at 10 % in 30 days, class 1 at 50 %.
TABLE = ShareTable((30, 90), ((0.1, 0.5), (0.2, 0.6)), ((0.1, 0.8), (0.3, 1.4)))
BOTH = np.array([0, 1])


def data(
    columns: dict[str, list[float]], bought: list[float], order_days: list[float] | None = None
) -> TrainingData:
    """Return a panel of one cutoff with one horizon of 30 days."""
    panel: Columns = {name: np.array(values) for name, values in columns.items()}
    days = np.array(bought if order_days is None else order_days)
    outcome = Outcome(np.array(bought), days, days * 10)
    cutoff = np.full(len(bought), 100)
    return TrainingData(panel, panel, cutoff, {30: outcome}, horizon=30, span_days=90, day=130)


def test_at_a_learnt_horizon_the_shares_are_those_learnt() -> None:
    p, order_days = TABLE.answer(BOTH, 90)
    assert p == pytest.approx([0.2, 0.6])
    assert order_days == pytest.approx([0.3, 1.4])


def test_between_learnt_horizons_the_hazard_is_interpolated() -> None:
    p, order_days = TABLE.answer(BOTH, 60)
    assert 1 - p == pytest.approx([np.sqrt(0.9 * 0.8), np.sqrt(0.5 * 0.4)])
    assert order_days == pytest.approx([0.2, 1.1])


def test_outside_the_learnt_horizons_the_hazard_goes_on_as_at_the_nearest() -> None:
    assert 1 - TABLE.answer(BOTH, 15)[0] == pytest.approx(np.sqrt([0.9, 0.5]))
    assert 1 - TABLE.answer(BOTH, 180)[0] == pytest.approx(np.square([0.8, 0.4]))
    assert TABLE.answer(BOTH, 180)[1] == pytest.approx([0.6, 2.8])


def test_a_learnt_share_leans_to_the_overall_share_by_some_pseudo_customers() -> None:
    found = ShareTable.learn(
        data({"c": [0.0] * 8 + [1.0] * 2}, [0.0] * 8 + [1.0] * 2), lambda c, _: c["c"].astype(int), 2
    )
    overall = 2.5 / 11
    assert found.bought[0][0] == pytest.approx(PRIOR_CUSTOMERS * overall / (8 + PRIOR_CUSTOMERS))
    assert found.bought[0][1] == pytest.approx((2 + PRIOR_CUSTOMERS * overall) / (2 + PRIOR_CUSTOMERS))


def test_a_class_that_was_never_seen_has_the_overall_share() -> None:
    found = ShareTable.learn(data({"c": [0.0, 0.0, 2.0]}, [0, 1, 1]), lambda c, _: c["c"].astype(int), 3)
    assert found.bought[0][1] == pytest.approx(2.5 / 4)


def test_plain_numbers_give_the_table_back() -> None:
    assert ShareTable.of_numbers(TABLE.numbers()) == TABLE


def test_without_a_finished_window_there_is_no_fit() -> None:
    with pytest.raises(NoFit, match="finished window"):
        Recency.fit(data({"recency_days": [1.0, 2.0], "monetary_value": [1.0, 1.0]}, [np.nan, np.nan]))


def test_the_recency_rule_never_rises_with_recency_days() -> None:
    days = [float(day) for day in range(1, 700, 3)]
    noise = np.random.default_rng(1).random(len(days))
    bought = [float(chance < 0.5 - day / 1500) for chance, day in zip(noise, days, strict=True)]
    columns = {"recency_days": days, "monetary_value": [20.0] * len(days)}
    p = (
        Recency.fit(data(columns, bought))
        .predict({n: np.array(v) for n, v in columns.items()}, 30, day=130)
        .p
    )
    assert np.all(np.diff(p) < 0)
    assert p[0] > 2 * p[-1]


def test_the_recency_rule_values_an_order_day_at_the_customers_mean() -> None:
    columns = {"recency_days": [5.0, 5.0], "monetary_value": [10.0, 30.0]}
    answer = Recency.fit(data(columns, [0, 1])).predict(
        {n: np.array(v) for n, v in columns.items()}, 30, day=130
    )
    assert answer.expected_value[1] == pytest.approx(3 * answer.expected_value[0])


def panel_of_orders(orders: list[float], spend: list[float]) -> dict[str, list[float]]:
    windows = (30, 90, 180, 365)
    return {f"orders_{d}d": orders for d in windows} | {
        f"spend_{d}d": [d * one for one in spend] for d in windows
    }


def test_persistence_expects_the_past_windows_spend_again() -> None:
    columns = panel_of_orders([0.0, 2.0, 9.0], [0.0, 1.0, -3.0])
    model = Persistence.fit(data(columns, [0, 1, 1]))
    values = {name: np.array(column) for name, column in columns.items()}
    assert model.predict(values, 90, day=130).expected_value.tolist() == [0, 90, 0]
    assert model.predict(values, 45, day=130).expected_value == pytest.approx([0, 45, 0])


def test_persistence_ranks_by_the_orders_of_a_window_as_long_as_the_horizon() -> None:
    orders = [float(i % 4) for i in range(200)]
    bought = [float(i % 4 > 1) for i in range(200)]
    columns = panel_of_orders(orders, [0.0] * 200)
    p = (
        Persistence.fit(data(columns, bought))
        .predict({n: np.array(v[:4]) for n, v in columns.items()}, 30, day=130)
        .p
    )
    assert p[0] == p[1] < p[2] == p[3]


def test_persistence_counts_very_many_orders_like_many() -> None:
    columns = panel_of_orders([0.0, 5.0, 5_000.0], [0.0] * 3)
    p = (
        Persistence.fit(data(columns, [0, 1, 1]))
        .predict({n: np.array(v) for n, v in columns.items()}, 30, day=130)
        .p
    )
    assert p[1] == p[2]
