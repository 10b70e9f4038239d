"""How each customer answers to each kind of offer: from what was bought with it, and from offers that were sent.

| kind | an order that shows it | needs the column |
|---|---|---|
| discount | a line with a discount | discount |
| coupon | a line with a coupon | coupon |
| gift | a free line beside paid ones | |
| special_price | a line 10 % or more below the product's usual price before discount | product_id |
| value_pack | the same, at twice the product's usual quantity or more | product_id |
| free_shipping, sample | none: orders do not tell; only contacts do | |

An order is evidence only where the offer was around: in its week, at least 1 % of the shop's orders show the kind. So a
customer who bought when there was nothing to respond to stays unknown. Shares are drawn towards those of the segment:
beta-binomial, the spread by moments (Kleinman 1973, JASA 68, 46-54). Elasticities likewise: normal (Morris 1983,
JASA 78, 47-55).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.base import Base
from campaigns.elasticity import Elasticity, elasticity_of
from campaigns.messages import Messages
from campaigns.sales import Sales
from campaigns.shrinkage import Shrunk, shrunk_rates
from contracts.errors import ContractError, nearest
from features.kernel.buffers import as_arrow
from features.kernel.running import Bools, Floats, Ints

KINDS = ("special_price", "discount", "gift", "value_pack", "free_shipping", "coupon", "sample")
LEVELS = ("unknown", "low", "medium", "high")
SURE = 0.8  # high: above the shop's average with this chance; low: below it

ON_OFFER_SHARE = 0.01
LOW_PRICE = 0.9
BULK = 2.0
USUAL_PRICE_LINES = 5  # of a product within a year; with fewer there is no usual price
RESPONSE_DAYS = 14
ALL_BY_CHANCE = 0.05
FEWEST_ORDERS = 3
FEWEST_USERS = 10  # customers who responded to a kind; with fewer nobody can be told from another
_HOUR = 3_600_000_000  # microseconds


# ---------------------------------------------------------------- what the orders show
def used_by_kind(sales: Sales) -> dict[str, Bools]:
    """Return for each kind that orders can show which of the O orders do; a kind without its columns is left out."""
    count = len(sales.orders.customer)

    def of_lines(lines: Bools) -> Bools:
        return np.bincount(sales.order, lines, count) > 0

    free = (sales.amount <= 0) & (sales.quantity > 0)
    found = {"gift": of_lines(free) & (sales.orders.amount > 0)}
    if "discount" in sales.optional:
        found["discount"] = of_lines(sales.number("discount") > 0)
    if "coupon" in sales.optional:
        found["coupon"] = of_lines(sales.text("coupon").codes >= 0)
    if "product_id" in sales.optional:
        low, bulk = _low_and_bulk(sales)
        found["special_price"], found["value_pack"] = of_lines(low & ~bulk), of_lines(low & bulk)
    return found


def evidence_orders(sales: Sales, used: Bools) -> Bools:
    """Return which orders were made while the kind was around: 1 % of their week's orders show it; (O,)."""
    week = sales.orders.day // 7
    week = week - int(week.min(initial=0))
    shown = np.bincount(week, used)
    return ((shown > 0) & (shown >= ON_OFFER_SHARE * np.bincount(week)))[week]


def _low_and_bulk(sales: Sales) -> tuple[Bools, Bools]:
    """Return the lines below the product's usual price of that year, and those of twice its usual quantity; (N,)."""
    product = sales.text("product_id").codes.astype(np.int64)
    paid = (sales.amount > 0) & (sales.quantity > 0) & (product >= 0)
    rows = np.flatnonzero(paid)
    years = (sales.as_of - sales.day[rows]) // 365
    keys = product[rows] * (int(years.max(initial=0)) + 1) + years
    before = np.nan_to_num(sales.number("discount")[rows]) if "discount" in sales.optional else 0.0
    price = (sales.amount[rows] + before) / sales.quantity[rows]
    low, bulk = np.zeros(len(paid), np.bool_), np.zeros(len(paid), np.bool_)
    low[rows] = price <= LOW_PRICE * _usual(keys, price)
    bulk[rows] = sales.quantity[rows] >= BULK * _usual(keys, sales.quantity[rows])
    return low, bulk


