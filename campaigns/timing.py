"""When to contact each customer: the next-order window, the best weekday and hour with evidence, personal dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from campaigns.base import Base
from campaigns.sales import Sales
from contracts.tables import CURVE_KNOTS
from features.kernel.buffers import as_arrow, as_numpy, as_rows, in_one, is_valid, places_among
from features.kernel.running import Bools, Floats, Ints
from models.curve import next_order_days

OPENED = ("email_open", "email_click", "message_read", "message_click", "visit")
# Hours are believed if more orders than this have another one than midnight: else the source has dates only.
LEAST_TIMED = 0.5
# Below this chance of an order within the last knot, no date is told: the same border as in the scores.
LEAST_CHANCE = 0.05
# A rhythm: at least three order days, and gaps that spread by at most half their mean.
LEAST_ORDER_DAYS, MOST_VARIATION = 3, 0.5
# Contact before the expected order by this share of the own gap, at least 2 and at most 14 days: an assumption.
LEAD_SHARE, LEAST_LEAD, MOST_LEAD = 0.15, 2, 14
_HOUR = 3_600_000_000  # microseconds


# ---------------------------------------------------------------- rhythm and the next order
@dataclass(frozen=True)
class Rhythm:
    """The gaps between each customer's order days. All (n,), NaN where there is no gap.

    gap: the mean, in days; variation: their standard deviation over the mean (needs two gaps); last_gap: the last one,
    in days; order_days: how many.
    """

    order_days: Ints
    gap: Floats
    variation: Floats
    last_gap: Floats

    @property
    def regular(self) -> Bools:
        """Who has a rhythm of their own; (n,)."""
        return (self.order_days >= LEAST_ORDER_DAYS) & (self.variation <= MOST_VARIATION)

    @staticmethod
    def of(sales: Sales) -> Rhythm:
        """Return the rhythm of each customer of these sales."""
        number: Ints = np.diff(sales.starts).astype(np.int64)
        inner = np.flatnonzero(np.diff(sales.days.customer) == 0)
        owner = sales.days.customer[inner]
        gaps = np.diff(sales.days.day)[inner].astype(np.float64)
        gap = _share(np.subtract(sales.last_day, sales.first_day, dtype=np.float64), number - 1.0)
        squares = np.bincount(owner, (gaps - gap[owner]) ** 2, minlength=len(sales))
        spread = np.sqrt(_share(squares, np.maximum(number - 2.0, 0.0)))
        last = np.full(len(sales), np.nan)
        last[owner] = gaps  # the rows of each customer rise by day, so that the last one stays
        return Rhythm(number, gap, _share(spread, gap), last)


@dataclass(frozen=True)
class Windows:
    """When the next order is expected, given that there is one within a year. All (n,).

    p10, p50, p90: days after as_of (NaN where the chance is below LEAST_CHANCE); chance: within a year;
    contact_from, contact_to: the best week to contact, days after as_of (NaN: no week is better than another);
    why: before_the_expected_order, overdue, window_opens, unlikely, or unknown without a score.
    """

    p10: Floats
    p50: Floats
    p90: Floats
    chance: Floats
    contact_from: Floats
    contact_to: Floats
    why: NDArray[np.str_]


def next_order_windows(curve: Floats, rhythm: Rhythm, *, recency_days: Floats) -> Windows:
    """Return the next-order window and the best week to contact for n customers.

    curve: (n, knots) at contracts.tables.CURVE_KNOTS; recency_days: (n,) days since the last order day. A customer with
    a rhythm is contacted shortly before the order that the rhythm expects, at once if that is overdue; any other from
    the day on which the window opens (p10). That a contact works best then is an assumption, not measured here.
    """
    chance = curve[:, len(CURVE_KNOTS) - 1]
    known = chance >= LEAST_CHANCE
    p10, p50, p90 = (np.where(known, next_order_days(curve, q), np.nan) for q in (0.1, 0.5, 0.9))
    ahead = rhythm.gap - recency_days
    lead = np.clip(LEAD_SHARE * rhythm.gap, LEAST_LEAD, MOST_LEAD)
    start = np.maximum(np.where(rhythm.regular, np.round(ahead - lead), np.ceil(p10)), 1.0)
    start = np.where(known, start, np.nan)
    why = np.select(
        [np.isnan(chance), ~known, rhythm.regular & (ahead < 1.0), rhythm.regular],
        ["unknown", "unlikely", "overdue", "before_the_expected_order"],
        default="window_opens",
    )
    return Windows(p10, p50, p90, chance, start, start + 6.0, why)


def curve_of(scores: pa.Table, ids: pa.Array) -> Floats:
    """Return the curves of these customers (n, knots); NaN for whoever has no score."""
    at = places_among(ids, scores["customer_id"])
    flat = as_rows(scores["curve"], width=len(CURVE_KNOTS))
    if not len(flat):
        return np.full((len(ids), len(CURVE_KNOTS)), np.nan)
    return np.where((at >= 0)[:, None], flat[np.maximum(at, 0)], np.nan)


# ---------------------------------------------------------------- weekday and hour
@dataclass(frozen=True)
class Habit:
    """The best slot (weekday 0 Monday … 6, or hour 0 … 23) of each customer, shrunk to the shop's own profile.

    slot: (n,), -1 where nothing is known; share: (n,) of the customer's activity in it, after shrinkage; evidence: (n,)
    orders and opens counted; own: (n,) whether it is another slot than the shop's best, by the customer's own doing;
    shop: (slots,) the shop's profile; strength: how many observations the shop's profile counts for.
    """

    slot: Ints
    share: Floats
    evidence: Ints
    own: Bools
    shop: Floats
    strength: float


@dataclass(frozen=True)
class Moments:
    """When customers did something. customer: (m,) positions, weekday and hour: (m,); hour -1 where it is not known."""

    customer: Ints
    weekday: Ints
    hour: Ints


def moments_of(base: Base) -> Moments:
    """Return the moments of orders, and of opens, clicks and visits where there are events."""
    orders = base.sales.orders
    hour = orders.hour.astype(np.int64)
    if not len(hour) or np.count_nonzero(hour) <= LEAST_TIMED * len(hour):
        hour = np.full(len(hour), -1)
    parts = [(orders.customer, orders.day, hour)]
    if base.events is not None:
        parts.append(_opens(base.events, base.sales.ids))
    customer, day, hour = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Moments(customer, (day + 3) % 7, hour)  # day 0 was a Thursday


def best_weekday(moments: Moments, customers: int) -> Habit:
    """Return the best weekday of each of `customers` customers."""
    return habit_of(moments.customer, moments.weekday, customers=customers, slots=7)


def best_hour(moments: Moments, customers: int, *, allowed: Bools | None = None) -> Habit | None:
    """Return the best hour among those allowed (24,); None where neither orders nor opens carry times of day."""
    timed = moments.hour >= 0
    if not timed.any():
        return None
    return habit_of(
        moments.customer[timed], moments.hour[timed], customers=customers, slots=24, allowed=allowed
    )


def habit_of(
    customer: Ints, slot: Ints, *, customers: int, slots: int, allowed: Bools | None = None
) -> Habit:
    """Return the slot with the highest posterior share (n_s + k q_s) / (n + k) of each customer.

    q is the shop's profile, k the concentration of a Dirichlet distribution around it. k follows from how much likelier
    two moments of one customer share a slot than two of different ones: that excess is 1 / (1 + k) of what is possible
    (Mosimann 1962, Dirichlet-multinomial). Customers weigh by their moments less one. Ties: the shop's better slot.
    """
    open_slots = np.ones(slots, dtype=np.bool_) if allowed is None else allowed
    evidence = np.bincount(customer, minlength=customers).astype(np.int64)
    # Half a moment in each slot, so that no slot is impossible.
    counts = np.bincount(slot, minlength=slots) + 0.5
    shop = counts / counts.sum()
    keys, number = np.unique(customer * slots + slot, return_counts=True)
    owner, place = keys // slots, keys % slots
    strength = _strength(owner, number, evidence, shop)
    usual = int(np.argmax(np.where(open_slots, shop, -1.0)))
    best = np.full(customers, strength * shop[usual])
    found = np.full(customers, usual)
    usable = open_slots[place]
    values = number + strength * shop[place]
    rank = np.flatnonzero(usable)
    rank = rank[np.lexsort((shop[place[rank]], values[rank], owner[rank]))]
    last = rank[np.append(np.diff(owner[rank]) != 0, True)[: len(rank)]]
    better = values[last] > best[owner[last]]
    found[owner[last[better]]] = place[last[better]]
    best[owner[last[better]]] = values[last[better]]
    if not len(customer):
        return Habit(np.full(customers, -1), np.full(customers, np.nan), evidence, found < 0, shop, strength)
    return Habit(found, best / (evidence + strength), evidence, found != usual, shop, strength)


def _strength(owner: Ints, number: Ints, evidence: Ints, shop: Floats) -> float:
    """Return how many moments the shop's profile counts for, between 1 and 1,000."""
    pairs = np.bincount(owner, number * (number - 1.0), minlength=len(evidence))
    several = evidence > 1
    weight = (evidence[several] - 1.0).sum()
    by_chance = float((shop**2).sum())
    if weight < 1 or by_chance >= 1.0:
        return 1_000.0
    alike = float((pairs[several] / evidence[several]).sum() / weight)
    excess = (alike - by_chance) / (1.0 - by_chance)
    return float(np.clip(1.0 / max(excess, 1e-9) - 1.0, 1.0, 1_000.0))


