"""A plan in figures and sentences: who, how many, what it costs and earns, what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from campaigns.knapsack.words import shadow_prices
from campaigns.plan.planning import WHY_NOT, Plan
from contracts.training import Floats


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
    bounds = {one: economics.earned(who, choice, bound=one).profit for one in ("low", "high")}
    options = [economics.options[one] for one in choice.tolist()]
    keys: dict[str, np.ndarray] = {
        "offer": np.array([one.offer.label for one in options], dtype=object),
        "channel": np.array([one.channel.label for one in options], dtype=object),
        "week": np.array([f"week {one + 1}" for one in plan.earned.week.tolist()], dtype=object),
        **{name: labels[who].astype(object) for name, labels in economics.customers.labels.items()},
    }
    everyone = np.ones(len(who), dtype=np.bool_)
    groups = {
        column: {
            str(name): _totals(plan, bounds, values == name) for name in sorted({str(v) for v in values})
        }
        for column, values in keys.items()
    }
    counts = np.bincount(plan.why, minlength=len(WHY_NOT))
    return Summary(
        _totals(plan, bounds, everyone),
        groups,
        {WHY_NOT[code]: int(counts[code]) for code in range(1, len(WHY_NOT)) if counts[code]},
        break_even(plan),
        tuple(_sentences(plan)),
        {one.label: economics.lifts[one.name].measured for one in economics.offers},
    )


def break_even(plan: Plan) -> float | None:
    """Return the share of the lift at which the plan earns nothing: profit is linear in the lift."""
    earned = plan.earned
    customers, who = plan.economics.customers, plan.contacted
    options = [plan.economics.options[one] for one in plan.choice[who].tolist()]
    basket, margin = customers.basket[who], customers.margin[who]
    left = np.array(
        [float(o.offer.earned(b, margin=m)) for o, b, m in zip(options, basket, margin, strict=True)]
    )
    gained = float((earned.added * left).sum())
    lost = gained - float(earned.profit.sum())
    return lost / gained if gained > 0 and lost > 0 else None


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
        return [f"Chosen by '{plan.policy}': the highest first, without weighing what a contact adds."]
    proof = f"No plan within these limits can earn {plan.solution.gap:.2%} more than this one (proven bound)."
    return [*shadow_prices(plan.solution, currency=plan.currency), proof]
