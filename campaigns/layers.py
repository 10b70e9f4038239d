"""What campaigns add to a finished ranking: each customer's tier, lifecycle stage and RFM group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from campaigns.lifecycle import Rhythm, read_stages, stage_columns, stage_of
from campaigns.rfm import segment_of
from campaigns.tiers import Tiers
from contracts.tables import CURVE_KNOTS
from contracts.training import Floats
from features.kernel.buffers import as_numpy, as_rows

# Features that the layers read and the scores do not hold.
FEATURES = ("gap_mean", "gap_recent_trend", "tenure")


@dataclass(frozen=True)
class Layers:
    """How the layers of a ranking were found: what stands in its manifest."""

    tiers: Tiers
    rhythm: Rhythm

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
    value = as_numpy(scores[f"expected_value_{horizon}d"]) * margin
    tiers = Tiers.of(value, contact_cost=contact_cost * horizon / 365.0)
    columns = layer_columns(scores)
    rhythm = Rhythm.of(columns["gap_mean"])
    filled = {
        "tier": tiers.of_customers(value),
        "lifecycle": stage_of(stage_columns(columns, rhythm), read_stages()),
        "segment": segment_of(columns),
    }
    for name, values in filled.items():
        scores = scores.set_column(scores.column_names.index(name), name, [pa.array(values, pa.string())])
    return scores.drop_columns(list(FEATURES)), Layers(tiers, rhythm)


def layer_columns(scores: pa.Table) -> dict[str, Floats]:
    """Return the numbers that stages and RFM groups read; (n,) each."""
    names = ("recency_days", "frequency", "monetary_value", "p_alive", *FEATURES)
    columns = {name: as_numpy(scores[name]).astype(np.float64) for name in names}
    knots = as_rows(scores["curve"], width=len(CURVE_KNOTS))
    columns["p_year"] = knots[:, -1]
    columns["tenure_days"] = columns["tenure"]
    return columns
