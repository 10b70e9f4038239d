"""Shadow prices in plain words, and that they are true."""

from __future__ import annotations

import numpy as np
import pytest

from campaigns.knapsack import Problem, Resource, Solution, Use, shadow_prices, solve


def said(*uses: Use) -> list[str]:
    return shadow_prices(Solution(np.zeros(0, np.int16), 0.0, 0.0, uses, 1), currency="EUR")


def use(
    name: str, unit: str, limit: float, used: float, *, price: float, least: float = 0, asked: float = 0
) -> Use:
    return Use(name, unit, limit, least, used, price, asked)


def test_more_money_is_said_in_money() -> None:
    assert said(use("budget", "EUR", 1_000, 1_000, price=2.12)) == [
        "100 EUR more of 'budget' would earn about 212 EUR."
    ]


def test_more_pieces_are_said_in_pieces() -> None:
    assert said(use("stock of gift", "coupons", 140, 140, price=3.1)) == [
        "10 more coupons of 'stock of gift' would earn about 31 EUR."
    ]


def test_what_is_not_the_limit_says_so() -> None:
    assert said(use("budget", "EUR", 5_000, 1_234.5, price=0)) == [
        "More of 'budget' would earn nothing: 1,234 of 5,000 EUR used."
    ]


def test_a_limit_of_0_says_what_follows() -> None:
    assert said(use("budget", "EUR", 0, 0, price=1e9)) == ["'budget' is 0: nothing that uses it is planned."]


def test_a_floor_says_what_it_costs() -> None:
    dear, free = (
        use(n, "customers", np.inf, 300, price=0, least=300, asked=p) for n, p in (("a", 1.5), ("b", 0.0))
    )
    assert said(dear, free) == [
        "Asking for 10 customers less in 'a' would earn about 15 EUR.",
        "'b' costs nothing: 300 customers planned, at least 300 asked for.",
    ]


def plan(budget: float, least: float) -> Solution:
    """Return the plan of a base in which money is short and the cheap customers would be left out."""
    chance = np.random.default_rng(4)
    worth = chance.lognormal(0.0, 1.0, 20_000)
    profit, cost = worth[:, None] * np.array([0.3, 0.5]), chance.gamma(2.0, 0.25, (20_000, 2))
    limits = [
        Resource("budget", np.ones(2), limit=budget, of_cost=True, unit="EUR"),
        Resource("floor", np.ones(2), at_least=least, group=1, unit="customers"),
    ]
    return solve(Problem.of(profit, limits, cost=cost, group=(worth < 0.5).astype(np.int64)))


def test_a_little_more_budget_earns_what_its_price_says() -> None:
    before, after = plan(2_000, 1_000), plan(2_020, 1_000)
    assert after.profit - before.profit == pytest.approx(20 * before.uses[0].limit_price, rel=0.05)


def test_a_little_lower_floor_earns_what_its_price_says() -> None:
    before, after = plan(2_000, 4_000), plan(2_000, 3_980)
    assert before.uses[1].floor_price > 0
    assert after.profit - before.profit == pytest.approx(20 * before.uses[1].floor_price, rel=0.05)
