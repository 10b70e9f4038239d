"""The plain rules that picks are held against: what everybody buys, and what the customer buys most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from campaigns.products.candidates import best_of_rows, ranks
from campaigns.products.chances import blocks
from campaigns.products.demand import buyers_since
from campaigns.products.goods import Goods
from campaigns.products.owned import Owned
from features.kernel.running import Floats, Ints

POPULAR_DAYS = 30
_POPULAR = 2_000  # products that are looked at for those who never bought them


@dataclass(frozen=True)
class Lists:
    """Products listed for customers: (n,) positions and places, in no order."""

    customer: Ints
    product: Ints


def popularity(goods: Goods, k: int) -> dict[str, Lists]:
    """List what most customers bought in the last POPULAR_DAYS."""
    owned, popular = Owned.of(goods, half_life_days=1.0), _popular(goods)
    count = len(goods.sales)
    best = np.argsort(-popular, kind="stable")[:k]
    everyone = Lists(np.repeat(np.arange(count), len(best)), np.tile(best, count))
    return {
        "repeat": _best_owned(owned, popular[owned.product], k),
        "new": _popular_new(goods, owned, popular, k),
        "all": everyone,
    }


def personal_frequency(goods: Goods, k: int) -> dict[str, Lists]:
    """List what the customer bought on most days, the latest first among equals; then what is popular."""
    owned, popular = Owned.of(goods, half_life_days=1.0), _popular(goods)
    score = owned.times - owned.last_days / (owned.last_days.max(initial=0) + 1.0)
    repeat, new = _best_owned(owned, score, k), _popular_new(goods, owned, popular, k)
    return {"repeat": repeat, "new": new, "all": _first(repeat, new, k)}


BASELINES: Mapping[str, Callable[[Goods, int], dict[str, Lists]]] = {
    "popularity, 30 days": popularity,
    "personal frequency": personal_frequency,
}


def _popular(goods: Goods) -> Floats:
    return buyers_since(goods, goods.as_of - POPULAR_DAYS).astype(np.float64)


def _best_owned(owned: Owned, score: Floats, k: int) -> Lists:
    order = np.lexsort((owned.product, -score, owned.customer))
    order = order[ranks(owned.customer[order]) <= k]
    return Lists(owned.customer[order], owned.product[order])


def _popular_new(goods: Goods, owned: Owned, popular: Floats, k: int) -> Lists:
    """List the most popular products that each customer never bought."""
    most = np.sort(np.argsort(-popular, kind="stable")[:_POPULAR])
    column = np.full(len(goods), -1)
    column[most] = np.arange(len(most))
    parts = []
    for low, high in blocks(len(goods.sales)):
        score = np.tile(popular[most], (high - low, 1))
        begin, end = np.searchsorted(owned.customer, (low, high))
        mine = column[owned.product[begin:end]]
        score[owned.customer[begin:end][mine >= 0] - low, mine[mine >= 0]] = -np.inf
        customer, place, _ = best_of_rows(score, k)
        parts.append((customer + low, most[place]))
    return Lists(np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts]))


def _first(before: Lists, after: Lists, k: int) -> Lists:
    """Return the k first of both, those of `before` first; both by customer and rank."""
    customer = np.concatenate([before.customer, after.customer])
    product = np.concatenate([before.product, after.product])
    order = np.argsort(customer, kind="stable")
    order = order[ranks(customer[order]) <= k]
    return Lists(customer[order], product[order])
