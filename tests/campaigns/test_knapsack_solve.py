"""The best option for every customer: never beyond a limit, as good as brute force where that is possible."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array, eye_array, hstack, vstack

from campaigns.knapsack import Block, Problem, Resource, Solution, solve
from campaigns.knapsack.problem import Floats, Ints, Which
from contracts.errors import ContractError, DeclarationError

pytestmark = pytest.mark.lab  # long searches: make test-lab


def resource(name: str, uses: list[float], **limits: float | bool | str) -> Resource:
    return Resource(name, np.array(uses), **limits)  # type: ignore[arg-type]


BUDGET = resource("budget", [1.0, 1.0], limit=10.0, of_cost=True)


# ---------------------------------------------------------------- small shops, by hand
def test_everyone_takes_the_best_option_where_nothing_is_limited() -> None:
    found = solve(Problem.of(np.array([[1.0, 3.0], [-1.0, -2.0], [2.0, 2.0]]), []))
    assert found.choice.tolist() == [1, -1, 0]
    assert (found.profit, found.gap) == (5.0, 0.0)


def test_the_budget_goes_where_it_earns_most() -> None:
    profit, cost = (
        np.array([[9.0, 4.0], [8.0, 6.0], [5.0, 1.0]]),
        np.array([[10.0, 5.0], [9.0, 4.0], [6.0, 1.0]]),
    )
    found = solve(Problem.of(profit, [BUDGET], cost=cost))
    assert found.choice.tolist() == [1, 1, 1]  # 11 for 10; the dearest alone would bring 9
    assert found.uses[0].used == 10.0


def test_what_is_not_eligible_is_never_taken() -> None:
    found = solve(
        Problem.of(np.array([[-np.inf, 1.0], [-np.inf, -np.inf]]), [resource("mail", [1, 1], limit=5)])
    )
    assert found.choice.tolist() == [1, -1]


def test_an_option_that_loses_is_taken_only_for_a_floor() -> None:
    profit = np.array([[-3.0], [-1.0], [-2.0]])
    found = solve(Problem.of(profit, [resource("floor", [1], at_least=2)]))
    assert found.choice.tolist() == [-1, 0, 0]
    assert found.profit == -3.0


def test_a_floor_counts_only_the_customers_of_its_group() -> None:
    floor = Resource("floor of focus", np.array([1.0]), at_least=1, group=1)
    found = solve(Problem.of(np.array([[5.0], [-4.0], [-2.0]]), [floor], group=np.array([0, 1, 1])))
    assert found.choice.tolist() == [0, -1, 0]


def test_a_budget_of_0_plans_nothing_that_costs() -> None:
    profit, cost = np.array([[5.0, 1.0]] * 3), np.array([[1.0, 0.0]] * 3)
    found = solve(Problem.of(profit, [resource("budget", [1, 1], limit=0, of_cost=True)], cost=cost))
    assert found.choice.tolist() == [1, 1, 1]


def test_nobody_to_plan_for_is_an_empty_plan() -> None:
    found = solve(Problem.of(np.empty((0, 2)), [resource("mail", [1, 1], limit=5)]))
    assert (len(found.choice), found.profit, found.gap) == (0, 0.0, 0.0)


def test_money_that_adds_up_to_the_limit_is_within_it() -> None:
    found = solve(
        Problem.of(np.ones((3, 1)), [resource("b", [1], limit=0.3, of_cost=True)], cost=np.full((3, 1), 0.1))
    )
    assert found.choice.tolist() == [0, 0, 0]


# ---------------------------------------------------------------- against brute force
@st.composite
def tiny_problems(draw: st.DrawFn) -> Problem:
    """Draw at most 4 customers, 3 options and 3 resources, of counts or money, some for one group, some with floors."""
    count, options = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    many = count * options
    shape = (count, options)
    some = st.one_of(
        st.just(-np.inf), st.integers(-3, 9).map(float), st.floats(-2, 5).map(lambda one: round(one, 2))
    )
    profit = np.array(draw(st.lists(some, min_size=many, max_size=many))).reshape(shape)
    prices = st.sampled_from([0.0, 0.1, 0.5, 1.0, 2.5])
    cost = np.array(draw(st.lists(prices, min_size=many, max_size=many))).reshape(shape)
    group = np.array(draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)))
    resources = [draw(resources_for(options, str(number))) for number in range(draw(st.integers(0, 3)))]
    return Problem.of(profit, resources, cost=cost, group=group)


@st.composite
def resources_for(draw: st.DrawFn, options: int, name: str) -> Resource:
    uses = draw(st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.0]), min_size=options, max_size=options))
    floor = draw(st.sampled_from([0.0, 0.0, 1.0, 2.0]))
    limit = floor + draw(st.sampled_from([0.0, 0.5, 1.0, 3.0, np.inf]))
    of_cost, group = draw(st.booleans()), draw(st.sampled_from([None, 0, 1]))
    return Resource(name, np.array(uses), limit=limit, at_least=floor, of_cost=of_cost, group=group)


def used(problem: Problem, one: Resource, choice: tuple[int, ...]) -> float:
    """Add up the use of a resource, customer by customer."""
    block, total = problem.block(slice(0, problem.count)), 0.0
    for customer, option in enumerate(choice):
        assert block.cost is not None and block.group is not None
        if option >= 0 and one.group in (None, block.group[customer]):
            total += one.uses[option] * (block.cost[option, customer] if one.of_cost else 1.0)
    return total


def allowed(problem: Problem, choice: tuple[int, ...]) -> bool:
    """Say whether choices are eligible and meet every limit, to a billionth."""
    if earned(problem, choice) == -np.inf:
        return False
    totals = [(one, used(problem, one, choice)) for one in problem.resources]
    return all(one.at_least - 1e-9 <= total <= one.limit + 1e-9 for one, total in totals)


def earned(problem: Problem, choice: tuple[int, ...]) -> float:
    """Add up the profit, customer by customer."""
    profit = problem.block(slice(0, problem.count)).profit
    return sum(float(profit[option, customer]) for customer, option in enumerate(choice) if option >= 0)


@settings(max_examples=200, deadline=None)
@given(tiny_problems())
def test_a_tiny_plan_is_the_best_of_all_that_are_allowed(problem: Problem) -> None:
    every = itertools.product(range(-1, problem.options), repeat=problem.count)
    possible = [earned(problem, choice) for choice in every if allowed(problem, choice)]
    if not possible:
        with pytest.raises(DeclarationError):
            solve(problem)
        return
    found = solve(problem)
    assert allowed(problem, tuple(found.choice.tolist()))
    assert found.profit == pytest.approx(max(possible), rel=1e-4, abs=1e-7)
    assert found.bound >= max(possible) - 1e-7


# ---------------------------------------------------------------- larger shops
def shop(customers: int, seed: int, *, tight: float = 1.0) -> Problem:
    """Return a base with 6 options, a budget, two capacities, a stock, and floors of two groups."""
    chance = np.random.default_rng(seed)
    worth = chance.lognormal(0.0, 1.0, (customers, 1))
    profit = worth * chance.uniform(-0.2, 1.0, (customers, 6))
    profit[chance.random(profit.shape) < 0.2] = -np.inf
    resources = [
        resource("budget", [1] * 6, limit=0.2 * customers * tight, of_cost=True),
        resource("mail", [1, 1, 1, 0, 0, 0], limit=0.3 * customers // 1),
        resource("sms", [0, 0, 0, 1, 1, 1], limit=0.1 * customers // 1),
        resource("gifts", [1, 0, 0, 1, 0, 0], limit=0.02 * customers // 1),
        Resource("floor 0", np.ones(6), at_least=0.02 * customers // 1, group=0),
        Resource("floor 2", np.ones(6), at_least=0.1 * customers // 1, group=2),
    ]
    group = np.digitize(-worth[:, 0], (-2.0, -0.7)).astype(np.int64)
    return Problem.of(profit, resources, cost=chance.gamma(2.0, 0.25, (customers, 6)), group=group)


def meets_all(problem: Problem, found: Solution) -> bool:
    """Say whether every limit holds, added up in another way than the solver does."""
    block = problem.block(slice(0, problem.count))
    assert block.cost is not None and block.group is not None
    at = np.flatnonzero(found.choice >= 0)
    option = found.choice[at]
    for one in problem.resources:
        use = one.uses[option] * (block.cost[option, at] if one.of_cost else 1.0)
        total = use[np.isin(block.group[at], range(3) if one.group is None else [one.group])].sum()
        if not one.at_least * (1 - 1e-9) <= total <= one.limit * (1 + 1e-9):
            return False
    return bool(np.all(block.profit[option, at] > -np.inf))


@pytest.mark.parametrize("customers", [150, 900, 8_000, 130_000])
@pytest.mark.parametrize("tight", [1.0, 0.3])
def test_every_limit_holds_and_the_plan_is_within_1_percent_of_the_bound(
    customers: int, tight: float
) -> None:
    problem = shop(customers, seed=3, tight=tight)
    found = solve(problem)
    assert meets_all(problem, found)
    assert found.gap < (0.01 if customers < 1_000 else 0.001)


def optimum(problem: Problem) -> float:
    """Return the optimum of the linear programme, written down anew, option by option."""
    block = problem.block(slice(0, problem.count))
    assert block.cost is not None and block.group is not None
    left, right = [hstack([eye_array(problem.count)] * problem.options)], [1.0] * problem.count
    for one in problem.resources:
        use = one.uses[:, None] * (block.cost if one.of_cost else np.ones_like(block.cost))
        row = csr_array(np.where(one.group is None or block.group == one.group, use, 0.0).reshape(1, -1))
        left, right = [*left, row, -row], [*right, one.limit, -one.at_least]
    worth = block.profit.reshape(-1)
    bounds = [(0.0, float(value > -np.inf)) for value in worth]
    rows = np.isfinite(right)
    matrix = csr_array(vstack(left))[np.flatnonzero(rows)]
    cost = -np.where(worth > -np.inf, worth, 0.0)
    return -float(linprog(cost, matrix, np.array(right)[rows], bounds=bounds).fun)


def test_the_bound_is_the_optimum_of_the_linear_programme() -> None:
    problem = shop(700, seed=5)
    assert solve(problem).bound == pytest.approx(optimum(problem), rel=1e-6)


def test_the_cutting_planes_find_the_optimum_of_the_linear_programme() -> None:
    problem = shop(2_500, seed=5)
    found = solve(problem)
    assert found.passes > 1
    assert found.bound == pytest.approx(optimum(problem), rel=1e-4)
    assert found.profit == pytest.approx(optimum(problem), rel=0.002)


def test_many_customers_who_are_all_alike_share_what_there_is() -> None:
    resources = [resource("stock", [1, 0], limit=7_000), resource("mail", [1, 1], limit=20_000)]
    found = solve(Problem.of(np.tile([3.0, 2.0], (50_000, 1)), resources))
    assert np.bincount(found.choice + 1).tolist() == [30_000, 7_000, 13_000]
    assert found.gap < 1e-9


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(5, 120), st.floats(0.05, 1.5))
def test_no_limit_is_broken_in_random_shops(seed: int, customers: int, tight: float) -> None:
    problem = shop(customers, seed, tight=tight)
    try:
        found = solve(problem)
    except DeclarationError:
        return
    assert meets_all(problem, found)
    assert found.bound >= found.profit


def test_equal_inputs_give_equal_plans() -> None:
    one, other = solve(shop(9_000, seed=1)), solve(shop(9_000, seed=1))
    assert np.array_equal(one.choice, other.choice)
    assert (one.bound, one.uses) == (other.bound, other.uses)


# ---------------------------------------------------------------- numbers in memory or computed
def test_computed_blocks_give_the_plan_of_the_same_arrays() -> None:
    worth, effect = np.random.default_rng(2).lognormal(0, 1, 100_000), np.array([0.1, 0.3, 0.2])
    resources = [resource("mail", [1, 1, 0], limit=9_000), resource("gifts", [0, 1, 1], limit=4_000)]

    def block(which: Which) -> Block:
        return Block(effect[:, None] * worth[which])

    computed = solve(Problem(100_000, 3, tuple(resources), block))
    held = solve(Problem.of(worth[:, None] * effect, resources))
    assert np.array_equal(computed.choice, held.choice)


def test_the_order_of_the_arrays_in_memory_changes_nothing() -> None:
    profit: Floats = np.random.default_rng(2).normal(1, 1, (20_000, 3))
    resources = [resource("mail", [1, 1, 0], limit=2_000)]
    by_row, by_column = (solve(Problem.of(one, resources)) for one in (profit, np.asfortranarray(profit)))
    assert np.array_equal(by_row.choice, by_column.choice)


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_profit_that_is_no_number_is_refused(wrong: float) -> None:
    with pytest.raises(ContractError, match="-inf says that an option is not eligible"):
        Problem.of(np.array([[wrong]]), [])


@pytest.mark.parametrize("wrong", [-1.0, np.nan, np.inf])
def test_a_cost_that_is_no_amount_is_refused(wrong: float) -> None:
    with pytest.raises(ContractError, match="cost must be"):
        Problem.of(np.array([[1.0, 2.0]]), [BUDGET], cost=np.array([[wrong, 1.0]]))


def test_arrays_that_do_not_fit_each_other_are_refused() -> None:
    group: Ints = np.array([0, 1])
    with pytest.raises(ContractError, match="group must be"):
        Problem.of(np.ones((3, 2)), [], group=group)
    with pytest.raises(ContractError, match="no cost is given"):
        Problem.of(np.ones((3, 2)), [BUDGET])
    with pytest.raises(ContractError, match="names of their own"):
        Problem.of(np.ones((3, 2)), [BUDGET, BUDGET], cost=np.ones((3, 2)))
