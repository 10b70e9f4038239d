"""Limits that cannot all be met: found before anything is planned, and named.

Upper limits alone always allow the empty plan, so only lower limits can contradict. Without profits, the dual of the
least total shortfall, D(prices) = Σ_i max(0, max_j -prices · use[i, j]) + prices · limit with the prices of lower
limits held at 1 / limit, falls below 0 exactly where the limits contradict (Farkas); the rows with a price are then
the ones that do, less those without which the others still do.
"""

from __future__ import annotations

import numpy as np

from campaigns.knapsack.prices import Cuts
from campaigns.knapsack.problem import Block, Floats, Ints, Problem, Which
from campaigns.knapsack.rows import Rows
from campaigns.knapsack.sweep import taken_at
from contracts.errors import DeclarationError

PASSES = 200
SHORT = 1e-7  # share of a lower limit


def refuse_contradictions(problem: Problem, rows: Rows) -> None:
    """Raise DeclarationError, naming the limits, where no plan at all meets them."""
    if not rows.floors.any():
        return
    bare = without_profit(problem)
    named = contradicting(bare, rows, np.arange(len(rows)))
    if not len(named):
        return
    for one in [*named]:
        rest = contradicting(bare, rows, named[named != one])
        named = rest if len(rest) else named
    raise DeclarationError(words_of(problem, rows, named))


def without_profit(problem: Problem) -> Problem:
    """Return the problem with all profits 0 where an option is eligible."""

    def block(which: Which) -> Block:
        one = problem.block(which)
        return Block(np.where(one.profit > -np.inf, np.float32(0), np.float32(-np.inf)), one.cost, one.group)

    return problem.with_block(problem.count, block)


def contradicting(bare: Problem, rows: Rows, kept: Ints) -> Ints:
    """Return those of the rows `kept` that contradict each other; none where they can all be met."""
    some = rows.only(kept)
    if not some.floors.any():
        return kept[:0]
    highest = highest_prices(bare, some)
    cuts, nothing = Cuts(), np.zeros(len(some))

    def dual(prices: Floats) -> tuple[float, Floats]:
        taken = taken_at(bare, some, prices)
        return taken.value + float(prices @ some.limit), some.limit - some.use(taken.counts, taken.spent)

    value = cuts.add(nothing, dual)
    for _ in range(PASSES):
        lowest = cuts.lowest(nothing, highest)
        if lowest.value >= -SHORT:
            return kept[:0]
        value = cuts.add(lowest.point, dual)
        if value < -SHORT:
            return kept[lowest.point > 1e-9 * highest]
    return kept[:0]


def highest_prices(bare: Problem, rows: Rows) -> Floats:
    """Return the highest price (m,) of each row: 1 / limit of a lower one, enough to outweigh these of an upper one."""
    floors = rows.floors
    dearest = np.zeros(len(rows))
    dearest[floors] = 1.0 / -rows.limit[floors]
    earned = float(np.max(np.abs(np.tensordot(dearest, rows.per_head + rows.per_cost, 1)), initial=0.0))
    least = np.abs(rows.per_head) + np.abs(rows.per_cost) * usual_cost(bare) * 1e-3
    least[least == 0] = np.inf
    dearest[~floors] = earned / least.reshape(len(rows), -1).min(axis=1)[~floors]
    return dearest


def usual_cost(bare: Problem) -> float:
    """Return the mean cost above 0 of some customers' options, 1 without any."""
    cost = bare.block(slice(0, min(bare.count, 2_000))).cost
    above = cost[cost > 0] if cost is not None else np.empty(0)
    return float(above.mean()) if len(above) else 1.0


def words_of(problem: Problem, rows: Rows, named: Ints) -> str:
    """Say which limits contradict each other, and what to do."""
    parts = [limit_words(problem, rows, int(row)) for row in named]
    if len(parts) == 1:
        able = most_possible(problem, rows, int(named[0]))
        return f"{parts[0]} cannot be met: {able:,.10g} is all that the customers' options allow. Lower it."
    listed = f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"These limits contradict each other: {listed}. Lower what is asked for, or raise what is allowed."


def limit_words(problem: Problem, rows: Rows, row: int) -> str:
    """Return a row in words: 'focus floor' (at least 500 customers)."""
    one = problem.resources[rows.resource[row]]
    which = "at least" if rows.floors[row] else "at most"
    return f"'{one.name}' ({which} {abs(rows.limit[row]):,.10g}{one.unit and ' ' + one.unit})"


def most_possible(problem: Problem, rows: Rows, row: int) -> float:
    """Return the largest use of a lower limit's row that the customers' options allow."""
    alone = rows.only(np.array([row]))
    taken = taken_at(without_profit(problem), alone, np.ones(1))
    return float(np.abs(alone.use(taken.counts, taken.spent))[0])


def shortfall(problem: Problem, rows: Rows, slack: Floats) -> DeclarationError:
    """Return the error for limits that whole customers cannot meet, or that no plan was found for."""
    broken = np.flatnonzero(slack < -rows.nearest)
    parts = [f"{limit_words(problem, rows, int(row))}, missed by {-slack[row]:,.10g}" for row in broken]
    listed = "; ".join(parts)
    return DeclarationError(f"No plan was found that meets all limits: {listed}. Lower what is asked for.")
