"""What a plan rests on, in sentences: what is assumed, what was left out, what is missing and would add what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from campaigns.channels import Channel
from campaigns.offers import assumptions
from campaigns.plan.gather import ASSUMED, Gathered
from campaigns.plan.planning import Plan

_ADDS: Mapping[str, str] = {
    "contacts": "past campaigns with a control group (--contacts) would replace assumed effects by measured ones",
    "customers": "consent, birthdays and addresses (--customers) would open other channels and close refused ones",
    "events": "opens, clicks, visits, carts (--events) would tell who reads and when, and who does not read any more",
    "orders.product_id": "product ids in the orders would bring recommended products",
    "orders.cost": "the cost of products would replace the assumed margin",
    "orders.discount": "discounts in the orders would tell who buys because of them",
}


@dataclass(frozen=True)
class Notes:
    """Sentences. assumed: what figures rest on; left_out: what is not used, and why; missing: what would add what."""

    assumed: tuple[str, ...]
    left_out: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.assumed, *self.left_out, *self.missing)


def notes_of(
    plan: Plan,
    gathered: Gathered,
    *,
    channels: Mapping[str, Channel],
    costs: list[str],
    refused: list[str],
) -> Notes:
    """Bring them together. channels: asked for; costs: what is assumed of them; refused: offers that are left out."""
    lifts = [*_measured(plan), *_untested(plan, gathered), *_assumed(plan)]
    return Notes(
        tuple(_sentence(one) for one in (*gathered.notes, *lifts, *costs)),
        tuple(_sentence(one) for one in (*refused, *_unused(plan), *_closed(gathered, channels))),
        tuple(_missing(gathered)),
    )


def _measured(plan: Plan) -> list[str]:
    lifts = plan.economics.lifts
    return [
        f"{one.label}: measured by {lifts[one.name].treated:,} contacted and {lifts[one.name].control:,} control "
        "customers, drawn towards the stated assumption."
        for one in plan.economics.offers
        if lifts[one.name].measured
    ]


def _untested(plan: Plan, gathered: Gathered) -> list[str]:
    """Say so where there are contacts, but no test of these offers in them that can be believed."""
    if gathered.base.contacts is None or any(one.measured for one in plan.economics.lifts.values()):
        return []
    return [
        "The contacts hold no test of these offers that can be believed (a control group of 30 customers or more, "
        "drawn by lot, with these offers' names), so all effects stay assumed. `repurchase results` says what is wrong."
    ]


def _assumed(plan: Plan) -> list[str]:
    """Return the stated lifts of the offers that are used and were not measured."""
    economics = plan.economics
    used = {economics.options[one].offer.name for one in np.unique(plan.choice[plan.contacted])}
    open_ones = [
        one for one in economics.offers if one.name in used and not economics.lifts[one.name].measured
    ]
    return assumptions({one.name: one for one in open_ones})


def _unused(plan: Plan) -> list[str]:
    """Say which offers nobody gets."""
    economics = plan.economics
    used = {economics.options[one].offer.name for one in np.unique(plan.choice[plan.choice >= 0])}
    idle = [one.label for one in economics.offers if one.name not in used]
    if not idle or not used:
        return []
    return [
        f"Nobody gets: {'; '.join(idle)}. Who buys anyway would use them too, and other actions earn more, or the "
        "customers' stages do not allow them."
    ]


def _closed(gathered: Gathered, channels: Mapping[str, Channel]) -> list[str]:
    """Say which channels nobody can be contacted by."""
    empty = [one.label for name, one in channels.items() if not gathered.may.ok[name].any()]
    if not empty:
        return []
    return [
        f"Nobody can be contacted by: {'; '.join(empty)} (not known to be reachable and agreed, or refused)."
    ]


def _missing(gathered: Gathered) -> list[str]:
    absent = set(gathered.base.absent)
    if not gathered.margin_assumed:
        absent.discard("orders.cost")
    return [_sentence(f"{words}.") for name, words in _ADDS.items() if name in absent]


def _sentence(text: str) -> str:
    text = text.removeprefix(f"{ASSUMED} ")
    return text[:1].upper() + text[1:]
