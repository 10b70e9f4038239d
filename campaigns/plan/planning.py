"""Who gets which option: the control group first, then the best plan within the limits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from campaigns.knapsack import Solution, Use, solve
from campaigns.knapsack.problem import Block, Problem, Resource, Which
from campaigns.plan.economics import Earned, Economics
from campaigns.plan.limits import resources_of
from campaigns.plan.policies import POLICIES, by_rank
from campaigns.plan.weeks import WAITS
from campaigns.tiers import NAMES as TIERS
from contracts.errors import DataError
from features.kernel.running import Bools, Ints

Codes = NDArray[np.int16]
PROFIT = "profit"
WHY_NOT = (
    "contacted",
    "not in this campaign",
    "no channel may be used",
    "no offer is for them",
    "a contact would cost more than it brings",
    "the limits are better used for others",
    "in the control group",
    *WAITS[1:],
)
CONTACTED, OUT_OF_SCOPE, NO_CHANNEL, NO_OFFER, NOT_WORTH, CROWDED_OUT, CONTROL, WAITING = range(8)


@dataclass(frozen=True)
class Plan:
    """The plan of a campaign for its n customers.

    control: (n,) who is left alone to measure. choice: (n,) places in economics.options, -1 for none; of the control
    group what they would have got, by the same prices, so that like is compared with like. why: (n,) places in WHY_NOT.
    By a plainer policy they get what they would have got in their place of the queue. solution: of the optimiser over
    those who are not control (None for a plainer policy); uses: of every limit.
    """

    economics: Economics
    policy: str
    currency: str
    control: Bools
    choice: Ints
    why: NDArray[np.int8]
    uses: tuple[Use, ...]
    solution: Solution | None

    @property
    def contacted(self) -> Ints:
        """Who is contacted; positions."""
        return np.flatnonzero((self.choice >= 0) & ~self.control)

    @property
    def held_back(self) -> Ints:
        """Who would have been contacted but is control; positions."""
        return np.flatnonzero((self.choice >= 0) & self.control)

    @cached_property
    def asked(self) -> Ints:
        """Who is contacted or held back; positions."""
        return np.flatnonzero(self.choice >= 0)

    @cached_property
    def _outlooks(self) -> dict[str, Earned]:
        return {}

    def outlook(self, bound: str = "share") -> Earned:
        """Return what the choices of all `asked` bring. bound: share, low or high of the lifts; made once each."""
        if bound not in self._outlooks:
            found = self.economics.earned(self.asked, self.choice[self.asked], bound=bound)
            self._outlooks[bound] = found
        return self._outlooks[bound]

    def earned_at(self, bound: str) -> Earned:
        """Return what the contacts alone are expected to bring."""
        return self.outlook(bound).of(~self.control[self.asked])

    @cached_property
    def earned(self) -> Earned:
        """What the contacts are expected to bring."""
        return self.earned_at("share")

    def profit(self, bound: str = "share") -> float:
        """Return the expected incremental profit of the plan. bound: share, low or high of the lifts."""
        return float(self.earned_at(bound).profit.sum())


def targetable(economics: Economics) -> tuple[Bools, NDArray[np.int8]]:
    """Return who could be contacted at all, and for all others why not (places in WHY_NOT)."""
    customers = economics.customers
    size = len(customers)
    rule = economics.terms.rule
    inside = np.ones(size, np.bool_) if rule is None else rule.holds(customers.columns)
    reach = _any([customers.may[one.name] for one in economics.channels], size)
    offered = _any(list(economics.eligible.values()), size)
    waits = np.zeros(size, dtype=np.int8) if customers.waits is None else customers.waits
    why = np.where(offered, CONTACTED, NO_OFFER).astype(np.int8)
    why[waits > 0] = WAITING - 1 + waits[waits > 0]
    for code, holds in ((NO_CHANNEL, ~reach), (OUT_OF_SCOPE, ~inside)):
        why[holds] = code
    return why == CONTACTED, why


def make_plan(
    economics: Economics, *, currency: str, control: Bools, policy: str = PROFIT, seed: int = 0
) -> Plan:
    """Return the plan. control: (n,) who must not be contacted; policy: profit, or one of POLICIES.

    seed: of the policy `random`. Raises DataError if nobody can be contacted, DeclarationError where limits contradict
    each other.
    """
    can, why = targetable(economics)
    if not can.any():
        raise DataError(_nobody(why))
    if control[can].all():
        raise DataError(_all_control(int(can.sum())))
    treated, left_alone = np.flatnonzero(can & ~control), np.flatnonzero(can & control)
    resources = resources_of(economics, currency=currency, floors=policy == PROFIT)
    problem = _problem(economics, treated, resources)
    choice = np.full(len(why), -1, dtype=np.int64)
    solution = None
    if policy == PROFIT:
        solution = solve(problem)
        choice[treated], uses = solution.choice, solution.uses
        choice[left_alone] = at_prices(_problem(economics, left_alone, resources), resources, uses)
    else:
        rank = POLICIES[policy](economics, np.random.default_rng(seed))
        rows = np.flatnonzero(can)
        everyone = _problem(economics, rows, resources)
        choice[rows], uses = by_rank(everyone, rank[rows], alone=control[rows])
    why[treated] = np.where(choice[treated] >= 0, CONTACTED, _why_not(problem))
    why[left_alone] = CONTROL
    return Plan(economics, policy, currency, can & control, choice, why, uses, solution)


def at_prices(problem: Problem, resources: tuple[Resource, ...], uses: tuple[Use, ...]) -> Codes:
    """Return the option that each customer would get at the prices of a solution, -1 for none; (n,)."""
    found = np.full(problem.count, -1, dtype=np.int16)
    for which in problem.chunks():
        block = problem.block(which)
        net = block.profit.astype(np.float64)
        for one, use in zip(resources, uses, strict=True):
            price = (use.limit_price - use.floor_price) * one.uses[:, None]
            price = price * (block.cost if one.of_cost and block.cost is not None else 1.0)
            mine = True if one.group is None or block.group is None else block.group == one.group
            net = net - np.where(mine, price, 0.0)
        best = net.argmax(axis=0)
        found[which] = np.where(net[best, np.arange(net.shape[1])] > 0, best, -1)
    return found


def _problem(economics: Economics, rows: Ints, resources: tuple[Resource, ...]) -> Problem:
    def block(which: Which) -> Block:
        return economics.block(rows[which])

    return Problem(len(rows), len(economics.options), resources, block, groups=len(TIERS) + 1)


def _why_not(problem: Problem) -> NDArray[np.int8]:
    """Return why whoever is not contacted is not: nothing pays, or the limits are used for others; (n,)."""
    found = np.full(problem.count, NOT_WORTH, dtype=np.int8)
    for which in problem.chunks():
        found[which][problem.block(which).profit.max(axis=0) > 0] = CROWDED_OUT
    return found


def _all_control(count: int) -> str:
    return (
        f"all {count:,} customers who could be contacted are in the control group, so nobody is left to contact. Make "
        "control_share smaller, or the campaign larger."
    )


def _any(columns: list[Bools], size: int) -> Bools:
    return np.logical_or.reduce(columns) if columns else np.zeros(size, np.bool_)


def _nobody(why: NDArray[np.int8]) -> str:
    counts = np.bincount(why, minlength=len(WHY_NOT))
    said = ", ".join(f"{counts[code]:,} {WHY_NOT[code]}" for code in np.argsort(-counts) if counts[code])
    return (
        f"nobody can be contacted in this campaign: {said}. Widen `when`, the offers or the channels, give customers "
        'with consent and addresses (--customers), or set unknown_reach = "allow".'
    )
