"""All of screening: what each customer is labelled, who is potential, and how many remain at each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from campaigns.base import Base
from campaigns.screening.activity import LEVELS, Activity, activity_of
from campaigns.screening.channels import CHANNELS
from campaigns.screening.interests import Interests, interests_of
from campaigns.screening.labels import Labels, labels_of
from campaigns.screening.missing import missing_of
from campaigns.screening.reachability import REASONS, STATES, Reach, aligned, reach_of
from campaigns.screening.screens import Layer, Layered, Ready, layered, ready
from campaigns.screening.settings import Settings
from campaigns.screening.suspicious import VERDICTS, Suspicion, suspicious_of
from features.kernel.buffers import as_arrow, filled, in_one
from features.kernel.running import Bools, Ints

# One row per customer; no personal data but what an id itself may be.
LABELS = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("screen", pa.string()),  # the first screen whose rule holds; null: none
        pa.field("suspicious", pa.string(), nullable=False),  # no, doubtful, yes
        pa.field("suspicious_reasons", pa.string()),
        pa.field("reachable", pa.string(), nullable=False),  # yes, no, unknown
        *(pa.field(f"reachable_{name}", pa.string(), nullable=False) for name in CHANNELS),
        *(pa.field(f"reachable_{name}_reason", pa.string(), nullable=False) for name in CHANNELS),
        pa.field("activity", pa.string(), nullable=False),  # active, low, silent, unknown
        pa.field("activity_by_orders", pa.string(), nullable=False),
        pa.field("activity_by_email", pa.string(), nullable=False),
        pa.field("active_for_long", pa.bool_(), nullable=False),
        pa.field("own_gap_days", pa.float64()),
        pa.field("silent_gaps", pa.float64()),
        pa.field("recency_days", pa.int32(), nullable=False),
        pa.field("frequency", pa.int32(), nullable=False),
        pa.field("monetary_value", pa.float64(), nullable=False),
        pa.field("region", pa.string(), nullable=False),
        pa.field("age_band", pa.string(), nullable=False),
        pa.field("device", pa.string(), nullable=False),
        pa.field("consumption", pa.string(), nullable=False),  # low, medium, high for the cohort
        pa.field("spend_percentile", pa.float64(), nullable=False),  # 0 to 100
        pa.field("interest", pa.string()),
        pa.field("interests", pa.list_(pa.string()), nullable=False),
    ]
)
POTENTIAL = pa.schema(
    [pa.field("customer_id", pa.string(), nullable=False), pa.field("screen", pa.string(), nullable=False)]
)
# What rules may read of the labels.
RULE_COLUMNS = tuple(one.name for one in LABELS if one.name not in ("customer_id", "screen", "interests"))


@dataclass(frozen=True)
class Screened:
    """labels: LABELS. potential: POTENTIAL, each customer once. layers: the screens with their counts.

    skipped: screens that need a ranking, with the columns; missing: sentences on what is not known and would help.
    """

    as_of: int
    labels: pa.Table
    potential: pa.Table
    layers: tuple[Layer, ...]
    skipped: Mapping[str, tuple[str, ...]]
    reach: Reach
    activity: Activity
    suspicion: Suspicion
    missing: tuple[str, ...]


def screen(
    base: Base,
    *,
    settings: Settings | None = None,
    unknown_consent: str = "ask",
    scores: pa.Table | None = None,
    flags: pa.Table | None = None,
) -> Screened:
    """Screen, label and layer the customers of a base.

    scores: contracts.tables.scores_schema, of the same or an earlier day. flags: those of cleaning.
    """
    settings = settings or Settings.ours()
    screens = screens_ready(settings, scores=None if scores is None else scores.column_names)
    reach = reach_of(base, unknown_consent=unknown_consent, settings=settings)
    activity = activity_of(base.sales, base.events, settings=settings)
    suspicion = suspicious_of(base, settings=settings, flags=flags)
    labels = labels_of(base, reach, settings=settings)
    interests = interests_of(base.sales, settings=settings)
    columns = {
        "customer_id": base.sales.ids.cast(pa.string()),
        **_reach_columns(reach),
        **_activity_columns(activity),
        **_sales_columns(base),
        **_label_columns(labels, interests, len(base.sales)),
        "suspicious": _words(suspicion.verdict, VERDICTS),
        "suspicious_reasons": suspicion.reasons(),
    }
    found = layered(screens, _Values(columns, scores, base.sales.ids).column, len(base.sales))
    columns["screen"] = _screen_names(found)
    table = pa.Table.from_arrays([columns[one.name] for one in LABELS], schema=LABELS)
    potential = table.select(POTENTIAL.names).filter(pc.is_valid(table["screen"])).cast(POTENTIAL)
    return Screened(
        base.as_of, table, potential, found.layers, screens.skipped, reach, activity, suspicion,
        missing_of(base, suspicion, screens.skipped),
    )  # fmt: skip


def screens_ready(settings: Settings, *, scores: Sequence[str] | None) -> Ready:
    """Read the screens against the columns there will be; scores: those of the ranking, None without one."""
    return ready(settings, labels=RULE_COLUMNS, scores=scores)


class _Values:
    """The columns that rules read, as numpy: labels first, then scores in the order of the customers."""

    def __init__(self, labels: Mapping[str, pa.Array], scores: pa.Table | None, ids: pa.Array) -> None:
        self._labels, self._scores, self._ids = labels, scores, ids

    def column(self, name: str) -> NDArray[Any]:
        if name in self._labels:
            return _numpy(self._labels[name])
        assert self._scores is not None
        return _numpy(aligned(self._scores, name, self._ids))


def _numpy(array: pa.Array) -> NDArray[Any]:
    """Return numbers as floats (NaN for none), texts as objects (None for none), else what a rule refuses."""
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        return filled(in_one(array.cast(pa.float64())), np.float64(np.nan))
    found = np.empty(len(array), dtype=object)
    found[:] = array.to_pylist()
    return found


def _words(codes: NDArray[np.integer[Any]], words: Sequence[str]) -> pa.Array:
    return pa.array(words, pa.string()).take(as_arrow(codes.astype(np.int64), pa.int64()))


def _reach_columns(reach: Reach) -> dict[str, pa.Array]:
    words, reasons = [STATES[one] for one in (-1, 0, 1)], list(REASONS)
    found = {"reachable": _words(reach.any + 1, words)}
    for name in CHANNELS:
        found[f"reachable_{name}"] = _words(reach.state[name] + 1, words)
        found[f"reachable_{name}_reason"] = _words(reach.reason[name], reasons)
    return found


def _activity_columns(activity: Activity) -> dict[str, pa.Array]:
    known: Bools = ~np.isnan(activity.gap_days)
    return {
        "activity": _words(activity.level, LEVELS),
        "activity_by_orders": _words(activity.by_orders, LEVELS),
        "activity_by_email": _words(activity.by_email, LEVELS),
        "active_for_long": as_arrow(activity.for_long, pa.bool_()),
        "own_gap_days": as_arrow(activity.gap_days, pa.float64(), valid=known),
        "silent_gaps": as_arrow(activity.silent_gaps, pa.float64(), valid=known),
    }


def _sales_columns(base: Base) -> dict[str, pa.Array]:
    sales = base.sales
    days = np.diff(sales.starts)
    spent = np.bincount(sales.days.customer, sales.days.amount, len(sales))
    return {
        "recency_days": as_arrow((sales.as_of - sales.last_day).astype(np.int32), pa.int32()),
        "frequency": as_arrow((days - 1).astype(np.int32), pa.int32()),
        "monetary_value": as_arrow(spent / days, pa.float64()),
    }


def _label_columns(labels: Labels, interests: Interests | None, count: int) -> dict[str, pa.Array]:
    nobody: Ints = np.zeros(count + 1, dtype=np.int64)
    none = pa.ListArray.from_arrays(as_arrow(nobody.astype(np.int32), pa.int32()), pa.nulls(0, pa.string()))
    return {
        "region": labels.region,
        "age_band": labels.age_band,
        "device": labels.device,
        "consumption": labels.consumption,
        "spend_percentile": as_arrow(labels.spend_percentile, pa.float64()),
        "interest": pa.nulls(count, pa.string()) if interests is None else interests.first(count),
        "interests": none if interests is None else interests.names(count),
    }


def _screen_names(found: Layered) -> pa.Array:
    names = pa.array([one.screen.name for one in found.layers], pa.string())
    if not len(names):
        return pa.nulls(len(found.first), pa.string())
    return names.take(as_arrow(np.maximum(found.first, 0), pa.int64(), valid=found.first >= 0))
