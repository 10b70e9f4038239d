"""The customers whose choice is not clear are chosen once more; nobody else changes, nothing gets worse."""

from __future__ import annotations

import numpy as np
import pytest

from campaigns.knapsack import Problem, Resource, solve
from campaigns.knapsack.core import core_chosen, least_clear
from campaigns.knapsack.moves import State
from campaigns.knapsack.problem import Codes
from campaigns.knapsack.rows import rows_of


def lumpy(customers: int) -> Problem:
    """Return a base in which the budget pays for a dozen customers only, each at a cost of its own."""
    chance = np.random.default_rng(6)
    cost = chance.uniform(5.0, 9.0, (customers, 2))
    budget = Resource("budget", np.ones(2), limit=80.0, of_cost=True)
    return Problem.of(cost * chance.normal(1.0, 0.1, cost.shape), [budget], cost=cost)


def nobody(problem: Problem) -> Codes:
    return np.full(problem.count, -1, dtype=np.int16)


def test_the_least_clear_customers_are_those_with_two_choices_nearly_equal() -> None:
    problem = Problem.of(np.array([[9.0, 1.0], [2.0, 1.9], [0.1, -5.0], [-4.0, -5.0]]), [])
    assert least_clear(problem, rows_of(problem), np.zeros(0), 2).tolist() == [1, 2]


def test_a_core_of_everyone_is_the_whole_problem() -> None:
    problem = lumpy(60)
    state = State.of(problem, rows_of(problem), nobody(problem))
    assert core_chosen(state, np.ones(1), 60) == pytest.approx(solve(problem).profit, rel=2e-4)


def test_customers_outside_the_core_keep_what_they_have() -> None:
    problem = lumpy(200)
    rows, before = rows_of(problem), nobody(problem)
    before[:9] = 0
    state = State.of(problem, rows, before.copy())
    core_chosen(state, np.ones(1), 20)
    outside = np.setdiff1d(np.arange(200), least_clear(problem, rows, np.ones(1), 20))
    assert np.array_equal(state.choice[outside], before[outside])
    assert not state.broken().any()


def test_a_budget_for_a_dozen_of_many_is_used_to_the_last_coin() -> None:
    found = solve(lumpy(4_000))
    assert found.gap < 0.01
    assert found.uses[0].used == pytest.approx(80.0, abs=0.05)
