"""Single moves: one customer changes from what it takes to another option, or to none, if all rows allow it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from campaigns.knapsack.problem import Block, Bools, Codes, Floats, Ints, Problem
from campaigns.knapsack.rows import Rows
from campaigns.knapsack.sweep import NONE, per_customer, priced, taken_of, totals

ROUNDING = 1e-3  # of what counts as equal: room for the rounding of sums only
ROUNDS = 40  # of taking the moves that fit, each after the room that is left


@dataclass
class State:
    """Where a plan stands: its choices (n,) and the slack (m,) of each row, below 0 where a row is broken."""

    problem: Problem
    rows: Rows
    choice: Codes
    slack: Floats

    @classmethod
    def of(cls, problem: Problem, rows: Rows, choice: Codes) -> State:
        """Return the state of given choices."""
        taken = totals(problem, choice)
        return cls(problem, rows, choice, rows.limit - rows.use(taken.counts, taken.spent))

    def broken(self) -> Bools:
        """Which rows are beyond their limit; (m,)."""
        return self.slack < -self.rows.nearest

    def room(self, free: Bools) -> Floats:
        """Return how much more a row may be used (m,), without end for the rows that are `free` for now."""
        return np.where(free, np.inf, np.maximum(self.slack, 0.0) + ROUNDING * self.rows.nearest)


@dataclass(frozen=True)
class Moves:
    """c moves. customer: positions; group, old, new: codes (old and new: options, the last one is none); costs of both.

    score: what the move is worth by the prices; gain: its profit.
    """

    customer: Ints
    group: Ints
    old: Ints
    new: Ints
    old_cost: Floats
    new_cost: Floats
    score: Floats
    gain: Floats

    def __len__(self) -> int:
        return len(self.customer)

    def picked(self, which: Ints | Bools) -> Moves:
        """Return some of the moves."""
        return Moves(*(one[which] for one in vars(self).values()))

    def best_first(self) -> Moves:
        """Return the moves by score; equals by customer."""
        return self.picked(np.argsort(-self.score, kind="stable"))

    def change(self, rows: Rows, row: int) -> Floats:
        """Return by how much each move changes the use of a row; (c,)."""
        heads, costs = with_none(rows.per_head[row]), with_none(rows.per_cost[row])
        change = heads[self.group, self.new] - heads[self.group, self.old]
        if costs.any():
            change += costs[self.group, self.new] * self.new_cost
            change -= costs[self.group, self.old] * self.old_cost
        return np.asarray(change)


_NO, _NOTHING = np.empty(0, np.int64), np.empty(0)
NO_MOVES = Moves(_NO, _NO, _NO, _NO, _NOTHING, _NOTHING, _NOTHING, _NOTHING)


def with_none(table: Floats) -> Floats:
    """Return a table (…, options) with one more option at its end that uses nothing."""
    return np.concatenate([table, np.zeros((*table.shape[:-1], 1))], axis=-1)


@dataclass(frozen=True)
class Search:
    """Which moves are looked for.

    prices: (m,); room: (m,) by how much a move may raise each row. relief: the row whose use must fall; the moves that
    lose least per unit are the best. Without it a move must raise the profit.
    """

    prices: Floats
    room: Floats
    relief: int | None = None


def found_moves(state: State, search: Search) -> Moves:
    """Return each customer's best move of those that are looked for, in the order of customers."""
    parts = [*_by_chunk(state, search)] or [NO_MOVES]
    return Moves(
        *(np.concatenate(columns) for columns in zip(*(vars(one).values() for one in parts), strict=True))
    )


def _by_chunk(state: State, search: Search) -> Iterator[Moves]:
    rows = state.rows
    tables = rows.tables(search.prices)
    heads = with_none(rows.per_head)
    change = heads[:, :, None, :] - heads[:, :, :, None]  # (m, groups, old, new)
    fits = np.all((change <= search.room[:, None, None, None]) | (change <= 0), axis=0)
    frees = -change[search.relief] if search.relief is not None else None
    for which in state.problem.chunks():
        old = state.choice[which].astype(np.int64)
        old[old == NONE] = state.problem.options
        block = state.problem.block(which)
        kept = _touched(state, block, old, search.relief)
        if kept is not None:
            block, old = _some(block, kept), old[kept]
        moves = _Scan(block, old, rows, search, tables, fits, frees).best()
        at = moves.customer if kept is None else kept[moves.customer]
        yield replace(moves, customer=at + which.start)


def _touched(state: State, block: Block, old: Ints, relief: int | None) -> Ints | None:
    """Return the customers of a block that can relieve a row, None where this may be anyone."""
    if relief is None or state.rows.floors[relief]:
        return None
    used = with_none((state.rows.per_head[relief] > 0) | (state.rows.per_cost[relief] > 0)) > 0
    return np.flatnonzero(used[0 if block.group is None else block.group, old])


def _some(block: Block, kept: Ints) -> Block:
    return Block(
        block.profit[:, kept],
        None if block.cost is None else block.cost[:, kept],
        None if block.group is None else block.group[kept],
    )


