"""lookup.arrow: what pages filter by as columns, and every customer's scores as one row of bytes (packed).

An uncompressed Arrow file by rank, in batches of BATCH_ROWS. Texts are dictionary-encoded, with one dictionary for the
whole file, which grows as tables come (Arrow's delta dictionaries); in place of an unknown text stands the code -1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.tables import CURVE_KNOTS, scores_schema
from features.kernel.buffers import as_arrow, as_numpy, as_rows, filled, in_one
from serving.stored.packed import NO_DAY, NO_TEXT, PLACES, layout_for

BATCH_ROWS = 65_536
_CODED = pa.dictionary(pa.int32(), pa.string())


def filter_columns(horizon: int) -> tuple[str, ...]:
    """Return the columns of numbers that lookup.arrow holds beside the texts."""
    return ("rank", "percentile", f"p_repurchase_{horizon}d", f"expected_value_{horizon}d", "recency_days")


class LookupWriter:
    """Writes tables of scores, by rank, one after the other."""

    def __init__(self, path: Path, *, horizons: tuple[int, ...], horizon: int) -> None:
        self._layout = layout_for(horizons)
        self._numbers = filter_columns(horizon)
        self._words = {name: _Words() for name in self._layout.texts}
        scores = scores_schema(horizons)
        self._schema = pa.schema(
            [
                scores.field("customer_id"),
                *(scores.field(name) for name in self._numbers),
                *(pa.field(name, _CODED) for name in self._layout.texts),
                pa.field("row", pa.binary(self._layout.size), nullable=False),
            ]
        )
        options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        self._file = pa.ipc.new_file(str(path), self._schema, options=options)

    def write(self, table: pa.Table) -> None:
        """Add customers: the columns of the scores, and `part` and `at` where there are details.

        All tables but the last must hold a multiple of BATCH_ROWS.
        """
        values = {name: self._values(table, name) for name in self._layout.names}
        rows = self._layout.pack(values | {"curve": as_rows(table["curve"], width=len(CURVE_KNOTS))})
        columns = [
            in_one(table["customer_id"]),
            *(in_one(table[name]) for name in self._numbers),
            *(self._words[name].column(values[name]) for name in self._layout.texts),
            rows,
        ]
        batch = pa.RecordBatch.from_arrays(columns, schema=self._schema)
        for start in range(0, len(batch), BATCH_ROWS):
            self._file.write_batch(batch.slice(start, BATCH_ROWS))

    def _values(self, table: pa.Table, name: str) -> NDArray[Any]:
        if name in PLACES and name not in table.column_names:
            return np.full(table.num_rows, -1, dtype=np.int32)
        column = in_one(table[name])
        if name in self._words:
            return self._words[name].codes(column)
        return filled(column, np.int32(NO_DAY)) if name in self._layout.days else as_numpy(column)

    def close(self) -> None:
        """Write the footer."""
        self._file.close()


class _Words:
    """The different texts of one column, in the order in which they came."""

    def __init__(self) -> None:
        self._known = pa.nulls(0, pa.string())

    def codes(self, column: pa.Array) -> NDArray[np.int32]:
        """Return each text's code, NO_TEXT for null."""
        coded = pc.dictionary_encode(column)
        new = coded.dictionary.filter(pc.is_null(pc.index_in(coded.dictionary, self._known)))
        self._known = pa.concat_arrays([self._known, new])
        code = np.append(as_numpy(pc.index_in(coded.dictionary, self._known)), np.int32(NO_TEXT))
        return code[filled(coded.indices, np.int32(-1))]

    def column(self, codes: NDArray[np.int32]) -> pa.DictionaryArray:
        """Return codes as an Arrow column with the dictionary as far as it is known."""
        valid = codes >= 0
        indices = as_arrow(codes, pa.int32(), valid=None if valid.all() else valid)
        return pa.DictionaryArray.from_arrays(indices, self._known)
