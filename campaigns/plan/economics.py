"""The options of a campaign, and what each earns and costs with each customer.

With p the chance of an order in the response days without a contact, and e = lift · (1 - p) what the contact adds:

    profit = (p + e) · (what a redemption leaves of the margin) - p · margin · basket - cost of the contact

so everyone who buys redeems the offer, also those who would have bought without it: that is what makes discounts to
loyal customers dear. Money spent = cost of the contact + (p + e) · what a redemption gives away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from campaigns.channels import Channel
from campaigns.knapsack.problem import Block, Which
from campaigns.lifecycle import LEVELS
from campaigns.offers import Offer, eligible
from campaigns.plan.customers import Customers
from campaigns.plan.lifts import Lift
from campaigns.plan.terms import Terms
from campaigns.tiers import NAMES as TIERS
from contracts.training import Floats
from features.kernel.running import Bools, Ints

Small = NDArray[np.float32]
ANY_WEEK = -1  # the customer's own best week


@dataclass(frozen=True)
class Option:
    """One way to contact: an offer on a channel in a week (from 0; ANY_WEEK: the customer's own best)."""

    offer: Offer
    channel: Channel
    week: int


@dataclass(frozen=True)
class Earned:
    """What chosen options are expected to bring; (m,) each. p: chance without contact; added: what the contact adds.

    given: expected to be given away; contact: cost of the contact; profit: incremental; week: from 0; left: what a
    redemption leaves of the margin.
    """

    p: Floats
    added: Floats
    given: Floats
    contact: Floats
    profit: Floats
    week: Ints
    left: Floats

    def of(self, rows: Bools) -> Earned:
        """Return the same of some rows."""
        return Earned(*(values[rows] for values in vars(self).values()))


class Economics:
    """The options of a campaign for its customers: `block` gives profits and costs to the optimiser."""

    def __init__(
        self,
        customers: Customers,
        terms: Terms,
        *,
        offers: Sequence[Offer],
        channels: Sequence[Channel],
        lifts: Mapping[str, Lift],
    ) -> None:
        self.customers, self.terms, self.lifts = customers, terms, lifts
        self.offers, self.channels = tuple(offers), tuple(channels)
        self.options = tuple(
            Option(offer, channel, week)
            for offer in offers
            for channel in channels
            for week in (range(terms.weeks) if channel.capacity is not None else (ANY_WEEK,))
        )
        self.eligible = self._eligible()

    def _eligible(self) -> dict[str, Bools]:
        """Return who may get each offer: by its rule and basket, the stage's level, and the least margin."""
        customers = self.customers
        found = eligible({one.name: one for one in self.offers}, customers.columns, basket=customers.basket)
        for offer in self.offers:
            left = offer.earned(customers.basket, margin=customers.margin)
            found[offer.name] &= customers.levels[:, LEVELS.index(offer.level)]
            found[offer.name] &= left >= self.terms.least_margin * customers.basket
        return found

    @cached_property
    def _chance(self) -> Small:
        """The chance of an order in the response days after each week's begin, without a contact; (weeks, n)."""
        days = self.terms.response_days
        return np.stack(
            [self.customers.chance(after=7 * week, days=days) for week in range(self.terms.weeks)]
        ).astype(np.float32)

    @cached_property
    def _tier(self) -> Ints:
        """Each customer's tier as a place in TIERS, the last code for none; (n,)."""
        tier = self.customers.labels.get("tier", np.full(len(self.customers), None, dtype=object))
        found = np.full(len(tier), len(TIERS), dtype=np.int64)
        for place, name in enumerate(TIERS):
            found[tier == name] = place
        return found

    @cached_property
    def _wished_week(self) -> Ints:
        """Each customer's best week inside the campaign, open or not; (n,)."""
        best = self.customers.best_week
        if best is None:
            return np.zeros(len(self.customers), dtype=np.int64)
        return np.clip(np.nan_to_num(best), 0, self.terms.weeks - 1).astype(np.int64)

    @cached_property
    def best_week(self) -> Ints:
        """Each customer's best week inside the campaign among those that are open to them; (n,)."""
        wished, open_weeks = self._wished_week, self.customers.open_weeks
        if open_weeks is None:
            return wished
        away = np.abs(np.arange(self.terms.weeks) - wished[:, None]) + np.where(open_weeks, 0, 10**6)
        return np.where(open_weeks.any(axis=1), away.argmin(axis=1), wished)

    def _open(self, week: int, which: Which) -> Bools:
        """Return to whom a week is open, ANY_WEEK: at least one; (b,)."""
        weeks = self.customers.open_weeks
        if weeks is None:
            return np.ones(len(self.customers.basket[which]), dtype=np.bool_)
        return np.asarray(weeks[which].any(axis=1) if week == ANY_WEEK else weeks[which][:, week])

    def block(self, which: Which) -> Block:
        """Return profits and money spent of some customers; -inf where an option is not for them."""
        size = len(self.customers.basket[which])
        profit = np.empty((len(self.options), size), dtype=np.float32)
        cost = np.empty_like(profit)
        weeks = sorted({one.week for one in self.options})
        opened = {week: self._open(week, which) for week in weeks}
        begun = {week: self._begun(week, which) for week in weeks}
        for offer in self.offers:
            made = {
                (week, channel.name): self._made(offer, channel, begun[week], which)
                for week in weeks
                for channel in self.channels
            }
            for place, option in enumerate(self.options):
                if option.offer is offer:
                    gain, given = made[option.week, option.channel.name]
                    fits = self.eligible[offer.name][which] & self.customers.may[option.channel.name][which]
                    fits &= opened[option.week]
                    net = gain - np.float32(option.channel.cost)
                    profit[place] = np.where(fits & (net >= self._least), net, -np.inf)
                    cost[place] = given + np.float32(option.channel.cost)
        return Block(profit, cost, self._tier[which])

    @property
    def _least(self) -> float:
        """The least profit of an action; without one, floors may ask for actions that lose."""
        return self.terms.least_profit if self.terms.least_profit or not self.terms.floors else -np.inf

    def _made(
        self, offer: Offer, channel: Channel, begun: tuple[Floats, Floats], which: Which
    ) -> tuple[Small, Small]:
        """Return the profit before the contact's cost, and what is given away."""
        p, added, given, earned = self._parts(offer, channel, begun, which, self.lifts[offer.name].share)
        plain = self.customers.margin[which] * self.customers.basket[which]
        buys = p + added
        return (buys * earned - p * plain).astype(np.float32), (buys * given).astype(np.float32)

    def _begun(self, week: int, which: Which) -> tuple[Floats, Floats]:
        """Return p of a contact in a week, and what share of the lift it keeps there, of some customers."""
        wished = self._wished_week[which]
        at = self.best_week[which] if week == ANY_WEEK else np.full(len(wished), week)
        p = self._chance[:, which][at, np.arange(len(wished))].astype(np.float64)
        return p, (1.0 - self.terms.week_loss) ** np.abs(at - wished)

    def _parts(
        self, offer: Offer, channel: Channel, begun: tuple[Floats, Floats], which: Which, lift: Floats
    ) -> tuple[Floats, Floats, Floats, Floats]:
        """Return p, e, what a redemption gives away and what it leaves, of some customers."""
        p, kept = begun
        if channel.name in self.customers.answers:
            kept = kept * self.customers.answers[channel.name][which]
        basket, margin = self.customers.basket[which], self.customers.margin[which]
        added = np.clip(lift[which] * kept, -1.0, 1.0) * (1.0 - p)
        return p, np.maximum(added, -p), offer.given(basket), offer.earned(basket, margin=margin)

    def earned(self, which: Ints, choice: Ints, *, bound: str = "share") -> Earned:
        """Return what the chosen options of some customers bring. bound: share, low or high of the lifts."""
        parts = np.zeros((6, len(which)))
        week = np.zeros(len(which), dtype=np.int64)
        for place, option in enumerate(self.options):
            here = np.flatnonzero(choice == place)
            if not len(here):
                continue
            some = which[here]
            lift = getattr(self.lifts[option.offer.name], bound)
            begun = self._begun(option.week, some)
            p, added, given, left = self._parts(option.offer, option.channel, begun, some, lift)
            plain = self.customers.margin[some] * self.customers.basket[some]
            contact = np.full(len(here), option.channel.cost)
            profit = (p + added) * left - p * plain - contact
            parts[:, here] = p, added, (p + added) * given, contact, profit, left
            week[here] = self.best_week[some] if option.week == ANY_WEEK else option.week
        return Earned(parts[0], parts[1], parts[2], parts[3], parts[4], week, parts[5])
