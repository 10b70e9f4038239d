"""Customers of a plan, from the customer base and its scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.base import Base
from campaigns.channels import Allowed, Channel, allowed, channel_scores
from campaigns.lifecycle import Stage
from campaigns.messages import Messages
from campaigns.offers import Offer, allowed_levels, kinds_of
from campaigns.plan.customers import Customers
from campaigns.plan.terms import ALLOW, ASSUMED_MARGIN, ORDERS, Terms
from campaigns.plan.weeks import Days, days_of, last_contacts, weeks_of
from campaigns.screening.activity import ACTIVE, Activity, activity_of
from campaigns.screening.activity import LEVELS as ACTIVITIES
from campaigns.screening.channels import EMAIL
from campaigns.screening.reachability import reach_of
from campaigns.sensitivity import Sensitivity, sensitivity_of
from campaigns.timing import Rhythm, Windows, next_order_windows
from contracts.errors import DataError
from contracts.tables import CURVE_KNOTS
from contracts.training import Floats
from features.kernel.buffers import as_arrow, as_numpy, as_rows, places_among

MOST_OTHER = 0.5  # share of customers who may have ordered otherwise than the ranking says
_LIKELIER = (0.5, 2.0)  # how much more or less a channel may move than the usual one
_FEW_ORDERS = 1e-6  # below it the expected basket is the usual one
# Only these can say who agreed; contacts and events tell at most who did not.
TELLS_REACH = ("customers", "personal")


@dataclass(frozen=True)
class Gathered:
    """customers: those with a score, for the optimiser. base: the same customers, aligned. notes: what was assumed.

    days: of the campaign. unscored: how many customers of the base have no score. margin_assumed: nobody said it.
    """

    customers: Customers
    base: Base
    may: Allowed
    activity: Activity
    sensitivity: Sensitivity
    windows: Windows
    days: Days
    notes: tuple[str, ...]
    unscored: int
    margin_assumed: bool


def gather(
    base: Base,
    scores: pa.Table,
    *,
    terms: Terms,
    offers: Mapping[str, Offer],
    channels: Mapping[str, Channel],
    stages: Mapping[str, Stage],
    model_margin: float = 1.0,
    calendar: Path | None = None,
) -> Gathered:
    """Bring together what a plan needs to know. scores: contracts.tables.scores_schema of the base's day.

    calendar: the shop's own events. Raises DataError if no customer has a score, or the scores are of other orders.
    """
    days = days_of(terms, as_of=base.as_of, calendar=calendar)
    base, scores, unscored = _aligned(base, scores)
    columns = score_columns(scores)
    told = [*_unscored_note(unscored), *_other_orders(base, columns)]
    curve = as_rows(scores["curve"], width=len(CURVE_KNOTS))
    messages = Messages.of(base)
    may, open_to_all = _may(base, channels, terms, messages)
    activity = activity_of(base.sales, base.events)
    engagement = np.array(ACTIVITIES, dtype=object)[activity.by_email]
    known = {"activity": np.array(ACTIVITIES, dtype=object)[activity.level], "engagement": engagement}
    sensitivity = sensitivity_of(base, kinds=kinds_of(offers), segment=columns["segment"])
    windows = next_order_windows(curve, Rhythm.of(base.sales), recency_days=columns["recency_days"])
    margin, said = margin_of(base, terms, model_margin)
    weeks = weeks_of(
        days, columns["lifecycle"], stages=stages, last_contact=last_contacts(messages, len(base.sales))
    )
    ahead = days.first - base.as_of
    customers = Customers(
        base.sales.ids,
        curve,
        basket_of(columns, scores, days=terms.response_days),
        np.full(scores.num_rows, margin),
        {name: columns[name] for name in ("lifecycle", "tier", "segment")},
        columns | sensitivity.columns | known,
        may.ok,
        allowed_levels(columns["lifecycle"], engagement, policy=stages),
        {kind: _taste(one.level, terms.taste) for kind, one in sensitivity.kinds.items()},
        np.floor((windows.contact_from - ahead) / 7.0),
        weeks.open,
        weeks.why,
        ahead - 1,
        answers_of(base, channels, may, activity, messages, loss=terms.channel_loss),
    )
    notes = (said, *([_OPEN] if open_to_all else []), *told, *days.notes, *sensitivity.notes)
    assumed = said.startswith(ASSUMED)
    return Gathered(customers, base, may, activity, sensitivity, windows, days, notes, unscored, assumed)


def _may(
    base: Base, channels: Mapping[str, Channel], terms: Terms, messages: Messages
) -> tuple[Allowed, bool]:
    """Return who may be contacted by which channel, and whether everyone is taken to read e-mail."""
    reach = reach_of(base, unknown_consent="allow" if terms.unknown_reach == ALLOW else "ask")
    may = allowed(base, reach, channels, allow_unknown=terms.unknown_reach == ALLOW, messages=messages)
    orders_only = terms.unknown_reach == ORDERS and all(getattr(base, name) is None for name in TELLS_REACH)
    if orders_only and EMAIL in channels:
        mail = allowed(base, reach, {EMAIL: channels[EMAIL]}, allow_unknown=True, messages=messages)
        may = Allowed({**may.ok, **mail.ok}, {**may.reason, **mail.reason})
    return may, orders_only and EMAIL in channels


def answers_of(
    base: Base,
    channels: Mapping[str, Channel],
    may: Allowed,
    activity: Activity,
    messages: Messages,
    *,
    loss: float,
) -> dict[str, Floats]:
    """Return, by channel, what a lift is multiplied by there; (n,).

    The customer's response rate by the channel over that of all customers by it (half to twice; 1 where it is not
    known): clicks of different channels are not compared, since what they cause is not known. Less `loss` where the
    channel does not fit: a highly active customer is met on the shop's own channels as long as one is open, any other
    is fetched by a direct one.
    """
    rates = channel_scores(base, None, channels, activity, messages=messages)
    own_open = np.zeros(len(base.sales), dtype=np.bool_)
    for name, channel in channels.items():
        own_open |= may.ok[name] & channel.own
    active = activity.level == ACTIVE
    found = {}
    for place, name in enumerate(rates.names):
        rate = rates.rate[:, place]
        told = np.isfinite(rate)
        usual = float(rate[told].mean()) if told.any() else 0.0
        factor = np.where(told, rate, usual) / usual if usual > 0 else np.ones(len(active))
        misfit = ~active if channels[name].own else active & own_open
        found[name] = np.clip(factor, *_LIKELIER) * np.where(misfit, 1.0 - loss, 1.0)
    return found


def _unscored_note(unscored: int) -> list[str]:
    return (
        [f"{unscored:,} customers of these orders are not in the ranking and not planned."]
        if unscored
        else []
    )


def _other_orders(base: Base, columns: Mapping[str, NDArray[Any]]) -> list[str]:
    """Say how many customers have ordered otherwise than the ranking says; DataError if most have."""
    frequency = np.diff(base.sales.starts) - 1
    same = (columns["frequency"] == frequency) & (columns["recency_days"] == base.as_of - base.sales.last_day)
    other = int((~same).sum())
    if other > MOST_OTHER * len(same):
        raise DataError(
            f"the ranking was made from other orders: {other:,} of {len(same):,} customers have ordered on other days "
            "than it says. Rank these orders first."
        )
    if not other:
        return []
    return [f"{other:,} customers have ordered on other days than the ranking says. Rank these orders anew."]


ASSUMED = "Assumed:"
_OPEN = (
    f"{ASSUMED} every customer reads e-mail and agreed to get it, unless contacts or events say otherwise; other "
    "channels stay closed. Give consent and addresses (--customers) before anything is sent."
)


def score_columns(scores: pa.Table) -> dict[str, NDArray[Any]]:
    """Return the numbers and words of scores as columns that rules read; (n,) each."""
    found: dict[str, NDArray[Any]] = {}
    for field in scores.schema:
        if pa.types.is_floating(field.type) or pa.types.is_integer(field.type):
            found[field.name] = as_numpy(scores[field.name]).astype(np.float64)
        elif pa.types.is_string(field.type) and field.name != "customer_id":
            found[field.name] = scores[field.name].to_numpy(zero_copy_only=False)
    return found


def basket_of(columns: Mapping[str, NDArray[Any]], scores: pa.Table, *, days: int) -> Floats:
    """Return the expected amount of an order day; (n,) currency: by the horizon nearest to `days`."""
    names = [name for name in scores.column_names if name.startswith("expected_orders_")]
    horizons = [int(name.removeprefix("expected_orders_").removesuffix("d")) for name in names]
    nearest = min(horizons, key=lambda h: abs(h - days))
    orders, value = columns[f"expected_orders_{nearest}d"], columns[f"expected_value_{nearest}d"]
    usual = columns["monetary_value"]
    return np.nan_to_num(np.where(orders > _FEW_ORDERS, value / np.maximum(orders, _FEW_ORDERS), usual))


def margin_of(base: Base, terms: Terms, model_margin: float) -> tuple[float, str]:
    """Return the profit's share of the amount, and where it comes from, in words."""
    if terms.margin is not None:
        return terms.margin, f"Margin {terms.margin:.0%}, as the campaign says."
    if "cost" in base.sales.optional:
        cost = base.sales.number("cost")
        known = np.isfinite(cost) & (base.sales.amount > 0)
        if known.any():
            share = 1.0 - cost[known].sum() / base.sales.amount[known].sum()
            if 0.0 < share <= 1.0:
                return float(share), f"Margin {share:.0%}, by the cost of the order lines."
    if 0.0 < model_margin < 1.0:
        return model_margin, f"Margin {model_margin:.0%}, as the model was trained with."
    return ASSUMED_MARGIN, (
        f"{ASSUMED} a margin of {ASSUMED_MARGIN:.0%}. Write `margin` into the campaign's file, or give orders or "
        "products with their cost."
    )


def _aligned(base: Base, scores: pa.Table) -> tuple[Base, pa.Table, int]:
    """Return the customers that have a score, and their scores in the base's order."""
    ids = base.sales.ids
    at = places_among(ids, scores["customer_id"])
    known = np.flatnonzero(at >= 0)
    if not len(known):
        raise DataError(
            f"none of the {len(ids):,} customers of these orders is in the ranking. Rank these orders first."
        )
    if len(known) < len(ids):
        base = replace(base, sales=base.sales.of_customers(known))
    return base, scores.take(as_arrow(at[known], pa.int64())).combine_chunks(), len(ids) - len(known)


def _taste(level: NDArray[np.object_], factors: Mapping[str, float]) -> Floats:
    found = np.ones(len(level))
    for word, factor in factors.items():
        found[level == word] = factor
    return found
