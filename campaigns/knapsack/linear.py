"""The linear programme by HiGHS: exact prices for a few thousand customers, and exact choices for a few.

x[i, j] in [0, 1], one row `Σ_j x[i, j] <= 1` per customer, then the rows of the resources. Ineligible options have no
variable. HiGHS runs on one thread and stops by nodes, never by the clock, so equal inputs give equal outputs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from campaigns.knapsack.problem import Codes, Floats, Ints, Problem
from campaigns.knapsack.rows import Rows
from campaigns.knapsack.silence import native_output_dropped
from campaigns.knapsack.sweep import NONE

MOST_NODES = 100
NEAR_ENOUGH = 1e-4  # relative gap at which the search for whole choices stops


@dataclass(frozen=True)
class Relaxed:
    """The optimum of the linear programme. value: its profit; prices: (m,); choice: (n,) each one's largest share."""

    value: float
    prices: Floats
    choice: Codes


@dataclass(frozen=True)
class Whole:
    """Whole choices (n,), and the bound that the search left."""

    choice: Codes
    bound: float


@dataclass(frozen=True)
class Matrix:
    """The variables of a problem: customer and option of each, its profit, and the left side of all rows."""

    customer: Ints
    option: Ints
    profit: Floats
    left: csr_array
    right: Floats


def relaxed(problem: Problem, rows: Rows) -> Relaxed | None:
    """Return the optimum of the linear programme, None where no choice meets the rows."""
    from scipy.optimize import linprog  # here as in prices.py: a server that plans nothing saves 17 MB

    matrix = matrix_of(problem, rows)
    if not len(matrix.customer):
        empty = np.full(problem.count, NONE, dtype=np.int16)
        return None if np.any(rows.limit < 0) else Relaxed(0.0, np.zeros(len(rows)), empty)
    found = linprog(-matrix.profit, A_ub=matrix.left, b_ub=matrix.right, bounds=(0, None), method="highs-ds")
    if found.status != 0:
        return None
    prices = np.maximum(-found.ineqlin.marginals[problem.count :], 0.0)
    return Relaxed(-float(found.fun), prices, largest_shares(problem, matrix, found.x))


def whole(problem: Problem, rows: Rows) -> Whole | None:
    """Return the best choices found by branch and bound, None where it found none within its nodes."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    matrix = matrix_of(problem, rows)
    if not len(matrix.customer):
        return Whole(np.full(problem.count, NONE, dtype=np.int16), 0.0)
    with native_output_dropped():
        found = milp(
            -matrix.profit,
            integrality=np.ones(len(matrix.profit)),
            bounds=Bounds(0, 1),
            constraints=LinearConstraint(matrix.left, -np.inf, matrix.right),
            options={"node_limit": MOST_NODES, "mip_rel_gap": NEAR_ENOUGH},
        )
    if found.x is None:
        return None
    return Whole(largest_shares(problem, matrix, found.x), -float(found.mip_dual_bound))


def matrix_of(problem: Problem, rows: Rows) -> Matrix:
    """Return the variables and rows of a problem, customers by position, options in order."""
    block = problem.block(slice(0, problem.count))
    customer, option = np.nonzero(np.isfinite(block.profit.T))
    group = np.zeros(problem.count, np.int64) if block.group is None else block.group
    at = (group[customer], option)
    use = rows.per_head[:, *at]
    if block.cost is not None:
        use = use + rows.per_cost[:, *at] * block.cost[option, customer]
    ones = np.ones(len(customer))
    one_each = csr_array(
        (ones, (customer, np.arange(len(customer)))), shape=(problem.count, len(customer)), dtype=np.float64
    )
    return Matrix(
        customer,
        option,
        block.profit[option, customer].astype(np.float64),
        csr_array(vstack([one_each, csr_array(use)])),
        np.concatenate([np.ones(problem.count), rows.limit]),
    )


def largest_shares(problem: Problem, matrix: Matrix, shares: Floats) -> Codes:
    """Return for each customer the option of its largest share, NONE where none has more than a half."""
    choice = np.full(problem.count, NONE, dtype=np.int16)
    taken = shares > 0.5
    choice[matrix.customer[taken]] = matrix.option[taken]
    return choice
