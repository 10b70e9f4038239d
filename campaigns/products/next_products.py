"""The products that each customer may buy next, best first, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from campaigns.products.candidates import Candidates, Ranked, Weights, ranks
from campaigns.products.chances import Chances, blocks
from campaigns.products.favour import Favour
from campaigns.products.goods import Goods
from campaigns.products.reasons import new_reasons, repeat_reasons
from campaigns.products.roles import Roles, product_roles
from campaigns.sales import Sales
from contracts.errors import ContractError
from features.kernel.buffers import as_arrow
from features.kernel.running import Bools, Floats, Ints

KINDS = ("repeat", "new")
_MORE = 2  # candidates bought before per pick
NEW_SHARE = 0.3  # of the picks at least, where so many new ones are found
PICKS = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("rank", pa.int64(), nullable=False),
        pa.field("product_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # repeat: bought before; new: never
        pa.field("chance", pa.float64()),  # to buy it within HORIZON_DAYS; null if it could not be learnt
        pa.field("score", pa.float64(), nullable=False),  # orders a customer's picks of one kind
        pa.field("reason", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class Picks:
    """R picks, by customer and rank (1 is best). customer: positions in `customer_ids`; product: places in `ids`.

    new: never bought by that customer; score orders the picks of one kind; chance: to buy it within horizon_days, NaN
    where the orders are too few to learn it; reason: in words.
    """

    customer_ids: pa.Array
    ids: pa.Array
    customer: Ints
    rank: Ints
    product: Ints
    new: Bools
    score: Floats
    chance: Floats
    reason: pa.Array

    @property
    def kind(self) -> pa.Array:
        """'repeat' or 'new' for each pick."""
        return pa.array(KINDS, pa.string()).take(as_arrow(self.new.astype(np.int64), pa.int64()))

    def table(self) -> pa.Table:
        """Return the picks as PICKS."""
        columns = [
            self.customer_ids.take(as_arrow(self.customer, pa.int64())),
            as_arrow(self.rank, pa.int64()),
            self.ids.take(as_arrow(self.product, pa.int64())),
            self.kind,
            as_arrow(self.chance, pa.float64(), valid=np.isfinite(self.chance)),
            as_arrow(self.score, pa.float64()),
            self.reason,
        ]
        return pa.table(columns, schema=PICKS)

    @staticmethod
    def stack(parts: Sequence[Picks]) -> Picks:
        """Put picks of the same customers and products below each other."""
        if not parts:
            raise ContractError("there are no picks to put together")
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(one, name) for one in parts])
            for name in ("customer", "rank", "product", "new", "score", "chance")
        }
        reasons = pa.concat_arrays([one.reason for one in parts])
        return Picks(parts[0].customer_ids, parts[0].ids, **columns, reason=reasons)


@dataclass(frozen=True)
class Picker:
    """Makes the picks, block of customers by block, so that memory is bounded."""

    candidates: Candidates
    k: int
    new_share: float
    favour: Favour | None
    chances: Chances | None

    @staticmethod
    def of(
        sales: Sales,
        *,
        k: int = 10,
        lifecycle: pa.Array | Sequence[str | None] | None = None,
        exclude: Sequence[str] = (),
        roles: Roles | None = None,
        weights: Weights | None = None,
        new_share: float = NEW_SHARE,
        learn_chances: bool = True,
    ) -> Picker:
        """Prepare the picks; see `next_products`."""
        if k < 1 or not 0.0 <= new_share <= 1.0:
            raise ContractError(
                f"{k} picks, {new_share:g} of them new: ask for 1 or more, and a share of 0 to 1"
            )
        weights = weights or Weights()
        goods = roles.goods if roles is not None and roles.goods.sales is sales else Goods.of(sales)
        out = goods.places_of(pa.array(list(exclude), pa.string()))
        candidates = Candidates.of(goods, weights=weights, exclude=out)
        favour = None
        if lifecycle is not None:
            favour = Favour.by_stage(goods, candidates.demand, roles or product_roles(goods), lifecycle)
        chances = Chances.learn(goods, weights=weights, k=_MORE * k) if learn_chances else None
        return Picker(candidates, k, new_share, favour, chances)

    def parts(self) -> Iterator[Picks]:
        """Yield the picks of all customers, some customers at a time."""
        for low, high in blocks(len(self.candidates.goods.sales)):
            yield self.picks(low, high)

    def picks(self, low: int, high: int) -> Picks:
        """Return the picks of customers low … high - 1."""
        repeat, new = self._ranked(low, high, new=False), self._ranked(low, high, new=True)
        both = Ranked.stack([repeat, new])
        kind = np.repeat([False, True], [len(repeat.rank), len(new.rank)])
        chance = np.concatenate([self._chance(repeat, new=False), self._chance(new, new=True)])
        reserved = kind & (both.rank <= round(self.k * self.new_share))
        worth = self._worth(both, chance, kind)
        at, rank = _first_of_each(both.customer, worth, reserved, self.k)
        goods = self.candidates.goods
        return Picks(
            goods.sales.ids, goods.ids, both.customer[at], rank, both.product[at], kind[at],
            both.score[at], chance[at],
            self._reasons(both.product[at], both.pair[at], both.partner[at], kind[at]),
        )  # fmt: skip

    def of_kind(self, low: int, high: int, *, new: bool) -> tuple[Ints, Ints]:
        """Return the k best of one kind of customers low … high - 1: positions and products, best first."""
        found = self._ranked(low, high, new=new)
        kind = np.full(len(found.rank), new)
        worth = self._worth(found, self._chance(found, new=new), kind)
        at, _ = _first_of_each(found.customer, worth, kind, self.k)
        return found.customer[at], found.product[at]

    def _ranked(self, low: int, high: int, *, new: bool) -> Ranked:
        """Return candidates of one kind; of products bought before more than asked, since chances order them anew."""
        if new:
            return self.candidates.new(low, high, self.k, favour=self.favour)
        return self.candidates.repeat(low, high, _MORE * self.k, favour=self.favour)

    def _worth(self, ranked: Ranked, chance: Floats, new: Bools) -> Floats:
        """Return what candidates are ordered by: the chance times what favours the product, else the rank."""
        if self.chances is None:
            return -(ranked.rank + np.where(new, _MORE * self.k, 0)).astype(np.float64)
        return chance if self.favour is None else chance * self.favour.of(ranked.customer, ranked.product)

    def _chance(self, ranked: Ranked, *, new: bool) -> Floats:
        if self.chances is None:
            return np.full(len(ranked.rank), np.nan)
        return self.chances.of(self.candidates, ranked, new=new)

    def _reasons(self, product: Ints, pair: Ints, partner: Ints, new: Bools) -> pa.Array:
        old = np.flatnonzero(~new)
        fresh = np.flatnonzero(new)
        texts = pa.concat_arrays(
            [
                repeat_reasons(self.candidates, pair[old]),
                new_reasons(self.candidates, product[fresh], partner[fresh]),
            ]
        )
        place = np.empty(len(new), dtype=np.int64)
        place[np.concatenate([old, fresh])] = np.arange(len(new))
        return texts.take(as_arrow(place, pa.int64()))


def next_products(
    sales: Sales,
    *,
    k: int = 10,
    lifecycle: pa.Array | Sequence[str | None] | None = None,
    exclude: Sequence[str] = (),
    roles: Roles | None = None,
    weights: Weights | None = None,
    new_share: float = NEW_SHARE,
    learn_chances: bool = True,
) -> Picks:
    """Pick up to k products for each customer, those bought before and those never bought on one scale of chance.

    lifecycle: (C,) stages; favours what suits them (campaigns.products.favour). exclude: product ids that may not be
    offered, such as out of stock. Products without a sale for long, and those that a customer takes back often, are
    left out. new_share: at least this share of the picks are new ones. Raises DataError without product_id.
    """
    picker = Picker.of(
        sales, k=k, lifecycle=lifecycle, exclude=exclude, roles=roles, weights=weights,
        new_share=new_share, learn_chances=learn_chances,
    )  # fmt: skip
    return Picks.stack(list(picker.parts()))


def _first_of_each(customer: Ints, worth: Floats, reserved: Bools, k: int) -> tuple[Ints, Ints]:
    """Return the k rows of each customer, reserved ones first chosen, by falling worth; and their ranks."""
    order = np.lexsort((np.arange(len(worth)), -worth, ~reserved, customer))
    kept = order[ranks(customer[order]) <= k]
    kept = kept[np.lexsort((kept, -worth[kept], customer[kept]))]
    return kept, ranks(customer[kept])
