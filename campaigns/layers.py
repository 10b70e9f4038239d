"""What campaigns add to a ranking: each customer's tier, lifecycle stage and RFM group.

Two steps, so that a large base need not be in memory as a table: `Layers.find` sees a few numbers of all customers,
`Layers.of` then names any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.lifecycle import Rhythm, read_stages, stage_columns, stage_of
from campaigns.rfm import Thresholds, rfm_groups
from campaigns.tiers import Tiers
from contracts.tables import CURVE_KNOTS
from contracts.training import Columns, Floats
from features.kernel.buffers import as_numpy, as_rows

# Features that the layers read and the scores do not hold.
FEATURES = ("gap_mean", "gap_recent_trend", "tenure")
# What of all customers `Layers.find` sees, besides their profit.
OF_ALL = ("gap_mean", "recency_days", "frequency", "monetary_value")
NAMES = ("tier", "lifecycle", "segment")
Texts = NDArray[np.object_]


@dataclass(frozen=True)
class Layers:
    """How the layers of a ranking were found: what stands in its manifest, and what names its customers."""

    tiers: Tiers
    rhythm: Rhythm
    rfm: Thresholds

    @staticmethod
    def find(profit: Floats, columns: Columns, *, horizon: int, contact_cost: float = 0.0) -> Layers:
        """Find the thresholds in a base, its customers by rank. columns: OF_ALL of layer_columns; (n,) each.

        profit: (n,) the expected value of `horizon` days times margin; contact_cost: currency per customer and year,
        0 if it is not known.
        """
        tiers = Tiers.of(profit, contact_cost=contact_cost * horizon / 365.0)
        return Layers(tiers, Rhythm.of(columns["gap_mean"]), Thresholds.of(columns))

    def of(self, profit: Floats, columns: Columns) -> dict[str, Texts]:
        """Return NAMES of some customers of the base; (m,) each. columns: as layer_columns, profit: as in `find`."""
        return {
            "tier": self.tiers.of_customers(profit),
            "lifecycle": stage_of(stage_columns(columns, self.rhythm), read_stages()),
            "segment": rfm_groups(columns, thresholds=self.rfm).names,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "tiers": self.tiers.to_dict(),
            "rhythm": {"gap_days": self.rhythm.gap_days, "customers": self.rhythm.customers},
        }


def layered(
    scores: pa.Table, *, horizon: int, margin: float | Floats = 1.0, contact_cost: float = 0.0
) -> tuple[pa.Table, Layers]:
    """Fill tier, lifecycle and segment of scores (contracts.tables.scores_schema) that also hold FEATURES; drop these.

    horizon: the days whose expected value decides the tier; margin: the profit's share of the amount; contact_cost:
    currency per customer and year, 0 if it is not known.
    """
    profit = as_numpy(scores[f"expected_value_{horizon}d"]) * margin
    columns = layer_columns(scores)
    found = Layers.find(profit, columns, horizon=horizon, contact_cost=contact_cost)
    for name, values in found.of(profit, columns).items():
        scores = scores.set_column(scores.column_names.index(name), name, [pa.array(values, pa.string())])
    return scores.drop_columns(list(FEATURES)), found


def layer_columns(scores: pa.Table) -> dict[str, Floats]:
    """Return the numbers that stages and RFM groups read; (n,) each."""
    names = ("recency_days", "frequency", "monetary_value", "p_alive", *FEATURES)
    columns = {name: as_numpy(scores[name]).astype(np.float64) for name in names}
    knots = as_rows(scores["curve"], width=len(CURVE_KNOTS))
    columns["p_year"] = knots[:, -1]
    columns["tenure_days"] = columns["tenure"]
    return columns
