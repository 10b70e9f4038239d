"""One pass over all customers: each takes the option that is best for it at given prices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from campaigns.knapsack.problem import Block, Codes, Floats, Ints, Problem, Values
from campaigns.knapsack.rows import Rows

NONE = -1


@dataclass(frozen=True)
class Totals:
    """What all customers' choices come to. counts, spent: (groups, options); value: sum of profit less prices."""

    value: float
    counts: Floats
    spent: Floats


def taken_at(problem: Problem, rows: Rows, prices: Floats) -> Totals:
    """Return the totals when every customer takes what is best at `prices` (m,)."""
    heads, costs = rows.tables(prices)

    def one(which: slice) -> Totals:
        block = problem.block(which)
        choice, value = best_options(block, heads, costs)
        return totals_of(problem, block, choice, float(value.sum()))

    return added([one(which) for which in problem.chunks()], problem)


def choices_at(problem: Problem, rows: Rows, prices: Floats, draw: Floats | None = None) -> Codes:
    """Return every customer's best option (n,), NONE where none earns more than its price.

    prices: (m,), or (t, m) with the shares `draw` (t,): each customer follows one of the t, in these shares.
    """
    several = np.atleast_2d(prices)
    tables = [rows.tables(one) for one in several]
    heads, costs = np.concatenate([one[0] for one in tables]), np.concatenate([one[1] for one in tables])
    steps = np.cumsum([1.0] if draw is None else draw)

    def one(which: slice) -> Codes:
        block = problem.block(which)
        if len(several) == 1:
            return best_options(block, heads, costs)[0]
        follows = np.searchsorted(steps[:-1] / steps[-1], evenly(which), side="right")
        group = np.zeros_like(follows) if block.group is None else block.group
        mixed = Block(block.profit, block.cost, follows * problem.groups + group)
        return best_options(mixed, heads, costs)[0]

    return np.concatenate([np.empty(0, np.int16), *(one(which) for which in problem.chunks())])


def evenly(which: slice) -> Floats:
    """Return numbers in [0, 1) that are spread evenly over any run of positions (multiples of the golden ratio)."""
    return np.asarray((np.arange(which.start, which.stop) * 0.6180339887498949) % 1.0)


def best_options(block: Block, heads: Floats, costs: Floats) -> tuple[Codes, Floats]:
    """Return each customer's best option (b,) and its profit less prices, 0 for none; the first of equals.

    heads, costs: (groups, options) prices per customer and per unit of cost.
    """
    options, count = block.profit.shape
    value, choice = np.zeros(count), np.full(count, NONE, dtype=np.int16)
    for option in range(options):
        now = priced(block, option, heads, costs)
        better = now > value
        np.maximum(value, now, out=value)
        choice[better] = option
    return choice, value


def priced(block: Block, option: int, heads: Floats, costs: Floats) -> Floats:
    """Return the profit less prices of one option; (b,)."""
    now = block.profit[option] - per_customer(heads, option, block.group)
    if block.cost is not None and costs[:, option].any():
        now -= per_customer(costs, option, block.group) * block.cost[option]
    return now


def per_customer(table: Floats, option: int, group: Ints | None) -> Floats | np.float64:
    """Return one option's entry for each customer's group, or one number where all groups have the same."""
    column = table[:, option]
    if group is None or np.all(column == column[0]):
        return np.float64(column[0])
    return column[group]


def totals_of(problem: Problem, block: Block, choice: Codes, value: float) -> Totals:
    """Return the totals of a block's choices."""
    at = np.flatnonzero(choice >= 0)
    taken = choice[at].astype(np.intp)
    shape = (problem.groups, problem.options)
    cell = taken if block.group is None else block.group[at] * problem.options + taken
    counts = np.bincount(cell, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)
    if block.cost is None:
        return Totals(value, counts, np.zeros(shape))
    cost = block.cost[taken, at].astype(np.float64)
    spent = np.bincount(cell, cost, minlength=shape[0] * shape[1]).astype(np.float64)
    return Totals(value, counts, spent.reshape(shape))


def totals(problem: Problem, choice: Codes) -> Totals:
    """Return the totals of given choices (n,), and their profit."""

    def one(which: slice) -> Totals:
        block = problem.block(which)
        return totals_of(problem, block, choice[which], profit_of(block, choice[which]))

    return added([one(which) for which in problem.chunks()], problem)


def profit_of(block: Block, choice: Codes) -> float:
    """Return the profit of a block's choices."""
    return float(taken_of(block.profit, choice).sum())


def taken_of(values: Values, choice: Codes) -> Floats:
    """Return each customer's value (b,) of what it takes, 0 for none. values: (k, b)."""
    found = values[np.maximum(choice, 0), np.arange(len(choice))].astype(np.float64)
    return np.where(choice >= 0, found, 0.0)


def added(parts: list[Totals], problem: Problem) -> Totals:
    """Return the sum of the parts, in their order."""
    zero = np.zeros((problem.groups, problem.options))
    return Totals(
        float(sum(one.value for one in parts)),
        np.sum([zero, *(one.counts for one in parts)], axis=0),
        np.sum([zero, *(one.spent for one in parts)], axis=0),
    )
