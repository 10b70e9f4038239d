"""Accounts that are no ordinary customers, each with the reasons that show it.

`reseller` and `bot` are the flags of cleaning (features/cleaning/flags.py), with the same words and numbers, here of
the sales that stand on the day: cleaning looks at each day as it was, so that it also finds whom a later cancellation
has made small. `flags` takes cleaning's own. The other checks are this room's. The limits stand in screens.toml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from campaigns.base import Base
from campaigns.sales import Sales
from campaigns.screening.messages import customers_of
from campaigns.screening.reachability import has_values
from campaigns.screening.settings import Check, Settings
from campaigns.screening.shared import coupon_accounts, numbered, shared
from features.kernel.buffers import as_arrow, as_numpy, in_one
from features.kernel.running import Floats, Ints

VERDICTS = ("no", "doubtful", "yes")
_DAYS = 100_000  # more days than any shop has
Limits = Mapping[str, float]


@dataclass(frozen=True)
class Suspicion:
    """What the checks found. found: check -> (n,) the value that shows it, NaN where it does not hold.

    verdict: (n,) places in VERDICTS, the worst of the checks that hold. missing: check -> what it would need.
    """

    ids: pa.Array
    checks: Mapping[str, Check]
    found: Mapping[str, Floats]
    missing: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> NDArray[np.int8]:
        """The worst verdict per customer, as places in VERDICTS; (n,)."""
        worst = np.zeros(len(self.ids), dtype=np.int8)
        for name, values in self.found.items():
            verdict = VERDICTS.index(self.checks[name].verdict)
            np.maximum(worst, np.where(np.isnan(values), 0, verdict).astype(np.int8), out=worst)
        return worst

    @property
    def counts(self) -> dict[str, int]:
        """How many customers each check that could be made holds for."""
        return {name: int(np.count_nonzero(~np.isnan(values))) for name, values in self.found.items()}

    def reasons(self) -> pa.Array:
        """Return the reasons of each customer as one text, parted by semicolons; null for none; (n,)."""
        texts: dict[int, list[str]] = {}
        for name, values in self.found.items():
            check = self.checks[name]
            for at in np.flatnonzero(~np.isnan(values)).tolist():
                texts.setdefault(at, []).append(f"{name}: {check.reason(float(values[at]))}")
        customers = sorted(texts)
        place = np.full(len(self.ids), -1)
        place[customers] = np.arange(len(customers))
        joined = pa.array(["; ".join(texts[one]) for one in customers], pa.string())
        return joined.take(as_arrow(np.maximum(place, 0), pa.int64(), valid=place >= 0))


def suspicious_of(
    base: Base, *, settings: Settings | None = None, flags: pa.Table | None = None
) -> Suspicion:
    """Return which customers of a base are suspicious and why.

    flags: those of cleaning (features.cleaning.flags.FLAGS); None counts resellers and bots from the sales.
    """
    settings = settings or Settings.ours()
    tests = _Tests(base, settings)
    found: dict[str, Floats] = {}
    missing: dict[str, str] = {}
    for name, check in settings.checks.items():
        lack = tests.lacks(name)
        if lack is not None:
            missing[name] = lack
        elif flags is not None and name in ("reseller", "bot"):
            found[name] = _flagged(base.sales, flags, name)
        else:
            found[name] = getattr(tests, name)(check.limits)
    return Suspicion(base.sales.ids, settings.checks, found, missing)


def _flagged(sales: Sales, flags: pa.Table, name: str) -> Floats:
    chosen = pc.and_(pc.equal(flags["flag"], name), pc.less_equal(flags["known_day"], sales.as_of))
    rows = flags.filter(chosen)
    customer, value = customers_of(rows, sales.ids), as_numpy(in_one(rows["value"]))
    found = np.full(len(sales), -np.inf)
    np.maximum.at(found, customer[customer >= 0], value[customer >= 0])
    return np.where(np.isfinite(found), found, np.nan)


class _Tests:
    """The checks, each a method of its name: (n,) the value that shows it, NaN where it does not hold."""

    def __init__(self, base: Base, settings: Settings) -> None:
        self._base, self._sales, self._settings = base, base.sales, settings

    def lacks(self, name: str) -> str | None:
        """Return what a check would need and this base has not."""
        personal = self._base.personal
        emails, phones = has_values(personal, "email"), has_values(personal, "phone")
        if name in ("shared_email", "numbered_emails") and not emails:
            return "e-mail addresses (--customers)"
        if name == "shared_phone" and not phones:
            return "telephone numbers (--customers)"
        if name in ("coupon_only", "coupon_abuse") and "coupon" not in self._sales.optional:
            return "the coupons of the orders"
        if name == "coupon_abuse" and not (emails or phones):
            return "e-mail addresses or telephone numbers (--customers)"
        if name in ("burst", "even_intervals") and not self._sales.orders.hour.any():
            return "the time of day of the orders"
        return None

    def reseller(self, limits: Limits) -> Floats:
        sales, days = self._sales, int(limits["days"])
        total = np.bincount(sales.customer, sales.quantity, len(sales))
        some = np.flatnonzero((total >= limits["items"])[sales.customer])
        customer, day, items = sales.customer[some], sales.day[some], sales.quantity[some]
        order = np.lexsort((day, customer))
        customer, day, running = customer[order], day[order], np.append(0.0, np.cumsum(items[order]))
        keys = customer * _DAYS + day
        first = np.searchsorted(keys, np.maximum(keys - days + 1, customer * _DAYS))
        last = np.searchsorted(keys, keys, side="right")
        return _most(customer, running[last] - running[first], len(sales), least=limits["items"])

    def bot(self, limits: Limits) -> Floats:
        days = self._sales.days
        return _most(days.customer, days.orders.astype(np.float64), len(self._sales), least=limits["orders"])

    def bulk_buyer(self, limits: Limits) -> Floats:
        sales = self._sales
        orders = np.bincount(sales.orders.customer, minlength=len(sales))
        each = np.bincount(sales.customer, sales.quantity, len(sales)) / orders
        usual = float(np.median(np.bincount(sales.order, sales.quantity))) if len(each) else 0.0
        holds = (each >= limits["items_per_order"]) & (each >= limits["times_shop"] * usual)
        if "product_id" in sales.optional:
            product = sales.text("product_id")
            pairs = np.unique(sales.customer * (len(product.values) + 1) + product.codes + 1)
            kinds = np.bincount(pairs // (len(product.values) + 1), minlength=len(sales))
            holds &= kinds >= limits["products"]
        return np.where(holds, each, np.nan)

    def burst(self, limits: Limits) -> Floats:
        orders = self._sales.orders
        keys = (orders.customer * _DAYS + orders.day) * 24 + orders.hour
        hours, counts = np.unique(keys, return_counts=True)
        customer = hours // (24 * _DAYS)
        return _most(customer, counts.astype(np.float64), len(self._sales), least=limits["orders"])

    def even_intervals(self, limits: Limits) -> Floats:
        sales = self._sales
        hours = _first_hours(sales)
        gap, same = np.diff(hours), np.diff(sales.days.customer) == 0
        customer, gap = sales.days.customer[1:][same], gap[same]
        count = np.bincount(customer, minlength=len(sales))
        mean = _ratio(np.bincount(customer, gap, len(sales)), count)
        spread = np.sqrt(_ratio(np.bincount(customer, (gap - mean[customer]) ** 2, len(sales)), count))
        holds = (count + 1 >= limits["order_days"]) & (mean <= 24 * limits["gap_days"])
        return np.where(holds & (spread <= limits["variation"] * mean), count + 1.0, np.nan)

    def coupon_only(self, limits: Limits) -> Floats:
        sales = self._sales
        with_one = np.zeros(len(sales.orders.customer), dtype=np.bool_)
        with_one[sales.order[sales.text("coupon").codes >= 0]] = True
        used = np.bincount(sales.orders.customer, with_one, len(sales))
        share = used / np.bincount(sales.orders.customer, minlength=len(sales))
        holds = (used >= limits["orders"]) & (share >= limits["share"])
        return np.where(holds & (share >= limits["times_shop"] * with_one.mean()), share, np.nan)

    def coupon_abuse(self, limits: Limits) -> Floats:
        return _at_least(coupon_accounts(self._base), limits["accounts"])

    def shared_email(self, limits: Limits) -> Floats:
        return _at_least(shared(self._base, "email"), limits["accounts"])

    def shared_phone(self, limits: Limits) -> Floats:
        return _at_least(shared(self._base, "phone"), limits["accounts"])

    def numbered_emails(self, limits: Limits) -> Floats:
        providers = tuple(self._settings.providers)
        sizes = numbered(
            self._base, accounts=int(limits["accounts"]), days=int(limits["days"]), letters=int(limits["letters"]),
            providers=providers,
        )  # fmt: skip
        return _at_least(sizes, limits["accounts"])


def _first_hours(sales: Sales) -> Floats:
    """Return the time of the first order of each order day, in hours; (D,)."""
    orders = sales.orders
    rank = np.lexsort((orders.hour, orders.day, orders.customer))
    customer, day = orders.customer[rank], orders.day[rank]
    new = np.append(True, (np.diff(customer) != 0) | (np.diff(day) != 0))[: len(rank)]
    return (24.0 * day + orders.hour[rank])[new]


def _most(customer: Ints, values: Floats, count: int, *, least: float) -> Floats:
    """Return each customer's largest value where it is at least `least`, else NaN; (count,)."""
    found = np.full(count, -np.inf)
    np.maximum.at(found, customer, values)
    return _at_least(found, least)


def _at_least(values: Floats, least: float) -> Floats:
    return np.where(values >= max(least, 1e-9), values, np.nan)


def _ratio(total: NDArray[Any], count: NDArray[Any]) -> Floats:
    return total / np.maximum(count, 1)
