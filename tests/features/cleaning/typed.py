"""Typed rows as hypothesis draws them, cleaned without any file: small shops with everything that rules look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from features.cleaning.clean import Cleaned, clean
from features.cleaning.rules import CODES
from features.orders import plain
from features.prepared.ingest import frame_of, row_schema
from features.prepared.overview import Overview
from features.reading.mapping import Mapping
from features.rulebook import Rules

OPTIONAL = ("unit_price", "product_id", "category", "cancelled_at", "line_id")
FIRST = datetime(2024, 1, 20)
COLUMNS = {"customer_id": "c", "order_id": "o", "ordered_at": "t", "amount": "a"}


@dataclass(frozen=True)
class Row:
    """One typed row; day and cancelled count from FIRST, negative pieces take something back."""

    customer: str | None
    order: str | None
    product: str
    pieces: int
    price: float
    day: int
    hour: int
    source: int
    cancelled: int | None
    reason: str | None
    category: str | None

    @property
    def at(self) -> datetime:
        return FIRST + timedelta(days=self.day, hours=self.hour)

    def values(self, place: int) -> dict[str, Any]:
        cancelled = None if self.cancelled is None else FIRST + timedelta(days=self.cancelled)
        reason = "missing_customer" if self.customer is None else self.reason
        return {
            "source": self.source, "source_row": place, "ordered_at": self.at, "customer_id": self.customer,
            "order_id": self.order, "quantity": float(self.pieces), "amount": self.pieces * self.price,
            "back": self.pieces < 0, "reason": CODES[reason] if reason else 0, "readable": True,
            "unit_price": self.price, "product_id": self.product, "category": self.category,
            "cancelled_at": cancelled, "line_id": None,
        }  # fmt: skip


ROWS = st.builds(
    Row,
    customer=st.sampled_from(["a", "a", "a", "b", "b", "c", None]),
    order=st.sampled_from(["1", "2", "3", "4", None]),
    product=st.sampled_from(["p", "q"]),
    pieces=st.sampled_from([1, 1, 1, 2, 4, -1, -1, -2]),
    price=st.sampled_from([0.0, 1.0, 2.5, 80.0]),
    day=st.integers(0, 30) | st.sampled_from([-19_000, 200_000]),
    hour=st.sampled_from([0, 0, 9]),
    source=st.integers(0, 2),
    cancelled=st.none() | st.integers(0, 40),
    reason=st.sampled_from([None, None, None, "unpaid_order", "cancelled_order", "not_a_product"]),
    category=st.sampled_from([None, "x"]),
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("outlier_basket", "reseller", "bot"), st.sampled_from([False, "refuse"])),
        **dict.fromkeys(("delivered_twice", "duplicate_line", "absurd_date"), st.just(False)),
    },
)


def table(rows: Sequence[Row]) -> pa.Table:
    """Return the typed rows."""
    return pa.Table.from_pylist(
        [row.values(place) for place, row in enumerate(rows, start=1)], schema=row_schema(OPTIONAL)
    )


def cleaned(
    rows: Sequence[Row],
    settings: dict[str, Any],
    *,
    until: int | None = None,
    part: Sequence[Row] | None = None,
) -> Cleaned:
    """Clean the rows, or those of one part, knowing the overview of all."""
    mapping = Mapping(name="m", columns=COLUMNS, rules=Rules(settings))
    frame = frame_of(Overview.of(table(rows)), mapping, OPTIONAL, until=until, now=None, sources=3)
    found = clean(table(rows if part is None else part), frame)
    return replace(found, lines=plain(found.lines))


def told(found: Cleaned) -> dict[str, Any]:
    """Return the account without the rows that are later than asked for."""
    told = found.account.to_dict()
    return {**told, "rows": {name: n for name, n in told["rows"].items() if n and name != "later"}}
