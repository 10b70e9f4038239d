"""What each customer may buy next: products bought before and products never bought, each kind ranked by itself.

Bought before: score = weight * (demand + c)^power, weight as in Owned.
Never bought: score = (nearness + floor) * (demand of new buyers + c)^power, nearness the sum over what the
customer bought lately of how near that is (affinity.neighbours).
The weights were chosen on Online Retail II at five cutoffs up to 2011-04-15, 30 days ahead of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from scipy import sparse

from campaigns.products.affinity import neighbours, recent_weights
from campaigns.products.demand import GONE_AFTER_DAYS, Demand
from campaigns.products.favour import Favour
from campaigns.products.goods import Goods, without
from campaigns.products.owned import Owned
from features.kernel.running import Bools, Floats, Ints

_DEMAND_PRIOR = 0.1
_PARTNERS = 5  # recent products that are looked at to say what a pick goes with


@dataclass(frozen=True)
class Weights:
    """How the parts of a score are weighed; half-lives in days."""

    repeat_half_life: float = 365.0
    demand_half_life: float = 10.0
    repeat_demand_power: float = 0.5
    together_half_life: float = 30.0
    together_shrink: float = 5.0
    neighbours: int = 50
    recent_half_life: float = 120.0
    new_demand_half_life: float = 7.0
    new_demand_power: float = 0.5
    floor: float = 0.01
    most_new: int = 1_000  # products that are offered to those who never bought them: the most wanted
    gone_after_days: int = GONE_AFTER_DAYS


@dataclass(frozen=True)
class Ranked:
    """R candidates, by customer and rank (1 is best: by the score, times what favours the product).

    pair: the row in Owned, or -1; partner: the product that a new one goes with, -1 if none stands out.
    """

    customer: Ints
    product: Ints
    score: Floats
    rank: Ints
    pair: Ints
    partner: Ints

    @staticmethod
    def stack(parts: Sequence[Ranked]) -> Ranked:
        """Put candidates below each other."""
        return Ranked(
            **{
                one.name: np.concatenate([getattr(part, one.name) for part in parts])
                for one in fields(Ranked)
            }
        )


@dataclass(frozen=True)
class Candidates:
    """Everything that candidates are made from, at the end of a day. allowed: (P,) products that may be offered."""

    goods: Goods
    weights: Weights
    demand: Demand
    owned: Owned
    allowed: Bools

    @staticmethod
    def of(goods: Goods, *, weights: Weights | None = None, exclude: Ints | None = None) -> Candidates:
        """Prepare the candidates of all customers. exclude: places of products that may not be offered."""
        weights = weights or Weights()
        demand = Demand.of(
            goods,
            half_life_days=weights.demand_half_life,
            new_half_life_days=weights.new_demand_half_life,
            gone_after_days=weights.gone_after_days,
        )
        owned = Owned.of(goods, half_life_days=weights.repeat_half_life)
        allowed = ~demand.gone
        if exclude is not None:
            allowed = allowed & without(exclude, len(goods))
        return Candidates(goods, weights, demand, owned, allowed)

    # ------------------------------------------------------------ bought before
    def repeat(self, low: int, high: int, k: int, *, favour: Favour | None = None) -> Ranked:
        """Return the k best products bought before of customers low … high - 1.

        favour: what suits the stage of a customer's life.
        """
        owned, weights = self.owned, self.weights
        begin, end = np.searchsorted(owned.customer, (low, high))
        at = np.arange(begin, end)
        at = at[self.allowed[owned.product[at]] & ~owned.returned_often[at]]
        product, customer = owned.product[at], owned.customer[at]
        score = owned.weight[at] * (self.demand.sold[product] + _DEMAND_PRIOR) ** weights.repeat_demand_power
        favoured = score if favour is None else score * favour.of(customer, product)
        order = np.lexsort((product, -favoured, customer))
        rank = ranks(customer[order])
        order, rank = order[rank <= k], rank[rank <= k]
        nobody = np.full(len(order), -1)
        return Ranked(customer[order], product[order], score[order], rank, at[order], nobody)

    # ------------------------------------------------------------ never bought
    @cached_property
    def targets(self) -> Ints:
        """The products that may be new to somebody: allowed ones, the most wanted by new buyers."""
        wanted = np.where(self.allowed, self.demand.to_new_buyers, -1.0)
        best = np.lexsort((np.arange(len(wanted)), -wanted))[: self.weights.most_new]
        return np.sort(best[wanted[best] >= 0])

    @cached_property
    def _target_of(self) -> Ints:
        place = np.full(len(self.goods), -1)
        place[self.targets] = np.arange(len(self.targets))
        return place

    @cached_property
    def near(self) -> sparse.csr_array:
        """How near each product is to each target; (products, targets)."""
        weights = self.weights
        return neighbours(
            self.goods.purchases, self.targets, half_life_days=weights.together_half_life,
            shrink=weights.together_shrink, keep=weights.neighbours,
        )  # fmt: skip

    @cached_property
    def _near_keys(self) -> Ints:
        """Each stored (product, target) of `near` as one number, ascending."""
        rows = np.repeat(np.arange(self.near.shape[0]), np.diff(self.near.indptr))
        return rows * max(self.near.shape[1], 1) + self.near.indices

    def new(self, low: int, high: int, k: int, *, favour: Favour | None = None) -> Ranked:
        """Return the k best products never bought of customers low … high - 1; favour as for `repeat`."""
        weights, targets = self.weights, self.targets
        lately = recent_weights(
            self.goods.purchases, half_life_days=weights.recent_half_life, customers=slice(low, high)
        )
        score = (lately @ self.near).toarray() + weights.floor
        score *= (self.demand.to_new_buyers[targets] + _DEMAND_PRIOR) ** weights.new_demand_power
        if favour is not None:
            score *= favour.block(low, high, targets)
        begin, end = np.searchsorted(self.owned.customer, (low, high))
        bought = self._target_of[self.owned.product[begin:end]]
        score[self.owned.customer[begin:end][bought >= 0] - low, bought[bought >= 0]] = -np.inf
        customer, target, value = best_of_rows(score, k)
        partner = self._partners(lately, customer, target)
        nobody = np.full(len(customer), -1)
        if favour is not None:
            value = value / favour.of(customer + low, targets[target])
        return Ranked(customer + low, targets[target], value, ranks(customer), nobody, partner)

    def _partners(self, lately: sparse.csr_array, customer: Ints, target: Ints) -> Ints:
        """Return, of what the customer bought lately, the product that adds most to each candidate's score."""
        recent, weight = _heaviest(lately, _PARTNERS)
        keys, columns = self._near_keys, max(self.near.shape[1], 1)
        best, found = np.zeros(len(customer)), np.full(len(customer), -1)
        if not len(keys):
            return found
        for number in range(recent.shape[1]):
            product = recent[customer, number]
            key = product * columns + target
            at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
            hit = (product >= 0) & (keys[at] == key)
            adds = np.where(hit, weight[customer, number] * self.near.data[at], 0.0)
            better = adds > best
            best, found = np.where(better, adds, best), np.where(better, product, found)
        return found


