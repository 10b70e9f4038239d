"""How large the segments are, and what they are worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from campaigns.segments import Found, Memberships

Words = Callable[[tuple[str, ...]], tuple[str, ...]]


def sizes(
    memberships: Memberships, columns: Mapping[str, NDArray[Any]], *, value: str, needs: Words
) -> pa.Table:
    """Return one row for each segment: its customers, spend so far and expected value, with the shares of the base.

    Columns: set, segment, label, state, customers, share, spend, spend_share, expected_value, expected_value_share,
    needs, says. value: the column of the expected value, whose figures are empty where it is absent. needs: says in
    words what has to be given so that columns are there. A segment that is not known has no figures.
    """
    rows = [_row(one, columns, value, needs) for one in memberships.found]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)


_SCHEMA = pa.schema(
    [
        pa.field("set", pa.string()),
        pa.field("segment", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),  # used, too small, not known
        pa.field("customers", pa.int64()),
        pa.field("share", pa.float64()),  # of all customers
        pa.field("spend", pa.float64()),  # currency, amount less returns, all time
        pa.field("spend_share", pa.float64()),
        pa.field("expected_value", pa.float64()),  # currency
        pa.field("expected_value_share", pa.float64()),
        pa.field("needs", pa.string()),  # what has to be given for a segment that is not known
        pa.field("says", pa.string(), nullable=False),
    ]
)


def _row(one: Found, columns: Mapping[str, NDArray[Any]], value: str, needs: Words) -> dict[str, Any]:
    about = {
        "set": one.set or None,
        "segment": one.name,
        "label": one.label,
        "state": one.state,
        "says": one.says,
    }
    if one.state == "not known":
        return {**about, "needs": "; ".join(needs(one.lacks))}
    count, total = one.customers, len(one.inside)
    row = {**about, "customers": count, "share": count / total if total else None}
    for name, column in (("spend", "spend"), ("expected_value", value)):
        row |= dict(zip((name, f"{name}_share"), _sum(one, columns.get(column)), strict=True))
    return row


def _sum(one: Found, values: NDArray[Any] | None) -> tuple[float | None, float | None]:
    """Return the sum of a segment and its share of the base's, unknown values left out."""
    if values is None:
        return None, None
    whole = float(np.nansum(values))
    inside = float(np.nansum(values[one.inside]))
    return inside, inside / whole if whole > 0 else None
