"""Budget, capacities, stock, caps and floors, as resources of the optimiser."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from campaigns.knapsack.problem import Resource
from campaigns.plan.economics import Economics, Option
from campaigns.tiers import NAMES as TIERS
from contracts.training import Floats


def resources_of(economics: Economics, *, currency: str, floors: bool = True) -> tuple[Resource, ...]:
    """Return every limit of the campaign. An offer's stock counts everyone who is promised it.

    floors: with the least numbers of customers per tier, for which tiers are group codes (places in TIERS).
    """
    terms, found = economics.terms, []

    def uses(holds: Callable[[Option], bool]) -> Floats:
        return np.array([float(holds(option)) for option in economics.options])

    everything = np.ones(len(economics.options))
    labels = [one.label for one in economics.channels]
    if terms.budget is not None:
        found.append(Resource("budget", everything, limit=terms.budget, of_cost=True, unit=currency))
    for channel in economics.channels:
        called = channel.label if labels.count(channel.label) == 1 else f"{channel.label} ({channel.name})"
        for week in range(terms.weeks) if channel.capacity is not None else ():
            found.append(
                Resource(
                    f"{called} in week {week + 1}",
                    uses(lambda one, c=channel, w=week: one.channel is c and one.week == w),  # type: ignore[misc]
                    limit=float(channel.capacity or 0),
                    unit="contacts",
                )
            )
    for offer in economics.offers:
        mine = uses(lambda one, o=offer: one.offer is o)  # type: ignore[misc]
        if offer.stock is not None:
            found.append(Resource(f"stock of '{offer.label}'", mine, limit=float(offer.stock), unit="pieces"))
        if offer.cap is not None:
            found.append(
                Resource(f"cap of '{offer.label}'", mine, limit=offer.cap, of_cost=True, unit=currency)
            )
    for tier, least in terms.floors.items() if floors else ():
        found.append(
            Resource(
                f"{tier} floor",
                everything,
                at_least=float(least),
                group=TIERS.index(tier),
                unit="customers",
            )
        )
    return tuple(found)
