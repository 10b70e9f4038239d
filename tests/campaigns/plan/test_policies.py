"""The plainer ways to choose: the highest first, against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.knapsack import Problem, Resource
from campaigns.plan.policies import by_rank
from tests.campaigns.plan.small import channel, customers, economics, offer, offers_of, planned, terms


def by_a_loop(problem: Problem, rank: list[float]) -> list[int]:
    """Serve one customer after the other; an option that did not fit somebody is closed to all who come later."""
    block = problem.block(np.arange(problem.count))
    left = [one.limit for one in problem.resources]
    closed: set[int] = set()
    choice = [-1] * problem.count
    for who in sorted(range(problem.count), key=lambda one: -rank[one]):
        wishes = sorted(range(problem.options), key=lambda one: -block.profit[one, who])
        wishes = [one for one in wishes if np.isfinite(block.profit[one, who]) and one not in closed]
        for place, option in enumerate(wishes):
            assert block.cost is not None
            needs = [
                one.uses[option] * (float(block.cost[option, who]) if one.of_cost else 1.0)
                for one in problem.resources
            ]
            if all(need <= have + 1e-9 for need, have in zip(needs, left, strict=True)):
                choice[who] = option
                left = [have - need for need, have in zip(needs, left, strict=True)]
                break
            if place == 0:
                closed.add(option)
    return choice


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.floats(0.5, 30.0), st.integers(0, 8))
def test_the_highest_rank_is_served_first(seed: int, budget: float, stock: int) -> None:
    chance = np.random.default_rng(seed)
    profit, cost = chance.uniform(-1, 3, (20, 3)), chance.uniform(0.1, 3, (20, 3))
    profit[chance.random((20, 3)) < 0.2] = -np.inf
    resources = [
        Resource("budget", np.ones(3), limit=budget, of_cost=True),
        Resource("stock", np.array([1.0, 0, 0]), limit=float(stock)),
    ]
    problem, rank = Problem.of(profit, resources, cost=cost), chance.random(20)
    choice, uses = by_rank(problem, rank)
    assert choice.tolist() == by_a_loop(problem, rank.tolist())
    spent = sum(cost[at, one] for at, one in enumerate(choice.tolist()) if one >= 0)
    assert uses[0].used == pytest.approx(spent) and spent <= budget + 1e-9


def test_a_low_ranked_customer_never_takes_the_budget_of_a_higher_one_by_a_cheaper_option() -> None:
    profit = np.array([[5.0, -np.inf], [-np.inf, 9.0]])  # the first wishes for option 0, the second for 1
    problem = Problem.of(
        profit, [Resource("budget", np.ones(2), limit=1.0, of_cost=True)], cost=np.ones((2, 2))
    )
    choice, _ = by_rank(problem, np.array([0.1, 0.9]))
    assert choice.tolist() == [-1, 1]


def test_the_control_group_gets_what_is_left_in_its_place_and_uses_nothing_up() -> None:
    problem = Problem.of(np.ones((5, 1)), [Resource("stock", np.ones(1), limit=2.0)])
    alone = np.array([False, True, False, False, True])
    choice, uses = by_rank(problem, np.array([5.0, 4.0, 3.0, 2.0, 1.0]), alone=alone)
    assert choice.tolist() == [0, 0, 0, -1, -1]
    assert uses[0].used == 2.0


def test_potential_contacts_the_likeliest_even_at_a_loss_of_profit() -> None:
    campaign = economics(
        customers([0.1, 0.5, 0.3]),
        offers=[offer()],
        channels=[channel(capacity=2)],
        of_terms=terms(budget=9.0),
    )
    assert offers_of(planned(campaign, policy="potential")) == [None, "message", "message"]
    assert planned(campaign).contacted.tolist() == [0, 2]


def test_value_weighs_the_chance_with_the_basket() -> None:
    campaign = economics(
        customers([0.1, 0.5], basket=[500.0, 10.0]),
        offers=[offer(lift_prior=0.1)],
        channels=[channel(capacity=1)],
    )
    assert planned(campaign, policy="value").contacted.tolist() == [0]
    assert planned(campaign, policy="potential").contacted.tolist() == [1]
