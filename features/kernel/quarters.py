"""Quarters of the calendar as values that reference tables can be keyed by."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.kernel.codes import Text
from features.kernel.running import Floats, Ints

FIRST_QUARTER = "first_quarter"  # the key: the quarter of a customer's first order day
_YEARS = range(1900, 2200)


def _quarters() -> pa.Array:
    """Return the names of all quarters; pa.array of Python texts would import pandas."""
    names = [f"{year}Q{quarter}" for year in _YEARS for quarter in (1, 2, 3, 4)]
    ends = np.arange(len(names) + 1, dtype=np.int32) * len(names[0])
    return pa.StringArray.from_buffers(len(names), pa.py_buffer(ends), pa.py_buffer("".join(names).encode()))


QUARTERS = Text(
    np.empty(0, dtype=np.int32),
    _quarters(),
)


def quarter_codes(day: Floats | Ints) -> Ints:
    """Return the place in QUARTERS of each day's quarter, -1 for days that lie outside."""
    months = day.astype(np.int64).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    places = months // 3 + 4 * (1970 - _YEARS[0])
    inside = (places >= 0) & (places < len(QUARTERS.values))
    return np.where(inside, places, -1)
