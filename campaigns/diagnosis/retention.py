"""Who comes back: by cohort of first order, from period to period, and how much of the revenue they bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from campaigns.diagnosis.periods import Calendar, begins, ends, label, period_of
from campaigns.diagnosis.shares import Share
from campaigns.sales import Sales
from features.kernel.buffers import places_among
from features.kernel.running import Bools, Floats, Ints


@dataclass(frozen=True)
class Cohorts:
    """Customers by the month or week of their first order.

    first: (k,) numbers of the periods; size: (k,) customers; counts: (k, p) how many of them ordered in the period of
    their first order (column 0) and in each one after it, NaN where that period is not over.
    """

    calendar: Calendar
    first: Ints
    size: Ints
    counts: Floats

    @property
    def shares(self) -> Floats:
        """The share of each cohort; (k, p)."""
        return self.counts / self.size[:, None]

    @property
    def names(self) -> list[str]:
        """The cohorts in words."""
        return [label(int(one), self.calendar) for one in self.first]

    @property
    def mean(self) -> Floats:
        """The share of all cohorts that are observed so long, together; (p,)."""
        known = np.isfinite(self.counts)
        of = (known * self.size[:, None]).sum(axis=0)
        with np.errstate(invalid="ignore"):
            return np.nansum(self.counts, axis=0) / of


def cohorts(sales: Sales, calendar: Calendar) -> Cohorts:
    """Return the share of each cohort that orders in its k-th period after the first one."""
    days = sales.days
    period = period_of(days.day, calendar)
    began = period[sales.starts[:-1]]
    low, width = int(began.min()), int(period_of(np.array([sales.as_of]), calendar)[0]) - int(began.min()) + 1
    new = np.append(True, (np.diff(days.customer) != 0) | (np.diff(period) != 0))[: len(period)]
    cohort = began[days.customer[new]] - low
    counts = np.bincount(cohort * width + period[new] - low - cohort, minlength=width * width)
    table = counts.reshape(width, width).astype(np.float64)
    size = np.bincount(began - low, minlength=width)
    table[_not_over(low, width, calendar, sales.as_of)] = np.nan
    some = np.flatnonzero(size)
    return Cohorts(calendar, some + low, size[some], table[some])


def _not_over(low: int, width: int, calendar: Calendar, as_of: int) -> Bools:
    """Return which periods after the first are not over by the end of the day; (cohorts, periods)."""
    last = low + width - 1
    whole = width if ends(last, calendar) <= as_of else width - 1
    at = np.add.outer(np.arange(width), np.arange(width))
    missing = at >= whole
    missing[:, 0] = False
    return missing


@dataclass(frozen=True)
class Returned:
    """Of the customers active in the `length` days up to `origin`, who ordered in the same number of days after it.

    amount: what these spent in those days; currency.
    """

    origin: int
    length: int
    share: Share
    amount: float


def returned(sales: Sales, origin: int, length: int) -> Returned:
    """Return who came back after a day: who was active is taken as known then, who came back as known now."""
    then = sales.on(origin)
    orders = then.orders  # these say it as order days do, and need no sorting
    inside = orders.day > origin - length
    was = then.ids.filter(np.bincount(orders.customer[inside], minlength=len(then)) > 0)
    place = places_among(was, sales.ids)
    place = place[place >= 0]
    came = active_in(sales, origin + 1, origin + length)[place]
    share = Share.of_counts(int(came.sum()), len(was))
    return Returned(origin, length, share, _spent(sales, place[came], origin + 1, origin + length))


def returning(sales: Sales, *, length: int, most: int = 8) -> tuple[Returned, ...]:
    """Return retention from one period of `length` days to the next, latest first, as far back as orders reach."""
    whole = (sales.as_of - int(sales.day.min()) + 1) // length
    origins = (sales.as_of - back * length for back in range(1, min(whole - 1, most) + 1))
    return tuple(returned(sales, origin, length) for origin in origins)


def active_in(sales: Sales, begin: int, end: int) -> Bools:
    """Return who has an order day from `begin` to `end`; (C,)."""
    days = sales.days
    inside = (days.day >= begin) & (days.day <= end)
    return np.bincount(days.customer[inside], minlength=len(sales)) > 0


def _spent(sales: Sales, customers: Ints, begin: int, end: int) -> float:
    days = sales.days
    chosen = np.zeros(len(sales), dtype=np.bool_)
    chosen[customers] = True
    inside = (days.day >= begin) & (days.day <= end) & chosen[days.customer]
    return float(days.amount[inside].sum())


@dataclass(frozen=True)
class MonthRevenue:
    """What one month's orders brought, and what of it came from customers won in an earlier month; currency."""

    month: str
    revenue: float
    existing: float
    whole: bool

    @property
    def share(self) -> float:
        """The existing customers' share; NaN without revenue."""
        return self.existing / self.revenue if self.revenue > 0 else float("nan")


def revenue_by_month(sales: Sales) -> tuple[MonthRevenue, ...]:
    """Return the revenue of each month, apart by whether the customer was won before it."""
    days = sales.days
    month = period_of(days.day, "month")
    low = int(month.min())
    old = days.amount * (period_of(sales.first_day, "month")[days.customer] < month)
    total, existing = np.bincount(month - low, days.amount), np.bincount(month - low, old)
    begin = int(sales.day.min())
    return tuple(
        MonthRevenue(
            label(low + place, "month"),
            float(total[place]),
            float(existing[place]),
            begin <= begins(low + place, "month") and ends(low + place, "month") <= sales.as_of,
        )
        for place in range(len(total))
    )
