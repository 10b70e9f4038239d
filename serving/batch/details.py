"""What stands behind a customer's scores: the model's features and the order days, one Parquet file per part."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.kernel.buffers import as_arrow
from features.kernel.declaration import FeatureTable
from features.kernel.history import History
from features.kernel.past import Past
from features.kernel.running import Ints
from serving.disk import naming, sync

MOST_ORDER_DAYS = 1_000
ROWS_PER_GROUP = 2_048  # one customer is read with a row group
OWN = ("customer_id", "order_days", "order_amounts")


def details_of(history: History, table: FeatureTable, day: int, *, features: Sequence[str]) -> pa.Table:
    """Return the details of the customers of a feature table of this history and day; n rows.

    customer_id, order_days (days since 1970, ascending, at most the last MOST_ORDER_DAYS) and order_amounts (currency,
    sold on each), as known on the day, then the features as float32.
    """
    places, ends = _order_days(history, day)
    known = history.known_on(day)
    days = known.order_day.take(places).astype(np.int32)
    amounts = known.on_order_days("amount").take(places)
    offsets = as_arrow(ends.astype(np.int32), pa.int32())
    columns = {
        "customer_id": table.names.ids.take(as_arrow(table.customers.astype(np.int64), pa.int64())),
        "order_days": pa.ListArray.from_arrays(offsets, as_arrow(days, pa.int32())),
        "order_amounts": pa.ListArray.from_arrays(offsets, as_arrow(amounts, pa.float64())),
        **{name: as_arrow(table.columns[name].astype(np.float32), pa.float32()) for name in features},
    }
    return pa.table(list(columns.values()), names=list(columns))


def write_details(path: Path, details: pa.Table) -> None:
    """Write the details of one part aside, and put them in place whole."""
    aside = path.with_name(f".{path.name}.writing")
    # Numbers of many features hardly repeat, and nobody searches in them: no dictionaries and no statistics.
    with naming(aside):
        pq.write_table(
            details,
            aside,
            compression="lz4",
            use_dictionary=False,
            write_statistics=False,
            row_group_size=ROWS_PER_GROUP,
        )
    sync(aside)
    aside.replace(path)


def _order_days(history: History, day: int) -> tuple[Ints, Ints]:
    """Return the places of each customer's last order days among those known on a day, and where each ends."""
    past, known = Past(history, day), history.known_on(day)
    views = known.views.on(day)
    at = past.customers if views is None else views.take(past.customers)
    last = known.order_count.take(known.rows.edge(day).take(at)) - 1
    first = np.maximum(known.order_starts.take(at), last - (MOST_ORDER_DAYS - 1))
    counts = last - first + 1
    ends = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts)))
    return np.arange(ends[-1]) + np.repeat(first - ends[:-1], counts), ends
