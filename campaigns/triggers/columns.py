"""The columns that a trigger's rules may ask for: facts about each customer at the end of a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from campaigns.base import Base
from campaigns.timing import Rhythm, birth_days, next_yearly
from campaigns.triggers.loyalty import LoyaltyTier, Money, read_tiers, tier_crossings, tier_level
from campaigns.triggers.novelty import Novelty
from campaigns.triggers.purchases import due_again
from campaigns.triggers.starts import CARTS
from contracts.errors import ContractError
from contracts.tables import DEFAULT_HORIZONS, scores_schema
from features.kernel.buffers import as_numpy, filled, in_one, places_among
from features.kernel.running import Floats, Ints

Values = NDArray[Any]
OPENS = ("email_open", "email_click", "message_read", "message_click")
# What a rule may ask for besides: both belong to one trigger and its start.
OF_START = {
    "days_since_start": "days since what started the trigger; below 0 before it",
    "ordered_since_start": "1 if an order day lies after the day on which the ladder began",
}


@dataclass(frozen=True)
class Facts:
    """What the columns are made of, each thing once."""

    base: Base
    tiers: tuple[LoyaltyTier, ...]

    @property
    def customers(self) -> int:
        """How many customers there are."""
        return len(self.base.sales)

    @cached_property
    def rhythm(self) -> Rhythm:
        """The gaps between order days."""
        return Rhythm.of(self.base.sales)

    @cached_property
    def novelty(self) -> Novelty:
        """New products in each customer's favourite category."""
        return Novelty.of(self.base.sales)

    def since(self, day: Ints | Floats) -> Floats:
        """Return the days from these days to as_of, NaN stays."""
        return self.base.as_of - np.asarray(day, dtype=np.float64)

    def last_event(self, kinds: tuple[str, ...]) -> Floats:
        """Return the day of each customer's last event of these kinds, NaN without one."""
        found = np.full(self.customers, np.nan)
        owner, day = self.events(kinds)
        np.fmax.at(found, owner, day.astype(np.float64))
        return found

    def events(self, kinds: tuple[str, ...]) -> tuple[Ints, Ints]:
        """Return the customers and days of events of these kinds."""
        table = self.base.events
        if table is None:
            raise ContractError("events were asked of a base without events")
        rows = table.filter(pc.is_in(table["kind"], value_set=pa.array(kinds, pa.string())))
        owner = places_among(rows["customer_id"], self.base.sales.ids)
        return owner[owner >= 0], as_numpy(in_one(rows["day"])).astype(np.int64)[owner >= 0]


@dataclass(frozen=True)
class Column:
    """One column. says: what it is, with its unit; needs: what must be there, as `lacking` names it."""

    says: str
    made: Callable[[Facts], Values]
    needs: tuple[str, ...] = ()


def _opens_90d(facts: Facts) -> Values:
    owner, day = facts.events(OPENS)
    return np.bincount(owner[day > facts.base.as_of - 90], minlength=facts.customers).astype(np.float64)


def _returned_share(facts: Facts) -> Values:
    sales = facts.base.sales
    back = np.bincount(sales.returns.customer, -sales.returns.amount, minlength=facts.customers)
    paid = np.bincount(sales.days.customer, sales.days.amount, minlength=facts.customers)
    return np.divide(back, paid, out=np.full(facts.customers, np.nan), where=paid > 0)


def _last_return(facts: Facts) -> Values:
    found = np.full(facts.customers, np.nan)
    np.fmax.at(found, facts.base.sales.returns.customer, facts.base.sales.returns.day.astype(np.float64))
    return facts.since(found)


def _due_in(facts: Facts) -> Values:
    """Return the days to the next product that is due, or that was due last and is not bought again."""
    due = due_again(facts.base.sales)
    still = due.next_day > facts.base.as_of
    ahead = np.where(still, due.due - facts.base.as_of, 10**6)
    ahead = np.where(ahead < -30, 10**6, ahead)  # given up
    found = np.full(facts.customers, np.inf)
    np.minimum.at(found, due.customer, ahead.astype(np.float64))
    return np.where(found < 10**6, found, np.nan)


