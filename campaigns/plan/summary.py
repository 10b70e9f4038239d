"""A plan in figures and sentences: who, how many, what it costs and earns, what was left out and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from campaigns.knapsack.words import shadow_prices
from campaigns.plan.planning import WHY_NOT, Plan
from contracts.training import Floats
from features.kernel.running import Ints

_ROUNDING = 1e-6  # options are priced in 32 bits
UNKNOWN = "unknown"  # of customers without a tier, stage or segment


@dataclass(frozen=True)
class Totals:
    """Totals of a group of contacts. cost = contact + given away; buyers: who buy anyway, added: because of it."""

    customers: int
    buyers: float
    added: float
    contact: float
    given: float
    profit: float
    low: float
    high: float

    @property
    def cost(self) -> float:
        """What is spent."""
        return self.contact + self.given

    @property
    def return_on_cost(self) -> float | None:
        """Profit per unit spent, before that unit comes back; None where nothing is spent."""
        return self.profit / self.cost if self.cost > 0 else None


@dataclass(frozen=True)
class Summary:
    """whole: all contacts. groups: by offer, channel, tier, lifecycle, segment, week: totals of each value.

    left_out: reason -> customers. break_even: the share of the expected lift at which the plan earns nothing; None
    where it cannot lose. sentences: shadow prices and the proof of quality, in words. measured: by offer, whether
    tests of the shop's own stand behind its lift.
    """

    whole: Totals
    groups: Mapping[str, Mapping[str, Totals]]
    left_out: Mapping[str, int]
    break_even: float | None
    sentences: tuple[str, ...]
    measured: Mapping[str, bool]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "whole": vars(self.whole) | {"cost": self.whole.cost},
            "groups": {
                column: {name: vars(one) | {"cost": one.cost} for name, one in groups.items()}
                for column, groups in self.groups.items()
            },
            "left_out": dict(self.left_out),
            "break_even_share_of_lift": self.break_even,
            "sentences": list(self.sentences),
            "measured": dict(self.measured),
        }


def summary_of(plan: Plan) -> Summary:
    """Sum a plan up."""
    economics, who = plan.economics, plan.contacted
    choice = plan.choice[who]
    bounds = {one: plan.earned_at(one).profit for one in ("low", "high")}
    counts = np.bincount(plan.why, minlength=len(WHY_NOT))
    offers = np.array([economics.offers.index(one.offer) for one in economics.options], dtype=np.int64)
    channels = np.array([economics.channels.index(one.channel) for one in economics.options], dtype=np.int64)
    weeks = [f"week {one + 1}" for one in range(economics.terms.weeks)]
    labels = {name: _codes(values[who]) for name, values in economics.customers.labels.items()}
    keys: dict[str, tuple[Ints, list[str]]] = {
        "offer": (offers[choice], [one.label for one in economics.offers]),
        "channel": (channels[choice], [one.label for one in economics.channels]),
        "week": (plan.earned.week, weeks),
        **labels,
    }
    return Summary(
        _totals(plan, bounds, np.ones(len(who), dtype=np.bool_)),
        {column: dict(_groups(plan, bounds, *one)) for column, one in keys.items()},
        {WHY_NOT[code]: int(counts[code]) for code in range(1, len(WHY_NOT)) if counts[code]},
        break_even(plan),
        tuple(_sentences(plan)),
        {one.label: economics.lifts[one.name].measured for one in economics.offers},
    )


def _codes(values: NDArray[np.object_]) -> tuple[Ints, list[str]]:
    """Return labels as places in their sorted names; what has none is UNKNOWN."""
    names = sorted({str(one) for one in set(values.tolist()) - {None}} - {UNKNOWN})
    places = {one: place for place, one in enumerate(names)}
    codes = [places.get(one, len(names)) for one in values.tolist()]
    return np.array(codes, dtype=np.int64), [*names, UNKNOWN]


def _groups(
    plan: Plan, bounds: Mapping[str, Floats], codes: Ints, names: list[str]
) -> Iterator[tuple[str, Totals]]:
    """Yield the totals of each name that there is."""
    for code in np.unique(codes):
        yield names[code], _totals(plan, bounds, codes == code)


def break_even(plan: Plan) -> float | None:
    """Return the share of the lift at which the plan earns nothing: profit is linear in the lift."""
    earned = plan.earned
    gained = float((earned.added * earned.left).sum())
    lost = gained - float(earned.profit.sum())
    return lost / gained if gained > 0 and lost > _ROUNDING * gained else None


def _totals(plan: Plan, bounds: Mapping[str, Floats], rows: np.ndarray) -> Totals:
    earned = plan.earned
    return Totals(
        int(rows.sum()),
        *(
            float(values[rows].sum())
            for values in (
                earned.p, earned.added, earned.contact, earned.given, earned.profit, bounds["low"], bounds["high"],
            )
        ),
    )  # fmt: skip


def _sentences(plan: Plan) -> list[str]:
    if plan.solution is None:
        said = f"Chosen by '{plan.policy}': the highest first, without weighing what a contact adds."
        floors = ", ".join(plan.economics.terms.floors)
        return [said, *([f"This policy does not look at floors ({floors})."] if floors else [])]
    return [*shadow_prices(plan.solution, currency=plan.currency), _proof(plan.solution.gap)]


def _proof(gap: float) -> str:
    if gap < 0.00005:
        return "This is the best plan within these limits: none is expected to earn 0.01 % more."
    return f"Within these limits no plan is expected to earn over {gap:.2%} more than this one."
