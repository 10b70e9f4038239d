"""What is known of each customer besides the scores, from the customer base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from campaigns.base import Base
from campaigns.channels import Channel, check_channels
from campaigns.messages import Messages
from campaigns.offers import Offer, kinds_of
from campaigns.plan.gather import ASSUMED, margin_of
from campaigns.plan.terms import ASSUMED_MARGIN, Terms
from campaigns.preferences.by_channel import ByChannel, by_channel
from campaigns.preferences.by_time import by_time
from campaigns.preferences.groups import Groups, groups_of
from campaigns.preferences.intervals import GroupInterval, intervals_of
from campaigns.screening.activity import Activity, activity_of
from campaigns.sensitivity import Sensitivity, sensitivity_of


@dataclass(frozen=True)
class Preferences:
    """All of it, for the customers of `base.sales.ids`.

    times: campaigns.preferences.by_time. ranked: whether there was a ranking. basis: what figures rest on.
    """

    base: Base
    activity: Activity
    groups: Groups
    sensitivity: Sensitivity
    channels: ByChannel
    times: pa.Table
    intervals: tuple[GroupInterval, ...]
    messages: Messages
    ranked: bool
    basis: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.base.sales)


def preferences_of(
    base: Base,
    *,
    offers: Mapping[str, Offer],
    channels: Mapping[str, Channel],
    scores: pa.Table | None = None,
    unknown_consent: str = "ask",
    model_margin: float = 1.0,
) -> Preferences:
    """Return the preferences as known at the end of the base's day.

    scores: contracts.tables.scores_schema of the same day, for groups and windows. unknown_consent: 'ask' or 'allow'.
    model_margin: the model's share of profit, where the costs of the orders do not tell it; 1: not known.
    Raises DeclarationError.
    """
    costs = check_channels(channels, currency=base.currency)
    margin, said = margin_of(base, Terms(name="preferences", label="Preferences"), model_margin)
    if said.startswith(ASSUMED):
        said = (
            f"A margin of {ASSUMED_MARGIN:.0%} is assumed where a response is weighed against the cost of a contact; "
            "the cost of the products (--products) would replace it."
        )
    messages = Messages.of(base)
    activity = activity_of(base.sales, base.events)
    groups = groups_of(activity, scores)
    found = by_channel(
        base, channels, activity, messages=messages, margin=margin, unknown_consent=unknown_consent
    )
    return Preferences(
        base,
        activity,
        groups,
        sensitivity_of(base, kinds=kinds_of(offers), segment=groups.segment),
        found,
        by_time(base, scores, channels, found),
        intervals_of(messages, groups, as_of=base.as_of),
        messages,
        scores is not None,
        (*costs, said),
    )
