"""What a campaign may use, as resources: budget, channels per week, stock and caps of offers, floors of tiers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from campaigns.knapsack.problem import Floats, Resource
from contracts.errors import DeclarationError, nearest


@dataclass(frozen=True)
class Option:
    """One action that a customer may get: an offer, on a channel, in a week of the plan (1 is the first)."""

    offer: str
    channel: str
    week: int = 1


def limits_of(
    options: Sequence[Option],
    *,
    currency: str,
    budget: float | None = None,
    capacity: Mapping[tuple[str, int | None], float] | None = None,
    stock: Mapping[str, float] | None = None,
    caps: Mapping[str, float] | None = None,
    floors: Mapping[str, tuple[int, float]] | None = None,
) -> tuple[Resource, ...]:
    """Return the resources of a plan over `options`; money counts each customer's own cost of an option.

    capacity: messages by (channel, week), by (channel, None) in all weeks; stock: pieces by offer; caps: money by
    offer; floors: by a name, the group code and how many of its customers must get something.
    Raises DeclarationError for an offer, channel or week that no option has.
    """
    every = np.ones(len(options))
    resources = []
    if budget is not None:
        resources.append(Resource("budget", every, limit=budget, of_cost=True, unit=currency))
    for (channel, week), most in (capacity or {}).items():
        name, uses = _of_channel(options, channel, week)
        resources.append(Resource(f"capacity of {name}", uses, limit=most, unit="messages"))
    for offer, most in (stock or {}).items():
        resources.append(Resource(f"stock of {offer}", _of_offer(options, offer), limit=most, unit="pieces"))
    for offer, most in (caps or {}).items():
        uses = _of_offer(options, offer)
        resources.append(Resource(f"cap of {offer}", uses, limit=most, of_cost=True, unit=currency))
    for name, (group, least) in (floors or {}).items():
        one = Resource(f"floor of {name}", every, at_least=least, group=group, unit="customers")
        resources.append(one)
    return tuple(resources)


def _of_channel(options: Sequence[Option], channel: str, week: int | None) -> tuple[str, Floats]:
    _refuse_unknown("channel", channel, [one.channel for one in options])
    uses = np.array([float(one.channel == channel and week in (None, one.week)) for one in options])
    name = channel if week is None else f"{channel} in week {week}"
    if not uses.any():
        weeks = ", ".join(map(str, sorted({one.week for one in options if one.channel == channel})))
        raise DeclarationError(f"capacity of {name}: no option is in this week, only in week {weeks}.")
    return name, uses


def _of_offer(options: Sequence[Option], offer: str) -> Floats:
    _refuse_unknown("offer", offer, [one.offer for one in options])
    return np.array([float(one.offer == offer) for one in options])


def _refuse_unknown(what: str, name: str, known: Iterable[str]) -> None:
    if name not in (names := sorted(set(known))):
        listed = ", ".join(names)
        raise DeclarationError(
            f"no option has the {what} '{name}'{nearest(name, names) or '.'} Known: {listed}."
        )