def _spend(facts: Facts) -> Values:
    spent = Money.of(facts.base.sales).spent(facts.base.as_of, customers=facts.customers)
    return np.nan_to_num(spent, nan=0.0)


def _tier_reached(facts: Facts) -> Values:
    customer, day, _ = tier_crossings(facts.base.sales, facts.tiers)
    return np.isin(np.arange(facts.customers), customer[day == facts.base.as_of]).astype(np.float64)


def _to_birthday(facts: Facts) -> Values:
    born = birth_days(facts.base.customers, facts.base.sales.ids, as_of=facts.base.as_of)
    found = np.full(facts.customers, np.nan)
    known = ~np.isnan(born)
    found[known] = next_yearly(born[known].astype(np.int64), facts.base.as_of) - facts.base.as_of
    return found


def _to_anniversary(facts: Facts) -> Values:
    return (next_yearly(facts.base.sales.first_day, facts.base.as_of) - facts.base.as_of).astype(np.float64)


def _discounted_share(facts: Facts) -> Values:
    sales = facts.base.sales
    lines = sales.number("discount") > 0
    orders = np.zeros(len(sales.orders.day), dtype=np.bool_)
    orders[sales.order[lines]] = True
    return np.bincount(sales.orders.customer, orders, minlength=facts.customers) / np.maximum(
        np.bincount(sales.orders.customer, minlength=facts.customers), 1
    )


COLUMNS: dict[str, Column] = {
    "days_since_first_order": Column("days", lambda f: f.since(f.base.sales.first_day)),
    "days_since_last_order": Column("days", lambda f: f.since(f.base.sales.last_day)),
    "order_days": Column("days with an order so far", lambda f: f.rhythm.order_days.astype(np.float64)),
    "own_gap_days": Column("mean days between order days; unknown before the second", lambda f: f.rhythm.gap),
    "previous_gap_days": Column("days between the last two order days", lambda f: f.rhythm.last_gap),
    "regularity": Column(
        "1: like a clock, 0: the gaps spread as much as their mean; unknown before the third order day",
        lambda f: 1.0 - np.minimum(f.rhythm.variation, 1.0),
    ),
    "replenishment_due_in_days": Column(
        "days until the next product is due that was bought on 3 days or more at regular gaps; below 0: overdue",
        _due_in,
        ("orders.product_id",),
    ),
    "days_since_cart_abandon": Column(
        "days since a cart was left or filled", lambda f: f.since(f.last_event(CARTS)), ("events.cart",)
    ),
    "days_since_open": Column("days since a message was opened", lambda f: f.since(f.last_event(OPENS)), ("events",)),
    "opens_90d": Column("opens and clicks in 90 days", _opens_90d, ("events",)),
    "days_to_birthday": Column("days, 0 on the day", _to_birthday, ("customers.birth_date",)),
    "days_to_anniversary": Column("days to the anniversary of the first order, 0 on the day", _to_anniversary),
    "spend_last_365": Column("amount less returns in 365 days, currency", _spend),
    "loyalty_level": Column("0 without a tier, 1 the lowest", lambda f: tier_level(f.base.sales, f.tiers)),
    "loyalty_reached": Column("1 if a tier was reached on the day", _tier_reached),
    "returned_share": Column("amount taken back over amount paid, whole cancelled sales apart", _returned_share),
    "days_since_return": Column("days since something was taken back", _last_return),
    "discounted_share": Column("share of the orders with a discount", _discounted_share, ("orders.discount",)),
    "favourite_category": Column(
        "the category of at least 3 order lines and 2 of 5, else ''",
        lambda f: f.novelty.favourite,
        ("orders.product_id", "orders.category"),
    ),
    "new_in_category_30d": Column(
        "products of the favourite category first sold in the last 30 days",
        lambda f: f.novelty.new,
        ("orders.product_id", "orders.category"),
    ),
}  # fmt: skip
# Dates and lists: a rule compares numbers and texts.
_NO_RULE = (
    "customer_id", "as_of", "curve", "scored_at", "valid_until", "next_order_p10", "next_order_p50", "next_order_p90",
)  # fmt: skip


