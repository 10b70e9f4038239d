"""Who is active: by the customer's own rhythm of orders, and by what becomes of e-mails.

By orders: the days since the last order day against the customer's mean gap between order days. With few gaps of their
own, customers have the shop's rhythm: the mean is (k·m + n·g) / (k + n) of n own gaps with mean g and the shop's median
m counting as k gaps (limit gap_weight), the credibility formula of Bühlmann (1967). A fixed number of days for all
(the hiatus rule of Wübben and von Wangenheim, 2008) would call every slow customer lost. m is the median over customers
with at least two order days of their mean gaps; it is short of the truth where many gaps have not ended yet.

By e-mail: opens and clicks of the last 90 days. Since mail programs open by themselves, one click, or two opens on
different days, make a reader active; one open low; none of several sent, silent.

Together: the orders say it; a reader who is active by e-mail is one step more active than the orders say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.sales import Sales
from campaigns.screening.messages import customers_of
from campaigns.screening.settings import Settings
from features.kernel.buffers import as_arrow, as_numpy, in_one
from features.kernel.codes import Text
from features.kernel.running import Floats, Ints

LEVELS = ("unknown", "silent", "low", "active")
UNKNOWN, SILENT, LOW, ACTIVE = range(4)
Levels = NDArray[np.int8]


@dataclass(frozen=True)
class Activity:
    """How active customers are; (n,) each, by `ids`; levels are places in LEVELS.

    by_orders, by_email, level: by each, and together. for_long: active, and a customer for a year or more.
    gap_days: the customer's own mean gap, shrunk (NaN where nobody has ordered twice). silent_gaps: days since the last
    order day in such gaps. shop_gap_days: the shop's median.
    """

    ids: pa.Array
    by_orders: Levels
    by_email: Levels
    level: Levels
    for_long: NDArray[np.bool_]
    gap_days: Floats
    silent_gaps: Floats
    shop_gap_days: float


def activity_of(sales: Sales, events: pa.Table | None, *, settings: Settings | None = None) -> Activity:
    """Return how active the customers are at the end of the sales' day.

    events: contracts.tables.EVENTS up to that day, or None.
    """
    limits = (settings or Settings.ours()).limits
    gap, shop_gap = own_gaps(sales, weight=limits["gap_weight"])
    gaps = (sales.as_of - sales.last_day) / gap
    by_orders = np.where(gaps <= limits["active_gaps"], ACTIVE, LOW)
    by_orders = np.where(gaps > limits["silent_gaps"], SILENT, by_orders)
    by_orders = np.where(np.isnan(gaps), UNKNOWN, by_orders).astype(np.int8)
    by_email = _by_email(sales, events, limits)
    raised = (by_email == ACTIVE) & (by_orders < ACTIVE)
    level = np.where(raised, np.maximum(by_orders, SILENT) + 1, by_orders).astype(np.int8)
    long = (level == ACTIVE) & (sales.as_of - sales.first_day >= limits["long_days"])
    return Activity(sales.ids, by_orders, by_email, level, long, gap, gaps, shop_gap)


def own_gaps(sales: Sales, *, weight: float) -> tuple[Floats, float]:
    """Return each customer's mean gap in days, shrunk to the shop's median, and that median (NaN if there is none)."""
    gaps = np.diff(sales.starts) - 1
    span = (sales.last_day - sales.first_day).astype(np.float64)
    some = gaps > 0
    shop = float(np.median(span[some] / gaps[some])) if some.any() else float("nan")
    if not some.any():
        return np.full(len(sales), np.nan), shop
    total = weight + gaps
    mean = np.divide(weight * shop + span, total, out=np.full(len(sales), shop), where=total > 0)
    return np.maximum(mean, 1.0), shop


def _by_email(sales: Sales, events: pa.Table | None, limits: Mapping[str, float]) -> Levels:
    if events is None:
        return np.zeros(len(sales), dtype=np.int8)
    kind = Text.of(events["kind"])
    day = as_numpy(in_one(events["day"])).astype(np.int64)
    recent = (day > sales.as_of - limits["email_days"]) & (day <= sales.as_of)
    sent, opens, clicks = (
        _days_with(
            sales, events, recent & (kind.codes == _code(kind, name)), day, once_a_day=name != "email_sent"
        )
        for name in ("email_sent", "email_open", "email_click")
    )
    level = np.where(sent >= limits["email_silent"], SILENT, UNKNOWN)
    level = np.where(opens >= 1, LOW, level)
    return np.where((clicks >= 1) | (opens >= 2), ACTIVE, level).astype(np.int8)


def _code(kind: Text, name: str) -> int:
    return next((i for i, text in enumerate(kind.texts) if text == name), -2)


def _days_with(
    sales: Sales, events: pa.Table, chosen: NDArray[np.bool_], day: Ints, *, once_a_day: bool
) -> Ints:
    """Count the chosen events of each customer, or the days that have one; (n,)."""
    rows = np.flatnonzero(chosen)
    customer = customers_of(events.select(["customer_id"]).take(as_arrow(rows, pa.int64())), sales.ids)
    known = customer >= 0
    customer, on = customer[known], day[rows][known]
    if once_a_day:
        span = sales.as_of + 1  # days count from 1970, and none is later
        customer = np.unique(customer * span + on) // span
    return np.bincount(customer, minlength=len(sales))
