"""What can start a trigger: for each customer the days on which it happened or will happen.

Every start follows from what the customer had done before it, so that the same day is found on every later day: what
is due needs no memory of what was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from campaigns.base import Base
from campaigns.timing import birth_days, year_of, yearly
from campaigns.triggers.loyalty import LoyaltyTier, tier_crossings
from campaigns.triggers.purchases import due_again
from features.kernel.buffers import as_numpy, in_one, places_among
from features.kernel.running import Bools, Floats, Ints

CARTS = ("cart_abandon", "cart_add")
# Silent for this many of the own gaps, within these bounds; who ordered on one or two days, for this many days.
SILENT_GAPS, LEAST_SILENCE, MOST_SILENCE, SILENCE_OF_NEW = 3.0, 45, 365, 120
MONTH = 30
_AHEAD = 60  # the furthest that a trigger may begin before its start


@dataclass(frozen=True)
class Starts:
    """Days that start a trigger, by customer and day. customer, day: (m,); product: (m,) or None, what it is about."""

    customer: Ints
    day: Ints
    product: Ints | None = None

    @staticmethod
    def of(customer: Ints, day: Ints, product: Ints | None = None) -> Starts:
        """Return them sorted, one per customer and day: the first product as they come."""
        rank = np.lexsort((np.arange(len(day)), day, customer))
        customer, day = customer[rank], day[rank]
        first = np.append(True, (np.diff(customer) != 0) | (np.diff(day) != 0))[: len(rank)]
        what = None if product is None else product[rank][first]
        return Starts(customer[first], day[first], what)

    def take(self, chosen: Bools | Ints) -> Starts:
        """Return the chosen ones."""
        what = None if self.product is None else self.product[chosen]
        return Starts(self.customer[chosen], self.day[chosen], what)


@dataclass(frozen=True)
class Asked:
    """What a start is asked for: the base, the trigger's wait in days, and the shop's loyalty tiers."""

    base: Base
    wait: int
    tiers: tuple[LoyaltyTier, ...]


@dataclass(frozen=True)
class Start:
    """One kind of start. says: what happened, after `days after …`; needs: names as Base.absent has them, all of them;
    made: returns the days."""

    name: str
    says: str
    needs: tuple[str, ...]
    made: Callable[[Asked], Starts]


def _first_order(asked: Asked) -> Starts:
    sales = asked.base.sales
    return Starts(np.arange(len(sales)), sales.first_day)


def _order(asked: Asked) -> Starts:
    days = asked.base.sales.days
    return Starts(days.customer, days.day)


def _silence(asked: Asked) -> Starts:
    """Return the days by which a customer has been silent for SILENT_GAPS gaps of their own, as known at each order."""
    sales = asked.base.sales
    customer, day = sales.days.customer, sales.days.day
    number = np.arange(len(day)) - sales.starts[:-1][customer]
    gap = (day - sales.first_day[customer]) / np.maximum(number, 1)
    own = np.clip(np.round(SILENT_GAPS * gap), LEAST_SILENCE, MOST_SILENCE)
    start = day + np.where(number >= 2, own, SILENCE_OF_NEW).astype(np.int64)
    return Starts(customer, start).take(_next_day(customer, day) > start + min(asked.wait, 0))


def _month(asked: Asked) -> Starts:
    """Return the last turn of 30 days of each customer since the first order: spread evenly over the days."""
    sales = asked.base.sales
    turns = (sales.as_of - asked.wait - sales.first_day) // MONTH
    some = np.flatnonzero(turns >= 1)
    return Starts(some, sales.first_day[some] + MONTH * turns[some])


def _anniversary(asked: Asked) -> Starts:
    sales = asked.base.sales
    return _each_year(np.arange(len(sales)), sales.first_day, asked.base.as_of)


def _birthday(asked: Asked) -> Starts:
    base = asked.base
    born: Floats = birth_days(base.customers, base.sales.ids, as_of=base.as_of)
    known = np.flatnonzero(~np.isnan(born))
    return _each_year(known, born[known].astype(np.int64), base.as_of)


def _cart(asked: Asked) -> Starts:
    """Return the days on which a cart was left: with an abandoned cart, or something put in, and no order that day."""
    events, sales = asked.base.events, asked.base.sales
    if events is None:
        return Starts(np.empty(0, np.int64), np.empty(0, np.int64))
    kind = next((kind for kind in CARTS if pc.any(pc.equal(events["kind"], kind)).as_py()), CARTS[0])
    rows = events.filter(pc.equal(events["kind"], kind))
    owner = places_among(rows["customer_id"], sales.ids)
    day = as_numpy(in_one(rows["day"])).astype(np.int64)
    span = int(max(sales.as_of, day.max(initial=0))) + 1
    ordered = np.isin(owner * span + day, sales.days.customer * span + sales.days.day)
    some = (owner >= 0) & ~ordered
    return Starts.of(owner[some], day[some])


def _loyalty(asked: Asked) -> Starts:
    return Starts.of(*tier_crossings(asked.base.sales, asked.tiers)[:2])


def _replenishment(asked: Asked) -> Starts:
    found = due_again(asked.base.sales)
    # Bought again before the first message: that due day never comes.
    some = found.next_day > found.due + min(asked.wait, 0)
    return Starts.of(found.customer[some], found.due[some], found.product[some])


STARTS = {
    one.name: one
    for one in (
        Start("first_order", "the first order", (), _first_order),
        Start("order", "the last order", (), _order),
        Start("silence", "the silence had become long", (), _silence),
        Start("month", "the customer's last round of 30 days began", (), _month),
        Start("anniversary", "the anniversary of the first order", (), _anniversary),
        Start("birthday", "the birthday", ("customers.birth_date",), _birthday),
        Start("cart", "the cart was left", ("events.cart",), _cart),
        Start("loyalty", "a loyalty tier was reached", (), _loyalty),
        Start(
            "replenishment", "a product bought at regular gaps is due", ("orders.product_id",), _replenishment
        ),
    )
}


@dataclass(frozen=True)
class Running:
    """The start that counts for each customer on a day. All (n,): day (-1: none); product (-1: none)."""

    day: Ints
    product: Ints


def running(starts: Starts, *, customers: int, as_of: int, wait: int, cooldown: int) -> Running:
    """Return each customer's last start that counts.

    Of the starts that reached their first step (a later one before that begins the ladder anew), the customer's first
    one counts, then the next one at least `cooldown` days later, and so on: the same on every day on which one asks.
    Those in between are as if they had not been. One that waits for its first step already ends the one before it.
    """
    begun = starts.take(starts.day + min(wait, 0) <= as_of)
    following = _next_day(begun.customer, begun.day)
    reached = begun.take(following > begun.day + max(wait, 0))
    if cooldown:
        reached = reached.take(thinned(reached.customer, reached.day, cooldown))
    last = np.append(np.diff(reached.customer) != 0, True)[: len(reached.day)]
    day, product = np.full(customers, -1), np.full(customers, -1)
    day[reached.customer[last]] = reached.day[last]
    if reached.product is not None:
        product[reached.customer[last]] = reached.product[last]
    return Running(day, product)


def thinned(customer: Ints, day: Ints, cooldown: int) -> Bools:
    """Tell which days count: each customer's first one, then always the next one at least `cooldown` days later."""
    kept = np.zeros(len(day), dtype=np.bool_)
    span = int(day.max(initial=0)) + cooldown + 2
    later = np.searchsorted(customer * span + day, customer * span + day + cooldown, side="left")
    within = later < len(day)
    within[within] = customer[later[within]] == customer[within]
    at = np.flatnonzero(np.append(True, np.diff(customer) != 0)[: len(day)])
    while len(at):
        kept[at] = True
        at = later[at[within[at]]]
    return kept


def _next_day(customer: Ints, day: Ints) -> Ints:
    """Return the next day of the same customer in sorted rows, far ahead where there is none."""
    following = np.full(len(day), np.iinfo(np.int64).max)
    same = np.flatnonzero(np.diff(customer) == 0)
    following[same] = day[same + 1]
    return following


def _each_year(customer: Ints, day: Ints, as_of: int) -> Starts:
    """Return the yearly returns of dates around as_of: those of last year, this year and the next one."""
    year = int(year_of(np.array([as_of]))[0])
    years = np.repeat(np.array([year - 1, year, year + 1]), len(day))
    owner, since = np.tile(customer, 3), np.tile(day, 3)
    at = yearly(since, years)
    some = (years > year_of(since)) & (at <= as_of + _AHEAD)
    return Starts.of(owner[some], at[some])
