"""Limits that cannot all be met are named, with the fix."""

from __future__ import annotations

import numpy as np
import pytest

from campaigns.knapsack import Problem, Resource, solve
from contracts.errors import DeclarationError

N = 3_000
MAIL = Resource("mail", np.array([1.0, 0.0]), limit=100, unit="messages")
SMS = Resource("sms", np.array([0.0, 1.0]), limit=150, unit="messages")
GIFTS = Resource("gifts", np.array([1.0, 0.0]), limit=90)


def floor(least: float, group: int | None = None) -> Resource:
    return Resource("floor of focus", np.ones(2), at_least=least, group=group, unit="customers")


def problem(*resources: Resource, cost: float = 1.0) -> Problem:
    group = (np.arange(N) % 10 == 0).astype(np.int64)
    return Problem.of(np.ones((N, 2)), resources, cost=np.full((N, 2), cost), group=group)


def test_a_floor_beyond_the_budget_names_both() -> None:
    budget = Resource("budget", np.ones(2), limit=50, of_cost=True, unit="EUR")
    with pytest.raises(DeclarationError) as refused:
        solve(problem(budget, MAIL, SMS, floor(60, 1)))
    assert str(refused.value) == (
        "These limits contradict each other: 'budget' (at most 50 EUR) and 'floor of focus' (at least 60 customers). "
        "Lower what is asked for, or raise what is allowed."
    )


def test_several_capacities_together_are_all_named_and_nothing_else() -> None:
    roomy = Resource("budget", np.ones(2), limit=1e6, of_cost=True)
    with pytest.raises(DeclarationError, match=r"'mail'.*'sms'.*'floor of focus'") as refused:
        solve(problem(roomy, MAIL, SMS, floor(260)))
    assert "budget" not in str(refused.value)


def test_of_two_reasons_one_whole_contradiction_is_named() -> None:
    with pytest.raises(
        DeclarationError, match=r"'sms' \(at most 150 messages\), 'gifts' \(at most 90\) and 'floor"
    ):
        solve(problem(MAIL, SMS, GIFTS, floor(245)))


def test_a_floor_beyond_its_group_says_how_many_there_are() -> None:
    with pytest.raises(
        DeclarationError, match=r"'floor of focus' \(at least 400 customers\) cannot be met: 300 is all"
    ):
        solve(problem(MAIL, floor(400, 1)))


def test_what_can_just_be_met_is_met() -> None:
    found = solve(problem(MAIL, SMS, GIFTS, floor(240, 1)))
    assert [use.used for use in found.uses] == [90, 150, 90, 240]


def test_whole_customers_that_cannot_meet_it_are_said_to_miss_it() -> None:
    both = Resource("gift boxes", np.array([2.0, 2.0]), limit=3.0, at_least=3.0)
    with pytest.raises(DeclarationError, match="No plan was found that meets all limits: 'gift boxes'"):
        solve(problem(both))


def test_a_resource_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(
        DeclarationError, match="'gifts' contradicts itself: at least 9 are asked for, but at most 5"
    ):
        Resource("gifts", np.ones(1), limit=5, at_least=9)


@pytest.mark.parametrize("limit", [-1.0, float("nan")])
def test_a_limit_below_0_is_refused(limit: float) -> None:
    with pytest.raises(DeclarationError, match="both must be 0 or more"):
        Resource("gifts", np.ones(1), limit=limit)
