"""Subscribers who do not open e-mails any more: a list of their own, to win back or to ask; they stay in the base."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from campaigns.sales import Sales
from campaigns.screening.activity import SILENT, Activity
from features.kernel.buffers import as_arrow

WHY = "was sent e-mails in the last 90 days and opened none"
REENGAGE = pa.schema(
    [
        pa.field("customer_id", pa.string(), nullable=False),
        pa.field("last_order", pa.date32(), nullable=False),
        pa.field("why", pa.string(), nullable=False),
    ]
)


def reengage_table(sales: Sales, activity: Activity) -> pa.Table:
    """Return who is silent by e-mail, by id. activity: of the same customers."""
    silent = np.flatnonzero(activity.by_email == SILENT)
    ids = sales.ids.take(as_arrow(silent, pa.int64()))
    last = as_arrow(sales.last_day[silent].astype(np.int32), pa.date32())
    return pa.table([ids, last, pa.array([WHY] * len(silent), pa.string())], schema=REENGAGE)
