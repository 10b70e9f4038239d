"""One customer's scores as one row of bytes: a look-up reads one place of the file instead of fifty columns.

The columns follow each other as in the scores table (without customer_id), the curve last: numbers as they are, days
as int32, times as int64 microseconds (UTC), texts as their number in the column's dictionary.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from contracts.tables import CURVE_KNOTS, scores_schema

NO_DAY = -(2**31)  # stands for an unknown day
NO_TEXT = -1  # stands for an unknown text
PLACES = ("part", "at")  # where the customer's details are: partition of the run, row in it
_BLOCK = 4_096  # rows packed at once: they stay in the processor's cache
_CODES = {"<f8": "d", "<i8": "q", "<i4": "i"}


class RowLayout:
    """The order and types of a row's values."""

    def __init__(self, horizons: tuple[int, ...]) -> None:
        fields = [field for field in scores_schema(horizons) if field.name not in ("customer_id", "curve")]
        kinds = {field.name: _kind(field.type) for field in fields} | dict.fromkeys(PLACES, "<i4")
        self.names = tuple(kinds)
        self.shown = self.names[: -len(PLACES)]
        self.curve_at = len(self.names)
        self.texts = tuple(field.name for field in fields if pa.types.is_string(field.type))
        self.days = tuple(field.name for field in fields if pa.types.is_date32(field.type))
        self.days_at = tuple(map(self.names.index, self.days))
        self.times_at = tuple(at for at, field in enumerate(fields) if pa.types.is_timestamp(field.type))
        self.dtype = np.dtype([*kinds.items(), ("curve", "<f8", (len(CURVE_KNOTS),))])
        self.size = self.dtype.itemsize
        code = "".join(_CODES[kind] for kind in kinds.values())
        self.unpack = struct.Struct(f"<{code}{len(CURVE_KNOTS)}d").unpack_from

    def places(self, row: bytes) -> tuple[int, int]:
        """Return where a row's details are: part and row, or -1."""
        part, at = self.unpack(row)[self.curve_at - len(PLACES) : self.curve_at]
        return part, at

    def pack(self, columns: Mapping[str, NDArray[Any]]) -> pa.FixedSizeBinaryArray:
        """Return rows of bytes from columns; those of texts and days as codes, curve (n, knots)."""
        rows = np.empty(len(columns["rank"]), dtype=self.dtype)
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            for name in (*self.names, "curve"):
                rows[name][block] = columns[name][block]
        return pa.FixedSizeBinaryArray.from_buffers(
            pa.binary(self.size), len(rows), [None, pa.py_buffer(rows.view(np.uint8))]
        )


@cache
def layout_for(horizons: tuple[int, ...]) -> RowLayout:
    """Return the layout for these horizons."""
    return RowLayout(horizons)


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_floating(kind):
        return "<f8"
    return "<i8" if pa.types.is_int64(kind) or pa.types.is_timestamp(kind) else "<i4"
