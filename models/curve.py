"""The curve h -> P(order within h days), kept at CURVE_KNOTS and read anywhere.

Between knots the cumulative hazard -log(1 - P) is linear, from 0 at 0 days.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.tables import CURVE_KNOTS
from contracts.training import Floats
from models.contract import LARGEST_P as LARGEST_P

Ints = NDArray[np.int64]
_DAYS = np.array((0, *CURVE_KNOTS), dtype=np.float64)


def rising(p: Floats) -> Floats:
    """Return the least curves above `p` (n, k) that never fall."""
    return np.asarray(np.minimum(np.maximum.accumulate(p, axis=1), LARGEST_P))


def at_horizon(curve: Floats, horizon: float) -> Floats:
    """Return P(order within `horizon` days) from curves (n, >= k) at CURVE_KNOTS.

    Raises ContractError for a horizon below 0 or beyond the last knot.
    """
    if not 0 <= horizon <= _DAYS[-1]:
        raise ContractError(f"a horizon of {horizon} days is not on the curve (0 to {CURVE_KNOTS[-1]})")
    if horizon == 0:
        return np.zeros(len(curve))
    right = int(np.searchsorted(_DAYS, horizon))
    if _DAYS[right] == horizon:
        return np.asarray(curve[:, right - 1])
    hazard = _hazard(curve[:, : len(CURVE_KNOTS)])
    low, high = hazard[:, right - 1], hazard[:, right]
    share = (horizon - _DAYS[right - 1]) / (_DAYS[right] - _DAYS[right - 1])
    before = curve[:, right - 2] if right > 1 else np.zeros(len(curve))
    # Rounding shall not make the curve fall where it is flat.
    return np.clip(-np.expm1(-(low + share * (high - low))), before, curve[:, right - 1])


def between(knots: Sequence[float], sums: Floats, horizon: float) -> Floats:
    """Return what has been summed up by `horizon` days, from sums (n, k) at ascending knots; 0 at 0 days; (n,)."""
    days = np.array((0, *knots), dtype=np.float64)
    right = int(np.searchsorted(days, horizon))
    if right == 0:
        return np.zeros(len(sums))
    if days[right] == horizon:
        return np.asarray(sums[:, right - 1])
    share = (horizon - days[right - 1]) / (days[right] - days[right - 1])
    before = sums[:, right - 2] if right > 1 else np.zeros(len(sums))
    return np.asarray((1.0 - share) * before + share * sums[:, right - 1])


def next_order_days(curve: Floats, share: float) -> Floats:
    """Return the day by which `share` of those who order within the last knot have ordered; (n,)."""
    return next_orders(curve, (share,))[0]


def next_orders(curve: Floats, shares: Sequence[float]) -> Floats:
    """Return the same for several shares; (len(shares), n)."""
    hazard = _hazard(curve[:, : len(CURVE_KNOTS)])
    rows = np.arange(len(curve))
    return np.array([_when(hazard, rows, share * curve[:, len(CURVE_KNOTS) - 1]) for share in shares])


def _when(hazard: Floats, rows: Ints, chance: Floats) -> Floats:
    """Return the day by which the chance of an order has reached `chance` (n,)."""
    wanted = -np.log1p(-chance)
    right = np.minimum(np.maximum((hazard < wanted[:, None]).sum(axis=1), 1), len(CURVE_KNOTS))
    low, high = hazard[rows, right - 1], hazard[rows, right]
    part = np.where(high > low, (wanted - low) / np.where(high > low, high - low, 1.0), 1.0)
    part = np.minimum(np.maximum(part, 0.0), 1.0)
    return np.asarray(_DAYS[right - 1] + part * (_DAYS[right] - _DAYS[right - 1]))


def _hazard(curve: Floats) -> Floats:
    """Return the cumulative hazard at 0 and at the knots; (n, k + 1)."""
    found = np.zeros((len(curve), curve.shape[1] + 1))
    found[:, 1:] = -np.log1p(-np.minimum(curve, LARGEST_P))
    return found
