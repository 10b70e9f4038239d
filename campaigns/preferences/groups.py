"""The groups that customers are judged by: RFM groups where there is a ranking, else how active they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from campaigns.screening.activity import LEVELS, Activity
from features.kernel.buffers import as_arrow, in_one, places_among

ALL, RFM, ACTIVITY = "all", "rfm", "activity"
UNRANKED = "not ranked"


@dataclass(frozen=True)
class Groups:
    """by: RFM or ACTIVITY. name: (n,) texts."""

    by: str
    name: NDArray[np.object_]

    @property
    def segment(self) -> NDArray[np.object_] | None:
        """The RFM groups, towards which offer sensitivity is drawn; None without them."""
        return self.name if self.by == RFM else None


def groups_of(activity: Activity, scores: pa.Table | None) -> Groups:
    """Return each customer's group. scores: contracts.tables.scores_schema, or None."""
    if scores is None:
        return Groups(ACTIVITY, np.array(LEVELS, dtype=object)[activity.level])
    place = places_among(activity.ids, scores["customer_id"])
    found = in_one(scores["segment"]).take(as_arrow(place, pa.int64(), valid=place >= 0))
    name = np.empty(len(found), dtype=object)
    name[:] = pc.fill_null(found, UNRANKED).to_pylist()
    return Groups(RFM, name)
