"""The columns of order days: one small function each, run at first use.

Each returns (order days,) values: one for each day with an order, and nothing for other days.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from features.kernel.columns import Column, Make
from features.kernel.running import Floats

if TYPE_CHECKING:
    from features.kernel.known import Known

Dates = NDArray[np.datetime64]
ORDER_DAY_COLUMNS: dict[str, Column] = {}


def _order_days(make: Make, *, needs: str | None = None) -> Make:
    ORDER_DAY_COLUMNS[make.__name__] = Column(make, needs)
    return make


@_order_days
def order_days(known: Known) -> Floats:
    """One for each order day."""
    return np.ones(len(known.order_rows))


@_order_days
def amount(known: Known) -> Floats:
    """Amount sold on the day."""
    return known.on_order_days("sales")


@_order_days
def off(known: Known) -> Floats:
    """Amount less that of the first order day: spreads are taken about it, so that squares do not cancel."""
    sold = known.on_order_days("sales")
    return sold - known.first_of_view(sold)


@_order_days
def off_squared(known: Known) -> Floats:
    """Square of `off`."""
    found = known.on_order_days("off")
    return found * found


@_order_days
def log_amount(known: Known) -> Floats:
    """Logarithm of one plus the amount."""
    return np.log1p(np.maximum(known.on_order_days("sales"), 0.0))


@_order_days
def gap(known: Known) -> Floats:
    """Days since the order day before; 0 on the first."""
    day = known.order_day
    gaps = np.diff(day, prepend=day[:1]).astype(np.float64)
    gaps[known.order_starts[:-1][np.diff(known.order_starts) > 0]] = 0.0
    return gaps


@_order_days
def gap_squared(known: Known) -> Floats:
    """Square of `gap`."""
    found = known.on_order_days("gap")
    return found * found


@_order_days
def log_gap(known: Known) -> Floats:
    """Logarithm of `gap`; 0 on the first order day."""
    return np.log(np.maximum(known.on_order_days("gap"), 1.0))


@_order_days
def gap_log_gap(known: Known) -> Floats:
    """`gap` times its logarithm; 0 on the first order day."""
    return known.on_order_days("gap") * known.on_order_days("log_gap")


@_order_days
def weekday(known: Known) -> Floats:
    """Day of the week, Monday 0."""
    return known.rows.weekday[known.order_rows].astype(np.float64)


@_order_days
def month(known: Known) -> Floats:
    """Month of the year, January 1."""
    return _of_calendar(known, lambda date: date.astype("datetime64[M]").astype(np.int64) % 12 + 1)


@_order_days
def holiday_season(known: Known) -> Floats:
    """1 in November and December."""
    return (known.on_order_days("month") >= 11).astype(np.float64)


@_order_days
def month_day(known: Known) -> Floats:
    """Day of the month, the first is 0."""
    return _of_calendar(known, lambda date: date - date.astype("datetime64[M]").astype("datetime64[D]"))


def coupon_days(known: Known) -> Floats:
    """1 on order days with a coupon."""
    return (known.on_order_days("coupon_lines") > 0).astype(np.float64)


def discount_days(known: Known) -> Floats:
    """1 on order days with a discount."""
    return (known.on_order_days("discounted_lines") > 0).astype(np.float64)


_order_days(coupon_days, needs="coupon")
_order_days(discount_days, needs="discount")


def _of_calendar(known: Known, what: Callable[[Dates], NDArray[Any]]) -> Floats:
    """Return something of the date of each order day; it is worked out once for each day of the calendar."""
    day = known.order_day
    if not len(day):
        return np.empty(0)
    first = int(day.min())
    dates = np.arange(first, int(day.max()) + 1).astype("datetime64[D]")
    return what(dates).astype(np.float64).take(day - first)