def _opens(events: pa.Table, ids: pa.Array) -> tuple[Ints, Ints, Ints]:
    chosen = events.filter(pc.is_in(events["kind"], value_set=pa.array(OPENED, pa.string())))
    owner = places_among(chosen["customer_id"], ids)
    day = as_numpy(in_one(chosen["day"])).astype(np.int64)
    hour = as_numpy(in_one(chosen["occurred_at"].cast(pa.timestamp("us")))) // _HOUR % 24
    if not len(hour) or np.count_nonzero(hour) <= LEAST_TIMED * len(hour):
        hour = np.full(len(hour), -1)
    known = owner >= 0
    return owner[known], day[known], hour[known].astype(np.int64)


# ---------------------------------------------------------------- personal dates
def yearly(day: Ints, year: Ints) -> Ints:
    """Return the days of the same date in other years; 29 February is 28 February where there is none; (n,)."""
    date = day.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    wanted = ((year - 1970) * 12 + month.astype(np.int64) % 12).astype("datetime64[M]")
    length = ((wanted + 1).astype("datetime64[D]") - wanted.astype("datetime64[D]")).astype(np.int64)
    return wanted.astype("datetime64[D]").astype(np.int64) + np.minimum(_day_of_month(date), length - 1)


def next_yearly(day: Ints, as_of: int) -> Ints:
    """Return each date's first return on or after `as_of`, at least one year after the date itself; (n,)."""
    year = np.full(len(day), year_of(np.array([as_of]))[0])
    year = np.maximum(year, year_of(day) + 1)
    this = yearly(day, year)
    return np.where(this >= as_of, this, yearly(day, year + 1))


