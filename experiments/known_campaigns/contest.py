"""The plan against plainer policies at equal budget in a drawn world, and against an oracle that knows the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from campaigns.base import Base
from campaigns.channels import Channel, read_channels
from campaigns.lifecycle import read_stages
from campaigns.offers import Offer
from campaigns.plan.economics import Economics
from campaigns.plan.gather import gather
from campaigns.plan.lifts import lifts_of
from campaigns.plan.planning import PROFIT, Plan, make_plan
from campaigns.plan.policies import POLICIES
from campaigns.plan.terms import ALLOW, Terms
from campaigns.results.campaign import Known
from campaigns.results.priors import measured_effects
from contracts.errors import DeclarationError, nearest
from experiments.known_campaigns.judging import Judge, Judged
from experiments.known_campaigns.scoring import ranked
from experiments.known_campaigns.sending import RESPONSE_DAYS
from experiments.known_campaigns.world import Drawn

BUDGETS = (0.05, 0.2, 0.5)  # of what the plan would spend without a limit
NAMES = (PROFIT, *POLICIES)
ORACLE = "oracle"
# Channels of a campaign: our catalogue's usual ones, which cost next to nothing, or text messages alone.
CATALOGUES: Mapping[str, tuple[str, ...]] = {"cheap": ("email", "app", "sms"), "sms": ("sms",)}
# What the lifts come from: past tests, of all customers or by a label besides; or nothing but the stated assumptions.
TESTED, ASSUMED, LABELS = "tested", "assumed", ("lifecycle", "tier", "segment")
SOURCES = (TESTED, *LABELS, ASSUMED)
CURRENCY = "EUR"


@dataclass(frozen=True)
class Row:
    """One policy at one budget. share: of the unlimited cost; believed: the profit that the plan itself expected."""

    share: float
    budget: float
    policy: str
    believed: float
    true: Judged


@dataclass(frozen=True)
class Shop:
    """A drawn world as the shop knows it."""

    drawn: Drawn
    base: Base
    scores: pa.Table
    known: Sequence[Known]

    @staticmethod
    def of(drawn: Drawn) -> Shop:
        """Rank the customers of a drawn world."""
        return Shop(drawn, *ranked(drawn))

    def economics(self, *, catalogue: str = "cheap", source: str = TESTED) -> Economics:
        """Return the options of a campaign of one week, with what the shop believes of them.

        Raises DeclarationError for an unknown catalogue or source.
        """
        for word, known in ((catalogue, CATALOGUES), (source, SOURCES)):
            if word not in known:
                raise DeclarationError(
                    f"'{word}' is not known{nearest(word, known) or '.'} Known: {', '.join(known)}."
                )
        channels = {name: one for name, one in read_channels().items() if name in CATALOGUES[catalogue]}
        terms = Terms(
            "contest", "Contest", weeks=1, response_days=RESPONSE_DAYS, unknown_reach=ALLOW,
            channels=tuple(channels), margin=self.drawn.margin, taste={"low": 0.5, "medium": 1.0, "high": 1.5},
        )  # fmt: skip
        offers = self.drawn.offers
        gathered = gather(
            self.base, self.scores, terms=terms, offers=offers, channels=channels, stages=read_stages()
        )
        lifts = lifts_of(list(offers.values()), gathered.customers, measured=self.measured(source))
        return Economics(
            gathered.customers,
            terms,
            offers=list(offers.values()),
            channels=list(channels.values()),
            lifts=lifts,
        )

    def measured(self, source: str) -> pa.Table | None:
        """Return what the past campaigns say; None where only assumptions are asked for."""
        if source == ASSUMED or self.base.contacts is None:
            return None
        label = source if source in LABELS else None
        return measured_effects(
            self.base.contacts,
            sales=self.base.sales,
            window_days=RESPONSE_DAYS,
            known=self.known if label else (),
            segment=label,
        )


def contest(
    drawn: Drawn, economics: Economics, *, budgets: Sequence[float] = BUDGETS, oracle: bool = True
) -> list[Row]:
    """Return what every policy truly earns at every budget; nobody is held back as a control."""
    judge = Judge(drawn, economics)
    nobody = np.zeros(len(economics.customers), dtype=np.bool_)
    free = make_plan(economics, currency=CURRENCY, control=nobody)
    spent = float(free.earned.given.sum() + free.earned.contact.sum())
    found = []
    for share in budgets:
        if spent <= 0:
            break
        terms = replace(economics.terms, budget=share * spent)
        limited = with_terms(economics, terms)
        plans = {name: make_plan(limited, currency=CURRENCY, control=nobody, policy=name) for name in NAMES}
        if oracle:
            plans[ORACLE] = make_plan(with_terms(judge.economics, terms), currency=CURRENCY, control=nobody)
        found += [_row(share, share * spent, name, plan, judge) for name, plan in plans.items()]
    return found


def with_terms(
    economics: Economics, terms: Terms, *, offers: Sequence[Offer] = (), channels: Sequence[Channel] = ()
) -> Economics:
    """Return the same options under other terms, and with other limits of offers and channels."""
    found = Economics(
        economics.customers,
        terms,
        offers=offers or economics.offers,
        channels=channels or economics.channels,
        lifts=economics.lifts,
    )
    found.eligible = economics.eligible
    return found


def _row(share: float, budget: float, name: str, plan: Plan, judge: Judge) -> Row:
    return Row(share, budget, name, plan.profit(), judge.of(plan.choice))
