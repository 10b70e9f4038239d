"""From choices that nearly meet the limits to choices that meet all of them, and use what is left."""

from __future__ import annotations

import numpy as np

from campaigns.knapsack.moves import Search, State, found_moves, take
from campaigns.knapsack.problem import Bools, Floats

ROUNDS = 24  # over all broken rows
WAVES = 12  # over one row, and of filling up
WORTH_A_WAVE = 1e-7  # of the profit


def repaired(state: State, prices: Floats) -> bool:
    """Move customers at the least loss until no row is broken, and return whether this was reached.

    Lower limits come first and may break upper ones, which then may not break lower ones; where this gets nowhere it is
    tried the other way round, at higher prices for what is still broken.
    """
    floors = state.rows.floors
    for turn in range(ROUNDS):
        if not state.broken().any():
            return True
        first, last = (floors, ~floors) if turn % 2 == 0 else (~floors, floors)
        relieve_all(state, prices, first, free=last)
        relieve_all(state, prices, last, free=np.zeros_like(last))
        prices = np.where(state.broken(), 2.0 * prices + prices.max(initial=0.0) * 0.01, prices)
    return not state.broken().any()


def relieve_all(state: State, prices: Floats, which: Bools, *, free: Bools) -> None:
    """Relieve the broken rows among `which`, the dearest first; the rows that are `free` may be broken by it."""
    excess = np.where(state.broken() & which, -state.slack * np.maximum(prices, 1e-9), -1.0)
    for row in np.argsort(-excess, kind="stable")[: int((excess >= 0).sum())]:
        relieve(state, prices, int(row), free)


def relieve(state: State, prices: Floats, row: int, free: Bools) -> None:
    """Move the customers who lose least per unit until a row is within its limit, or no move is left."""
    for _ in range(WAVES):
        before = state.slack[row]
        if not state.broken()[row]:
            return
        room = state.room(free)
        moves = found_moves(state, Search(prices, room, relief=row))
        take(state, moves.best_first(), room, relief=row)
        if state.slack[row] <= before:
            return


def filled(state: State, prices: Floats, profit: float) -> float:
    """Make moves that earn and fit, the best by the prices first, while a wave is worth it; return the profit then."""
    nothing = np.zeros(len(state.rows), dtype=np.bool_)
    for _ in range(WAVES):
        room = state.room(nothing)
        moves = found_moves(state, Search(prices, room))
        if not len(moves):
            break
        gained = take(state, moves.best_first(), room)
        profit += gained
        if gained <= WORTH_A_WAVE * abs(profit):
            break
    return profit
