"""What customers had bought by the end of a day, as columns: lines, orders, order days, and what was taken back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from contracts.errors import ContractError, nearest
from features.kernel.buffers import as_arrow, as_numpy, filled, in_one
from features.kernel.codes import Text
from features.kernel.history import History
from features.kernel.lines import Lines
from features.kernel.running import Bools, Floats, Ints

TEXTS = ("product_id", "category", "coupon", "channel", "country")
NUMBERS = ("unit_price", "discount", "cost")


@dataclass(frozen=True)
class Orders:
    """O orders by customer and time. customer: (O,) positions; day, hour: of the first line; amount: currency."""

    customer: Ints
    day: Ints
    hour: Ints
    amount: Floats


@dataclass(frozen=True)
class OrderDays:
    """D order days by customer and day. amount: currency; orders: how many on that day; each (D,)."""

    customer: Ints
    day: Ints
    amount: Floats
    orders: Ints


@dataclass(frozen=True)
class Returns:
    """R lines that took something back without cancelling a whole sale, by customer and day.

    amount: at most 0, currency; quantity: below 0; product: (R,) places in `text("product_id").values`, -1 unknown.
    """

    customer: Ints
    day: Ints
    amount: Floats
    quantity: Floats
    product: Ints


class Sales:
    """The N sale lines of C customers that stand at the end of day `as_of`, sorted by customer, time and order.

    ids: (C,) the customers, each with at least one order, as ascending text; customer: (N,) positions in `ids`;
    order: (N,) numbers 0 … O-1, rising; day, hour, amount (currency) and quantity: (N,).
    """

    def __init__(self, lines: Lines, ids: pa.Array, as_of: int) -> None:
        self._source, self._all_ids, self.as_of = lines, ids, int(as_of)
        cancelled, known_from = lines.cancelled
        stands = lines.sale & (lines.day <= as_of)
        stands[cancelled[known_from <= as_of]] = False
        number, _ = lines.order
        rows = np.flatnonzero(stands)
        # Lines of one order may stand apart; the order's place is that of its first line.
        rows = rows[np.argsort(number[rows], kind="stable")]
        at, customer = np.unique(lines.customer[rows].astype(np.int64), return_inverse=True)
        self.ids: pa.Array = ids.take(as_arrow(at, pa.int64()))
        self._at, self._rows = at, rows
        self.customer: Ints = customer.astype(np.int64)
        self.order: Ints = _numbered(number[rows].astype(np.int64))
        self.day: Ints = lines.day[rows].astype(np.int64)

    @staticmethod
    def of(history: History, as_of: int) -> Sales:
        """Return the sales of a history as known at the end of a day; the history must have been made for that day."""
        return Sales(history.lines, history.names.ids, as_of)

    @staticmethod
    def of_lines(table: pa.Table, as_of: int) -> Sales:
        """Return the sales of order lines (contracts.tables.ORDER_LINES, sorted as it says)."""
        return Sales.of(History.from_lines(table), as_of)

    def on(self, day: int) -> Sales:
        """Return the sales as known at the end of an earlier day, of those who had ordered by then."""
        if day > self.as_of:
            raise ContractError(f"these sales end on day {self.as_of}; day {day} was asked")
        return Sales(self._source, self._all_ids, day)

    def of_customers(self, positions: Ints) -> Sales:
        """Return the sales of the customers at these positions of `ids`."""
        chosen = np.sort(self._at[positions])
        ids = self._all_ids.take(as_arrow(chosen, pa.int64()))
        return Sales(self._source.of_customers(chosen), ids, self.as_of)

    def __len__(self) -> int:
        return len(self.ids)

    # ------------------------------------------------------------ columns of the lines
    @cached_property
    def hour(self) -> Ints:
        """The hour of each line; (N,)."""
        return self._source.hour[self._rows].astype(np.int64)

    @cached_property
    def amount(self) -> Floats:
        """What was paid for each line, currency; (N,)."""
        return self._source.number("amount")[self._rows]

    @cached_property
    def quantity(self) -> Floats:
        """The quantity of each line; (N,)."""
        return self._source.number("quantity")[self._rows]

    @property
    def optional(self) -> frozenset[str]:
        """The optional order-line columns that are present."""
        return self._source.optional

    def number(self, name: str) -> Floats:
        """Return unit_price, discount or cost of each line, NaN where it is unknown; (N,)."""
        self._require(name, NUMBERS)
        if name not in self._numbers:
            self._numbers[name] = filled(in_one(self._source.table[name]), np.float64(np.nan))[self._rows]
        return self._numbers[name]

    def text(self, name: str) -> Text:
        """Return a text column of the lines as codes (-1 where empty) and values."""
        self._require(name, TEXTS)
        if name not in self._texts:
            whole = self._source.text(name)
            self._texts[name] = Text(whole.codes[self._rows], whole.values)
        return self._texts[name]

    @cached_property
    def _numbers(self) -> dict[str, Floats]:
        return {}

    @cached_property
    def _texts(self) -> dict[str, Text]:
        return {}

    def _require(self, name: str, kind: tuple[str, ...]) -> None:
        if name not in kind:
            raise ContractError(f"order lines have no such column: '{name}'{nearest(name, kind)}")
        if name not in self.optional:
            raise ContractError(f"these order lines have no '{name}'; ask `optional` first")

    # ------------------------------------------------------------ orders and order days
    @cached_property
    def orders(self) -> Orders:
        """The orders by customer and time."""
        heads = _heads(self.order)
        amount = np.bincount(self.order, self.amount, minlength=len(heads)).astype(np.float64)
        return Orders(self.customer[heads], self.day[heads], self.hour[heads], amount)

    @cached_property
    def days(self) -> OrderDays:
        """The order days by customer and day."""
        orders = self.orders
        rank = np.lexsort((orders.day, orders.customer))
        customer, day = orders.customer[rank], orders.day[rank]
        new = np.append(True, (np.diff(customer) != 0) | (np.diff(day) != 0))[: len(rank)]
        place = np.cumsum(new) - 1
        heads = np.flatnonzero(new)
        # An order's money counts on the day of each line, as in the features.
        amount = self._amount_by_day(customer[heads], day[heads])
        return OrderDays(customer[heads], day[heads], amount, np.bincount(place, minlength=len(heads)))

    def _amount_by_day(self, customer: Ints, day: Ints) -> Floats:
        span = 1 + int(self.day.max(initial=0)) - int(self.day.min(initial=0))
        low = int(self.day.min(initial=0))
        keys = customer * span + (day - low)
        at = np.searchsorted(keys, self.customer * span + (self.day - low), side="right") - 1
        return np.bincount(at, self.amount, minlength=len(keys)).astype(np.float64)

    @cached_property
    def starts(self) -> Ints:
        """The first order day of each customer in `days`; (C + 1,)."""
        return np.searchsorted(self.days.customer, np.arange(len(self) + 1))

    @cached_property
    def first_day(self) -> Ints:
        """Each customer's first order day; (C,)."""
        return self.days.day[self.starts[:-1]]

    @cached_property
    def last_day(self) -> Ints:
        """Each customer's last order day; (C,)."""
        return self.days.day[self.starts[1:] - 1]

    # ------------------------------------------------------------ what was taken back
    @cached_property
    def returns(self) -> Returns:
        """What these customers took back up to the day, whole cancelled sales apart."""
        lines = self._source
        reverses = as_numpy(in_one(lines.table["reverses"]))
        place = np.full(len(self._all_ids), -1)
        place[self._at] = np.arange(len(self._at))
        at = np.flatnonzero(lines.returned & ~reverses & (lines.day <= self.as_of))
        at = at[place[lines.customer[at]] >= 0]
        product = (
            lines.text("product_id").codes[at].astype(np.int64)
            if "product_id" in self.optional
            else np.full(len(at), -1)
        )
        return Returns(
            place[lines.customer[at]],
            lines.day[at].astype(np.int64),
            lines.number("amount")[at],
            lines.number("quantity")[at],
            product,
        )


def _heads(sorted_numbers: Ints) -> Ints:
    """Return where each number begins in a rising column."""
    return np.flatnonzero(np.append(True, np.diff(sorted_numbers) != 0)[: len(sorted_numbers)])


def _numbered(codes: Ints) -> Ints:
    """Return 0, 1, 2 … for runs of equal codes."""
    new: Bools = np.append(True, np.diff(codes) != 0)[: len(codes)]
    return np.cumsum(new).astype(np.int64) - 1
