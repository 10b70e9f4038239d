"""What the customers of a generated shop do besides ordering: e-mails, visits, baskets.

Subscribers get a newsletter every month from their first order on. Those who have left open few of them, so that
opening says who is alive. Most orders come after a visit on which a basket is filled; some visits end with it left.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from experiments.worlds_customers import Clock, Customers, Floats, Ints, Orders, Small
from experiments.worlds_lines import TEXT, Goods, Lines, coded
from features.kernel.buffers import as_arrow

KINDS = ("email_sent", "email_open", "email_click", "visit", "cart_add", "cart_abandon")
SENT, OPENED, CLICKED, VISITED, ADDED, ABANDONED = range(6)
CHANNEL_NAMES = ("email", "web")
NEWSLETTER_DAYS = 30
OPENS_ALIVE, OPENS_GONE, CLICKS = 0.35, 0.04, 0.2
VISITS_PER_ORDER = 2.0

EVENTS = pa.schema(
    [
        pa.field("customer_id", TEXT),
        pa.field("occurred_at", pa.timestamp("us")),
        pa.field("kind", TEXT),
        pa.field("channel", TEXT),
        pa.field("campaign_id", TEXT),
        pa.field("product_id", TEXT),
    ]
)
_Part = tuple[Small, Ints, int, Small | None, Small | None]  # customer, at, kind, campaign, product


def draw_events(
    customers: Customers,
    orders: Orders,
    sales: Lines,
    clock: Clock,
    goods: Goods,
    ids: pa.Array,
    chance: np.random.Generator,
) -> pa.Table:
    """Return the events of a block in the order of their time."""
    parts = [*_emails(customers, orders, clock, chance), *_baskets(orders, sales, clock, goods, chance)]
    customer = np.concatenate([part[0] for part in parts])
    at = np.concatenate([part[1] for part in parts])
    kind = np.concatenate([np.full(len(part[0]), part[2], dtype=np.int32) for part in parts])
    campaign, product = (
        np.concatenate([_none(part) if part[k] is None else part[k] for part in parts]) for k in (3, 4)
    )
    order = np.argsort(at, kind="stable")
    order = order[at[order] < (clock.first_day + clock.days) * 86_400]
    letters = pa.array([f"newsletter-{n:03d}" for n in range(clock.days // NEWSLETTER_DAYS + 1)])
    return pa.table(
        [
            coded(customer[order], ids),
            as_arrow(at[order] * 1_000_000, pa.timestamp("us")),
            coded(kind[order], pa.array(KINDS)),
            coded((kind[order] > CLICKED).astype(np.int32), pa.array(CHANNEL_NAMES)),
            coded(campaign[order], letters),
            coded(product[order], goods.ids),
        ],
        schema=EVENTS,
    )


def _emails(customers: Customers, orders: Orders, clock: Clock, chance: np.random.Generator) -> list[_Part]:
    """Send a newsletter every month to the subscribers who have ordered; some open, some of these click."""
    joined = np.zeros(len(orders.alive), dtype=np.int64)
    joined[orders.customer[orders.first]] = orders.at[orders.first]
    readers = np.flatnonzero(customers.subscribed[: len(joined)]).astype(np.int32)
    letters = np.arange(clock.days // NEWSLETTER_DAYS, dtype=np.int32)
    moments = (clock.first_day + NEWSLETTER_DAYS * (letters.astype(np.int64) + 1) - 1) * 86_400 + 9 * 3600
    number = np.searchsorted(moments, joined[readers])
    counts = len(letters) - number
    customer = np.repeat(readers, counts)
    place = np.arange(len(customer)) - np.repeat(np.cumsum(counts) - counts, counts)
    letter = (np.repeat(number, counts) + place).astype(np.int32)
    at = moments[letter]
    gone = ~orders.alive[customer] & (at > orders.last_at[customer])
    opened = np.flatnonzero(chance.random(len(at)) < np.where(gone, OPENS_GONE, OPENS_ALIVE))
    opened_at = at[opened] + 60 + chance.exponential(6 * 3600.0, len(opened)).astype(np.int64)
    clicked = np.flatnonzero(chance.random(len(opened)) < CLICKS)
    clicked_at = opened_at[clicked] + chance.integers(5, 120, len(clicked))
    return [
        (customer, at, SENT, letter, None),
        (customer[opened], opened_at, OPENED, letter[opened], None),
        (customer[opened][clicked], clicked_at, CLICKED, letter[opened][clicked], None),
    ]


def _baskets(
    orders: Orders, sales: Lines, clock: Clock, goods: Goods, chance: np.random.Generator
) -> list[_Part]:
    """Let a visit go before most orders, and others end without one, around the time of an order."""
    seen = chance.random(len(orders.at)) < 0.8
    before = orders.at - chance.integers(300, 3600, len(orders.at))
    added = seen[sales.order]
    idle = np.repeat(np.arange(len(orders.at)), chance.poisson(VISITS_PER_ORDER - 0.8, len(orders.at)))
    days_around: Floats = chance.normal(0.0, 10.0, len(idle))
    idle_at = orders.at[idle] + (days_around * 86_400).astype(np.int64)
    alive_then = orders.alive[orders.customer[idle]] | (idle_at <= orders.last_at[orders.customer[idle]])
    inside: NDArray[np.bool_] = alive_then & (idle_at >= clock.first_day * 86_400)
    idle, idle_at = idle[inside], idle_at[inside]
    left = np.flatnonzero(chance.random(len(idle)) < 0.25)
    wished = chance.integers(0, len(goods.price), len(left)).astype(np.int32)
    return [
        (orders.customer[seen], before[seen], VISITED, None, None),
        (sales.customer[added], sales.at[added] - 60, ADDED, None, sales.product[added]),
        (orders.customer[idle], idle_at, VISITED, None, None),
        (orders.customer[idle][left], idle_at[left] + 120, ADDED, None, wished),
        (orders.customer[idle][left], idle_at[left] + 300, ABANDONED, None, wished),
    ]


def _none(part: _Part) -> Small:
    return np.full(len(part[0]), -1, dtype=np.int32)
