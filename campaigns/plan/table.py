"""The plan as a table: one row per customer, with the reason in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.channels import Channel
from campaigns.plan.planning import CONTROL, WHY_NOT, Plan
from campaigns.timing import Moments, best_hour, best_weekday
from features.kernel.buffers import as_arrow
from features.kernel.running import Floats, Ints

CONTACT, NONE = "contact", "none"
USUAL_HOUR = 10  # where nobody's hours are known
PLAN = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("campaign_id", pa.string(), nullable=False),
        pa.field(
            "arm", pa.string()
        ),  # treated, control; null: not in the test, since nobody would contact them
        pa.field("action", pa.string(), nullable=False),  # contact or none
        pa.field("offer", pa.string()),  # of the control group: what they would have got
        pa.field("channel", pa.string()),
        pa.field("send_at", pa.timestamp("s")),  # the shop's local time
        pa.field("tier", pa.string()),
        pa.field("lifecycle", pa.string()),
        pa.field("segment", pa.string()),
        pa.field("p_without", pa.float64()),  # chance to buy in the response days without a contact
        pa.field("p_with", pa.float64()),
        pa.field("expected_cost", pa.float64()),  # contact and what is expected to be given away, currency
        pa.field("expected_profit", pa.float64()),  # incremental, currency
        pa.field("profit_low", pa.float64()),
        pa.field("profit_high", pa.float64()),
        pa.field("products", pa.list_(pa.string())),  # to recommend, best first; null: not known
        pa.field("slots", pa.string()),  # JSON: what a template fills in; names stay with the sending tool
        pa.field("reason", pa.string(), nullable=False),
        pa.field("currency", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True)
class SendTimes:
    """Each customer's best weekday (0 Monday) and, by channel, best hour that is not quiet; (n,) each."""

    weekday: Ints
    hour: dict[str, Ints]

    @staticmethod
    def of(moments: Moments, customers: int, channels: Sequence[Channel]) -> SendTimes:
        """Find them from when customers ordered and read."""
        hours = {}
        for channel in channels:
            open_hours = channel.sendable(np.arange(24))
            found = best_hour(moments, customers, allowed=open_hours)
            usual = min(np.flatnonzero(open_hours), key=lambda hour: abs(int(hour) - USUAL_HOUR))
            known = np.full(customers, -1) if found is None else found.slot
            hours[channel.name] = np.where(known < 0, usual, known)
        weekday = best_weekday(moments, customers).slot
        return SendTimes(np.where(weekday < 0, 1, weekday), hours)

    def at(self, who: Ints, channel: str, *, week_begins: Ints) -> NDArray[np.datetime64]:
        """Return when to send in the week that begins on a day; (m,)."""
        ahead = (self.weekday[who] - (week_begins + 3)) % 7  # day 0 was a Thursday
        seconds = (week_begins + ahead) * 86_400 + self.hour[channel][who] * 3_600
        return seconds.astype("datetime64[s]")


def plan_table(plan: Plan, times: SendTimes, *, as_of: int, products: pa.ListArray | None = None) -> pa.Table:
    """Return the plan as PLAN, in the order of the customers. products: (n,) to recommend to each, best first."""
    economics, customers = plan.economics, plan.economics.customers
    size = len(customers)
    asked = np.flatnonzero(plan.choice >= 0)
    bounds = {one: economics.earned(asked, plan.choice[asked], bound=one) for one in ("share", "low", "high")}
    earned = bounds["share"]
    begins = economics.terms.first_day(as_of) + 7 * earned.week
    sent = np.full(size, np.datetime64("NaT"), dtype="datetime64[s]")
    offer, channel = np.full(size, None, dtype=object), np.full(size, None, dtype=object)
    for place, option in enumerate(economics.options):
        here = plan.choice[asked] == place
        who = asked[here]
        offer[who], channel[who] = option.offer.name, option.channel.name
        sent[who] = times.at(who, option.channel.name, week_begins=begins[here])
    arm = np.full(size, None, dtype=object)
    arm[plan.contacted], arm[plan.held_back] = "treated", "control"
    action = np.full(size, NONE, dtype=object)
    action[plan.contacted] = CONTACT

    def spread(values: Floats) -> pa.Array:
        found, there = np.zeros(size), np.zeros(size, dtype=np.bool_)
        found[asked], there[asked] = values, True
        return as_arrow(found, pa.float64(), valid=there)

    columns = {
        "customer_id": customers.ids,
        "campaign_id": pa.array([economics.terms.name]).take(pa.array(np.zeros(size, dtype=np.int64))),
        "arm": pa.array(arm, pa.string()),
        "action": pa.array(action, pa.string()),
        "offer": pa.array(offer, pa.string()),
        "channel": pa.array(channel, pa.string()),
        "send_at": pa.array(sent),
        **{name: pa.array(values, pa.string()) for name, values in customers.labels.items()},
        "p_without": spread(earned.p),
        "p_with": spread(earned.p + earned.added),
        "expected_cost": spread(earned.given + earned.contact),
        "expected_profit": spread(earned.profit),
        "profit_low": spread(np.minimum(bounds["low"].profit, earned.profit)),
        "profit_high": spread(np.maximum(bounds["high"].profit, earned.profit)),
        "products": pa.nulls(size, pa.list_(pa.string())) if products is None else products,
        "slots": pa.array(_slots(plan, offer, products), pa.string()),
        "reason": pa.array(_reasons(plan, asked, earned.p, earned.added, earned.profit), pa.string()),
        "currency": pa.array([plan.currency]).take(pa.array(np.zeros(size, dtype=np.int64))),
    }
    return pa.table([columns[field.name] for field in PLAN], schema=PLAN)


def _slots(plan: Plan, offer: NDArray[np.object_], products: pa.ListArray | None) -> NDArray[np.object_]:
    """Return what a template fills in for whoever is contacted, as JSON; (n,)."""
    found = np.full(len(offer), None, dtype=object)
    offers = {one.name: {"offer": one.label} for one in plan.economics.offers}
    for who in plan.contacted.tolist():
        slots: dict[str, object] = dict(offers[offer[who]])
        if products is not None:
            slots["products"] = products[who].as_py() or []
        found[who] = json.dumps(slots, ensure_ascii=False)
    return found


def _reasons(plan: Plan, asked: Ints, p: Floats, added: Floats, profit: Floats) -> NDArray[np.object_]:
    """Return why each customer gets what they get; (n,)."""
    found = np.array(WHY_NOT, dtype=object)[plan.why]
    economics, days = plan.economics, plan.economics.terms.response_days
    for row, who in enumerate(asked.tolist()):
        option = economics.options[plan.choice[who]]
        how = "measured" if economics.lifts[option.offer.name].measured else "assumed"
        said = (
            f"{p[row]:.1%} buy within {days} days anyway; {option.offer.label} is {how} to add {added[row]:.2%}; "
            f"{profit[row]:+,.2f} {plan.currency} expected"
        )
        held = plan.why[who] == CONTROL
        found[who] = (
            f"control group: left alone to measure (would get {option.offer.label})" if held else said
        )
    return found
