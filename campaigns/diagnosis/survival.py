"""How soon something comes, when some have not been watched to the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from contracts.intervals import wilson
from features.kernel.running import Bools, Floats, Ints


@dataclass(frozen=True)
class Curve:
    """The share to whom it happened within each of `days` days, with 95 % intervals; NaN beyond what is observed.

    share, lower, upper: (k,). plain: (k,) the share among only those who were watched for so many days; of: (k,) how
    many these are. customers: all that are watched.
    """

    days: tuple[int, ...]
    share: Floats
    lower: Floats
    upper: Floats
    plain: Floats
    of: Ints
    customers: int

    def at(self, day: int) -> tuple[float, float, float]:
        """Return the share and its interval within one of the days."""
        place = self.days.index(day)
        return float(self.share[place]), float(self.lower[place]), float(self.upper[place])


def curve(wait: Floats, seen: Ints, days: tuple[int, ...]) -> Curve:
    """Return how soon it came: wait (n,) days until it did, infinite if not yet; seen (n,) days watched.

    Who is not watched to the end counts for as long as they are: Kaplan and Meier (1958), equation 2b. Intervals:
    score intervals at the effective number of customers that Greenwood's variance implies (Dorey and Korn, 1987), so
    that with everybody watched to the end they are those of the plain share.
    """
    asked = np.array(days)
    top = int(max(asked.max(), 1)) + 1
    came = wait <= seen
    until = np.minimum(np.where(came, wait, seen), top).astype(np.int64)
    happened = np.bincount(until[came], minlength=top + 1)[: top + 1].astype(np.float64)
    watched = len(wait) - np.concatenate(([0], np.cumsum(np.bincount(until, minlength=top + 1))))[: top + 1]
    still, spread = _product_limit(happened, watched.astype(np.float64))
    known = (watched[asked] > 0) | (still[asked] == 0.0)
    share = np.where(known, 1.0 - still[asked], np.nan)
    at_risk = np.maximum(watched[asked], 1).astype(np.float64)
    effective = _effective(share, still[asked] ** 2 * spread[asked], at_risk)
    lower, upper = wilson(share, effective)
    plain, of = _plain(wait, seen, asked)
    return Curve(tuple(days), share, lower, upper, plain, of, len(wait))


def _product_limit(happened: Floats, watched: Floats) -> tuple[Floats, Floats]:
    """Return the share left after each day, and the sum in Greenwood's formula."""
    at_risk = np.maximum(watched, 1.0)
    left = at_risk - happened
    some = (happened > 0) & (left > 0)
    steps = np.divide(happened, at_risk * left, out=np.zeros_like(left), where=some)
    return np.asarray(np.cumprod(left / at_risk), np.float64), np.cumsum(steps)


def _effective(share: Floats, variance: Floats, watched: Floats) -> Floats:
    """Return how many customers, all watched to the end, would give the same variance."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found = share * (1.0 - share) / variance
    usable: Bools = np.isfinite(found) & (found > 0)
    return np.where(usable, found, watched)


def _plain(wait: Floats, seen: Ints, asked: Ints) -> tuple[Floats, Ints]:
    of = np.array([int((seen >= day).sum()) for day in asked])
    count = np.array([int(((seen >= day) & (wait <= day)).sum()) for day in asked])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(of > 0, count / of, np.nan), of
