"""What the messages got back: sent, delivered, opened, clicked, bought, revenue, unsubscribed, cost.

Rates have Wilson intervals. A rate whose data are absent is empty: no opens at all in a channel mean that the channel
does not tell, not that nobody opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from campaigns.results.log import Log
from campaigns.results.outcomes import Outcomes
from contracts.intervals import wilson
from features.kernel.buffers import as_arrow
from features.kernel.codes import Text
from features.kernel.running import Bools, Floats, Ints

# Each rate: the column of its count.
RATES = {
    "delivered": "delivered", "open": "opened", "click": "clicked", "conversion": "converted",
    "unsubscribe": "unsubscribed",
}  # fmt: skip
RESPONSE = pa.schema(
    [
        pa.field("campaign_id", pa.string(), nullable=False),
        pa.field("by", pa.string(), nullable=False),  # all, offer, channel, or a column
        pa.field("group", pa.string()),
        pa.field("arm", pa.string(), nullable=False),
        *(pa.field(name, pa.int64()) for name in ("contacts", "sent", *RATES.values())),
        *(pa.field(f"{name}_rate{end}", pa.float64()) for name in RATES for end in ("", "_lower", "_upper")),
        pa.field("revenue", pa.float64()),
        pa.field("revenue_per_message", pa.float64()),  # of the control: per held-back contact
        pa.field("cost", pa.float64()),
        pa.field("cost_unknown", pa.int64(), nullable=False),  # messages
        pa.field(
            "roi", pa.float64()
        ),  # (revenue * margin - cost) / cost, of all that followed, not of what it caused
    ]
)


def response(
    log: Log, outcomes: Outcomes, *, columns: Mapping[str, Text], margin: float | None = None
) -> pa.Table:
    """Return RESPONSE for each campaign and arm: of all, and of each value of each column of (N,) labels.

    margin: share of the revenue that is profit; None: the ROI is empty.
    """
    told = _told(log, outcomes)
    cells = [_Cells.of(log, "all", Text(np.zeros(len(log), np.int32), pa.array([None], pa.string())))]
    cells += [_Cells.of(log, name, labels) for name, labels in columns.items()]
    return _sorted([_part(one, log, outcomes, told, margin) for one in cells])


@dataclass(frozen=True)
class _Rate:
    """base: (N,) rows that could have told it; hit: those that did."""

    base: Bools
    hit: Bools


@dataclass(frozen=True)
class _Cells:
    """The cells of one column: campaign × value × arm. cell: (N,) places; the rest (cells,) each."""

    by: str
    cell: Ints
    campaign: pa.Array
    group: pa.Array
    treated: Bools

    @staticmethod
    def of(log: Log, by: str, labels: Text) -> _Cells:
        values = len(labels.values) + 1
        group = labels.codes.astype(np.int64) + 1
        key = (log.campaign.codes.astype(np.int64) * values + group) * 2 + log.treated
        keys, cell = np.unique(key, return_inverse=True)
        at = keys // 2 % values - 1
        return _Cells(
            by,
            cell,
            log.campaign.values.take(as_arrow(keys // 2 // values, pa.int64())),
            labels.values.cast(pa.string()).take(as_arrow(np.maximum(at, 0), pa.int64(), valid=at >= 0)),
            (keys % 2).astype(np.bool_),
        )

    def __len__(self) -> int:
        return len(self.treated)

    def sum(self, rows: Bools | Floats) -> Floats:
        """Add up (N,) values by cell."""
        return np.bincount(self.cell, rows, minlength=len(self)).astype(np.float64)


def _told(log: Log, outcomes: Outcomes) -> dict[str, _Rate]:
    """Return for each rate which rows could have told it and which did."""
    arrived = log.treated & (log.delivered != 0)
    known = outcomes.known[log.place]
    says = arrived & ("unsubscribed_at" not in log.absent)
    opens, clicks = arrived & _speaks(log, log.opened), arrived & _speaks(log, log.clicked)
    return {
        "delivered": _Rate(log.treated & (log.delivered >= 0), log.treated & (log.delivered == 1)),
        "open": _Rate(opens, opens & log.opened),
        "click": _Rate(clicks, clicks & log.clicked),
        "conversion": _Rate(known, known & (outcomes.bought > 0)),
        "unsubscribe": _Rate(says, says & log.unsubscribed),
    }


def _speaks(log: Log, happened: Bools) -> Bools:
    """Tell in which rows the channel has any such response in the whole log."""
    size = len(log.channel.values) + 1
    return (np.bincount(log.channel.codes + 1, happened, minlength=size) > 0)[log.channel.codes + 1]


def _part(
    cells: _Cells, log: Log, outcomes: Outcomes, told: Mapping[str, _Rate], margin: float | None
) -> pa.Table:
    arm = pa.array(["treated" if one else "control" for one in cells.treated], pa.string())
    columns = {"campaign_id": cells.campaign, "by": pa.array([cells.by] * len(cells), pa.string())}
    columns |= {"group": cells.group, "arm": arm}
    columns |= {"contacts": _whole(cells.sum(np.ones(len(log)))), "sent": _whole(cells.sum(log.treated))}
    for name, rate in told.items():
        base, hits = cells.sum(rate.base), cells.sum(rate.hit)
        lower, upper = wilson(_ratio(hits, base), base)
        columns[RATES[name]] = _whole(hits, base > 0)
        columns[f"{name}_rate"] = _real(_ratio(hits, base))
        columns |= {f"{name}_rate_lower": _real(lower), f"{name}_rate_upper": _real(upper)}
    columns |= _money(cells, log, outcomes, told["conversion"].base, margin)
    return pa.table(columns, schema=RESPONSE)


def _money(
    cells: _Cells, log: Log, outcomes: Outcomes, known: Bools, margin: float | None
) -> dict[str, pa.Array]:
    priced = np.isfinite(log.cost)
    rows = cells.sum(known)
    revenue = np.where((rows > 0) & outcomes.paid, cells.sum(outcomes.revenue * known), np.nan)
    spent = np.where(cells.sum(priced) > 0, cells.sum(np.where(priced, log.cost, 0.0)), np.nan)
    unknown = cells.sum(log.treated & ~priced)
    told = cells.treated & (unknown == 0)
    roi = _ratio(revenue * (np.nan if margin is None else margin) - spent, spent)
    return {
        "revenue": _real(revenue),
        "revenue_per_message": _real(_ratio(revenue, rows)),
        "cost": _real(spent),
        "cost_unknown": _whole(unknown),
        "roi": _real(np.where(told, roi, np.nan)),
    }


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole, NaN where whole is not above 0."""
    return part / np.where(whole > 0, whole, np.nan)


def _whole(values: Floats, valid: Bools | None = None) -> pa.Array:
    return as_arrow(values.astype(np.int64), pa.int64(), valid=valid)


def _real(values: Floats) -> pa.Array:
    return as_arrow(values, pa.float64(), valid=np.isfinite(values))


def _sorted(parts: list[pa.Table]) -> pa.Table:
    """Return the parts in one, by campaign, then part by part, by group, treated first."""
    numbered = [
        one.append_column("_part", as_arrow(np.full(len(one), at, np.int64), pa.int64()))
        for at, one in enumerate(parts)
    ]
    keys = [
        ("campaign_id", "ascending"),
        ("_part", "ascending"),
        ("group", "ascending"),
        ("arm", "descending"),
    ]
    return pa.concat_tables(numbered).sort_by(keys).drop_columns(["_part"])
