"""Small campaigns out of literal numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from campaigns.channels import Channel
from campaigns.offers import Offer
from campaigns.plan.customers import Customers
from campaigns.plan.economics import Economics
from campaigns.plan.lifts import Lift, lifts_of
from campaigns.plan.planning import Plan, make_plan
from campaigns.plan.terms import Terms
from contracts.tables import CURVE_KNOTS
from features.kernel.running import Bools, Floats

AS_OF = 19_000  # 2022-01-08, a Saturday


def curve(p30: Sequence[float]) -> Floats:
    """Return curves of a constant hazard with these chances within 30 days; (n, knots)."""
    hazard = -np.log1p(-np.asarray(p30)) / 30.0
    return -np.expm1(-hazard[:, None] * np.array(CURVE_KNOTS))


def texts(*names: str | None) -> np.ndarray[Any, np.dtype[np.object_]]:
    return np.array(names, dtype=object)


def customers(
    p30: Sequence[float] = (0.1, 0.2, 0.3),
    *,
    basket: float | Sequence[float] = 50.0,
    margin: float = 0.4,
    tier: Sequence[str | None] | None = None,
    may: dict[str, Bools] | None = None,
    **rest: Any,
) -> Customers:
    """Return customers c0, c1, …: all tiers, offers and e-mail are open to them."""
    n = len(p30)
    named = texts(*(tier or ["cultivate"] * n))
    everyone = np.ones(n, dtype=np.bool_)
    values: dict[str, Any] = {
        "ids": pa.array([f"c{i}" for i in range(n)], pa.string()),
        "curve": curve(p30),
        "basket": np.broadcast_to(np.asarray(basket, dtype=np.float64), n).copy(),
        "margin": np.full(n, margin),
        "labels": {
            "lifecycle": texts(*["mature"] * n), "tier": named, "segment": texts(*["loyal"] * n),
        },
        "columns": {"frequency": np.arange(n, dtype=np.float64), "tier": named},
        "may": dict.fromkeys(("email", "sms", "phone"), everyone) | (may or {}),
        "levels": np.ones((n, 4), dtype=np.bool_),
    }  # fmt: skip
    return Customers(**{**values, **rest})


def offer(name: str = "message", **rest: Any) -> Offer:
    """Return an offer that lifts by 1 %; a plain message unless more is said."""
    values = {
        "label": name.title(), "says": f"A {name}.", "kind": "none", "level": "none", "lift_prior": 0.01,
        "prior_source": "assumption",
    }  # fmt: skip
    return Offer(**{"name": name, **values, **rest})


def coupon(name: str = "coupon", **rest: Any) -> Offer:
    """Return a coupon of 10 % that lifts by 5 %."""
    given = {"kind": "coupon", "level": "small", "share": 0.10, "lift_prior": 0.05}
    return offer(name, **{**given, **rest})


def channel(name: str = "email", **rest: Any) -> Channel:
    values = {"label": name.title(), "cost": 0.01, "most_7d": 7, "most_30d": 30, "own": False}
    return Channel(**{"name": name, **values, **rest})


def terms(**rest: Any) -> Terms:
    return Terms(**{"name": "spring", "label": "Spring", "weeks": 1, **rest})


def economics(
    of: Customers | None = None,
    *,
    of_terms: Terms | None = None,
    offers: Sequence[Offer] | None = None,
    channels: Sequence[Channel] | None = None,
    lifts: dict[str, Lift] | None = None,
) -> Economics:
    """Return a campaign: by default a message and a coupon by e-mail in one week."""
    chosen = [offer(), coupon()] if offers is None else offers
    people = customers() if of is None else of
    return Economics(
        people,
        terms() if of_terms is None else of_terms,
        offers=chosen,
        channels=[channel()] if channels is None else channels,
        lifts=lifts_of(chosen, people) if lifts is None else lifts,
    )


def planned(campaign: Economics, *, control: Sequence[int] = (), policy: str = "profit") -> Plan:
    """Return its plan; control: positions of who is left alone."""
    left_alone = np.zeros(len(campaign.customers), dtype=np.bool_)
    left_alone[list(control)] = True
    return make_plan(campaign, currency="EUR", control=left_alone, policy=policy)


def offers_of(plan: Plan) -> list[str | None]:
    """Return the name of each customer's offer."""
    options = plan.economics.options
    return [options[one].offer.name if one >= 0 else None for one in plan.choice.tolist()]
