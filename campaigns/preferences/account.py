"""The preferences of all customers together: counts and shares as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from campaigns.calendar import Occasion
from campaigns.preferences.by_channel import WHY
from campaigns.preferences.days import calendar_table
from campaigns.preferences.intervals import interval_table
from campaigns.preferences.preferences import Preferences
from campaigns.screening.reachability import STATES
from campaigns.sensitivity import LEVELS
from contracts.days import to_date
from features.kernel.buffers import in_one

KIND = "preferences"
SOON_DAYS = (7, 30)


def to_dict(
    found: Preferences, occasions: Sequence[Occasion], missing: Sequence[str], about: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the account. about: what was asked for, as it is."""
    as_of = found.base.as_of
    return {
        "kind": KIND,
        "as_of": to_date(as_of).isoformat(),
        "currency": found.base.currency,
        "customers": len(found),
        **about,
        "offers": _offers(found),
        "discounts": _discounts(found),
        "channels": {name: _channel(found, name) for name in found.channels.names},
        "no_channel": int(np.count_nonzero(found.channels.aim < 0)),
        "times": _times(found),
        "contact_intervals": _plain(interval_table(found.intervals)),
        "calendar": _plain(calendar_table(occasions, as_of=as_of)),
        "basis": list(found.basis),
        "missing": list(missing),
    }


def _offers(found: Preferences) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for kind, one in found.sensitivity.kinds.items():
        sources = {name: int(np.count_nonzero(one.source == name)) for name in ("orders", "contacts")}
        said[kind] = {
            **{level: int(np.count_nonzero(one.level == level)) for level in reversed(LEVELS)},
            "evidence": int(one.evidence.sum()),
            "used": int(one.used.sum()),
            "customers_told_by": {name: count for name, count in sources.items() if count},
        }
    return said


def _discounts(found: Preferences) -> dict[str, Any]:
    only, slope = found.sensitivity.discount_only, found.sensitivity.elasticity
    deepest = found.sensitivity.deepest_discount
    known = deepest[~np.isnan(deepest)]
    return {
        "discount_only": {
            word: int(np.count_nonzero(only == code))
            for word, code in (("yes", 1), ("no", 0), ("unknown", -1))
        },
        "deepest_discount_median": float(np.median(known)) if len(known) else None,
        "price_elasticity_mean": _finite(slope.mean),
        "price_elasticity_customers": int(np.count_nonzero(~np.isnan(slope.value))),
    }


def _channel(found: Preferences, name: str) -> dict[str, Any]:
    by = found.channels
    place = by.names.index(name)
    why = np.bincount(by.why[name], minlength=len(WHY))
    messages, responses = int(by.scores.evidence[:, place].sum()), int(by.scores.responded[:, place].sum())
    return {
        "allowed": {word: int(np.count_nonzero(by.state[name] == code)) for code, word in STATES.items()},
        "reasons": dict(Counter({WHY[at]: int(why[at]) for at in np.flatnonzero(why)}).most_common()),
        "messages": messages,
        "responses": responses,
        "response_rate": responses / messages if messages else None,
        "recommended": int(np.count_nonzero(by.best.channel == place)),
        "ask_for": int(np.count_nonzero(by.ask == place)),
    }


def _times(found: Preferences) -> dict[str, Any]:
    times, as_of = found.times, found.base.as_of
    said: dict[str, Any] = {
        "best_weekday": _counted(times["best_weekday"]),
        "own_weekday": _true(times["weekday_own"]),
        "best_hour": {str(hour): count for hour, count in _counted(times["best_hour"]).items()},
        "own_hour": _true(times["hour_own"]),
        "next_order_known": len(found) - times["next_order_p50"].null_count,
        "contact_why": _counted(times["contact_why"]),
    }
    for name, column in (("contact_week_begins", "contact_from"), ("birthday", "next_birthday")):
        for days in SOON_DAYS:
            said[f"{name}_in_{days}_days"] = _until(times[column], as_of + days)
    return said


def _counted(column: pa.ChunkedArray) -> dict[Any, int]:
    """Return how often each value stands there, the most first, nulls apart."""
    rows = pc.value_counts(pc.drop_null(in_one(column))).to_pylist()
    rows.sort(key=lambda row: (-row["counts"], str(row["values"])))
    return {row["values"]: row["counts"] for row in rows}


def _true(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column).as_py() or 0)


def _until(column: pa.ChunkedArray, day: int) -> int:
    return int(pc.sum(pc.less_equal(column, pa.scalar(to_date(day), pa.date32()))).as_py() or 0)


def _plain(table: pa.Table) -> list[dict[str, Any]]:
    """Return rows whose dates are texts and whose empty cells are left out."""
    return [
        {
            name: value.isoformat() if hasattr(value, "isoformat") else value
            for name, value in row.items()
            if value is not None
        }
        for row in table.to_pylist()
    ]


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
