"""Customers in the order of a score, under many resamplings: running counts instead of sorting again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.training import Floats

# How often each customer was drawn; (draws, n).
Weights = NDArray[np.uint8]
Ints = NDArray[np.int64]

BEST_SHARE = 0.1


@dataclass(frozen=True)
class Ranking:
    """n customers sorted by a score, best first, and the m of them who hold some amount (orders, currency).

    order: (n,); place: (m,) where the holders stand; above, until: (m,) rows before and up to the end of the
    holder's run of equal scores; last: (m,) the last holder of the run; amount: (m,).
    """

    order: Ints
    place: Ints
    above: Ints
    until: Ints
    last: Ints
    amount: Floats

    @staticmethod
    def of(score: Floats, amount: Floats) -> Ranking:
        """Sort; a score that is not known (NaN) must not be given."""
        order = np.argsort(-score, kind="stable")
        ordered = -score[order]
        place = np.flatnonzero(amount[order] != 0)
        above = np.searchsorted(ordered, ordered[place], "left")
        until = np.searchsorted(ordered, ordered[place], "right")
        last = np.searchsorted(above, above, "right") - 1
        return Ranking(order, place, above, until, last, amount[order][place])

    def under(self, weights: Weights) -> Ranked:
        """Return what the metrics need under each draw; (draws, n) weights."""
        counts = np.zeros((len(weights), len(self.order) + 1), dtype=np.int32)
        ordered = weights.take(self.order, axis=1)
        np.cumsum(ordered, axis=1, dtype=np.int32, out=counts[:, 1:])
        held = ordered.take(self.place, axis=1)
        above, until = counts.take(self.above, axis=1), counts.take(self.until, axis=1)
        return Ranked(self, counts[:, -1].astype(np.float64), held, above, until)


@dataclass(frozen=True)
class Ranked:
    """A ranking under draws.

    rows: (draws,) in all; held: (draws, m) how often each holder was drawn; above, until: (draws, m) as in Ranking.
    """

    ranking: Ranking
    rows: Floats
    held: Weights
    above: NDArray[np.int32]
    until: NDArray[np.int32]

    @property
    def total(self) -> Floats:
        """The amount in all; (draws,)."""
        return np.asarray(self.held @ self.ranking.amount)

    def ranks(self) -> Floats:
        """Return the sum over all amounts of amount times rank, worst 1, equals sharing their mean; (draws,)."""
        places = np.add(self.above, self.until, dtype=np.float64)
        spent = self.held * self.ranking.amount
        return np.asarray((self.rows + 0.5) * self.total - 0.5 * np.einsum("dm,dm->d", spent, places))

    def captured(self) -> Floats:
        """Return the amount that the best tenth of the rows hold; (draws,)."""
        inside = best_of(self.rows)[:, None] - self.above
        np.clip(inside, 0, self.until - self.above, out=inside)
        part = inside / np.maximum(self.until - self.above, 1)
        return np.asarray(np.einsum("dm,dm->d", self.held * self.ranking.amount, part))

    def precision(self) -> Floats:
        """Return the mean share of holders above and at each holder: the average precision; (draws,)."""
        found = np.cumsum(self.held, axis=1, dtype=np.int32)
        at = found if self._alone else found.take(self.ranking.last, axis=1)
        precision = at / np.maximum(self.until, 1)
        return ratio(np.einsum("dm,dm->d", self.held, precision), self.held.sum(axis=1, dtype=np.float64))

    @property
    def _alone(self) -> bool:
        return bool((self.ranking.last == np.arange(len(self.ranking.last))).all())


def best_of(rows: Floats) -> NDArray[np.int32]:
    """Return how many rows are the best tenth, at least one; (draws,)."""
    return np.maximum(1, np.rint(BEST_SHARE * rows)).astype(np.int32)


def ratio(above: Floats, below: Floats) -> Floats:
    """Return above / below, NaN where `below` is 0."""
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below != 0)
