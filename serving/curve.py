"""The chance curve: P(order within h days) at any h, from its stored knots."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

_ALMOST_ONE = 1.0 - 1e-12


def chance_within(days: int, knots: Sequence[int], chances: Sequence[float]) -> float:
    """Return P(order within `days`): -log(1 - P) is linear between the knots, and P(0) = 0.

    `days` must lie in 1 … the last knot (ValueError).
    """
    at = bisect_left(knots, days)
    if days < 1 or at == len(knots):
        raise ValueError(f"days must lie in 1 to {knots[-1]}")
    if knots[at] == days:
        return chances[at]
    low_days, low = (knots[at - 1], _hazard(chances[at - 1])) if at else (0, 0.0)
    share = (days - low_days) / (knots[at] - low_days)
    return -math.expm1(-(low + share * (_hazard(chances[at]) - low)))


def _hazard(chance: float) -> float:
    return -math.log1p(-min(chance, _ALMOST_ONE))
