"""What a plan truly earns: its choices, with the chances, baskets and lifts that are true."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.channels import read_channels
from campaigns.offers import read_offers
from campaigns.plan.economics import Economics
from campaigns.plan.lifts import Lift
from campaigns.plan.table import CONTACT
from contracts.errors import DataError
from contracts.tables import CURVE_KNOTS
from experiments.known_campaigns.law import OFFERS
from experiments.known_campaigns.organic import Floats, Ints
from experiments.known_campaigns.world import Drawn
from features.kernel.buffers import as_numpy, in_one, places_among
from models.curve import LARGEST_P


@dataclass(frozen=True)
class Judged:
    """What choices truly bring, expected over outcomes: incremental profit, money spent, orders added; customers."""

    profit: float
    cost: float
    added: float
    customers: int


class Judge:
    """The options of a plan as they truly are. Every contact begins on the day after the last one (weeks = 1)."""

    def __init__(self, drawn: Drawn, believed: Economics) -> None:
        customers = believed.customers
        at = places_among(customers.ids, drawn.ids)
        truth = drawn.truth
        p = np.minimum(truth.p[at], LARGEST_P)
        true = replace(
            customers,
            curve=np.repeat(p[:, None], len(CURVE_KNOTS), axis=1),
            basket=truth.basket[at],
            best_week=None,
            answers={},
        )
        self.lifts = {one.name: _lift(truth.lifts[at, OFFERS.index(one.name)]) for one in believed.offers}
        self.economics = Economics(
            true, believed.terms, offers=believed.offers, channels=believed.channels, lifts=self.lifts
        )
        # Who may get what is the shop's own rule, which goes by what the shop believes.
        self.economics.eligible = believed.eligible

    def of(self, choice: Ints) -> Judged:
        """Return what choices bring; (n,) places in the options, -1 for none."""
        who = np.flatnonzero(choice >= 0)
        earned = self.economics.earned(who, choice[who])
        spent = float(earned.given.sum() + earned.contact.sum())
        return Judged(float(earned.profit.sum()), spent, float(earned.added.sum()), len(who))


def _lift(share: Floats) -> Lift:
    return Lift(share, share, share, 1, 1)


def of_files(plan: pa.Table, truth: pa.Table) -> Judged:
    """Return what a written plan truly brings (campaigns.plan.table.PLAN), by the truth.parquet of its world.

    Whatever the week of a contact, the truth is that of the world's last day. Raises DataError where the two are not of
    one world.
    """
    about = json.loads((truth.schema.metadata or {}).get(b"truth", b"null"))
    if about is None:
        raise DataError(
            "this is no truth.parquet of a shop with campaigns: repurchase generate --campaigns writes it."
        )
    contacts = plan.filter(pc.equal(plan["action"], CONTACT))
    at = places_among(contacts["customer_id"], truth["customer_id"])
    if (at < 0).any():
        raise DataError(
            f"{int((at < 0).sum()):,} planned customers are not in the truth. Give that of the same world."
        )
    offers, channels = read_offers(), read_channels()
    p, basket = (as_numpy(in_one(truth[name]))[at] for name in ("p_without", "basket"))
    lift, given, left = np.zeros(len(at)), np.zeros(len(at)), about["margin"] * basket
    names = contacts["offer"].to_numpy(zero_copy_only=False)
    for name in np.unique(names.astype(str)):
        here = names == name
        lift[here] = as_numpy(in_one(truth[f"lift_{name}"]))[at][here]
        given[here] = offers[name].given(basket[here])
        left[here] = offers[name].earned(basket[here], margin=about["margin"])
    cost = np.array([channels[name].cost for name in contacts["channel"].to_pylist()])
    added = np.maximum(lift * (1 - p), -p)
    profit = (p + added) * left - p * about["margin"] * basket - cost
    return Judged(float(profit.sum()), float(((p + added) * given + cost).sum()), float(added.sum()), len(at))