def best_of_rows(score: Floats, k: int) -> tuple[Ints, Ints, Floats]:
    """Return row, column and value of the k largest of each row that are not -inf, largest first."""
    k = min(k, score.shape[1])
    if k < 1:
        empty = np.empty(0, dtype=np.int64)
        return empty, empty, np.empty(0)
    column = np.argpartition(-score, k - 1, axis=1)[:, :k] if k < score.shape[1] else _all_columns(score)
    value = np.take_along_axis(score, column, axis=1)
    row = np.repeat(np.arange(len(score)), k)
    column, value = column.ravel(), value.ravel()
    order = np.lexsort((column, -value, row))
    order = order[np.isfinite(value[order])]
    return row[order], column[order], value[order]


def _all_columns(score: Floats) -> Ints:
    return np.tile(np.arange(score.shape[1]), (len(score), 1))


def _heaviest(lately: sparse.csr_array, most: int) -> tuple[Ints, Floats]:
    """Return the `most` heaviest columns of each row and their weights; -1 where there are fewer; (rows, most) each."""
    rows = np.repeat(np.arange(lately.shape[0]), np.diff(lately.indptr))
    order = np.lexsort((lately.indices, -lately.data, rows))
    rank = ranks(rows[order]) - 1
    order, rank = order[rank < most], rank[rank < most]
    column, weight = np.full((lately.shape[0], most), -1), np.zeros((lately.shape[0], most))
    column[rows[order], rank], weight[rows[order], rank] = lately.indices[order], lately.data[order]
    return column, weight


def ranks(group: Ints) -> Ints:
    """Return 1, 2 … within each run of equal values; (n,)."""
    heads = np.flatnonzero(np.append(True, np.diff(group) != 0)[: len(group)])
    lengths = np.diff(np.append(heads, len(group)))
    return np.arange(len(group)) - np.repeat(heads, lengths) + 1
