"""Order lines as columns: who, when, how much; text columns as codes. Each column is read at first use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.tables import OPTIONAL_LINE_COLUMNS, REQUIRED_LINE_COLUMNS
from features.kernel.buffers import as_arrow, as_numpy, filled, in_one, is_valid
from features.kernel.codes import Codes, Text, group_heads, same_before
from features.kernel.running import Bools, Days, Floats, Ints

NEVER = np.iinfo(np.int32).max
_HOUR = 3_600_000_000  # microseconds


class Names:
    """The ids of C customers in byte order, as Arrow text and as Python objects."""

    def __init__(self, ids: pa.Array) -> None:
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def objects(self) -> NDArray[np.object_]:
        """The ids as Python texts; (C,)."""
        texts = np.empty(len(self.ids), dtype=object)
        texts[:] = self.ids.to_pylist()
        return texts

    @staticmethod
    def stack(parts: Sequence[tuple[Names, Ints]]) -> tuple[Names, Ints]:
        """Put positions among names below each other; names of several histories become one list."""
        if all(names is parts[0][0] for names, _ in parts):
            return parts[0][0], np.concatenate([positions for _, positions in parts])
        ends = np.cumsum([len(names) for names, _ in parts])
        moved = [at + end - len(names) for (names, at), end in zip(parts, ends, strict=True)]
        return Names(pa.concat_arrays([names.ids for names, _ in parts])), np.concatenate(moved)


class Lines:
    """N order lines of C customers (contracts.tables.ORDER_LINES, sorted as it says).

    customer_id and the other text columns may be dictionaries. starts: (C + 1,) first line of each customer;
    day: (N,). Raises ContractError if a required column is missing or the lines are not sorted.
    """

    def __init__(self, table: pa.Table) -> None:
        self._present = frozenset(table.column_names)
        missing = [name for name in REQUIRED_LINE_COLUMNS if name not in self._present]
        if missing:
            raise ContractError(f"order lines lack the columns {missing}")
        self.table = table
        heads, ids = group_heads(table["customer_id"])
        self.names = Names(ids.cast(pa.string()))
        self.starts: Ints = np.append(heads, table.num_rows)
        self.day: Days = as_numpy(in_one(table["day"]))
        falls = self.day[1:] < self.day[:-1]
        falls[heads[1:] - 1] = False
        if falls.any() or (len(ids) > 1 and pc.any(pc.greater_equal(ids[:-1], ids[1:])).as_py()):
            raise ContractError("order lines are not sorted by customer_id and day")

    def __len__(self) -> int:
        return len(self.day)

    @cached_property
    def optional(self) -> frozenset[str]:
        """The optional columns that are present."""
        return self._present.intersection(OPTIONAL_LINE_COLUMNS)

    @cached_property
    def customer(self) -> Codes:
        """The position of each line's customer; (N,)."""
        return np.repeat(np.arange(len(self.names), dtype=np.int32), np.diff(self.starts))

    @cached_property
    def returned(self) -> Bools:
        """Which lines take something back; (N,)."""
        return as_numpy(in_one(self.table["returned"]))

    @cached_property
    def sale(self) -> Bools:
        """Which lines sell something, cancelled later or not; (N,)."""
        return (self.number("quantity") > 0) & ~self.returned

    @cached_property
    def cancelled(self) -> tuple[Ints, Ints]:
        """The sale lines that are cancelled, ascending, and the day from which each is known to be none."""
        column = in_one(self.table["cancelled_day"])
        if column.null_count == len(column):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        rows = np.flatnonzero(is_valid(column) & self.sale)
        return rows, np.maximum(as_numpy(column)[rows], self.day[rows]).astype(np.int64)

    @cached_property
    def hour(self) -> Floats:
        """The hour of the day; (N,)."""
        at = in_one(self.table["ordered_at"].cast(pa.timestamp("us")))
        return (as_numpy(at) // _HOUR % 24).astype(np.float64)

    def flag(self, name: str) -> Bools:
        """Return a column of booleans; (N,)."""
        return as_numpy(in_one(self.table[name]))

    def number(self, name: str) -> Floats:
        """Return a column of numbers, 0 where there is none; (N,)."""
        values: Floats = filled(in_one(self.table[name]), np.float64(0.0))
        return np.nan_to_num(values, nan=0.0) if name in OPTIONAL_LINE_COLUMNS else values

    def text(self, name: str) -> Text:
        """Return a text column as codes, encoded at first use."""
        if name not in self._texts:
            self._texts[name] = Text.of(self.table[name])
        return self._texts[name]

    @cached_property
    def _texts(self) -> dict[str, Text]:
        return {}

    @cached_property
    def order(self) -> tuple[Codes, bool]:
        """A number for each line, equal for the lines of one order; and whether some order has lines apart."""
        heads, ids = group_heads(self.table["order_id"])
        new = np.zeros(len(self), dtype=np.bool_)
        new[heads] = True
        new[self.starts[:-1]] = True
        number = np.cumsum(new, dtype=np.int32) - np.int32(1)
        pieces = np.flatnonzero(new)
        sold = np.flatnonzero(np.bincount(number[self.sale], minlength=len(pieces)))
        # Where the next customer goes on with the same order id, there are more pieces than different neighbours.
        place = sold if len(pieces) == len(heads) else np.searchsorted(heads, pieces[sold], "right") - 1
        if place is not sold or len(sold) < len(ids):
            ids = ids.take(as_arrow(place, pa.int64()))
        first = same_before(ids, self.customer[pieces[sold]])
        if first is None:
            return number, False
        order = np.arange(len(pieces), dtype=np.int32)
        order[sold] = sold[first]
        return order[number], True

    def until(self, customers: Ints, day: Ints | int) -> Ints:
        """Return the line after the last one up to the end of `day` of each of these customers."""
        shift = 2**31  # days before 1970 are negative
        keys = (self.customer.astype(np.int64) << 32) + (self.day.astype(np.int64) + shift)
        return keys.searchsorted((customers << 32) + (day + shift), "right")

    def of_customers(self, positions: Ints) -> Lines:
        """Return the lines of the customers at these positions."""
        wanted = np.zeros(len(self.names), dtype=np.bool_)
        wanted[positions] = True
        return Lines(self.table.filter(as_arrow(wanted[self.customer], pa.bool_())))