@dataclass(frozen=True)
class Columns(Mapping[str, Values]):
    """Columns (n,) by name, each made when it is asked for first. absent: what the base lacks, by column."""

    facts: Facts
    scores: Mapping[str, Values]
    absent: Mapping[str, tuple[str, ...]]
    _made: dict[str, Values] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Values:
        """Return a column; KeyError with the reason where it is not known here."""
        if name in self.absent:
            raise KeyError(f"{name} needs {', '.join(self.absent[name])}")
        if name not in self._made:
            self._made[name] = self.scores[name] if name in self.scores else COLUMNS[name].made(self.facts)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the columns that are known here."""
        yield from (name for name in (*COLUMNS, *self.scores) if name not in self.absent)

    def __len__(self) -> int:
        """Return how many columns are known here."""
        return sum(1 for _ in self)


def trigger_columns(
    base: Base, as_of: int, scores: pa.Table | None = None, *, tiers: tuple[LoyaltyTier, ...] | None = None
) -> Columns:
    """Return the columns of the customers of `base.sales.on(as_of)` at the end of as_of.

    scores: contracts.tables.scores_schema, of a day not after as_of; who has none there is unknown. tiers: the loyalty
    tiers (None: ours). Raises ContractError for a day after the base's.
    """
    at = known_on(base, as_of)
    facts = Facts(at, read_tiers() if tiers is None else tiers)
    lacks = lacking(at)
    found = {} if scores is None else _of_scores(scores, at.sales.ids)
    absent = {name: tuple(need for need in one.needs if need in lacks) for name, one in COLUMNS.items()}
    return Columns(facts, found, {name: needs for name, needs in absent.items() if needs})


def known_columns(scores: pa.Table | None = None) -> frozenset[str]:
    """Return all names that a rule may ask for, whether they are known of this shop or not."""
    names = scores_schema(DEFAULT_HORIZONS).names if scores is None else scores.column_names
    return frozenset({*COLUMNS, *OF_START, *(name for name in names if name not in _NO_RULE)})


def lacking(base: Base) -> frozenset[str]:
    """Return what the base lacks of what columns and starts need, by the names of `needs`."""
    found = {name for name in base.absent if name.startswith("orders.")}
    if base.events is None:
        found |= {"events", "events.cart"}
    elif not pc.any(pc.is_in(base.events["kind"], value_set=pa.array(CARTS, pa.string()))).as_py():
        found |= {"events.cart"}
    people = base.customers
    has_birth = people is not None and "birth_date" in people.column_names
    if people is None or not has_birth or people["birth_date"].null_count == len(people):
        found |= {"customers.birth_date"}
    return frozenset(found)


def known_on(base: Base, day: int) -> Base:
    """Return the base as known at the end of an earlier day: orders, events and contacts up to it.

    Descriptions of customers and products stay the last ones known.
    """
    if day == base.as_of:
        return base
    if day > base.as_of:
        raise ContractError(f"the base ends on day {base.as_of}; day {day} was asked")
    return replace(
        base, sales=base.sales.on(day), events=_until(base.events, day), contacts=_until(base.contacts, day)
    )


def _until(table: pa.Table | None, day: int) -> pa.Table | None:
    return None if table is None else table.filter(pc.less_equal(table["day"], day))


def _of_scores(scores: pa.Table, ids: pa.Array) -> dict[str, Values]:
    """Return the columns of scores for these customers: numbers (NaN unknown) and texts (None unknown)."""
    at = pc.index_in(ids, value_set=in_one(scores["customer_id"]).cast(pa.string()))
    found: dict[str, Values] = {}
    for one in scores.schema:
        if one.name in _NO_RULE or pa.types.is_temporal(one.type) or pa.types.is_nested(one.type):
            continue
        column = in_one(scores[one.name]).take(at)
        if pa.types.is_string(one.type) or pa.types.is_large_string(one.type):
            texts = np.empty(len(ids), dtype=object)
            texts[:] = column.to_pylist()
            found[one.name] = texts
        else:
            found[one.name] = filled(column.cast(pa.float64()), np.float64(np.nan))
    return found