@dataclass
class _Scan:
    """The search among the customers of one block. old: (b,) what each takes, `options` for none."""

    block: Block
    old: Ints
    rows: Rows
    search: Search
    tables: tuple[Floats, Floats]
    fits: Bools
    frees: Floats | None

    def best(self) -> Moves:
        """Return the best move of each customer that has one."""
        self.options, count = self.block.profit.shape
        self.group = np.zeros(count, np.int64) if self.block.group is None else self.block.group
        self.codes = np.where(self.old == self.options, NONE, self.old).astype(np.int16)
        self.profit_now = taken_of(self.block.profit, self.codes)
        self.cost_now = self._cost_now()
        self.priced_now = self._priced_now()
        score, new = np.full(count, -np.inf), np.full(count, self.options)
        for option in range(self.options + 1):
            now = self._score(option)
            better = now > score
            score[better], new[better] = now[better], option
        at = np.flatnonzero(score > -np.inf)
        return self._moves(at, new[at], score[at])

    def _cost_now(self) -> Floats:
        cost = self.block.cost
        return np.zeros(len(self.old)) if cost is None else taken_of(cost, self.codes)

    def _priced_now(self) -> Floats:
        heads, costs = (with_none(table) for table in self.tables)
        paid = heads[self.group, self.old] + costs[self.group, self.old] * self.cost_now
        return self.profit_now - paid

    def _moves(self, at: Ints, new: Ints, score: Floats) -> Moves:
        codes = np.where(new == self.options, NONE, new)
        block = self.block
        taken = (np.maximum(codes, 0), at)
        profit = np.where(codes >= 0, block.profit[taken], 0.0)
        cost = np.zeros(len(at)) if block.cost is None else np.where(codes >= 0, block.cost[taken], 0.0)
        gain = profit - self.profit_now[at]
        return Moves(at, self.group[at], self.old[at], new, self.cost_now[at], cost, score, gain)

    def _score(self, option: int) -> Floats:
        """Return what it is worth to each customer to change to an option; -inf where it may not."""
        none = option == self.options
        profit = np.zeros(len(self.old)) if none else self.block.profit[option]
        net = np.zeros(len(self.old)) if none else priced(self.block, option, *self.tables)
        score = np.asarray(net - self.priced_now, dtype=np.float64)
        allowed = self.fits[self.group, self.old, option] & (self.old != option)
        allowed &= self._affordable(option)
        if self.search.relief is None:
            return np.where(allowed & (profit > self.profit_now), score, -np.inf)
        freed = self._freed(option)
        allowed &= freed > 0
        return np.where(allowed, score / np.where(allowed, freed, 1.0), -np.inf)

    def _affordable(self, option: int) -> Bools:
        """Whether the rows of cost allow it; (b,)."""
        fine = np.ones(len(self.old), dtype=np.bool_)
        for row in np.flatnonzero(np.isfinite(self.search.room)):
            table = self.rows.per_cost[row]
            if not table.any() or (
                option < self.options and self.rows.sign[row] > 0 and not table[:, option].any()
            ):
                continue
            change = self._cost_change(int(row), option)
            fine &= (change <= self.search.room[row]) | (change <= 0)
        return fine

    def _freed(self, option: int) -> Floats:
        """By how much the use of the row to relieve falls; (b,)."""
        assert self.frees is not None and self.search.relief is not None
        freed = self.frees[self.group, self.old, option]
        if self.rows.per_cost[self.search.relief].any():
            freed = freed - self._cost_change(self.search.relief, option)
        return np.asarray(freed)

    def _cost_change(self, row: int, option: int) -> Floats:
        table = with_none(self.rows.per_cost[row])
        before = table[self.group, self.old] * self.cost_now
        if option == self.options or self.block.cost is None:
            return np.asarray(-before)
        return np.asarray(per_customer(table, option, self.group) * self.block.cost[option] - before)


def take(state: State, moves: Moves, room: Floats, *, relief: int | None = None) -> float:
    """Make the moves in their order as far as the room (m,) allows, and return their profit.

    With `relief` no more moves are made than this row needs.
    """
    gained, left = 0.0, moves
    changes = [moves.change(state.rows, row) for row in range(len(state.rows))]
    for _ in range(ROUNDS):
        many = _first_that_fit(changes, room, -state.slack[relief] if relief is not None else np.inf, relief)
        made = left.picked(np.arange(many))
        state.choice[made.customer] = np.where(made.new == state.problem.options, NONE, made.new)
        used = np.array([change[:many].sum() for change in changes])
        state.slack = state.slack - used
        room = room - np.maximum(used, 0.0)
        gained += float(made.gain.sum())
        fits = np.ones(len(left), dtype=np.bool_)
        fits[:many] = False
        for row, change in enumerate(changes):
            fits &= (change <= room[row]) | (change <= 0)
        if not fits.any() or (relief is not None and state.slack[relief] >= -state.rows.nearest[relief]):
            break
        left, changes = left.picked(fits), [change[fits] for change in changes]
    return gained


def _first_that_fit(changes: list[Floats], room: Floats, needed: float, relief: int | None) -> int:
    """Return how many of the first moves fit all rows together, and are needed."""
    many = len(changes[0]) if changes else 0
    for row, change in enumerate(changes):
        if np.isfinite(room[row]) and np.any(change > 0):
            over = np.flatnonzero(np.cumsum(np.maximum(change[:many], 0.0)) > room[row])
            many = int(over[0]) if len(over) else many
    if relief is not None:
        freed = np.cumsum(-changes[relief][:many])
        many = min(many, int(np.searchsorted(freed, needed * (1 - 1e-12))) + 1)
    return many
