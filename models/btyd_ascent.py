"""Climb a log likelihood from several starts, and certify where it ended.

The starts climb on coarse rows first, where a step costs little, then each from its end on all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from contracts.training import Floats
from models.btyd_rows import MOST_COARSE_ROWS, Rows
from models.contract import NoFit

FARTHEST = 9.0  # each log parameter lies within it; times are in units of the mean age
_FLAT = 1e-4  # a slope (per customer and log parameter) that counts as a summit
_LOWEST = -1e10
# Returns the log likelihood of all rows and its slope by the logarithm of each parameter.
Likelihood = Callable[[Floats, Rows], tuple[float, Floats]]


@dataclass(frozen=True)
class Summit:
    """Where the best start ended. spread: by how much the starts disagreed on the log likelihood."""

    log_parameters: Floats
    log_likelihood: float
    starts_converged: int
    spread: float
    at_bound: bool


def ascend(likelihood: Likelihood, rows: Rows, starts: Sequence[Sequence[float]]) -> Summit:
    """Return the best summit from starts (log parameters). NoFit if none converges."""
    coarse = rows.at_most(MOST_COARSE_ROWS)
    ends: list[tuple[float, list[float]]] = []
    for start in starts:
        place = np.asarray(start, dtype=np.float64)
        if len(coarse) < len(rows):
            place = _climb(likelihood, coarse, place)[1]
        height, place, converged = _climb(likelihood, rows, place)
        if converged:
            ends.append((height, place.tolist()))
    if not ends:
        raise NoFit(f"no start converged on {int(rows.weight.sum())} customers")
    best, where = max(ends)
    spread = best - min(height for height, _ in ends)
    at_bound = any(abs(value) > FARTHEST - 0.01 for value in where)
    return Summit(np.array(where), best, len(ends), spread, at_bound)


def _climb(likelihood: Likelihood, rows: Rows, start: Floats) -> tuple[float, Floats, bool]:
    """Return the log likelihood at the end, the end, and whether it is a summit (or at a bound)."""
    from scipy.optimize import minimize  # here, since serving needs none of it

    customers = float(rows.weight.sum())

    def depth(place: Floats) -> tuple[float, Floats]:
        height, slope = likelihood(place, rows)
        if not (np.isfinite(height) and np.isfinite(slope).all()):
            return -_LOWEST, np.zeros(len(place))
        return -height / customers, -slope / customers

    bounds = [(-FARTHEST, FARTHEST)] * len(start)
    with np.errstate(all="ignore"):
        found = minimize(
            depth,
            np.clip(start, -FARTHEST, FARTHEST),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": 300, "ftol": 1e-13, "gtol": 1e-7},
        )
    # A slope that points out of the bounds does not count.
    inside = np.clip(found.x - found.jac, -FARTHEST, FARTHEST) - found.x
    flat = bool(np.max(np.abs(inside)) < _FLAT) and found.fun < -_LOWEST
    return -float(found.fun) * customers, np.asarray(found.x), flat
