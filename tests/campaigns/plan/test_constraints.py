"""No plan breaks a limit: random customers, offers, channels and limits, by the optimiser and every plainer policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.channels import Channel
from campaigns.offers import Offer
from campaigns.plan.customers import Customers
from campaigns.plan.economics import ANY_WEEK, Economics
from campaigns.plan.lifts import lifts_of
from campaigns.plan.planning import Plan, make_plan
from campaigns.plan.terms import Terms
from campaigns.tiers import NAMES as TIERS
from contracts.errors import DataError, DeclarationError
from contracts.tables import CURVE_KNOTS

pytestmark = pytest.mark.lab  # long searches: make test-lab

POLICIES = ("profit", "potential", "value", "random")
limits = st.none() | st.integers(1, 40)


@dataclass(frozen=True)
class Case:
    """A random campaign."""

    economics: Economics
    control: np.ndarray

    def planned(self, policy: str) -> Plan | None:
        """Return its plan; None where it is refused since nobody may be contacted or floors cannot be met."""
        try:
            return make_plan(self.economics, currency="EUR", control=self.control, policy=policy)
        except (DataError, DeclarationError):
            return None


@st.composite
def cases(draw: st.DrawFn, floors: bool = False) -> Case:
    chance = np.random.default_rng(draw(st.integers(0, 2**32)))
    size, weeks = draw(st.integers(20, 200)), draw(st.integers(1, 3))
    terms = Terms(
        "c", "C", weeks=weeks, budget=draw(st.none() | st.floats(0.5, 200.0)), margin=0.5, week_loss=0.1,
        least_profit=draw(st.sampled_from([0.0, 0.05])), least_margin=draw(st.sampled_from([0.0, 0.3])),
        floors={draw(st.sampled_from(TIERS)): draw(st.integers(1, 8))} if floors else {},
    )  # fmt: skip
    offers = [
        Offer("message", "Message", "", "none", "none", lift_prior=0.01, prior_source="assumed"),
        Offer("coupon", "Coupon", "", "coupon", "small", share=0.1, lift_prior=0.05, prior_source="assumed",
              stock=draw(limits), when="frequency >= 1"),
        Offer("gift", "Gift", "", "gift", "large", cost=2.0, lift_prior=0.08, prior_source="assumed",
              cap=draw(st.none() | st.floats(2.0, 60.0)), min_basket=10.0),
    ]  # fmt: skip
    channels = [
        Channel("email", "E-mail", 0.002, 2, 6, False, capacity=draw(limits)),
        Channel("sms", "SMS", 0.08, 1, 2, False, capacity=draw(limits)),
        Channel("post", "Post", 0.9, 1, 1, False),
    ]
    customers = _customers(size, weeks, chance)
    lifts = lifts_of(offers, customers)
    economics = Economics(customers, terms, offers=offers, channels=channels, lifts=lifts)
    return Case(economics, chance.random(size) < draw(st.sampled_from([0.0, 0.2])))


def _customers(size: int, weeks: int, chance: np.random.Generator) -> Customers:
    p = chance.beta(0.8, 3.0, size)
    return Customers(
        pa.array([f"{i:03d}" for i in range(size)]),
        1.0 - (1.0 - p[:, None]) ** (np.array(CURVE_KNOTS) / 90.0),
        chance.lognormal(3.0, 1.0, size),
        np.full(size, 0.5),
        {"tier": chance.choice(np.array([*TIERS, None], dtype=object), size)},
        {"frequency": chance.integers(0, 4, size).astype(np.float64)},
        {name: chance.random(size) < share for name, share in (("email", 0.7), ("sms", 0.4), ("post", 0.9))},
        np.arange(4) <= chance.integers(0, 4, size)[:, None],
        best_week=np.where(chance.random(size) < 0.5, chance.integers(0, 5, size), np.nan),
        open_weeks=chance.random((size, weeks)) < 0.8,
    )


def broken(plan: Plan) -> Iterator[str]:
    """Yield what is wrong with a plan, computed customer by customer from the terms alone."""
    economics, spent = plan.economics, 0.0
    counts: dict[tuple[str, int], int] = {}
    stock: dict[str, int] = {}
    given_away: dict[str, float] = {}
    customers = economics.customers
    for who in plan.contacted.tolist():
        option = economics.options[plan.choice[who]]
        offer, channel = option.offer, option.channel
        earned = economics.earned(np.array([who]), plan.choice[[who]])
        week = int(earned.week[0])
        cost = float(earned.given[0] + earned.contact[0])
        spent += cost
        counts[channel.name, week] = counts.get((channel.name, week), 0) + 1
        stock[offer.name] = stock.get(offer.name, 0) + 1
        given_away[offer.name] = given_away.get(offer.name, 0.0) + cost
        level = ("none", "small", "medium", "large").index(offer.level)
        basket = customers.basket[who]
        if plan.control[who]:
            yield f"{who} is control"
        if not customers.may[channel.name][who]:
            yield f"{who} may not be contacted by {channel.name}"
        if not customers.levels[who, level] or basket < offer.min_basket:
            yield f"{who} may not get {offer.name}"
        if offer.name == "coupon" and customers.columns["frequency"][who] < 1:
            yield f"{who} does not fit the rule of {offer.name}"
        if 0.5 * basket - offer.cost - offer.share * basket < economics.terms.least_margin * basket - 1e-9:
            yield f"{who} leaves too little margin"
        if customers.open_weeks is not None and not customers.open_weeks[who, week]:
            yield f"week {week} is closed to {who}"
        if option.week not in (ANY_WEEK, week):
            yield f"{who} is contacted in another week than chosen"
        if not economics.terms.floors and earned.profit[0] < economics.terms.least_profit - 1e-5:
            yield f"{who} is expected to lose"
    yield from _over(plan, spent, counts, stock, given_away)


def _over(
    plan: Plan,
    spent: float,
    counts: dict[tuple[str, int], int],
    stock: dict[str, int],
    given_away: dict[str, float],
) -> Iterator[str]:
    """Yield the limits that are exceeded."""
    near = 1 + 1e-6  # profits and costs are float32
    budget = plan.economics.terms.budget
    if budget is not None and spent > budget * near:
        yield f"budget {budget}: {spent}"
    for channel in plan.economics.channels:
        for (name, week), used in counts.items():
            if name == channel.name and channel.capacity is not None and used > channel.capacity:
                yield f"{name} in week {week}: {used} of {channel.capacity}"
    for offer in plan.economics.offers:
        if offer.stock is not None and stock.get(offer.name, 0) > offer.stock:
            yield f"stock of {offer.name}: {stock[offer.name]} of {offer.stock}"
        if offer.cap is not None and given_away.get(offer.name, 0.0) > offer.cap * near:
            yield f"cap of {offer.name}: {given_away[offer.name]} of {offer.cap}"


@settings(max_examples=60, deadline=None)
@given(cases(), st.sampled_from(POLICIES))
def test_no_plan_breaks_a_limit(case: Case, policy: str) -> None:
    plan = case.planned(policy)
    if plan is not None:
        assert list(broken(plan)) == []
        assert plan.choice.shape == (len(case.economics.customers),)  # at most one action each


@settings(max_examples=40, deadline=None)
@given(cases(floors=True))
def test_floors_are_met_within_all_limits(case: Case) -> None:
    plan = case.planned("profit")
    if plan is not None:
        assert list(broken(plan)) == []
        tier = case.economics.customers.labels["tier"][plan.contacted]
        for name, least in case.economics.terms.floors.items():
            assert (tier == name).sum() >= least


@settings(max_examples=40, deadline=None)
@given(cases(), st.sampled_from(POLICIES[1:]))
def test_no_plainer_policy_is_expected_to_earn_more_than_the_bound_of_the_plan(
    case: Case, policy: str
) -> None:
    best, other = case.planned("profit"), case.planned(policy)
    assert (best is None) == (other is None)
    if best is not None and other is not None and best.solution is not None:
        assert other.profit() <= best.solution.bound * (1 + 1e-5) + 1e-4
