"""What must be said beside the account's figures: what is missing, what it would add, and what was assumed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.results.campaign import Campaign, Money
from campaigns.results.log import Log
from campaigns.results.outcomes import Outcomes


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the sentences are about. covariates: whether anything is known of the customers from before."""

    log: Log
    outcomes: Outcomes
    campaigns: Sequence[Campaign]
    by_orders: bool
    window_days: int
    money: Money
    covariates: bool


def told_of(about: Told) -> list[str]:
    """Return the sentences."""
    return [
        *_of_control(about),
        *_of_outcomes(about),
        *_of_responses(about.log),
        *_of_money(about),
        *_of_covariates(about),
    ]


def _of_control(about: Told) -> Iterator[str]:
    log = about.log
    size = len(log.campaign.values)
    campaign, treated = log.campaign.codes[log.first], log.treated[log.first]
    held = np.bincount(campaign[~treated], minlength=size)
    sent = np.bincount(campaign[treated], minlength=size)
    without = sorted(str(log.campaign.texts[at]) for at in np.flatnonzero((held == 0) & (sent > 0)))
    if without:
        yield (
            f"{_listed(without)} had no control: what the messages caused cannot be measured, since many would have "
            "bought without them. Next time hold back customers drawn by chance (`repurchase plan` does), and log them "
            "with arm control on the same day."
        )
    unsent = [str(log.campaign.texts[at]) for at in np.flatnonzero((sent == 0) & (held > 0))]
    if unsent:
        yield f"{_listed(unsent)} holds nobody but the control: there is nothing to compare."


def _of_outcomes(about: Told) -> Iterator[str]:
    log, outcomes = about.log, about.outcomes
    if not about.by_orders:
        if {"converted_at", "revenue"} <= log.absent:
            yield "The contacts hold no conversions and no revenue. Give the orders, and both are counted from them."
        else:
            yield (
                "Conversions and revenue are the sender's own count. If that knows only who clicked, the control's "
                "orders are missing; the orders themselves would count both arms alike."
            )
        if "revenue" in log.absent and "converted_at" not in log.absent:
            yield "There is no revenue: revenue per message, ROI and profit are empty."
        return
    assert outcomes.days is not None
    short = np.flatnonzero(outcomes.days < about.window_days)
    for at in short[:5]:
        days, name = int(outcomes.days[at]), log.campaign.texts[at]
        if days:
            yield f"{name}: {days} of {about.window_days} days after the sending are over; orders of those days count."
        else:
            yield f"{name}: no day after the sending is over yet, so no outcome is known."
    if len(short) > 5:
        yield f"{len(short) - 5} more campaigns have windows that are not over."
    if outcomes.whole_days:
        names = _listed([str(log.campaign.texts[at]) for at in sorted(outcomes.whole_days)])
        yield f"{names}: the arms were logged at different hours, so orders of the whole day of the sending count."


def _of_responses(log: Log) -> Iterator[str]:
    if "delivered" in log.absent:
        yield "Deliveries are not told: opens and clicks are shares of what was sent."
    missing = [
        word for word, name in (("opens", "opened_at"), ("clicks", "clicked_at")) if name in log.absent
    ]
    if missing:
        yield f"There are no {' and no '.join(missing)}: those rates are empty. The sender's tracking would fill them."
    if "unsubscribed_at" in log.absent:
        yield "Unsubscriptions are not told: how many each campaign costs in customers stays unknown."


def _of_money(about: Told) -> Iterator[str]:
    log, money = about.log, about.money
    treated = int(log.treated.sum())
    unknown = int((log.treated & ~np.isfinite(log.cost)).sum())
    if money.margin is None:
        yield "Without a margin there is no profit and no ROI. Give --margin, or products with their cost."
    if unknown == treated:
        yield "The contacts have no cost: profit is before the cost of the messages."
    elif unknown:
        yield f"{unknown:,} of {treated:,} messages have no cost: they count as free in the profit."
    offers = [str(one) for one in log.offer.texts]
    lacking = [one for one in offers if one not in money.offer_costs]
    if money.margin is not None and lacking:
        yield (
            f"{_listed(lacking)}: no cost of the offer is given and none is taken off. Discounts are already out of "
            "the amounts; gifts and shipping are not (--offer-cost OFFER=AMOUNT)."
        )


def _of_covariates(about: Told) -> Iterator[str]:
    late = [one.name for one in about.campaigns if one.unused]
    if late:
        what = _listed(sorted({name for one in about.campaigns for name in one.unused}))
        yield (
            f"{what}: made on the day of the sending or later, so for {_listed(late)} neither the adjustment nor the "
            "groups use it; what a message caused may stand in it. Give scores from before the sending."
        )
    if about.campaigns and not about.covariates:
        yield (
            "Nothing is known of the customers from before: orders or scores would check the balance and shorten the "
            "intervals."
        )


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:4])
    return shown + (f" and {len(names) - 4} more" if len(names) > 4 else "")