def _usual(keys: Ints, values: Floats) -> Floats:
    """Return the median of the values with the same key, NaN where there are too few; (n,)."""
    if not len(keys):
        return np.empty(0)
    order = np.lexsort((values, keys))
    new = np.append(True, np.diff(keys[order]) != 0)
    heads = np.flatnonzero(new)
    counts = np.diff(np.append(heads, len(keys)))
    ordered = values[order]
    median = (ordered[heads + (counts - 1) // 2] + ordered[heads + counts // 2]) / 2.0
    median[counts < USUAL_PRICE_LINES] = np.nan
    found = np.empty(len(keys))
    found[order] = median[np.cumsum(new) - 1]
    return found


# ---------------------------------------------------------------- what the contacts show
def offer_answers(base: Base) -> tuple[Messages, Bools]:
    """Return the messages with an offer that had 14 days to be answered, and which were.

    Answered: converted. Where no contact says so: an order within 14 days after the hour of sending.
    """
    sent = Messages.of_contacts(base)
    sent = sent.where((sent.offer.codes >= 0) & (sent.day + RESPONSE_DAYS <= base.as_of))
    if base.contacts is not None and base.contacts["converted_at"].null_count < base.contacts.num_rows:
        return sent, sent.converted
    return sent, _ordered_after(base.sales, sent)


def _ordered_after(sales: Sales, sent: Messages) -> Bools:
    """Return which messages were followed by an order; a time with less than hours counts as 0 o'clock."""
    orders = sales.orders
    first = int(min(orders.day.min(initial=0), 0)) * 24
    span = 24 * (sales.as_of + 1) - first + 24 * (RESPONSE_DAYS + 1) + 1
    ordered = np.sort(orders.customer * span + orders.day * 24 + orders.hour - first)
    asked = sent.customer * span + np.floor_divide(sent.at, _HOUR) - first
    until = sent.customer * span + (sent.day + RESPONSE_DAYS) * 24 + 23 - first
    return np.searchsorted(ordered, until, side="right") > np.searchsorted(ordered, asked, side="right")


# ---------------------------------------------------------------- the answer
@dataclass(frozen=True)
class KindSensitivity:
    """How n customers answer to one kind of offer; (n,) each.

    level: one of LEVELS. value: own rate over the shop's mean rate (1 is average), NaN where unknown. evidence: orders
    made while the kind was around, or offers received. used: how many of them responded (some would have
    bought without the offer). source: 'orders', 'contacts'
    or '' (unknown): whichever knows more of the customer.
    """

    kind: str
    level: NDArray[np.object_]
    value: Floats
    evidence: Ints
    used: Ints
    source: NDArray[np.object_]
    orders: Shrunk | None
    contacts: Shrunk | None

    @staticmethod
    def of(kind: str, orders: Shrunk | None, contacts: Shrunk | None, size: int) -> KindSensitivity:
        """Take the source that has more weight of its own, customer by customer."""
        value, above, own = np.full(size, np.nan), np.full(size, np.nan), np.zeros(size)
        evidence, used = np.zeros(size, np.int64), np.zeros(size, np.int64)
        source = np.full(size, "", dtype=object)
        for name, one in (("orders", orders), ("contacts", contacts)):
            if one is not None:
                better = (one.evidence > 0) & (one.own > own)
                value[better], above[better], own[better] = (
                    one.ratio[better],
                    one.above[better],
                    one.own[better],
                )
                evidence[better], used[better], source[better] = one.evidence[better], one.used[better], name
        level = np.full(size, "unknown", dtype=object)
        level[~np.isnan(value)] = "medium"
        level[above >= SURE], level[above <= 1.0 - SURE] = "high", "low"
        return KindSensitivity(kind, level, value, evidence, used, source, orders, contacts)

    def words(self, at: int) -> str:
        """Say what is known of one customer."""
        if not self.evidence[at]:
            return f"{self.kind}: unknown"
        seen = self.orders if self.source[at] == "orders" else self.contacts
        what = "orders made while it was around" if self.source[at] == "orders" else "such offers received"
        mean = seen.mean if seen is not None else np.nan
        return (
            f"{self.kind}: {self.level[at]} ({self.used[at]} of {self.evidence[at]} {what}; all: {mean:.0%})"
        )


@dataclass(frozen=True)
class Sensitivity:
    """Offer sensitivity of the customers of `ids`, by kind.

    deepest_discount: (n,) largest share taken off one order, NaN without the column. discount_only: (n,) 1 yes (every
    order, of at least 3, had a discount or coupon, which by chance happens to at most 5 % such customers), 0 no, -1
    not known.
    """

    ids: pa.Array
    kinds: Mapping[str, KindSensitivity]
    elasticity: Elasticity
    deepest_discount: Floats
    discount_only: NDArray[np.int8]
    notes: tuple[str, ...]

    def __getitem__(self, kind: str) -> KindSensitivity:
        """Return the sensitivity to one kind."""
        if kind not in self.kinds:
            raise ContractError(f"there is no kind of offer '{kind}'{nearest(kind, self.kinds) or '.'}")
        return self.kinds[kind]

    def words(self, at: int) -> str:
        """Say what is known of the customer at a position of `ids`."""
        known = [one.words(at) for one in self.kinds.values() if one.evidence[at]]
        unknown = [kind for kind, one in self.kinds.items() if not one.evidence[at]]
        only = ["buys with a discount or coupon only"] if self.discount_only[at] == 1 else []
        rest = [f"unknown: {', '.join(unknown)}"] if unknown else []
        return "; ".join(only + known + rest)

    @cached_property
    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns that rules may read; (n,) each."""
        found: dict[str, NDArray[Any]] = {}
        for kind, one in self.kinds.items():
            found[f"{kind}_sensitivity"] = one.level
            found[f"{kind}_response"] = one.value
            found[f"{kind}_evidence"] = one.evidence.astype(np.float64)
        only = self.discount_only.astype(np.float64)
        found["discount_only"] = np.where(only < 0, np.nan, only)
        found["deepest_discount"], found["price_elasticity"] = self.deepest_discount, self.elasticity.value
        return found

    def table(self) -> pa.Table:
        """Return customer_id and the columns."""
        arrays = {"customer_id": self.ids}
        for name, values in self.columns.items():
            if values.dtype == object:
                arrays[name] = pa.array(values.tolist(), pa.string())
            else:
                arrays[name] = as_arrow(values, pa.float64(), valid=~np.isnan(values))
        return pa.table(arrays)


def sensitivity_of(
    base: Base, *, kinds: Mapping[str, str] | None = None, segment: NDArray[Any] | None = None
) -> Sensitivity:
    """Return the offer sensitivity of every customer as known on the base's day.

    kinds: what the texts in the contacts' column `offer` mean (campaigns.offers.kinds_of; default: the kinds' own
    names). segment: (n,) the group towards which each customer is drawn (default: all are one).
    """
    sales, size = base.sales, len(base.sales)
    group = np.zeros(size, np.int64)
    if segment is not None:
        group = np.unique(segment.astype(np.str_), return_inverse=True)[1].astype(np.int64)
    used = used_by_kind(sales)
    of_orders = _from_orders(sales, used, group)
    of_contacts, notes = _from_contacts(base, kinds or {}, group)
    found = {
        kind: KindSensitivity.of(kind, of_orders.get(kind), of_contacts.get(kind), size) for kind in KINDS
    }
    silent = [kind for kind, one in found.items() if not one.evidence.any()]
    if silent:
        notes.append(f"nothing is known about: {', '.join(silent)}. {_MISSING}")
    return Sensitivity(
        sales.ids,
        found,
        elasticity_of(sales, group),
        _deepest(sales),
        _discount_only(sales, used),
        tuple(notes),
    )


_MISSING = (
    f"Order columns discount, coupon and product_id, and contacts with an offer and converted_at would tell, if "
    f"{FEWEST_USERS} customers or more had responded to the kind."
)


def _from_orders(sales: Sales, used: Mapping[str, Bools], group: Ints) -> dict[str, Shrunk]:
    """Return the rates of each kind that the orders tell of."""
    found, customer = {}, sales.orders.customer
    for kind, orders in used.items():
        around = evidence_orders(sales, orders)
        found[kind] = _told(customer[around & orders], customer[around], group)
    return {kind: one for kind, one in found.items() if one is not None}


def _from_contacts(base: Base, kinds: Mapping[str, str], group: Ints) -> tuple[dict[str, Shrunk], list[str]]:
    """Return the rates of each kind that the contacts tell of, and notes on offers that nobody knows."""
    sent, answered = offer_answers(base)
    meaning = {kind: kind for kind in KINDS} | {folded(text): kind for text, kind in kinds.items()}
    of_text = [meaning.get(folded(text or ""), "") for text in sent.offer.texts]
    of_message = np.array([KINDS.index(kind) if kind in KINDS else -1 for kind in of_text] + [-1])[
        sent.offer.codes
    ]
    found = {}
    for place, kind in enumerate(KINDS):
        rows = of_message == place
        found[kind] = _told(sent.customer[rows & answered], sent.customer[rows], group)
    seen = set(np.unique(sent.offer.codes).tolist())
    odd = sorted(text or "" for at, text in enumerate(sent.offer.texts) if at in seen and not of_text[at])
    notes = [f"contacts: no offer of the catalogue is called {', '.join(odd[:5])}; not used."] if odd else []
    return {kind: one for kind, one in found.items() if one is not None}, notes


def _told(used: Ints, evidence: Ints, group: Ints) -> Shrunk | None:
    """Return the rates, given the customer of each use and of each chance of it; None with too few users."""
    counts = np.bincount(used, minlength=len(group))
    if (counts > 0).sum() < FEWEST_USERS:
        return None
    return shrunk_rates(counts, np.bincount(evidence, minlength=len(group)), group)


def folded(text: str) -> str:
    """Return a text without case, spaces and punctuation."""
    return "_".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def _deepest(sales: Sales) -> Floats:
    """Return the largest discounted share of one order; (n,)."""
    found = np.full(len(sales), np.nan)
    if "discount" in sales.optional:
        count = len(sales.orders.customer)
        discount = np.bincount(sales.order, np.nan_to_num(sales.number("discount")), count)
        listed = sales.orders.amount + discount
        depth = np.divide(discount, listed, out=np.zeros(count), where=listed > 0)
        heads = np.searchsorted(sales.orders.customer, np.arange(len(sales)))
        found = np.maximum.reduceat(depth, heads) if len(heads) else found
    return found


def _discount_only(sales: Sales, used: Mapping[str, Bools]) -> NDArray[np.int8]:
    """Return who bought with a discount or coupon only: 1 yes, 0 no, -1 not known; (n,)."""
    known = [used[kind] for kind in ("discount", "coupon") if kind in used]
    if not known or not any(one.any() for one in known):
        return np.full(len(sales), -1, dtype=np.int8)
    cheap = np.logical_or.reduce(known)
    count = np.bincount(sales.orders.customer, minlength=len(sales))
    always = np.bincount(sales.orders.customer, cheap, len(sales)) == count
    sure = (count >= FEWEST_ORDERS) & (cheap.mean() ** count <= ALL_BY_CHANCE)
    return np.where(~always, 0, np.where(sure, 1, -1)).astype(np.int8)
