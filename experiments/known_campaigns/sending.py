"""Past randomised campaigns of a shop: who was sent what, who was left alone, and what came of it.

A campaign every 35 days, the last one so that its response days are over on the last day. Each draws, at random and in
equal parts, a control group and one group for each of its offers, from all who have ordered before, agreed to the
channel and did not unsubscribe; `win-back` only from those who have been silent for long. An order that a contact wins
lies in its response days and changes nothing afterwards; one that it loses is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from campaigns.screening.channels import APP, EMAIL
from experiments.known_campaigns.law import OFFERS, Responses, stage_of
from experiments.known_campaigns.organic import DAY, HOUR, Bools, Floats, Ints, Organic
from experiments.worlds_customers import Orders

RESPONSE_DAYS, EVERY_DAYS = 30, 35
_SENT_HOUR = 10
_ANSWER_DAYS = 6.0  # mean days from a contact to an order that it wins
_DELIVERED, _OPENS_ALIVE, _OPENS_GONE, _CLICKS = 0.985, 0.35, 0.05, 0.2
_UNSUBSCRIBES = np.array([0.001, 0.001, 0.003, 0.02])  # by type
_SILENT_STAGES = (2, 3)


@dataclass(frozen=True)
class Design:
    """One kind of campaign. silent: only for those who have been silent for long."""

    name: str
    channel: str
    offers: tuple[str, ...]
    silent: bool = False

    @property
    def places(self) -> Ints:
        """Its offers as places in OFFERS."""
        return np.array([OFFERS.index(name) for name in self.offers])


DESIGNS = (
    Design("news", EMAIL, ("message", "coupon_small", "discount_10")),
    Design("gifts", EMAIL, ("message", "gift", "sample")),
    Design("prices", EMAIL, ("free_shipping", "special_price", "value_pack")),
    Design("win-back", EMAIL, ("message", "coupon_large"), silent=True),
    Design("in-app", APP, ("message", "free_shipping")),
)


@dataclass(frozen=True)
class Sending:
    """One campaign that was sent, to m customers or not; (m,) each.

    at: seconds; customer: positions; offer: places in OFFERS, -1 for the control. The rest is false for the control.
    """

    name: str
    design: Design
    at: int
    customer: Ints
    offer: Ints
    delivered: Bools
    opened: Bools
    clicked: Bools
    unsubscribed: Bools

    @property
    def end(self) -> int:
        """When its response days are over, in seconds."""
        return self.at + RESPONSE_DAYS * DAY


@dataclass
class _Life:
    """The orders so far, and who has unsubscribed, as campaigns go by."""

    organic: Organic
    agreed: dict[str, Bools]
    kept: Bools
    customer: list[Ints] = field(default_factory=list)
    at: list[Ints] = field(default_factory=list)

    def orders(self) -> tuple[Ints, Ints]:
        """Return the customer and the seconds of every order that stands."""
        drawn = self.organic.orders
        return (
            np.concatenate([drawn.customer[self.kept].astype(np.int64), *self.customer]),
            np.concatenate([drawn.at[self.kept], *self.at]),
        )

    def stages(self, at: int) -> tuple[Ints, Bools]:
        """Return each customer's stage before a time, and who has ordered before; (n,) each."""
        return stages_at(*self.orders(), at, len(self.organic))


def stages_at(customer: Ints, seconds: Ints, at: int, n: int) -> tuple[Ints, Bools]:
    """Return the stages (places in STAGES) of n customers before a time, and who has ordered before."""
    before = seconds < at
    who, when = customer[before], seconds[before] / DAY
    count = np.bincount(who, minlength=n)
    first, last = np.full(n, np.inf), np.full(n, -np.inf)
    np.minimum.at(first, who, when)
    np.maximum.at(last, who, when)
    came = count > 0
    first, last = np.where(came, first, 0.0), np.where(came, last, 0.0)
    return stage_of(count, first, last, at / DAY), came


