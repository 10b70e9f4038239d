"""A small shop with everything that makes engines differ, and what the local engine makes of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.catalog import CATALOG
from features.cleaning.report import OrdersReport
from features.kernel.declaration import Catalog
from features.kernel.history import History
from features.kernel.running import Floats
from features.panel import each_cutoff
from features.prepared.ingest import opened
from features.prepared.partitions import InMemory, order_span
from features.prepared.process import Tally, process
from features.reading.mapping import Mapping
from features.references import fit_over

NOW = datetime(2025, 6, 1)
BERLIN = Mapping(
    name="berlin",
    timezone="Europe/Berlin",
    currency="EUR",
    not_products=("POST",),
    columns={
        name: name
        for name in (
            "customer_id", "order_id", "ordered_at", "amount", "quantity", "product_id", "category", "discount",
            "coupon", "channel", "country",
        )
    },
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()), ("order_id", pa.string()), ("ordered_at", pa.timestamp("us", tz="UTC")),
        ("amount", pa.decimal128(12, 2)), ("quantity", pa.int32()), ("product_id", pa.string()),
        ("category", pa.string()), ("discount", pa.float64()), ("coupon", pa.string()), ("channel", pa.string()),
        ("country", pa.string()),
    ]
)  # fmt: skip
_NAMES = (
    "Zoë",
    "Ж-1",
    "客户",
    "😀",
    "007",
    "a b",
    "O'Neil",
    "12345678901234567890",
    "é",
    "e\u0301",
    "Z",
    "z",
)


@dataclass(frozen=True)
class Asked:
    """What features to write: by default three cutoffs 30 days apart, each with its outcomes."""

    chosen: Catalog = CATALOG
    asked_horizons: tuple[int, ...] = (30, 90)
    count: int = 3

    def days(self, first: int, as_of: int) -> list[int]:
        """Return the cutoffs."""
        return [as_of - 30 * k for k in reversed(range(self.count))]


# A few of each kind: counts, hours, days of the week, money.
FEW = Asked(CATALOG.pick(["orders", "hour_mean", "weekend_share", "amount_largest"]), (30,), 1)


def orders() -> pa.Table:
    """Return the orders: some 2,000 lines of 200 customers, and a dozen customers with all kinds of trouble."""
    chance = np.random.default_rng(11)
    rows = [row for i in range(200) for row in _ordinary(f"c{i:03d}", chance)]
    rows += [row for i, name in enumerate(_NAMES) for row in _trouble(name, i)]
    rows += [_row(None, "n1", datetime(2024, 5, 1)), _row("nan", "n2", datetime(2024, 5, 2))]
    rows += [_row("t1", "n3", None), _row("t1", "n4", datetime(2024, 5, 4), amount=None)]
    rows += [_row("t2", "n5", datetime(2030, 1, 1)), _row("t3", "n6", datetime(1890, 1, 1))]
    rows += [_row("t4", "n7", datetime(2024, 5, 4), product_id="POST")]
    order = chance.permutation(len(rows))
    return pa.Table.from_pylist([rows[i] for i in order], schema=SCHEMA)


def _row(customer: str | None, order: str | None, at: datetime | None, **more: Any) -> dict[str, Any]:
    return {
        "customer_id": customer, "order_id": order, "ordered_at": at and at.replace(tzinfo=UTC), "quantity": 1,
        "amount": Decimal("9.99"), "product_id": "p1", "category": "books", "discount": None, "coupon": None,
        "channel": "web", "country": "DE", **more,
    }  # fmt: skip


def _ordinary(customer: str, chance: np.random.Generator) -> list[dict[str, Any]]:
    """Return the orders of a customer over 400 days; one line in ten comes back."""
    rows, at = [], datetime(2024, 1, 1) + timedelta(days=float(chance.uniform(0, 300)))
    for number in range(int(chance.integers(1, 8))):
        for _ in range(int(chance.integers(1, 4))):
            line = _row(
                customer, f"{customer}-{number}", at, quantity=int(chance.integers(1, 4)),
                amount=Decimal(int(chance.integers(0, 9000))) / 100, product_id=f"p{chance.integers(40)}",
                category=[None, "books", "toys"][int(chance.integers(3))],
                discount=[None, 0.0, 1.5][int(chance.integers(3))],
                coupon=[None, "SPRING"][int(chance.integers(2))], channel=["web", "shop"][int(chance.integers(2))],
            )  # fmt: skip
            rows.append(line)
            if chance.random() < 0.1:
                later = at.replace(tzinfo=UTC) + timedelta(days=float(chance.uniform(0, 40)))
                rows.append(
                    {**line, "ordered_at": later, "quantity": -line["quantity"], "amount": -line["amount"]}
                )
        at += timedelta(days=float(chance.gamma(1.0, 40)))
    return rows


def _trouble(name: str, i: int) -> list[dict[str, Any]]:
    """Return orders at the edges of days and of summer time, ties, two orders on a day, returns and cancellations."""
    return [
        _row(name, f"{name}-0", datetime(2024, 3, 31, 0, 30 + i)),  # the hour before summer time begins
        _row(name, f"{name}-0", datetime(2024, 3, 31, 1, 0)),
        _row(name, f"{name}-1", datetime(2024, 10, 27, 0, 30)),  # the hour that comes twice
        _row(name, f"{name}-2", datetime(2024, 10, 27, 1, 30)),
        _row(name, f"{name}-3", datetime(2024, 7, 5, 21, 59, 59)),  # Friday night, and Saturday in Berlin
        _row(name, f"{name}-4", datetime(2024, 7, 5, 22, 0, 0)),
        _row(name, f"{name}-4", datetime(2024, 7, 5, 22, 0, 0), product_id="p2", amount=Decimal("0.00")),
        _row(name, f"{name}-4", datetime(2024, 7, 5, 22, 0, 0), product_id="p2", amount=Decimal("0.00")),
        _row(name, None, datetime(2024, 8, 1, 10), quantity=5, product_id="p3"),
        _row(
            name, f"{name}-5", datetime(2024, 8, 9, 10), quantity=-5, product_id="p3", amount=Decimal("-9.99")
        ),
        _row(name, f"{name}-6", datetime(2024, 12, 1, 10), quantity=3, product_id="p4"),
        _row(
            name,
            f"{name}-7",
            datetime(2024, 12, 2, 10),
            quantity=-1,
            product_id="p4",
            amount=Decimal("-3.33"),
        ),
        _row(name, f"{name}-8", datetime(2025, 1, 1, 10), quantity=None),
        _row(name, f"{name}-9", datetime(2025, 1, 2, 10), quantity=0),
        _row(name, f"{name}-9", datetime(2025, 1, 2, 10), category=None, country=None, channel=None),
    ]


def written(folder: Path, table: pa.Table, *, files: int = 1, name: str = "orders") -> str:
    """Write orders as a table of part files; return the folder."""
    out = folder / name
    out.mkdir(parents=True, exist_ok=True)
    size = -(-table.num_rows // files)
    for k in range(files):
        pq.write_table(table.slice(k * size, size), out / f"part-{k:04d}.parquet")
    return str(out)


def locally(
    source: str,
    *,
    wanted: Asked | None = None,
    mapping: Mapping | None = BERLIN,
    until: int | None = None,
) -> tuple[pa.Table, OrdersReport]:
    """Return features and account as the local engine makes them."""
    asked = wanted or Asked()
    with opened(source, mapping=mapping, until=until) as intake:
        rows, tally = InMemory.of(intake), Tally()
        first, last = order_span(rows, until=until, now=NOW)
        as_of = last if until is None else until

        def work(_: int, lines: pa.Table) -> pa.Table:
            history, days = History.from_lines(lines), asked.days(first, as_of)
            tables = fit_over([history], days, asked.chosen)
            panels = each_cutoff(
                history, days, horizons=asked.asked_horizons, observed_until=as_of, catalog=asked.chosen,
                references=tables,
            )  # fmt: skip
            return pa.concat_tables([panel.to_arrow() for panel in panels])

        ((_, table),) = process(rows, work, tally, until=until, now=NOW)
        return table, tally.report(rows)


def on_disk(folder: Path) -> pa.Table:
    """Return what the Spark engine wrote."""
    return pq.read_table(folder)


def assert_same(found: tuple[pa.Table, OrdersReport], expected: tuple[pa.Table, OrdersReport]) -> None:
    """Compare two results to the bit, whatever the order of their rows; the account but for the sources' names.

    What reads a reference table may differ by rounding: sums of money are added up block by block.
    """
    rounded = {one.name for one in CATALOG if one.needs_reference}
    ours, theirs = (_sorted(table) for table, _ in (found, expected))
    assert ours.schema.equals(theirs.schema)
    assert ours.num_rows == theirs.num_rows > 0
    for name in ours.column_names:
        if name in rounded:
            np.testing.assert_allclose(_numbers(ours[name]), _numbers(theirs[name]), rtol=1e-12, atol=0)
        else:
            assert _bits(ours[name]) == _bits(theirs[name]), name
    assert replace(found[1], files=()) == replace(expected[1], files=())


def _sorted(table: pa.Table) -> pa.Table:
    return table.take(pc.sort_indices(table, [("customer_id", "ascending"), ("cutoff", "ascending")]))


def _bits(column: pa.ChunkedArray) -> list[Any]:
    if not pa.types.is_float64(column.type):
        return list(column.to_pylist())
    return _numbers(column).view(np.int64).tolist()


def _numbers(column: pa.ChunkedArray) -> Floats:
    return np.array(column.to_pylist(), dtype=np.float64)


def day(text: str) -> int:
    """Return the number of a day."""
    return (date.fromisoformat(text) - date(1970, 1, 1)).days
