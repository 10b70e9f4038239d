"""Order lines as sorted columns with running sums: everything a cutoff needs, prepared once.

Two levels: order lines, and order days (days with at least one order). Sums over lines carry money and
goods; sums over order days carry rhythm. A sale line that is cancelled later is an order until then: for a
cutoff on or after its cancellation the few customers concerned are prepared anew (`as_known_on`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import ContractError
from contracts.tables import OPTIONAL_LINE_COLUMNS, REQUIRED_LINE_COLUMNS
from features.kernel.level import Level, read_keys, search_keys
from features.kernel.running import Floats, Ints

NEVER = np.iinfo(np.int32).max
_WEEKDAY_OF_EPOCH = 3  # 1970-01-01 was a Thursday; Monday is 0

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Columns:
    """The raw columns of N order lines, sorted by (customer, day, time, order, line).

    Text columns are integer codes (-1 where empty); `live` marks sale lines that count as ordered.
    """

    customer: Ints
    day: Ints
    hour: Floats
    amount: Floats
    quantity: Floats
    returned: Bools
    reverses: Bools
    cancelled_day: Ints
    order: Ints
    live: Bools
    codes: dict[str, Ints]
    numbers: dict[str, Floats]

    def of_lines(self, rows: Ints | Bools) -> Columns:
        """Return these columns for some rows, in their order."""
        names = [one.name for one in fields(self) if one.name not in ("codes", "numbers")]
        return Columns(
            **{name: getattr(self, name)[rows] for name in names},
            codes={name: codes[rows] for name, codes in self.codes.items()},
            numbers={name: numbers[rows] for name, numbers in self.numbers.items()},
        )


@dataclass(frozen=True)
class History:
    """The order histories of C customers, ready for any cutoff.

    customer_ids: (C,) ids in byte order; positions: (C,) their positions in the history this one was taken
    from; optional: the optional order-line columns that are present.
    """

    customer_ids: NDArray[np.object_]
    positions: Ints
    optional: frozenset[str]
    columns: Columns
    lines: Level
    order_days: Level
    _as_known: dict[int, History | None] = field(default_factory=dict, repr=False)

    @staticmethod
    def from_lines(table: pa.Table) -> History:
        """Build a history from order lines (contracts.tables.ORDER_LINES, sorted as it says).

        Raises ContractError if a required column is missing or the rows are not sorted.
        """
        missing = [name for name in REQUIRED_LINE_COLUMNS if name not in table.column_names]
        if missing:
            raise ContractError(f"order lines lack the columns {missing}")
        ids = table["customer_id"].combine_chunks().dictionary_encode()
        names = np.array(ids.dictionary.to_pylist(), dtype=object)
        columns = _columns_of(table, _ints(ids.indices))
        key = search_keys(columns.customer, columns.day)
        if len(key) and (np.any(np.diff(key) < 0) or np.any(names[1:] <= names[:-1])):
            raise ContractError("order lines are not sorted by customer_id and day")
        optional = frozenset(name for name in OPTIONAL_LINE_COLUMNS if name in table.column_names)
        return History._prepare(names, np.arange(len(names)), optional, columns)

    @staticmethod
    def _prepare(
        names: NDArray[np.object_], positions: Ints, optional: frozenset[str], columns: Columns
    ) -> History:
        customers = len(names)
        lines = Level.of(columns.customer, columns.day, customers, _line_values(columns))
        return History(names, positions, optional, columns, lines, _order_days_of(lines, customers))

    def as_known_on(self, day: int) -> History | None:
        """Return the customers who lost a sale to a cancellation up to the end of `day`, without it.

        None if there are none. `positions` says which customers of this history they are.
        """
        if day not in self._as_known:
            gone = self.columns.live & (self.columns.cancelled_day <= day) & (self.columns.day <= day)
            concerned = np.unique(self.columns.customer[gone])
            live = self.columns.live & ~gone
            self._as_known[day] = self._of_customers(concerned, live=live) if len(concerned) else None
        return self._as_known[day]

    def of_customers(self, positions: Ints) -> History:
        """Return the history of the customers at these ascending positions."""
        if len(positions) == len(self.customer_ids):
            return self
        return self._of_customers(positions, live=self.columns.live)

    def _of_customers(self, positions: Ints, *, live: Bools) -> History:
        wanted = np.zeros(len(self.customer_ids), dtype=bool)
        wanted[positions] = True
        rows = wanted[self.columns.customer]
        some = self.columns.of_lines(rows)
        some = replace(some, customer=np.searchsorted(positions, some.customer), live=live[rows])
        return History._prepare(self.customer_ids[positions], positions, self.optional, some)

    @property
    def last_order_day(self) -> int:
        """The last day with an order."""
        return int(self.order_days.day.max())

    @property
    def first_order_day(self) -> int:
        """The first day with an order."""
        return int(self.order_days.day.min())


def _columns_of(table: pa.Table, customer: Ints) -> Columns:
    returned = _bools(table["returned"])
    quantity = _floats(table["quantity"])
    at = table["ordered_at"].combine_chunks().cast(pa.timestamp("us")).cast(pa.int64())
    texts = ("product_id", "category", "coupon", "channel", "country")
    numbers = ("discount", "unit_price", "cost")
    return Columns(
        customer=customer,
        day=_ints(table["day"]),
        hour=np.floor_divide(_ints(at) % 86_400_000_000, 3_600_000_000).astype(np.float64),
        amount=_floats(table["amount"]),
        quantity=quantity,
        returned=returned,
        reverses=_bools(table["reverses"]),
        cancelled_day=_ints(pc.fill_null(table["cancelled_day"], NEVER)),
        order=_codes(table["order_id"]),
        live=(quantity > 0) & ~returned,
        codes={name: _codes(table[name]) for name in texts if name in table.column_names},
        numbers={
            name: np.nan_to_num(_floats(table[name]), nan=0.0)
            for name in numbers
            if name in table.column_names
        },
    )


def _line_values(columns: Columns) -> dict[str, Floats]:
    live = columns.live
    weekday = (columns.day + _WEEKDAY_OF_EPOCH) % 7
    first_of_order = _first_seen(columns.customer, columns.order, live)
    values = {
        "orders": first_of_order,
        "lines": live.astype(np.float64),
        "items": np.where(live, columns.quantity, 0.0),
        "sales": np.where(live, columns.amount, 0.0),
        "net": columns.amount,
        "refunds": np.where(columns.returned, -columns.amount, 0.0),
        "returns": columns.returned.astype(np.float64),
        "cancellations": columns.reverses.astype(np.float64),
        "free_lines": (live & (columns.amount == 0)).astype(np.float64),
        "order_hours": first_of_order * columns.hour,
        "evening_orders": first_of_order * (columns.hour >= 18),
        "weekend_orders": first_of_order * (weekday >= 5),
    }
    if "discount" in columns.numbers:
        discount = np.where(live, columns.numbers["discount"], 0.0)
        values |= {"discount": discount, "discounted_lines": (discount > 0).astype(np.float64)}
    if "cost" in columns.numbers:
        values["cost"] = np.where(live, columns.numbers["cost"], 0.0)
    if "coupon" in columns.codes:
        values["coupon_lines"] = (live & (columns.codes["coupon"] >= 0)).astype(np.float64)
    for text, plural in (("product_id", "products"), ("category", "categories"), ("channel", "channels")):
        if text in columns.codes:
            known = live & (columns.codes[text] >= 0)
            values[f"new_{plural}"] = _first_seen(columns.customer, columns.codes[text], known)
    return values


def _order_days_of(lines: Level, customers: int) -> Level:
    """Gather the days with at least one order, with what was sold on each."""
    opens = lines.values["orders"] > 0
    keys = np.unique(lines.key[opens])
    row = np.searchsorted(keys, lines.key)
    row[row == len(keys)] = 0
    on_one = keys[row] == lines.key if len(keys) else np.zeros(len(lines.key), dtype=bool)

    def total(name: str) -> Floats:
        return np.bincount(row[on_one], lines.values[name][on_one], len(keys)).astype(np.float64)

    customer, day = read_keys(keys)
    starts = np.searchsorted(customer, np.arange(customers + 1))
    heads = starts[:-1][np.diff(starts) > 0]
    gap = np.diff(day, prepend=day[:1]).astype(np.float64)
    gap[heads] = 0.0
    amount = total("sales")
    first_amount = np.repeat(amount[heads], np.diff(np.append(heads, len(keys))))
    # Money spreads are taken about the customer's first order day, so that squares do not cancel.
    off = amount - first_amount
    dates = day.astype("datetime64[D]")
    month = dates.astype("datetime64[M]").astype(np.int64) % 12
    values = {
        "order_days": np.ones(len(keys)),
        "orders": total("orders"),
        "amount": amount,
        "items": total("items"),
        "lines": total("lines"),
        "off": off,
        "off_squared": off * off,
        "log_amount": np.log1p(np.maximum(amount, 0.0)),
        "gap": gap,
        "gap_squared": gap * gap,
        "log_gap": np.where(gap > 0, np.log(np.maximum(gap, 1.0)), 0.0),
        "weekday": ((day + _WEEKDAY_OF_EPOCH) % 7).astype(np.float64),
        "holiday_season": ((month == 10) | (month == 11)).astype(np.float64),
        "month_day": (dates - dates.astype("datetime64[M]").astype("datetime64[D]")).astype(np.float64),
    }
    return Level.of(customer, day, customers, values)


def _first_seen(customer: Ints, code: Ints, counted: Bools) -> Floats:
    """Flag, among the counted rows, the first row of each (customer, code)."""
    flags = np.zeros(len(customer))
    rows = np.flatnonzero(counted)
    if len(rows):
        pair = customer[rows] * (int(code.max()) + 1) + code[rows]
        flags[rows[np.unique(pair, return_index=True)[1]]] = 1.0
    return flags


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.ascontiguousarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _ints(column: pa.ChunkedArray | pa.Array) -> Ints:
    return np.ascontiguousarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def _bools(column: pa.ChunkedArray) -> Bools:
    return np.asarray(column.cast(pa.int8()).to_numpy(), dtype=bool)


def _codes(column: pa.ChunkedArray) -> Ints:
    encoded = column.combine_chunks().dictionary_encode()
    return _ints(pc.fill_null(encoded.indices, -1))