def send_all(
    organic: Organic,
    responses: Responses,
    agreed: dict[str, Bools],
    *,
    campaigns: int,
    seed: int,
) -> tuple[Orders, list[Sending]]:
    """Send so many campaigns; return the orders with what they changed, by time, and the sendings, oldest first.

    agreed: by channel, who may be sent to; (n,).
    """
    chance = np.random.default_rng(np.random.SeedSequence([seed, 13]))
    life = _Life(
        organic, {name: who.copy() for name, who in agreed.items()}, np.ones(len(organic.orders.at), np.bool_)
    )
    last_day = organic.clock.first_day + organic.clock.days - 1
    sent = []
    for number in range(campaigns):
        day = last_day - EVERY_DAYS * (campaigns - number)
        design = DESIGNS[number % len(DESIGNS)]
        sent.append(_send(life, responses, design, number, day * DAY + _SENT_HOUR * HOUR, chance))
    return _merged(life), sent


def _send(
    life: _Life, responses: Responses, design: Design, number: int, at: int, chance: np.random.Generator
) -> Sending:
    """Send one campaign, and let its customers respond."""
    stage, came = life.stages(at)
    some = came & life.agreed[design.channel]
    if design.silent:
        some &= np.isin(stage, _SILENT_STAGES)
    who = np.flatnonzero(some)
    arm = chance.integers(0, len(design.offers) + 1, len(who)) - 1
    offer = np.where(arm >= 0, design.places[arm], -1)
    p = life.organic.chance(at, days=RESPONSE_DAYS)
    lifts = responses.lifts(stage, p)[who, np.maximum(offer, 0)]
    won = _respond(life, who[offer >= 0], lifts[offer >= 0], p, at, chance)
    answers = _answers(life, who, offer, np.isin(who, won), responses.types(stage)[who], at, chance)
    for channel in life.agreed.values():
        channel[who[answers["unsubscribed"]]] = False
    return Sending(f"{number + 1:02d}-{design.name}", design, at, who, offer, **answers)


def _respond(
    life: _Life, treated: Ints, lifts: Floats, p: Floats, at: int, chance: np.random.Generator
) -> Ints:
    """Add the orders that the contacts win and take away those that they lose; return who was won.

    Of those who would not order the share lift is won; of those who would, the share -lift (1 - p) / p is lost.
    """
    end = at + RESPONSE_DAYS * DAY
    buys = life.organic.ordered(at, end)[treated]
    draw = chance.random(len(treated))
    won = treated[~buys & (draw < lifts)]
    room = (1 - p[treated]) / np.maximum(p[treated], 1e-12)
    lost = np.zeros(len(life.organic), dtype=np.bool_)
    lost[treated[buys & (draw < -lifts * room)]] = True
    orders = life.organic.orders
    life.kept &= ~(lost[orders.customer] & (orders.at >= at) & (orders.at < end))
    wait = np.minimum(chance.exponential(_ANSWER_DAYS, len(won)) + 0.05, RESPONSE_DAYS - 0.05)
    life.customer.append(won)
    life.at.append(at + (wait * DAY).astype(np.int64))
    return won


def _answers(
    life: _Life, who: Ints, offer: Ints, won: Bools, types: Ints, at: int, chance: np.random.Generator
) -> dict[str, NDArray[np.bool_]]:
    """Return what came back from the messages; whoever was won has read it."""
    orders, n = life.organic.orders, len(who)
    alive = orders.alive[who] | (orders.last_at[who] >= at)
    delivered = (offer >= 0) & (won | (chance.random(n) < _DELIVERED))
    opened = delivered & (won | (chance.random(n) < np.where(alive, _OPENS_ALIVE, _OPENS_GONE)))
    clicked = opened & (won | (chance.random(n) < _CLICKS))
    unsubscribed = delivered & ~won & (chance.random(n) < _UNSUBSCRIBES[types])
    return {"delivered": delivered, "opened": opened, "clicked": clicked, "unsubscribed": unsubscribed}


def _merged(life: _Life) -> Orders:
    """Return all orders by time; who has left and when is told by the orders without campaigns."""
    drawn = life.organic.orders
    customer, at = life.orders()
    added = len(customer) - int(life.kept.sum())
    first = np.concatenate([drawn.first[life.kept], np.zeros(added, dtype=np.bool_)])
    order = np.argsort(at, kind="stable")
    return Orders(
        customer[order].astype(np.int32), at[order], first[order], drawn.alive, drawn.waited, drawn.last_at
    )
