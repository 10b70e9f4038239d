"""A diagnosis as tables and as JSON."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from campaigns.diagnosis.findings import Diagnosis
from campaigns.diagnosis.notes import notes_of
from campaigns.diagnosis.retention import Cohorts
from campaigns.diagnosis.revenue import FACTORS
from campaigns.diagnosis.sentences import sentences_of
from campaigns.diagnosis.shares import Share
from contracts.days import to_date

LONG = pa.schema(
    [
        pa.field("measure", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("period", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("lower", pa.float64()),  # 95 % interval, where there is one
        pa.field("upper", pa.float64()),
        pa.field("n", pa.int64()),  # customers (order days for gaps) that the value is about
    ]
)
_Row = tuple[str, str, str, float | None, float | None, float | None, int | None]
_ALL = "all"


def long_table(found: Diagnosis) -> pa.Table:
    """Return every figure but the cohorts as one row: measure, group, period, value, lower, upper, n.

    A period is `first/last` day, a month, or the as_of day for what looks at all orders up to it.
    """
    rows = [
        *_extent(found), *_rates(found), *_second(found), *_returning(found), *_gaps(found), *_revenue(found),
    ]  # fmt: skip
    columns = list(zip(*rows, strict=True))
    numbers = [[_known(value) for value in column] for column in columns[3:6]]
    return pa.table([*columns[:3], *numbers, columns[6]], schema=LONG)


def cohort_table(cohorts: Cohorts) -> pa.Table:
    """Return one row per cohort: its first period, its customers, and the share that ordered in the k-th period after.

    Columns month_0 … or week_0 …; empty where that period is not over.
    """
    shares = cohorts.shares
    columns: dict[str, Any] = {"cohort": cohorts.names, "customers": cohorts.size}
    for place in range(shares.shape[1]):
        columns[f"{cohorts.calendar}_{place}"] = pa.array(shares[:, place], pa.float64(), from_pandas=True)
    return pa.table(columns)


def to_plain(found: Diagnosis) -> dict[str, Any]:
    """Return the diagnosis as plain values for JSON: days are ISO dates, what is not known is null."""
    new = found.rates.new
    return {
        "as_of": _iso(found.as_of),
        "currency": found.currency,
        "period_days": found.period,
        "sentences": list(sentences_of(found)),
        "notes": list(notes_of(found)),
        "mode": {"name": found.mode.name, "stable": found.mode.stable, "doubts": list(found.mode.doubts)},
        "advice": _plain(found.advice.get(found.mode.name)),
        "extent": {
            **_plain(found.extent),
            "first_day": _iso(found.extent.first_day),
            "last_day": _iso(found.extent.last_day),
        },
        "rates": {
            "repurchase_rate_90d": _plain(found.rates.second),
            "ordered_twice_90d": _plain(found.rates.twice),
            "returned_90d": _plain(found.rates.back),
            "new_customers": {"from": _iso(new.begin), "to": _iso(new.end), "moved": new.moved},
        },
        "trend": _plain(found.trend),
        "groups": _plain(found.groups),
        "second_order": [
            {**_plain(one), "begin": _iso(one.begin), "end": _iso(one.end)} for one in found.second
        ],
        "retention": [{**_plain(one), "origin": _iso(one.origin)} for one in found.returning],
        "cohorts_by_month": _cohorts(found.monthly),
        "months": _plain(found.months),
        "gaps": _plain(found.gaps),
        "revenue_trees": [_tree(_plain(one), one.change) for one in found.trees],
        "point_of_retention": _plain(found.point),
        "concentration": _plain(found.concentration),
    }


def _cohorts(cohorts: Cohorts) -> dict[str, Any]:
    return {"won_in": cohorts.names, "customers": _plain(cohorts.size), "shares": _plain(cohorts.shares)}


def _tree(plain: dict[str, Any], change: float) -> dict[str, Any]:
    for side in ("now", "before"):
        plain[side] |= {"begin": _iso(plain[side]["begin"]), "end": _iso(plain[side]["end"])}
    return {**plain, "change": _known(change)}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value.tolist()]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return _known(value) if isinstance(value, float) else value


def _known(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _iso(day: int) -> str:
    return to_date(day).isoformat()


def _days(begin: int, end: int) -> str:
    return f"{_iso(begin)}/{_iso(end)}"


def _row(measure: str, group: str, period: str, value: float, n: int | None = None) -> _Row:
    return (measure, group, period, value, None, None, n)


def _share(measure: str, group: str, period: str, share: Share) -> _Row:
    return (measure, group, period, share.value, share.lower, share.upper, share.of)


def _extent(found: Diagnosis) -> Iterator[_Row]:
    extent = found.extent
    period = _days(extent.first_day, found.as_of)
    for name in ("customers", "orders", "order_days", "revenue"):
        yield _row(name, _ALL, period, float(getattr(extent, name)), extent.customers)
    yield _row("returned_amount", _ALL, period, extent.returned, extent.customers)


def _rates(found: Diagnosis) -> Iterator[_Row]:
    new, last = found.rates.new, found.as_of
    measure, period = "repurchase_rate_90d", _days(new.begin, new.end)
    yield _share(measure, _ALL, period, found.rates.second)
    yield _share("ordered_twice_90d", _ALL, _days(last - new.within + 1, last), found.rates.twice)
    yield _share("returned_90d", _ALL, _days(last - new.within + 1, last), found.rates.back)
    for month in found.trend:
        yield _share(measure, _ALL, month.month, month.share)
    for groups in found.groups:
        for one in groups.groups:
            yield _share(measure, f"{groups.by}: {one.name}", period, one.share)


def _second(found: Diagnosis) -> Iterator[_Row]:
    for one in found.second:
        curve, period = one.curve, _days(one.begin, one.end)
        for place, day in enumerate(curve.days):
            share = (float(curve.share[place]), float(curve.lower[place]), float(curve.upper[place]))
            yield (f"second_order_{day}d", one.name, period, *share, curve.customers)
            plain = float(curve.plain[place])
            yield _row(f"second_order_{day}d_plain", one.name, period, plain, int(curve.of[place]))


def _returning(found: Diagnosis) -> Iterator[_Row]:
    for one in found.returning:
        period = _days(one.origin + 1, one.origin + one.length)
        yield _share(f"retention_{one.length}d", _ALL, period, one.share)
    for month in found.months:
        words = month.month if month.whole else f"{month.month} (part)"
        yield _row("revenue", _ALL, words, month.revenue)
        yield _row("existing_revenue_share", _ALL, words, month.share)


def _gaps(found: Diagnosis) -> Iterator[_Row]:
    as_of = _iso(found.as_of)
    for one in found.gaps:
        after = f"after {one.after}"
        for name in ("quarter", "median", "three_quarters"):
            yield _row(f"gap_days_{name}", after, as_of, getattr(one, name), one.count)
        yield ("order_again_90d", after, as_of, one.again, one.lower, one.upper, one.of)


def _revenue(found: Diagnosis) -> Iterator[_Row]:
    for tree in found.trees:
        period = f"{_days(tree.now.begin, tree.now.end)} against {_days(tree.before.begin, tree.before.end)}"
        yield _row("revenue_change", _ALL, period, tree.change)
        for name in FACTORS:
            yield _row("revenue_change", name, period, tree.parts.get(name, math.nan))
    branches = {(one.begin, one.end): one for tree in found.trees for one in (tree.now, tree.before)}
    for days, one in branches.items():
        for name in FACTORS:
            yield _row(f"revenue_{name}", _ALL, _days(*days), getattr(one, name))
    best = found.concentration
    period = _days(found.as_of - best.length + 1, found.as_of)
    for share, brought in best.shares.items():
        yield _row("revenue_share", f"best {share:.0%} of the customers", period, brought, best.customers)
    yield _row("customers_with_half_the_revenue", _ALL, period, best.half, best.customers)
    worth = found.point.worth if found.point else math.nan
    yield _row("point_of_retention_per_year", _ALL, _iso(found.as_of), worth)