def year_of(day: Ints) -> Ints:
    """Return the calendar year of integer days."""
    return np.asarray(day).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def birth_days(customers: pa.Table | None, ids: pa.Array, *, as_of: int) -> Floats:
    """Return the days of birth of these customers, NaN where unknown or the age is not from 13 to 110; (n,)."""
    if customers is None or "birth_date" not in customers.column_names:
        return np.full(len(ids), np.nan)
    column = in_one(customers["birth_date"])
    born = np.where(is_valid(column), as_numpy(column).astype(np.float64), np.nan)
    at = places_among(ids, customers["customer_id"])
    found = np.where(at >= 0, born[at], np.nan) if len(born) else np.full(len(ids), np.nan)
    age = (as_of - found) / 365.2425
    return np.where((age >= 13) & (age <= 110), found, np.nan)


# ---------------------------------------------------------------- all of it
def timing_table(base: Base, scores: pa.Table | None = None, *, open_hours: Bools | None = None) -> pa.Table:
    """Return when to contact each customer of the base: one row per customer, nulls where nothing is known.

    scores: contracts.tables.scores_schema, for the next-order window. open_hours: (24,) hours at which is sent.
    weekday 0 is Monday; `_evidence` counts orders and opens; `_own` is false where it is the shop's own best one.
    """
    sales, moments = base.sales, moments_of(base)
    weekday, hour = best_weekday(moments, len(sales)), best_hour(moments, len(sales), allowed=open_hours)
    columns: dict[str, pa.Array] = {"customer_id": sales.ids}
    if scores is not None:
        columns |= _window_columns(base, scores)
    columns |= _habit_columns("weekday", weekday)
    columns |= _habit_columns("hour", hour) if hour is not None else {}
    born = birth_days(base.customers, sales.ids, as_of=base.as_of)
    known = ~np.isnan(born)
    birthday = np.where(known, next_yearly(np.where(known, born, 0).astype(np.int64), base.as_of), 0)
    columns["next_birthday"] = _dates(birthday, valid=known)
    columns["next_anniversary"] = _dates(next_yearly(sales.first_day, base.as_of))
    return pa.table(columns)


def _window_columns(base: Base, scores: pa.Table) -> dict[str, pa.Array]:
    recency = (base.as_of - base.sales.last_day).astype(np.float64)
    found = next_order_windows(curve_of(scores, base.sales.ids), Rhythm.of(base.sales), recency_days=recency)
    days = {
        "next_order_p10": found.p10,
        "next_order_p50": found.p50,
        "next_order_p90": found.p90,
        "contact_from": found.contact_from,
        "contact_to": found.contact_to,
    }
    columns = {
        name: _dates(
            base.as_of + np.maximum(np.ceil(np.nan_to_num(ahead)), 1.0).astype(np.int64),
            valid=~np.isnan(ahead),
        )
        for name, ahead in days.items()
    }
    return columns | {"contact_why": pa.array(found.why.tolist(), pa.string())}


def _habit_columns(name: str, habit: Habit) -> dict[str, pa.Array]:
    known = habit.slot >= 0
    return {
        f"best_{name}": as_arrow(habit.slot, pa.int64(), valid=known),
        f"{name}_share": as_arrow(habit.share, pa.float64(), valid=known),
        f"{name}_evidence": as_arrow(habit.evidence, pa.int64()),
        f"{name}_own": as_arrow(habit.own, pa.bool_()),
    }


def _dates(day: Ints, *, valid: Bools | None = None) -> pa.Array:
    return as_arrow(day.astype(np.int32), pa.date32(), valid=valid)


def _whole_days(ahead: Floats) -> Ints:
    """Return days ahead as the ranking counts them: begun ones are whole, and the first is tomorrow."""
    return np.maximum(np.ceil(np.nan_to_num(ahead)), 1.0).astype(np.int64)


def _day_of_month(date: NDArray[Any]) -> Ints:
    return (date - date.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)


def _share(part: NDArray[Any], whole: NDArray[Any]) -> Floats:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
