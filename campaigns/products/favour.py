"""Which products suit which stage of a customer's life."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from campaigns.products.demand import Demand
from campaigns.products.goods import Goods
from campaigns.products.roles import Roles
from contracts.errors import ContractError, nearest
from features.kernel.running import Floats, Ints

NEW_PRODUCTS = "new_products"
# What each stage is offered first: roles, or what is new. A policy, not a finding: no test has been run on it.
SUITS: Mapping[str, tuple[str, ...]] = {
    "new": ("traffic", "hot"),
    "growing": (NEW_PRODUCTS,),
    "mature": ("profit",),
    "declining": ("hot",),
    "churning": ("hot",),
    "lost": ("hot",),
}
STRENGTH = 1.2  # what the score of a suiting product is multiplied by


@dataclass(frozen=True)
class Favour:
    """stage: (C,) rows of `factor`, the last one for customers without a stage; factor: (stages + 1, P)."""

    stage: Ints
    factor: Floats

    @staticmethod
    def by_stage(
        goods: Goods,
        demand: Demand,
        roles: Roles,
        lifecycle: pa.Array | Sequence[str | None],
        *,
        strength: float = STRENGTH,
        suits: Mapping[str, tuple[str, ...]] = SUITS,
    ) -> Favour:
        """Favour what suits the customers' stages. lifecycle: (C,) stages, None where there is none."""
        words = pa.array(lifecycle, pa.string()).to_pylist()
        if len(words) != len(goods.sales):
            raise ContractError(f"{len(words)} stages were given for {len(goods.sales)} customers")
        place = {stage: at for at, stage in enumerate(suits)}
        for one in {word for word in words if word is not None}:
            if one not in place:
                raise ContractError(f"unknown lifecycle stage '{one}'{nearest(one, place)}")
        stage = np.array([len(place) if word is None else place[word] for word in words], dtype=np.int64)
        factor = np.ones((len(place) + 1, len(goods)))
        for name, wanted in suits.items():
            for one in wanted:
                suiting = demand.new if one == NEW_PRODUCTS else roles.of(one)
                factor[place[name], suiting] = strength
        return Favour(stage, factor)

    def of(self, customer: Ints, product: Ints) -> Floats:
        """Return the factor of each pair."""
        return self.factor[self.stage[customer], product]

    def block(self, low: int, high: int, products: Ints) -> Floats:
        """Return the factors of some products for customers low … high - 1; (customers, products)."""
        return self.factor[:, products][self.stage[low:high]]
