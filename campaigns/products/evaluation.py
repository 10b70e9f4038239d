"""How good the picks would have been: at earlier days, against what customers bought in the days after.

The picks of kind repeat are held against what a customer bought again, those of kind new against what they bought
for the first time (products that were not on sale yet count as missed), and the mixed picks against everything. Only
customers who bought something of the kind are counted. recall@k: the share of these products that is among the k
picks, mean over customers and days; hit rate: the share of customers with at least one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from campaigns.products.baselines import BASELINES, Lists
from campaigns.products.candidates import Weights
from campaigns.products.chances import HORIZON_DAYS, blocks, bought_after, position_in
from campaigns.products.goods import Goods, among
from campaigns.products.next_products import Picker
from campaigns.sales import Sales
from contracts.errors import DataError
from features.kernel.buffers import as_arrow
from features.kernel.running import Bools, Floats, Ints

OURS = "next products"
NONE_RESERVED = "next products, no new reserved"
KINDS = ("repeat", "new", "all")
_BEHIND_DAYS = 60


@dataclass(frozen=True)
class Wanted:
    """What the customers of `past` bought after its day. keys: customer * P + product, ascending; old: bought before.

    unseen: (C,) products per customer that nobody had bought by then.
    """

    past: Goods
    keys: Ints
    old: Bools
    unseen: Ints

    @staticmethod
    def of(past: Goods, later: Goods) -> Wanted:
        """Find it, as known on the day of `later`."""
        keys = bought_after(past, later)
        bought = past.purchases
        pairs = (bought.customer * len(past) + bought.product)[bought.heads]
        purchases = later.purchases
        strange = (purchases.day > past.as_of) & (past.places_of(later.ids)[purchases.product] < 0)
        pair = np.unique(purchases.customer[strange] * len(later) + purchases.product[strange])
        owner = position_in(later.sales, past.sales)[pair // max(len(later), 1)]
        unseen = np.bincount(owner[owner >= 0], minlength=len(past.sales))
        return Wanted(past, keys, among(pairs, keys), unseen)

    def count(self, kind: str) -> Ints:
        """Return how many products of a kind each customer bought; (C,)."""
        owner = self._of(kind) // len(self.past)
        counts = np.bincount(owner, minlength=len(self.past.sales))
        return counts if kind == "repeat" else counts + self.unseen

    def hits(self, kind: str, lists: Lists) -> Ints:
        """Return how many of them are in each customer's list; (C,)."""
        found = among(self._of(kind), lists.customer * len(self.past) + lists.product)
        return np.bincount(lists.customer[found], minlength=len(self.past.sales))

    def _of(self, kind: str) -> Ints:
        return self.keys if kind == "all" else self.keys[self.old if kind == "repeat" else ~self.old]


@dataclass(frozen=True)
class Measured:
    """What one method reached for one kind. person: (n,) customers, hits, wanted: (n,) each, over all days."""

    method: str
    kind: str
    person: Ints
    hits: Ints
    wanted: Ints

    @property
    def recall(self) -> Floats:
        """The recall of each row."""
        return self.hits / self.wanted

    @property
    def hit(self) -> Floats:
        """1 where a list held something."""
        return (self.hits > 0).astype(np.float64)


def evaluate(
    sales: Sales,
    cutoffs: Sequence[int],
    *,
    k: int = 10,
    horizon_days: int = HORIZON_DAYS,
    weights: Weights | None = None,
    draws: int = 500,
    seed: int = 1,
) -> pa.Table:
    """Measure the picks and the plain rules at these days; one row per kind and method, ours first.

    Intervals are 95 %, by a bootstrap of customers; difference: ours less the method's recall, paired. Raises DataError
    if a cutoff leaves no orders behind or no full horizon ahead of it.
    """
    found: dict[tuple[str, str], list[Measured]] = {}
    for cutoff in cutoffs:
        for one in measure(sales, cutoff, k=k, horizon_days=horizon_days, weights=weights or Weights()):
            found.setdefault((one.kind, one.method), []).append(one)
    whole = {key: _stacked(parts) for key, parts in found.items()}
    rows = [
        _row(one, whole[one.kind, OURS], draws=draws, seed=seed) for one in whole.values() if len(one.person)
    ]
    if not rows:
        raise DataError(
            "no known customer bought anything in those days. Give earlier orders or more of them."
        )
    return pa.Table.from_pylist(rows)


def last_cutoffs(sales: Sales, *, count: int = 3, horizon_days: int = HORIZON_DAYS) -> list[int]:
    """Return the last days with a full horizon behind them in these sales, ascending; DataError if there is none."""
    first = int(sales.day.min()) + _BEHIND_DAYS
    days = [sales.as_of - horizon_days * number for number in range(count, 0, -1)]
    kept = [day for day in days if day >= first]
    if not kept:
        raise DataError(
            f"the orders span {sales.as_of - int(sales.day.min()) + 1} days; judging next products needs "
            f"{_BEHIND_DAYS + horizon_days}. Leave --evaluate out, or give more orders."
        )
    return kept


