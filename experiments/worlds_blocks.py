"""One block of customers of a generated shop, from its own seed: its order lines, events and truth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Self

import numpy as np
import pyarrow as pa

from contracts.days import to_day
from contracts.errors import DeclarationError
from experiments.worlds_customers import (
    EXPECTED_DAYS,
    MORE_LINES,
    Clock,
    Customers,
    Ints,
    Orders,
    draw_orders,
    expected_orders,
)
from experiments.worlds_events import draw_events
from experiments.worlds_lines import (
    RETURNS_SEEN,
    Goods,
    draw_returns,
    draw_sales,
    lines_table,
    numbered_ids,
)
from features.kernel.buffers import as_arrow

_PILOT_CUSTOMERS = 4_000
TRUTH = pa.schema(
    [
        pa.field("customer_id", pa.string()),
        pa.field("rate", pa.float64()),  # orders per busy day while alive
        pa.field("leaves", pa.float64()),  # chance to leave after an order
        pa.field("stages", pa.int32()),  # gamma stages of a gap: 1 is Poisson, more is a rhythm
        pa.field("alive", pa.bool_()),  # at the end of the last day
        pa.field("alive_until", pa.timestamp("us")),  # the order after which they left; null while alive
        pa.field("waited", pa.float64()),  # busy days from the last order to the end of the last day
        pa.field(f"expected_orders_{EXPECTED_DAYS}d", pa.float64()),
    ]
)


@dataclass(frozen=True)
class World:
    """A shop to generate.

    lines: how many order lines, within 1 % from 10,000 on; last_day: the last of `days` days; block_lines: order lines
    of one block.
    """

    lines: int
    seed: int = 1
    days: int = 730
    last_day: date = date(2025, 6, 30)
    block_lines: int = 500_000

    def __post_init__(self) -> None:
        if not 1 <= self.lines <= 5_000_000_000 or self.seed < 0 or not 30 <= self.days <= 20_000:
            raise DeclarationError(
                f"a world of {self.lines:,} lines, {self.days:,} days and seed {self.seed} cannot be generated. Give "
                "1 to 5,000,000,000 lines, 30 to 20,000 days and a seed of at least 0."
            )
        if to_day(self.last_day) - self.days < 0:
            raise DeclarationError(
                f"the history would begin before 1970: {self.days:,} days up to {self.last_day}."
            )


@dataclass(frozen=True)
class Block:
    """The tables of one block of customers; events and truth only where asked for."""

    lines: pa.Table
    returns: int
    customers: int
    orders: int
    events: pa.Table | None
    truth: pa.Table | None


@dataclass(frozen=True)
class Maker:
    """Everything that the blocks of a world share."""

    world: World
    clock: Clock
    goods: Goods
    blocks: int
    candidates: int  # customers drawn for a block; those beyond the wanted lines are left out
    id_digits: int

    @classmethod
    def of(cls, world: World) -> Self:
        """Prepare a world: its calendar, its products, and how many customers a block needs."""
        clock = Clock.of(world.last_day, world.days)
        blocks = max(1, round(world.lines / world.block_lines))
        mean, spread = _lines_per_customer(world.seed, clock)
        wanted = world.lines / blocks / mean
        candidates = math.ceil(1.02 * wanted + 5 * spread / mean * math.sqrt(wanted) + 10)
        digits = max(7, len(str(candidates * blocks)))
        return cls(world, clock, Goods.draw(world.seed), blocks, candidates, digits)

    def block(self, number: int, *, events: bool = False, truth: bool = False) -> Block:
        """Make one block, from its own seed."""
        chance = _generator(self.world.seed, 1 + number)
        customers = Customers.draw(self.candidates, chance)
        orders = draw_orders(customers, self.clock, chance)
        counts = 1 + chance.poisson(customers.more_lines[orders.customer])
        kept = self._kept_customers(number, orders, counts)
        orders, counts = _of_first_customers(orders, counts, kept)
        sales = draw_sales(customers, orders, self.clock, self.goods, counts, chance)
        back = draw_returns(sales, len(counts), self.clock, chance)
        ids = numbered_ids("c", number * self.candidates + 1 + np.arange(kept), self.id_digits)
        first = 1 + number * self.candidates * (2 + self.world.days // 30)  # more than a block has orders
        lines = lines_table(sales.and_then(back), customers, self.goods, ids, len(counts), first)
        happened = (
            draw_events(customers, orders, sales, self.clock, self.goods, ids, chance) if events else None
        )
        known = _truth(customers, orders, self.clock, ids) if truth else None
        return Block(lines, len(back.at), kept, len(counts), happened, known)

    def _kept_customers(self, number: int, orders: Orders, counts: Ints) -> int:
        """Return how many customers bring this block's share of the lines."""
        first, last = (self.world.lines * k // self.blocks for k in (number, number + 1))
        sold = np.cumsum(np.bincount(orders.customer, counts, self.candidates))
        wanted = (last - first) / (1 + RETURNS_SEEN)
        return max(1, int(np.argmin(np.abs(sold - wanted))) + 1)


def _of_first_customers(orders: Orders, counts: Ints, kept: int) -> tuple[Orders, Ints]:
    """Return the orders of the first `kept` customers, with the number of their lines."""
    rows = orders.customer < kept
    return (
        Orders(
            orders.customer[rows],
            orders.at[rows],
            orders.first[rows],
            orders.alive[:kept],
            orders.waited[:kept],
            orders.last_at[:kept],
        ),
        counts[rows],
    )


def _lines_per_customer(seed: int, clock: Clock) -> tuple[float, float]:
    """Return the mean and spread of a customer's lines, from customers drawn for this only."""
    chance = _generator(seed, 0, 1)
    customers = Customers.draw(_PILOT_CUSTOMERS, chance)
    orders = np.bincount(draw_orders(customers, clock, chance).customer)
    per_order = (1 + MORE_LINES) * (1 + RETURNS_SEEN)
    return float(orders.mean() * per_order), float(1.5 * orders.std() * per_order)


def _truth(customers: Customers, orders: Orders, clock: Clock, ids: pa.Array) -> pa.Table:
    kept = len(ids)
    some = Customers(**{name: values[:kept] for name, values in vars(customers).items()})
    expected = expected_orders(some, orders, ahead=clock.ahead(EXPECTED_DAYS))
    until = as_arrow(orders.last_at * 1_000_000, pa.timestamp("us"), valid=~orders.alive)
    return pa.table(
        [
            ids,
            as_arrow(some.rate, pa.float64()),
            as_arrow(some.leaves, pa.float64()),
            as_arrow(some.stages, pa.int32()),
            as_arrow(orders.alive, pa.bool_()),
            until,
            as_arrow(orders.waited, pa.float64()),
            as_arrow(expected, pa.float64()),
        ],
        schema=TRUTH,
    )


def _generator(*entropy: int) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(list(entropy))))
