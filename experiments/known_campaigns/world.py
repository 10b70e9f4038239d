"""A drawn world: a shop that has run campaigns, with the truth about its customers on the last day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pyarrow as pa

from campaigns.offers import Offer, read_offers
from campaigns.screening.channels import APP, EMAIL, SMS
from contracts.days import to_day
from contracts.errors import DeclarationError, nearest
from experiments.known_campaigns.law import OFFERS, RESPONSES, Natures, Responses
from experiments.known_campaigns.money import baskets, redeemed, with_redemptions
from experiments.known_campaigns.organic import DAY, Bools, Floats, Ints, Organic
from experiments.known_campaigns.sending import EVERY_DAYS, RESPONSE_DAYS, Sending, send_all, stages_at
from experiments.worlds_customers import Orders
from experiments.worlds_lines import Goods, Lines, draw_sales, numbered_ids

MOST_CUSTOMERS = 1_000_000
_AGREED = {SMS: 0.35, APP: 0.3}
_RUN_IN_DAYS = 90  # before the first campaign


@dataclass(frozen=True)
class CampaignWorld:
    """A shop to generate: so many customers, and past campaigns in the `days` days up to last_day."""

    customers: int = 20_000
    campaigns: int = 8
    response: str = "segment"
    seed: int = 1
    days: int = 730
    last_day: date = date(2025, 6, 30)

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise DeclarationError(problem)

    def _problems(self) -> list[str]:
        found = []
        if not 100 <= self.customers <= MOST_CUSTOMERS:
            found.append(f"{self.customers:,} customers cannot be generated. Give 100 to {MOST_CUSTOMERS:,}.")
        if self.response not in RESPONSES:
            hint = nearest(self.response, RESPONSES) or "."
            found.append(f"response is '{self.response}'{hint} Known: {', '.join(RESPONSES)}.")
        if self.seed < 0 or not 30 <= self.days <= 20_000 or to_day(self.last_day) < self.days:
            found.append(
                f"{self.days:,} days up to {self.last_day} with seed {self.seed} cannot be generated."
            )
        most = (self.days - _RUN_IN_DAYS) // EVERY_DAYS
        if not 0 <= self.campaigns <= max(most, 0):
            needed = _RUN_IN_DAYS + EVERY_DAYS * max(self.campaigns, 0)
            found.append(
                f"{self.campaigns} campaigns do not fit into {self.days} days: one is sent every {EVERY_DAYS} days, "
                f"after {_RUN_IN_DAYS} days without any. Give 0 to {max(most, 0)} campaigns, or {needed} days."
            )
        return found

    @property
    def as_of(self) -> int:
        """The last day."""
        return to_day(self.last_day)


@dataclass(frozen=True)
class Truth:
    """What is true of the n customers at the end of the last day.

    p: (n,) chance to order in the response days without a contact; basket: (n,) mean amount of an order, currency;
    lifts: (n, offers) share of the headroom that a contact tomorrow wins; stage, type: (n,) places in STAGES, TYPES.
    """

    p: Floats
    basket: Floats
    lifts: Floats
    stage: Ints
    type: Ints


@dataclass(frozen=True)
class Drawn:
    """A drawn world. orders: with what the campaigns changed; lines: their sale lines, by time; sent: oldest first."""

    world: CampaignWorld
    organic: Organic
    responses: Responses
    agreed: Mapping[str, Bools]
    orders: Orders
    sent: list[Sending]
    goods: Goods
    sales: Lines
    truth: Truth
    offers: Mapping[str, Offer]

    @cached_property
    def ids(self) -> pa.Array:
        """The customers' ids; (n,)."""
        return numbered_ids("c", 1 + np.arange(len(self.organic)), 7)

    @cached_property
    def margin(self) -> float:
        """The profit's share of the amount, over all sale lines."""
        return float(1.0 - self.sales.cost.sum() / self.sales.amount.sum())


def draw(world: CampaignWorld) -> Drawn:
    """Draw a world; worlds of the same seed and size differ only by their responses."""
    organic = Organic.draw(world.customers, seed=world.seed, days=world.days, last_day=world.last_day)
    chance = np.random.default_rng(np.random.SeedSequence([world.seed, 17]))
    agreed = {EMAIL: organic.customers.subscribed.copy()}
    agreed |= {name: chance.random(world.customers) < share for name, share in _AGREED.items()}
    natures = Natures.draw(world.customers, world.response, chance)
    offers = read_offers()
    end = (world.as_of + 1) * DAY
    p = organic.chance(end, days=RESPONSE_DAYS)
    stage, _ = stages_at(organic.orders.customer.astype(np.int64), organic.orders.at, end, len(organic))
    kinds = tuple(offers[name].kind for name in OFFERS)
    responses = Responses.of(world.response, natures, stage, p, kinds=kinds, seed=world.seed)
    orders, sent = send_all(organic, responses, agreed, campaigns=world.campaigns, seed=world.seed)
    goods = Goods.draw(world.seed)
    sales, basket = _sales(organic, orders, sent, goods, natures, offers, seed=world.seed)
    stage, _ = stages_at(orders.customer.astype(np.int64), orders.at, end, len(organic))
    truth = Truth(p, basket, responses.lifts(stage, p), stage, responses.types(stage))
    return Drawn(world, organic, responses, agreed, orders, sent, goods, sales, truth, offers)


def _sales(
    organic: Organic,
    orders: Orders,
    sent: list[Sending],
    goods: Goods,
    natures: Natures,
    offers: Mapping[str, Offer],
    *,
    seed: int,
) -> tuple[Lines, Floats]:
    """Return the sale lines of the orders, and what an order of each customer is worth."""
    chance = np.random.default_rng(np.random.SeedSequence([seed, 19]))
    counts = 1 + chance.poisson(organic.customers.more_lines[orders.customer])
    sales = draw_sales(organic.customers, orders, organic.clock, goods, counts, chance)
    share, coupon = redeemed(orders, sent, natures.deals, offers, chance)
    return with_redemptions(sales, share, coupon), baskets(organic.customers, goods, sales)