def measure(sales: Sales, cutoff: int, *, k: int, horizon_days: int, weights: Weights) -> Iterator[Measured]:
    """Yield what each method reaches for each kind at one day."""
    if cutoff + horizon_days > sales.as_of or cutoff < int(sales.day.min()):
        raise DataError(
            f"day {cutoff} has no orders behind it, or no {horizon_days} days after it up to day {sales.as_of}. Give "
            "another cutoff."
        )
    past = Goods.of(sales.on(cutoff))
    wanted = Wanted.of(past, Goods.of(sales.on(cutoff + horizon_days)))
    picker = Picker.of(past.sales, k=k, weights=weights)
    person = position_in(past.sales, sales)
    methods: Mapping[str, Mapping[str, Lists]] = {
        OURS: {"repeat": of_kind(picker, new=False), "new": of_kind(picker, new=True), "all": mixed(picker)},
        NONE_RESERVED: {"all": mixed(replace(picker, new_share=0.0))},
        **{name: rule(past, k) for name, rule in BASELINES.items()},
    }
    for kind in KINDS:
        counts = wanted.count(kind)
        counted = np.flatnonzero(counts)
        for name, lists in methods.items():
            if kind not in lists:
                continue
            hits = wanted.hits(kind, lists[kind])
            yield Measured(name, kind, person[counted], hits[counted], counts[counted])


def of_kind(picker: Picker, *, new: bool) -> Lists:
    """Return the picks of one kind for all customers."""
    parts = [picker.of_kind(low, high, new=new) for low, high in blocks(len(picker.candidates.goods.sales))]
    return Lists(np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts]))


def mixed(picker: Picker) -> Lists:
    """Return the picks of both kinds for all customers."""
    picks = list(picker.parts())
    return Lists(
        np.concatenate([one.customer for one in picks]), np.concatenate([one.product for one in picks])
    )


def _stacked(parts: Sequence[Measured]) -> Measured:
    columns = [np.concatenate([getattr(one, name) for one in parts]) for name in ("person", "hits", "wanted")]
    return Measured(parts[0].method, parts[0].kind, *columns)


def _row(one: Measured, ours: Measured, *, draws: int, seed: int) -> dict[str, str | int | float]:
    """Return one row: means with intervals, and the paired difference of the recall."""
    recall = resampled(one.person, one.recall, draws=draws, seed=seed)
    hit = resampled(one.person, one.hit, draws=draws, seed=seed)
    better = resampled(one.person, ours.recall - one.recall, draws=draws, seed=seed)
    return {
        "kind": one.kind,
        "method": one.method,
        "customers": len(np.unique(one.person)),
        "baskets": len(one.person),
        **dict(zip(("recall", "recall_lower", "recall_upper"), recall, strict=True)),
        **dict(zip(("hit_rate", "hit_rate_lower", "hit_rate_upper"), hit, strict=True)),
        **dict(zip(("difference", "difference_lower", "difference_upper"), better, strict=True)),
    }


def resampled(person: Ints, values: Floats, *, draws: int, seed: int) -> tuple[float, float, float]:
    """Return the mean of the rows' values and its 95 % interval when customers are drawn with replacement."""
    members, person = np.unique(person, return_inverse=True)
    total, rows = np.bincount(person, values), np.bincount(person)
    generator = np.random.default_rng(seed)
    means = np.empty(draws)
    for draw in range(draws):
        times = np.bincount(generator.integers(0, len(members), len(members)), minlength=len(members))
        means[draw] = (times @ total) / (times @ rows)
    lower, upper = np.percentile(means, (2.5, 97.5))
    return float(total.sum() / rows.sum()), float(lower), float(upper)


def chance_check(sales: Sales, cutoff: int, *, k: int = 10, horizon_days: int = HORIZON_DAYS) -> pa.Table:
    """Hold the chances of the picks at one day against what was bought, by kind and fifths of the chance."""
    picker = Picker.of(sales.on(cutoff), k=k)
    past = picker.candidates.goods
    bought = bought_after(past, Goods.of(sales.on(cutoff + horizon_days)))
    parts = list(picker.parts())
    chance = np.concatenate([one.chance for one in parts])
    new = np.concatenate([one.new for one in parts])
    customer = np.concatenate([one.customer for one in parts])
    product = np.concatenate([one.product for one in parts])
    came = among(bought, customer * len(past) + product)
    rows = []
    for kind, chosen in (("repeat", ~new), ("new", new)):
        at = np.flatnonzero(chosen & np.isfinite(chance))
        for number, part in enumerate(np.array_split(at[np.argsort(chance[at], kind="stable")], 5), start=1):
            if len(part):
                rows.append((kind, number, len(part), float(chance[part].mean()), float(came[part].mean())))
    kinds, fifths, counts, said, found = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return pa.table(
        {
            "kind": pa.array(kinds, pa.string()),
            "fifth": as_arrow(np.array(fifths, dtype=np.int64), pa.int64()),
            "picks": as_arrow(np.array(counts, dtype=np.int64), pa.int64()),
            "chance": as_arrow(np.array(said, dtype=np.float64), pa.float64()),
            "bought": as_arrow(np.array(found, dtype=np.float64), pa.float64()),
        }
    )
