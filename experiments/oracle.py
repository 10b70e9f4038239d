"""The oracle: the best possible chance to buy again, given the same history and the true population parameters.

Bayes' rule, never the hidden state: what a customer's own rate and chance to leave may be is integrated over the
true distributions of the world (experiments/known_worlds), weighted with how well it explains the customer's orders
so far. No score that sees the same orders can have a lower expected log loss or a higher expected AUC.

Leaving at orders has a closed form in busy days. For one customer with gaps of k gamma stages, the likelihood of x
repeat orders, the last one `span` after the first, and a silence of c since then is (Platzer and Reutterer 2016)

    prod gap^(k-1) / Gamma(k)^x  (k rate)^(k x) exp(-k rate span)  (1-p)^m  [p + (1-p) S(c)]

m counts the orders before the last one after which the customer might have left: x, or x - 1 where nobody leaves
after the first. S(c) = sum over j < k of (k rate c)^j / j! exp(-k rate c) is the chance that k stages take longer
than c. An order in the next h busy days has (1-p) [S(c) - S(c+h)] in place of the bracket. Integrated over the gamma
and the beta, every term is a ratio of gamma functions. k = 1 gives BG/NBD and MBG/NBD.

Leaving at any time (Schmittlein, Morrison and Colombo 1987) leaves an integral over one moment: Gauss-Legendre in
the logarithm of alpha + busy time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import betaln, gammaln, logsumexp

from contracts.errors import ContractError
from contracts.training import Floats
from experiments.known_worlds import AnyTime, AtOrders, World
from features.kernel.buffers import as_numpy, in_one
from features.kernel.codes import group_heads

_NODES = 96
_ROWS = 20_000  # customers at a time
_DAY_MICROSECONDS = 86_400_000_000
_LEAST_GAP = 1e-9  # busy days
_LEAST_CHANCE = 1e-16  # of an order, given who is still here; below it the difference has no digits


@dataclass(frozen=True)
class Seen:
    """What the history tells of n customers; (n,) each.

    x: repeat orders; first, last: times of the first and the last order, in days since the world's first day;
    span, silent: busy days from the first order to the last, and from there to the end of the as-of day;
    log_gaps: sum of the logarithms of the gaps in busy days.
    """

    x: Floats
    first: Floats
    last: Floats
    span: Floats
    silent: Floats
    log_gaps: Floats

    @staticmethod
    def of(world: World, lines: pa.Table) -> Seen:
        """Read order lines, one per order, by customer and time; ContractError for one after the as-of day."""
        at = as_numpy(in_one(lines["ordered_at"])) / _DAY_MICROSECONDS - world.first_day
        if (at >= world.days).any():
            raise ContractError(
                "the oracle was given orders after the as-of day: Drawn.lines(until=world.as_of)"
            )
        heads, _ = group_heads(lines["customer_id"])
        ends = np.append(heads[1:], len(at)) - 1
        busy = world.busy(at)
        gaps = np.maximum(np.diff(busy, prepend=0.0), _LEAST_GAP)
        gaps[heads] = 1.0
        silent = world.busy_at(world.days) - busy[ends]
        logs = np.add.reduceat(np.log(gaps), heads)
        x = (ends - heads).astype(np.float64)
        return Seen(x, at[heads], at[ends], busy[ends] - busy[heads], silent, logs)

    def take(self, rows: slice) -> Seen:
        """Return some customers."""
        return Seen(**{name: values[rows] for name, values in vars(self).items()})


def chances(world: World, lines: pa.Table, horizon: float) -> Floats:
    """Return P(at least one order in the `horizon` days after the as-of day); (n,) in the order of the ids.

    lines: the orders up to the end of the as-of day (ORDER_LINES, one line per order).
    """
    return chances_given(world, Seen.of(world, lines), horizon)


def chances_given(world: World, seen: Seen, horizon: float) -> Floats:
    """Return the same from what the history tells; (n,)."""
    leaves = world.law.leaves
    if isinstance(leaves, AtOrders):
        return _leaving_at_orders(world, leaves, seen, horizon)
    pieces = [seen.take(slice(i, i + _ROWS)) for i in range(0, len(seen.x), _ROWS)]
    return np.concatenate([_leaving_any_time(world, leaves, piece, horizon) for piece in pieces])


def _leaving_at_orders(world: World, leaves: AtOrders, seen: Seen, horizon: float) -> Floats:
    ahead = world.busy_at(world.days + horizon) - world.busy_at(world.days)
    slower, _ = world.cohort(seen.first)
    gone, here = _log_left_or_here(world, leaves, seen)
    buys, seen_at_all = [], []
    for k, share in world.law.stages:
        shape, scale = world.law.r + k * seen.x, world.law.alpha * slower + k * seen.span
        orders = np.log(share) + seen.x * (k * np.log(k) - gammaln(k)) + (k - 1) * seen.log_gaps
        left = gammaln(shape) - shape * np.log(scale)
        silent = _log_silent(k, shape, scale, seen.silent)
        still_silent = _log_silent(k, shape, scale, seen.silent + ahead)
        buys.append(
            orders + here + silent + np.log(np.maximum(-np.expm1(still_silent - silent), _LEAST_CHANCE))
        )
        seen_at_all.append(orders + np.logaddexp(gone + left, here + silent))
    return np.asarray(np.exp(logsumexp(buys, axis=0) - logsumexp(seen_at_all, axis=0)))


def _log_left_or_here(world: World, leaves: AtOrders, seen: Seen) -> tuple[Floats, Floats]:
    """Return log E[(1-p)^m p] and log E[(1-p)^(m+1)]; of a first order after which nobody leaves, of 0 and 1."""
    _, leavier = world.cohort(seen.first)
    a, m = leaves.a * leavier, seen.x if leaves.first else np.maximum(seen.x - 1.0, 0.0)
    gone = betaln(a + 1.0, leaves.b + m) - betaln(a, leaves.b)
    here = betaln(a, leaves.b + m + 1.0) - betaln(a, leaves.b)
    never = (seen.x == 0) & (not leaves.first)
    return np.where(never, -np.inf, gone), np.where(never, 0.0, here)


def _log_silent(k: int, shape: Floats, scale: Floats, silent: Floats) -> Floats:
    """Return log of the integral of rate^(shape-1) exp(-rate scale) S(silent) over the rate; (n,)."""
    stages = np.arange(k, dtype=np.float64)[:, None]
    passed = stages * np.log(k * np.maximum(silent, _LEAST_GAP)) - gammaln(stages + 1.0)
    terms = passed + gammaln(shape + stages) - (shape + stages) * np.log(scale + k * silent)
    return np.asarray(logsumexp(terms, axis=0))


def _leaving_any_time(world: World, leaves: AnyTime, seen: Seen, horizon: float) -> Floats:
    """Return comes / (here + left), each integrated over the two rates; (n,).

    here: silent and still a customer at the end of the as-of day; left: silent since leaving at a moment after the
    last order; comes: still a customer, and the next order is at a moment in the horizon.
    """
    law, now = world.law, np.full(len(seen.x), float(world.days))
    shape, alpha = law.r + seen.x, law.alpha * world.cohort(seen.first)[0]
    here = -shape * np.log(alpha + seen.span + seen.silent) - leaves.s * np.log(
        leaves.beta + now - seen.first
    )
    moments = _Moments.between(world, seen.first, alpha, (seen.last, now))
    left = np.log(leaves.s) + moments.integral(shape, leaves.beta, leaves.s + 1.0, per_day=True)
    moments = _Moments.between(world, seen.first, alpha, (now, now + horizon))
    comes = np.log(shape) + moments.integral(shape + 1.0, leaves.beta, leaves.s, per_day=False)
    return np.asarray(np.exp(comes - np.logaddexp(here, left)))


@dataclass(frozen=True)
class _Moments:
    """Gauss-Legendre nodes between two times of each customer, evenly spread in log(alpha + busy days); (n, nodes).

    log_busy: log(alpha + busy days since the first order); age: days since then; pace: busy days per day there;
    log_weight: of the nodes.
    """

    log_busy: Floats
    age: Floats
    pace: Floats
    log_weight: Floats

    @staticmethod
    def between(world: World, first: Floats, alpha: Floats, ends: tuple[Floats, Floats]) -> _Moments:
        """Spread the nodes; first, alpha and both ends: (n,)."""
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        begun = world.busy(first)
        low, high = (np.log(alpha + world.busy(time) - begun) for time in ends)
        log_busy = low[:, None] + (high - low)[:, None] * (nodes + 1.0) / 2.0
        time = world.time(np.exp(log_busy) + (begun - alpha)[:, None])
        day = np.floor(time)
        log_weight = np.log(weights / 2.0) + np.log(np.maximum(high - low, 1e-300))[:, None]
        return _Moments(log_busy, time - first[:, None], world.busy(day + 1.0) - world.busy(day), log_weight)

    def integral(self, shape: Floats, beta: float, leaving: float, *, per_day: bool) -> Floats:
        """Return log of the integral of (alpha + busy)^-shape (beta + age)^-leaving over days, or busy days; (n,)."""
        terms = -(shape[:, None] - 1.0) * self.log_busy - leaving * np.log(beta + self.age) + self.log_weight
        return np.asarray(logsumexp(terms - np.log(self.pace) if per_day else terms, axis=1))
