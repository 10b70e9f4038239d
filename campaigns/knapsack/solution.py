"""The best option for every customer within all limits, with a proof of how good it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from campaigns.knapsack.contradiction import refuse_contradictions, shortfall
from campaigns.knapsack.core import core_chosen
from campaigns.knapsack.linear import Whole, relaxed, whole
from campaigns.knapsack.moves import State
from campaigns.knapsack.prices import Dual, find_prices
from campaigns.knapsack.problem import Codes, Floats, Problem
from campaigns.knapsack.repair import filled, repaired
from campaigns.knapsack.rows import Rows, rows_of
from campaigns.knapsack.sweep import Totals, choices_at, taken_at, totals

NEAR = 1e-5  # relative: so close to the smallest bound are the prices taken
PASSES = 300  # at most, over all customers
FEW = 40_000  # customers x options that the linear programme solves at once
FEWEST = 2_000  # customers x options that branch and bound solves
CORE, WORTH_A_CORE = 500, 1e-3  # the same of a core; the gap that makes it worth while
SAMPLE, LARGE_SAMPLE = 2_000, 50_000  # customers whose prices the search begins with


@dataclass(frozen=True)
class Use:
    """What a solution says about one resource. prices: profit per unit more of `limit`, per unit less of `at_least`."""

    name: str
    unit: str
    limit: float
    at_least: float
    used: float
    limit_price: float
    floor_price: float


@dataclass(frozen=True)
class Solution:
    """choice: (n,) the option of each customer, -1 for none. bound: no plan within the limits earns more."""

    choice: Codes
    profit: float
    bound: float
    uses: tuple[Use, ...]
    passes: int

    @property
    def gap(self) -> float:
        """Return the share of the bound that the plan may miss; 0 is a proven optimum."""
        missing = max(self.bound - self.profit, 0.0)
        return missing / max(abs(self.bound), 1e-300) if missing > 0 else 0.0


@dataclass(frozen=True)
class Start:
    """What the search for prices leaves: prices (m,), bound, choices (n,) that nearly meet the limits."""

    prices: Floats
    bound: float
    choice: Codes
    passes: int = 1


def solve(problem: Problem) -> Solution:
    """Return the best plan that was found: every limit is met, equal inputs give equal outputs.

    Prices first (find_prices), then each customer's best option at them, then repair and filling up (repair), then the
    least clear customers whole (core). A few customers are solved whole. Customers who are alike are told apart by
    their positions only. Raises DeclarationError, naming them, where limits contradict each other.
    """
    rows, size = rows_of(problem), problem.count * problem.options
    refuse_contradictions(problem, rows)
    start = first_choices(problem, rows)
    state = State.of(problem, rows, start.choice)
    fits = repaired(state, start.prices)
    profit = filled(state, start.prices, totals(problem, state.choice).value) if fits else -np.inf
    if fits and start.bound - profit > WORTH_A_CORE * abs(start.bound) and size > FEWEST:
        profit += core_chosen(state, start.prices, CORE // problem.options)
    choice, bound = state.choice, start.bound
    if size <= FEWEST or (not fits and problem.count <= SAMPLE and size <= FEW):
        found = whole(problem, rows)
        if found is not None:
            bound = min(bound, found.bound)
            choice, fits = better_of(problem, rows, choice, profit, found)
    if not fits:
        raise shortfall(problem, rows, state.slack)
    return solution_of(problem, rows, choice, Start(start.prices, bound, choice, start.passes))


def first_choices(problem: Problem, rows: Rows) -> Start:
    """Return prices, the bound and first choices: by the linear programme for a few, by cutting planes for many."""
    if not len(rows):
        nothing = np.zeros(0)
        return Start(nothing, taken_at(problem, rows, nothing).value, choices_at(problem, rows, nothing))
    if problem.count <= SAMPLE and problem.count * problem.options <= FEW:
        found = relaxed(problem, rows)
        if found is not None:
            return Start(found.prices, dual_of(problem, rows)(found.prices)[0], found.choice)
    unit = unit_prices(problem, rows)
    start, many = np.zeros(len(rows)), problem.count
    some = min(SAMPLE, FEW // problem.options)
    if many > some > 0:
        found = relaxed(sample(problem, some), rows.scaled(some / many))
        start = start if found is None else found.prices
    if many > 2 * LARGE_SAMPLE:
        large = dual_of(sample(problem, LARGE_SAMPLE), rows.scaled(LARGE_SAMPLE / many))
        start = find_prices(large, start, 0.1 * unit, near=NEAR, most=PASSES).best
    prices = find_prices(dual_of(problem, rows), start, 0.02 * unit, near=NEAR, most=PASSES)
    choice = choices_at(problem, rows, prices.points, prices.shares)
    return Start(prices.best, prices.bound, choice, prices.passes)


def dual_of(problem: Problem, rows: Rows) -> Dual:
    """Return the function that gives the dual and its slope at prices (m,): one pass over the customers."""

    def dual(prices: Floats) -> tuple[float, Floats]:
        taken = taken_at(problem, rows, prices)
        return taken.value + float(prices @ rows.limit), rows.limit - rows.use(taken.counts, taken.spent)

    return dual


def unit_prices(problem: Problem, rows: Rows) -> Floats:
    """Return the price (m,) of each row at which a usual customer's profit is all spent on it."""
    free = taken_at(problem, rows, np.zeros(len(rows)))
    taken = max(free.counts.sum(), 1.0)
    heads = np.abs(rows.per_head) + np.abs(rows.per_cost) * (free.spent.sum() / taken or 1.0)
    usual = heads.sum((1, 2)) / np.maximum((heads > 0).sum((1, 2)), 1)
    return np.asarray(max(free.value / taken, 1e-300) / np.where(usual > 0, usual, 1.0))


def sample(problem: Problem, many: int) -> Problem:
    """Return the problem of a few customers, always the same ones."""
    chosen = np.random.default_rng(0).choice(problem.count, many, replace=False)
    return problem.of_customers(np.sort(chosen))


def better_of(problem: Problem, rows: Rows, choice: Codes, profit: float, found: Whole) -> tuple[Codes, bool]:
    """Return the better of two choices, and whether it meets all rows; `profit` is -inf where the first does not."""
    other = State.of(problem, rows, found.choice)
    if not other.broken().any() and totals(problem, found.choice).value > profit:
        return found.choice, True
    return choice, profit > -np.inf


def solution_of(problem: Problem, rows: Rows, choice: Codes, start: Start) -> Solution:
    """Return the solution, profit and uses summed anew from the choices."""
    taken = totals(problem, choice)
    bound = max(start.bound, taken.value)  # they differ by rounding only where the plan is the best
    return Solution(choice, taken.value, bound, uses_of(problem, rows, start.prices, taken), start.passes)


def uses_of(problem: Problem, rows: Rows, prices: Floats, taken: Totals) -> tuple[Use, ...]:
    """Return the use and the prices of each resource."""
    of_limit, of_floor = np.zeros(len(problem.resources)), np.zeros(len(problem.resources))
    of_limit[rows.resource[~rows.floors]] = prices[~rows.floors]
    of_floor[rows.resource[rows.floors]] = prices[rows.floors]
    uses = []
    for position, one in enumerate(problem.resources):
        sums = taken.spent if one.of_cost else taken.counts
        used = float(((sums if one.group is None else sums[one.group]) @ one.uses).sum())
        two = (float(of_limit[position]), float(of_floor[position]))
        uses.append(Use(one.name, one.unit, one.limit, one.at_least, used, *two))
    return tuple(uses)
