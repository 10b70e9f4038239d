"""The plan as a table: one row per customer, with the reason in words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from campaigns.channels import Channel
from campaigns.plan.economics import Earned
from campaigns.plan.planning import CONTROL, WHY_NOT, Plan
from campaigns.timing import Moments, best_hour, best_weekday
from features.kernel.buffers import as_arrow, filled
from features.kernel.running import Floats, Ints

CONTACT, NONE = "contact", "none"
DIGITS = 6  # of chances and amounts; more would be noise
USUAL_HOUR, USUAL_WEEKDAY = 10, 1  # where nobody's times are known
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


_NEAR = sorted(range(-6, 7), key=lambda days: (abs(days), -days))  # 0, 1, -1, 2, …


@dataclass(frozen=True)
class SendTimes:
    """Each customer's best weekday (0 Monday) and, by channel, best hour that is not quiet; (n,) each.

    closed: days on which nothing is sent.
    """

    weekday: Ints
    hour: dict[str, Ints]
    closed: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @staticmethod
    def of(
        moments: Moments, customers: int, channels: Sequence[Channel], *, closed: Ints | None = None
    ) -> SendTimes:
        """Find them from when customers ordered and read."""
        hours = {}
        for channel in channels:
            open_hours = channel.sendable(np.arange(24))
            found = best_hour(moments, customers, allowed=open_hours)
            usual = min(np.flatnonzero(open_hours), key=lambda hour: abs(int(hour) - USUAL_HOUR))
            known = np.full(customers, -1) if found is None else found.slot
            hours[channel.name] = np.where(known < 0, usual, known)
        weekday = best_weekday(moments, customers).slot
        never = np.zeros(0, dtype=np.int64) if closed is None else closed
        return SendTimes(np.where(weekday < 0, USUAL_WEEKDAY, weekday), hours, never)

    def at(self, who: Ints, channel: str, *, week_begins: Ints) -> NDArray[np.datetime64]:
        """Return when to send in the week that begins on a day; (m,). A closed day gives way to the nearest open."""
        wished = (self.weekday[who] - (week_begins + 3)) % 7  # day 0 was a Thursday
        ahead = wished.copy()
        left = np.ones(len(who), dtype=np.bool_)
        for days in _NEAR if len(self.closed) else ():
            other = wished + days
            fits = left & (other >= 0) & (other < 7) & ~np.isin(week_begins + other, self.closed)
            ahead[fits] = other[fits]
            left &= ~fits
        seconds = (week_begins + ahead) * 86_400 + self.hour[channel][who] * 3_600
        return np.asarray(seconds.astype("datetime64[s]"))


def plan_table(plan: Plan, times: SendTimes, *, as_of: int, products: pa.ListArray | None = None) -> pa.Table:
    """Return the plan as PLAN, in the order of the customers. products: (n,) to recommend to each, best first."""
    customers, size = plan.economics.customers, len(plan.choice)
    asked, earned = plan.asked, plan.outlook()
    arm, action = np.full(size, None, dtype=object), np.full(size, NONE, dtype=object)
    arm[plan.contacted], arm[plan.held_back] = "treated", "control"
    action[plan.contacted] = CONTACT
    numbers = {
        "p_without": earned.p,
        "p_with": earned.p + earned.added,
        "expected_cost": earned.given + earned.contact,
        "expected_profit": earned.profit,
        "profit_low": np.minimum(plan.outlook("low").profit, earned.profit),
        "profit_high": np.maximum(plan.outlook("high").profit, earned.profit),
    }
    columns = {
        "customer_id": customers.ids,
        "campaign_id": _repeated(plan.economics.terms.name, size),
        "arm": pa.array(arm, pa.string()),
        "action": pa.array(action, pa.string()),
        **_actions(plan, times, asked, earned, as_of),
        **{name: pa.array(values, pa.string()) for name, values in customers.labels.items()},
        **{name: _spread(values, asked, size) for name, values in numbers.items()},
        "products": products,
        "slots": _slots(plan, products),
        "reason": _reasons(plan, asked, earned),
        "currency": _repeated(plan.currency, size),
    }
    # A label that the shop has not is empty.
    found = {name: value for name, value in columns.items() if value is not None}
    return pa.table([found.get(one.name, pa.nulls(size, one.type)) for one in PLAN], schema=PLAN)


def _actions(plan: Plan, times: SendTimes, asked: Ints, earned: Earned, as_of: int) -> dict[str, pa.Array]:
    """Return offer, channel and time of sending, null for whoever gets nothing; (n,) each."""
    size, options = len(plan.choice), plan.economics.options
    begins = plan.economics.terms.first_day(as_of) + 7 * earned.week
    sent = np.full(size, np.datetime64("NaT"), dtype="datetime64[s]")
    offer, channel = np.full(size, None, dtype=object), np.full(size, None, dtype=object)
    for place in np.unique(plan.choice[asked]).tolist():
        here = plan.choice[asked] == place
        who, option = asked[here], options[place]
        offer[who], channel[who] = option.offer.name, option.channel.name
        sent[who] = times.at(who, option.channel.name, week_begins=begins[here])
    return {
        "offer": pa.array(offer, pa.string()),
        "channel": pa.array(channel, pa.string()),
        "send_at": pa.array(sent),
    }


def _spread(values: Floats, asked: Ints, size: int) -> pa.Array:
    """Return numbers of some customers as a column of all, null for the others; (n,)."""
    found, there = np.zeros(size), np.zeros(size, dtype=np.bool_)
    found[asked], there[asked] = np.round(values, DIGITS), True
    return as_arrow(found, pa.float64(), valid=there)


def _repeated(text: str, size: int) -> pa.Array:
    return pa.array([text]).take(as_arrow(np.zeros(size, dtype=np.int64), pa.int64()))


def _slots(plan: Plan, products: pa.ListArray | None) -> pa.Array:
    """Return what a template fills in for whoever is contacted, as JSON; (n,)."""
    economics, contacted = plan.economics, plan.contacted
    heads = [f'{{"offer": {_json(one.offer.label)}' for one in economics.options]
    text = pa.array(heads, pa.string()).take(pa.array(plan.choice[contacted]))
    if products is not None:
        lists = products.take(pa.array(contacted)).fill_null(pa.scalar([], products.type))
        text = pc.binary_join_element_wise(text, _json_lists(lists), ', "products": ')
    at = np.full(len(plan.choice), -1, dtype=np.int64)
    at[contacted] = np.arange(len(contacted))
    whole = pc.binary_join_element_wise(text, "}", "")
    return whole.take(as_arrow(at, pa.int64(), valid=at >= 0))


def _json_lists(lists: pa.ListArray) -> pa.Array:
    """Return lists of texts as JSON; (m,)."""
    words = lists.flatten().dictionary_encode()
    quoted = pa.array([_json(one) for one in words.dictionary.to_pylist()], pa.string())
    lengths = np.concatenate(([0], np.cumsum(filled(pc.list_value_length(lists), np.int32(0)))))
    offsets = as_arrow(lengths.astype(np.int32), pa.int32())
    inner = pc.binary_join(pa.ListArray.from_arrays(offsets, quoted.take(words.indices)), ", ")
    return pc.binary_join_element_wise("[", inner, "]", "")


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _reasons(plan: Plan, asked: Ints, earned: Earned) -> pa.Array:
    """Return why each customer gets what they get; (n,)."""
    economics, choice = plan.economics, as_arrow(plan.choice[asked], pa.int64())
    days, options = economics.terms.response_days, economics.options
    adds = [f" % chance to buy within {days} days anyway; {one.offer.label} adds " for one in options]
    lifts = [economics.lifts[one.offer.name] for one in options]
    how = [f" points ({'measured' if one.measured else 'assumed'}); expected profit " for one in lifts]
    held = [f"control group: left alone to measure (would get {one.offer.label})" for one in options]
    said = pc.binary_join_element_wise(
        _shown(earned.p * 100, 1),
        pa.array(adds, pa.string()).take(choice),
        _shown(earned.added * 100, 2),
        pa.array(how, pa.string()).take(choice),
        _shown(earned.profit, 2),
        f" {plan.currency}",
        "",
    )
    left_alone = as_arrow(plan.why[asked] == CONTROL, pa.bool_())
    said = pc.if_else(left_alone, pa.array(held, pa.string()).take(choice), said)
    others = pa.array([*WHY_NOT], pa.string()).take(as_arrow(plan.why.astype(np.int64), pa.int64()))
    at = np.full(len(plan.choice), -1, dtype=np.int64)
    at[asked] = np.arange(len(asked))
    return pc.coalesce(said.take(as_arrow(at, pa.int64(), valid=at >= 0)), others)


def _shown(values: Floats, digits: int) -> pa.Array:
    """Return numbers as texts with so many decimals; (m,)."""
    whole = np.rint(values * 10**digits).astype(np.int64)
    sign = pa.array(["", "-"], pa.string()).take(as_arrow((whole < 0).astype(np.int64), pa.int64()))
    head, tail = np.divmod(np.abs(whole), 10**digits)
    tails = pc.utf8_lpad(pc.cast(as_arrow(tail, pa.int64()), pa.string()), digits, "0")
    heads = pc.cast(as_arrow(head, pa.int64()), pa.string())
    return pc.binary_join_element_wise(sign, heads, ".", tails, "")
