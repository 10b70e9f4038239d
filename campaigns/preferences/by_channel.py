"""Per channel: who may be contacted and why (not), how often they answered, and which channel is best.

What is not known is `unknown`: such a customer may not be contacted before somebody asks. A recommended channel is
always one that is allowed; where none is, the best of those that asking may open is named as the one to ask for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from campaigns.base import Base
from campaigns.channels import REASONS as RULES
from campaigns.channels import Allowed, Channel, ChannelScores, Choice, allowed, channel_scores, choose
from campaigns.messages import Messages
from campaigns.sales import Sales
from campaigns.screening.activity import Activity
from campaigns.screening.reachability import NO, UNKNOWN, YES, Reach, reach_of
from campaigns.screening.reachability import REASONS as REACH
from contracts.errors import DeclarationError
from features.kernel.running import Bools, Floats, Ints

_RULES = list(RULES)
# Where the channel itself is the reason, in words: first those of the rules, then those of reach.
WHY = (*RULES.values(), *REACH.values())


@dataclass(frozen=True)
class ByChannel:
    """n customers and the channels of `names`. state, why: by channel, (n,): YES, NO, UNKNOWN; places in WHY.

    scores: response; best: the recommended channel of each, among the allowed ones; ask: places in `names`, (n,): for
    whom nothing is allowed, the best of those that are unknown or whose address was never given; -1: none.
    """

    state: Mapping[str, NDArray[np.int8]]
    why: Mapping[str, NDArray[np.int8]]
    scores: ChannelScores
    best: Choice
    ask: Ints

    @property
    def names(self) -> tuple[str, ...]:
        """The channels."""
        return self.scores.names

    @property
    def aim(self) -> Ints:
        """The recommended channel, else the one to ask for; (n,) places in `names`, -1: none."""
        return np.where(self.best.channel >= 0, self.best.channel, self.ask)


def by_channel(
    base: Base,
    channels: Mapping[str, Channel],
    activity: Activity,
    *,
    messages: Messages,
    margin: float,
    unknown_consent: str = "ask",
) -> ByChannel:
    """Return what is known per channel on the day after the base's.

    A week's capacity is no property of a customer: it is left to the plan, but a channel without any is closed.
    """
    if not channels:
        raise DeclarationError("there is no channel at all. Leave one on in the channels file.")
    reach = reach_of(base, unknown_consent=unknown_consent)
    may = allowed(base, reach, channels, messages=messages)
    scores = channel_scores(base, reach, channels, activity, messages=messages)
    roomy = {name: replace(one, capacity=None) for name, one in channels.items()}
    worth = margin * usual_amount(base.sales)
    best = choose(scores, may, roomy, activity, worth=worth)
    state = {name: _states(may, name) for name in channels}
    askable = {name: _askable(state[name], reach, name) & (best.channel < 0) for name in channels}
    ask = choose(scores, Allowed(askable, may.reason), roomy, activity, worth=worth).channel
    return ByChannel(state, {name: _why(may, reach, name) for name in channels}, scores, best, ask)


def usual_amount(sales: Sales) -> Floats:
    """Return each customer's mean amount per order day, currency; (n,)."""
    return np.bincount(sales.days.customer, sales.days.amount, len(sales)) / np.diff(sales.starts)


def _states(may: Allowed, name: str) -> NDArray[np.int8]:
    unknown = may.reason[name] == _RULES.index("reach_unknown")
    return np.where(may.ok[name], YES, np.where(unknown, UNKNOWN, NO)).astype(np.int8)


def _askable(state: NDArray[np.int8], reach: Reach, name: str) -> Bools:
    """Return where asking the customer may open the channel: unknown, or no address was ever given; (n,)."""
    never_given = [list(REACH).index(word) for word in ("no_address", "no_number")]
    return (state == UNKNOWN) | np.isin(reach.reason[name], never_given)


def _why(may: Allowed, reach: Reach, name: str) -> NDArray[np.int8]:
    """Return the reason as a place in WHY: that of reach wherever reach decided; (n,)."""
    rule = may.reason[name]
    assumed = (reach.reason[name] == list(REACH).index("consent_assumed")) & (rule == _RULES.index("ok"))
    of_reach = np.isin(rule, [_RULES.index("not_reachable"), _RULES.index("reach_unknown")]) | assumed
    return np.where(of_reach, len(RULES) + reach.reason[name], rule).astype(np.int8)
