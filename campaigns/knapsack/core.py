"""The core: the few customers whose choice is not clear at the prices, chosen whole once more, all others held.

Where limits are small or costs lumpy, what single moves leave unused is worth something; the best use of it lies among
the customers whose best two choices are nearly equal (Balas & Zemel 1980; Pisinger 1995 for several choices).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from campaigns.knapsack.linear import whole
from campaigns.knapsack.moves import State
from campaigns.knapsack.problem import Floats, Ints, Problem
from campaigns.knapsack.rows import Rows
from campaigns.knapsack.sweep import priced, taken_of


def core_chosen(state: State, prices: Floats, many: int) -> float:
    """Choose the `many` least clear customers anew if that earns more, and return what it earns more."""
    core = least_clear(state.problem, state.rows, prices, many)
    problem = state.problem.of_customers(core)
    inside = State.of(problem, state.rows, state.choice[core])
    left = inside.rows.limit - inside.slack + np.maximum(state.slack, 0.0)
    found = whole(problem, replace(state.rows, limit=left))
    if found is None:
        return 0.0
    profit = problem.block(slice(0, len(core))).profit
    more = float((taken_of(profit, found.choice) - taken_of(profit, inside.choice)).sum())
    choice = state.choice.copy()
    choice[core] = found.choice
    changed = State.of(state.problem, state.rows, choice)
    if more <= 0 or changed.broken().any():
        return 0.0
    state.choice, state.slack = changed.choice, changed.slack
    return more


def least_clear(problem: Problem, rows: Rows, prices: Floats, many: int) -> Ints:
    """Return the positions of the `many` customers whose best two choices are nearest to each other, ascending."""
    apart = np.concatenate([_apart(problem, rows.tables(prices), which) for which in problem.chunks()])
    if many >= problem.count:
        return np.arange(problem.count)
    return np.sort(np.argpartition(apart, many)[:many])


def _apart(problem: Problem, tables: tuple[Floats, Floats], which: slice) -> Floats:
    """Return by how much the best choice of each customer, none among them, is ahead of the second; (b,)."""
    block = problem.block(which)
    first, second = np.zeros(which.stop - which.start), np.full(which.stop - which.start, -np.inf)
    for option in range(problem.options):
        now = priced(block, option, *tables)
        second = np.maximum(second, np.minimum(first, now))
        first = np.maximum(first, now)
    return first - second
