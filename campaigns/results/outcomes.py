"""What customers did after the sending: as the sender wrote it down, or better, from the orders themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from campaigns.results.log import Log
from campaigns.sales import Sales
from contracts.errors import DataError
from features.kernel.buffers import places_among
from features.kernel.codes import Text
from features.kernel.running import Bools, Floats, Ints


@dataclass(frozen=True)
class Outcomes:
    """bought: 0 or 1; revenue: currency, returns taken off; by contact of the log (N,), the last message before an
    order has it; and by customer of a campaign (F,), as in `Log.first`, all counted from the first contact on.

    known: (F,) whether anything can be known of it; paid: whether revenue is known at all; days: by campaign the
    window, 0 where none, None if not by orders; whole_days: campaigns whose arms have different hours, so that the
    whole day of the sending counts.
    """

    bought: Floats
    revenue: Floats
    customer_bought: Floats
    customer_revenue: Floats
    known: Bools
    paid: bool = True
    days: Ints | None = None
    whole_days: frozenset[int] = frozenset()


def as_written(log: Log) -> Outcomes:
    """Return the conversions and revenue that the contacts themselves hold."""
    size = len(log.first)
    bought = np.minimum(np.bincount(log.place, log.converted, minlength=size), 1.0)
    revenue = np.bincount(log.place, log.revenue, minlength=size).astype(np.float64)
    known = np.full(size, not {"converted_at", "revenue"} <= log.absent)
    return Outcomes(log.converted, log.revenue, bought, revenue, known, "revenue" not in log.absent)


def from_orders(log: Log, sales: Sales, *, window_days: int) -> Outcomes:
    """Return who ordered within `window_days` of the sending, and for how much less returns.

    A window that is not over at the end of `sales.as_of` is shortened for the whole campaign, both arms alike.
    Raises DataError if no contacted customer has any order.
    """
    customer = _positions(log, sales)
    if len(log) and not (customer >= 0).any():
        raise DataError(
            f"none of the {len(log.customer.values):,} contacted customers is among the {len(sales):,} customers with "
            "orders. Contacts and orders need the same customer ids."
        )
    whole_days = _uneven_hours(log)
    start = np.where(np.isin(log.campaign.codes, sorted(whole_days)), log.day * 24, log.sent_hour)
    days = _windows(log, sales.as_of, window_days)
    end = start + 24 * days[log.campaign.codes]
    first = log.first
    bought, revenue = _within(sales, customer[first], start[first], end[first])
    own_end = end.copy()
    follows = np.flatnonzero(np.diff(log.place) == 0)
    own_end[follows] = np.minimum(end[follows], start[follows + 1])
    own_bought, own_revenue = _within(sales, customer, start, own_end)
    known = days[log.campaign.codes[first]] > 0
    whole = frozenset(whole_days)
    return Outcomes(own_bought, own_revenue, bought, revenue, known, days=days, whole_days=whole)


def places(ids: Text, known: pa.Array) -> Ints:
    """Return for each row of `ids` where it stands in the array `known`, -1 if nowhere."""
    at = places_among(ids.values, known)
    return np.append(at, -1)[ids.codes]


def _positions(log: Log, sales: Sales) -> Ints:
    return places(log.customer, sales.ids)


def _windows(log: Log, as_of: int, window_days: int) -> Ints:
    """Return the days counted by campaign: as asked, or up to as_of after the campaign's last first contact."""
    last = np.full(len(log.campaign.values), -(10**9))
    np.maximum.at(last, log.campaign.codes[log.first], log.day[log.first])
    return np.clip(as_of - last, 0, window_days)


def _uneven_hours(log: Log) -> set[int]:
    """Return the campaigns whose arms were not written down at the same hours of the day, by more than one hour."""
    campaign, hour = log.campaign.codes, (log.sent_hour % 24).astype(np.float64)
    size = len(log.campaign.values)
    means = []
    for arm in (log.treated, ~log.treated):
        count = np.bincount(campaign[arm], minlength=size)
        means.append(np.bincount(campaign[arm], hour[arm], minlength=size) / np.where(count, count, np.nan))
    return set(np.flatnonzero(np.abs(means[0] - means[1]) > 1).tolist())


def _within(sales: Sales, customer: Ints, start: Ints, end: Ints) -> tuple[Floats, Floats]:
    """Return for each customer (-1: nobody) whether an order began in the hours [start, end), and the money."""
    orders, taken = sales.orders, sales.returns
    count, paid = _sums(orders.customer, orders.day * 24 + orders.hour, orders.amount, customer, start, end)
    _, back = _sums(taken.customer, taken.day * 24 + 12, taken.amount, customer, start, end)
    return (count > 0).astype(np.float64), paid + back


def _sums(
    owner: Ints, hour: Ints, amount: Floats, customer: Ints, start: Ints, end: Ints
) -> tuple[Ints, Floats]:
    """Return how many rows of each customer lie in [start, end), and their amounts; rows by owner."""
    low = min(int(hour.min(initial=0)), int(start.min(initial=0)))
    span = 2 + max(int(hour.max(initial=0)), int(end.max(initial=0))) - low
    keys = owner * span + (hour - low)
    rank = np.argsort(keys, kind="stable")
    keys, amount = keys[rank], amount[rank]
    begin = np.searchsorted(keys, customer * span + (start - low))
    stop = np.maximum(np.searchsorted(keys, customer * span + (end - low)), begin)
    begin, stop = (np.where(customer >= 0, one, 0) for one in (begin, stop))
    pairs = np.column_stack([begin, stop]).ravel()
    sums = np.add.reduceat(np.append(amount, 0.0), pairs)[::2] if len(pairs) else np.empty(0)
    return stop - begin, np.where(stop > begin, sums, 0.0)
