"""Let the customers of a world order, and write their orders as order lines."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from contracts.errors import DeclarationError, nearest
from contracts.tables import ORDER_LINES, REQUIRED_LINE_COLUMNS
from experiments.known_worlds.laws import AHEAD, AS_OF, DAYS, LAWS, AnyTime, Floats, Ints, Law, World
from features.kernel.buffers import as_arrow

SPEND_P, SPEND_Q, SPEND_V = 6.0, 4.0, 15.0  # Gamma-Gamma: 30 is the mean amount of an order
_DAY_MICROSECONDS = 86_400_000_000


@dataclass(frozen=True)
class Drawn:
    """The orders of n customers up to AHEAD days after the as-of day, by customer and time.

    customer, time, amount: (orders,). Every customer first orders by the end of the as-of day.
    """

    world: World
    customers: int
    customer: Ints
    time: Floats
    amount: Floats

    def lines(self, *, until: int) -> pa.Table:
        """Return the order lines (contracts.tables.ORDER_LINES) up to the end of a day."""
        kept = np.flatnonzero(self.time < until + 1 - self.world.first_day)
        at = np.floor((self.time[kept] + self.world.first_day) * _DAY_MICROSECONDS).astype(np.int64)
        count, width = len(kept), len(str(self.customers))
        no = np.zeros(count, dtype=np.bool_)
        columns = {
            "customer_id": pa.array([f"{i:0{width}d}" for i in self.customer[kept].tolist()]),
            "order_id": pa.array([f"o{i}" for i in kept.tolist()]),
            "line": as_arrow(np.ones(count, dtype=np.int32), pa.int32()),
            "ordered_at": as_arrow(at, pa.timestamp("us")),
            "day": as_arrow((at // _DAY_MICROSECONDS).astype(np.int32), pa.int32()),
            "amount": as_arrow(self.amount[kept], pa.float64()),
            "quantity": as_arrow(np.ones(count), pa.float64()),
            "returned": as_arrow(no, pa.bool_()),
            "reverses": as_arrow(no, pa.bool_()),
            "cancelled_day": pa.nulls(count, pa.int32()),
        }
        return pa.table(columns, schema=pa.schema([ORDER_LINES.field(n) for n in REQUIRED_LINE_COLUMNS]))

    def bought(self, horizon: int) -> Floats:
        """Return who orders in the days as_of+1 ... as_of+horizon, 0 or 1; (customers,) in the order of ids."""
        if not 1 <= horizon <= AHEAD:
            raise DeclarationError(f"the horizon is {horizon} days; a world knows 1 to {AHEAD} days ahead.")
        inside = (self.time >= self.world.days) & (self.time < self.world.days + horizon)
        return (np.bincount(self.customer[inside], minlength=self.customers) > 0).astype(np.float64)


def draw(
    law: str | Law, *, customers: int = 20_000, seed: int = 1, days: int = DAYS, as_of: int = AS_OF
) -> Drawn:
    """Let so many customers order; the same arguments give the same orders.

    law: a name of LAWS, or one of your own. days: the history, up to the end of as_of. New customers come as busy
    days pass. Raises DeclarationError for an unknown name.
    """
    world = World(_law(law), as_of, days)
    chance = np.random.default_rng(np.random.SeedSequence([seed, customers, days]))
    first = chance.random(customers) * world.busy_at(days)
    customer, busy = _Crowd.draw(world, first, chance).orders(world, first, chance)
    order = np.lexsort((busy, customer))
    customer, time = customer[order], world.time(busy[order])
    scale = SPEND_V / chance.gamma(SPEND_Q, 1.0, customers)
    amount = np.round(scale[customer] * chance.gamma(SPEND_P, 1.0, len(customer)) + 0.01, 2)
    return Drawn(world, customers, customer, time, amount)


def _law(law: str | Law) -> Law:
    if isinstance(law, Law):
        return law
    if law not in LAWS:
        raise DeclarationError(
            f"there is no world '{law}'{nearest(law, LAWS) or '.'} Known: {', '.join(LAWS)}."
        )
    return LAWS[law]


@dataclass(frozen=True)
class _Crowd:
    """What is true of each customer, and stays hidden; (n,) each.

    rate: orders per busy day; stages: of a gap; leaves: chance to leave after an order; until: time of leaving.
    """

    rate: Floats
    stages: Ints
    leaves: Floats
    until: Floats

    @staticmethod
    def draw(world: World, first: Floats, chance: np.random.Generator) -> _Crowd:
        """Draw the customers who first order at these busy times."""
        law, n, since = world.law, len(first), world.time(first)
        slower, leavier = world.cohort(since)
        rate = np.maximum(chance.gamma(law.r, 1.0, n) / (law.alpha * slower), 1e-9)
        kinds, shares = zip(*law.stages, strict=True)
        stages = chance.choice(np.array(kinds), n, p=shares)
        if isinstance(law.leaves, AnyTime):
            speed = np.maximum(chance.gamma(law.leaves.s, 1.0, n) / law.leaves.beta, 1e-12)
            return _Crowd(rate, stages, np.zeros(n), since + chance.exponential(1.0, n) / speed)
        leaves = chance.beta(law.leaves.a * leavier, law.leaves.b)
        return _Crowd(rate, stages, leaves, np.full(n, math.inf))

    def orders(self, world: World, first: Floats, chance: np.random.Generator) -> tuple[Ints, Floats]:
        """Return the customer and the busy time of every order, the first ones included; (orders,) each."""
        end = world.busy_at(world.days + AHEAD)
        who, busy = np.arange(len(first)), first
        found = [(who, busy)]
        may_leave = not isinstance(world.law.leaves, AnyTime) and world.law.leaves.first
        while len(who):
            if may_leave:
                stays = chance.random(len(who)) >= self.leaves[who]
                who, busy = who[stays], busy[stays]
            may_leave = True
            stages = self.stages[who]
            busy = busy + chance.standard_gamma(stages) / (stages * self.rate[who])
            comes = (busy < end) & (world.time(busy) < self.until[who])
            who, busy = who[comes], busy[comes]
            found.append((who, busy))
        return np.concatenate([who for who, _ in found]), np.concatenate([busy for _, busy in found])
