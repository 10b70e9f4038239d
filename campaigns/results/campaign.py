"""One campaign of the log as a randomised test: its customers, what came of them, and what was known before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from campaigns.results.log import Log
from campaigns.results.outcomes import Outcomes, places
from campaigns.results.trial import Trial, Values
from campaigns.sales import Sales
from features.kernel.buffers import as_arrow, filled, in_one
from features.kernel.codes import Text
from features.kernel.running import Bools, Floats, Ints

ARMS = ("control", "treated")
NO_OFFER = "no offer"


@dataclass(frozen=True)
class Known:
    """What is known of customers besides their orders: a table with a unique customer_id.

    what: in words; day: known at the end of this day, so that it serves campaigns after it (None: it never changes).
    covariates: number or text columns that make the interval shorter; groups: columns to report by.
    """

    what: str
    table: pa.Table
    day: int | None
    covariates: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Money:
    """What a campaign costs. margin: share of the revenue; None: no profit is counted.

    offer_costs: currency by offer, for each treated customer who buys.
    """

    margin: float | None = None
    offer_costs: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Campaign:
    """A campaign as a test of all its treated customers against its control.

    rows: (n,) the first contact of each customer in the log; trial: the arms control and treated; offer, channel:
    (n,) labels; own: whether the control has offers of its own, those that it would have been sent, so that each
    offer has its own control. unused: what is known only since the sending.
    """

    name: str
    rows: Ints
    first_day: int
    trial: Trial
    offer: Text
    channel: Text
    own: bool
    unused: tuple[str, ...]

    @property
    def by_offer(self) -> Trial | None:
        """The test of each offer against the one control; None if there is one offer, or each has its own control."""
        return None if self.own else _offers_apart(self.trial, self.offer)


Before = Callable[[int], Sequence[Known]]


def before_of(sales: Sales | None, known: Sequence[Known], *, window_days: int) -> Before:
    """Return what is known at the end of a day: the given tables, and from the orders recency, frequency and spend."""
    seen: dict[int, list[Known]] = {}

    def before(day: int) -> Sequence[Known]:
        if sales is None:
            return known
        if day not in seen:
            seen.clear()  # campaigns come by day
            seen[day] = [*known, _of_sales(sales.on(day), window_days=window_days)]
        return seen[day]

    return before


def campaigns_of(
    log: Log,
    outcomes: Outcomes,
    *,
    before: Before,
    money: Money,
    control_share: Mapping[str, float] | float | None = None,
) -> list[Campaign]:
    """Return the campaigns that have both arms and outcomes, by their first day.

    control_share: planned share of the control, of all or by campaign; None: equal arms.
    """
    campaign = log.campaign.codes[log.first]
    found = []
    for code, name in enumerate(log.campaign.texts):
        at = np.flatnonzero(campaign == code)
        treated = log.treated[log.first[at]]
        if len(at) and treated.any() and not treated.all() and outcomes.known[at].all():
            share = control_share.get(str(name)) if isinstance(control_share, Mapping) else control_share
            found.append((int(log.day[log.first[at]].min()), str(name), at, share))
    return [
        _campaign(log, outcomes, name, at, day, before=before, money=money, share=share)
        for day, name, at, share in sorted(found, key=lambda one: one[:2])
    ]


def _campaign(
    log: Log,
    outcomes: Outcomes,
    name: str,
    at: Ints,
    day: int,
    *,
    before: Before,
    money: Money,
    share: float | None,
) -> Campaign:
    rows = log.first[at]
    treated = log.treated[rows]
    offer = _named_offers(_part(log.offer, rows))
    own = _of_control(offer, treated)
    covariates, groups, unused = _before(log, rows, before(day - 1), day)
    channel = _part(log.channel, rows)
    groups |= {"offer": offer} if own else {}
    groups |= {"channel": channel} if _of_control(channel, treated) else {}
    control = share
    if control is None:
        offers = len(np.unique(offer.codes[treated]))
        control = 0.5 if own else 1 / (1 + offers)
    trial = Trial(
        name=name,
        arms=ARMS,
        arm=treated.astype(np.int64),
        rates={"conversion": outcomes.customer_bought[at]},
        money=_amounts(log, outcomes, at, offer, money),
        covariates=covariates,
        groups=groups,
        shares=(control, 1 - control),
    )
    return Campaign(name, rows, day, trial, offer, channel, own, unused)


def _amounts(log: Log, outcomes: Outcomes, at: Ints, offer: Text, money: Money) -> dict[str, Floats]:
    """Return revenue of each customer, and profit: margin × revenue − contacts − offer, unknown costs as 0."""
    if not outcomes.paid:
        return {}
    revenue = outcomes.customer_revenue[at]
    if money.margin is None:
        return {"revenue": revenue}
    every = np.bincount(log.place, np.nan_to_num(log.cost), minlength=len(log.first))
    costs = np.array([*(money.offer_costs.get(str(one), 0.0) for one in offer.texts), 0.0])
    bought = outcomes.customer_bought[at] * log.treated[log.first[at]]
    return {"revenue": revenue, "profit": money.margin * revenue - every[at] - costs[offer.codes] * bought}


def _offers_apart(trial: Trial, offer: Text) -> Trial | None:
    """Return the test with one arm for each offer; None if there is but one."""
    treated = trial.arm == 1
    used = np.unique(offer.codes[treated])
    if len(used) < 2:
        return None
    names = [str(offer.texts[code]) for code in used]
    arm = np.where(treated, np.searchsorted(used, np.where(treated, offer.codes, used[0])) + 1, 0)
    # Only the control's share is planned; that of each offer is taken as it is.
    own = np.bincount(arm, minlength=len(names) + 1)[1:] / max(1, int(treated.sum()))
    shares = (trial.shares[0], *(float(one) * trial.shares[1] for one in own))
    return replace(trial, arms=(ARMS[0], *names), arm=arm, shares=shares)


def _of_control(labels: Text, treated: Bools) -> bool:
    """Tell whether the control has labels of its own: what it would have been sent."""
    codes = labels.codes[~treated]
    named = [one != NO_OFFER for one in [*labels.texts]]
    return bool((codes >= 0).any()) and bool(np.array([*named, False])[codes].any())


def _named_offers(offer: Text) -> Text:
    """Return offers with a word where a message had none."""
    texts = [*offer.texts, NO_OFFER]
    codes = np.where(offer.codes < 0, len(texts) - 1, offer.codes).astype(np.int32)
    return Text(codes, pa.array(texts, pa.string()))


def _part(labels: Text, rows: Ints) -> Text:
    return Text(labels.codes[rows], labels.values)


def _before(
    log: Log, rows: Ints, known: Sequence[Known], day: int
) -> tuple[dict[str, Values], dict[str, Text], tuple[str, ...]]:
    """Return the covariates and groups of these customers, and what is known too late to be either."""
    ids = Text(log.customer.codes[rows], log.customer.values)
    covariates: dict[str, Values] = {}
    groups: dict[str, Text] = {}
    unused = []
    for one in known:
        if one.day is not None and one.day >= day:
            unused.append(one.what)
            continue
        at = places(ids, in_one(one.table["customer_id"]))
        covariates |= {name: _values(one.table[name], at) for name in one.covariates}
        groups |= {name: _labels(one.table[name], at) for name in one.groups}
    return covariates, groups, tuple(unused)


def _values(column: pa.ChunkedArray, at: Ints) -> Values:
    kind = column.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        numbers = filled(in_one(column).cast(pa.float64()), np.float64(np.nan))
        return np.append(numbers, np.nan)[at]
    return _labels(column, at)


def _labels(column: pa.ChunkedArray, at: Ints) -> Text:
    text = Text.of(column.cast(pa.string()))
    return Text(np.append(text.codes, np.int32(-1)).astype(np.int32)[at], text.values)


def _of_sales(sales: Sales, *, window_days: int) -> Known:
    """Return recency, frequency and spend of the customers as known at the end of the sales' day."""
    days = sales.days
    size = len(sales)
    spend = np.bincount(days.customer, days.amount, minlength=size)
    lately = days.day > sales.as_of - window_days
    recent = np.bincount(days.customer, days.amount * lately, minlength=size)
    columns: dict[str, Any] = {
        "days since the last order": (sales.as_of - sales.last_day).astype(np.float64),
        "order days before": np.diff(sales.starts).astype(np.float64),
        "spend before": spend,
        f"spend in the {window_days} days before": recent,
    }
    table = pa.table(
        {"customer_id": sales.ids} | {name: as_arrow(one, pa.float64()) for name, one in columns.items()}
    )
    return Known("the orders", table, sales.as_of, tuple(columns))
