"""The same rows, posted or read from a file, are the same order lines."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contracts.days import parse_day
from features.orders import read_orders
from features.reading.mapping import Mapping
from serving.lines import order_lines
from serving.shapes.posted import ScoreRequest

DAYS = ["1997-01-01", "1997-01-01T10:00:00", "1997-01-01T10:00:00.500000", "1997-01-02", "1997-02-01"]
VALUES: dict[str, list[Any]] = {
    "order_id": ["1", "2", "10", None],
    "quantity": [1.0, 2.0, -1.0],
    "product_id": ["x", "y"],
    "unit_price": [1.0, 2.0],
    "category": ["k", "l", None],
}
SHOPS = [
    (),
    ("order_id",),
    ("category",),
    ("order_id", "quantity", "product_id", "unit_price"),
    tuple(VALUES),
]


def some_rows(columns: tuple[str, ...], seed: int) -> list[dict[str, Any]]:
    random = Random(seed)
    return [
        {
            "customer_id": random.choice(["a", "b", "ü", "a b"]),
            "ordered_at": random.choice(DAYS),
            "amount": random.choice([5.0, 7.5, 10.0, 0.0, -5.0, -7.5]),
            **{name: random.choice(VALUES[name]) for name in columns},
        }
        for _ in range(60)
    ]


def posted(rows: list[dict[str, Any]]) -> ScoreRequest:
    orders: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        order = {name: value for name, value in row.items() if name != "customer_id" and value is not None}
        orders.setdefault(row["customer_id"], []).append(order)
    customers = [{"customer_id": each, "orders": all_} for each, all_ in orders.items()]
    return ScoreRequest.model_validate({"customers": customers})


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("columns", SHOPS, ids=lambda columns: "+".join(columns) or "no options")
def test_posted_rows_become_the_lines_of_the_file(
    tmp_path: Path, columns: tuple[str, ...], seed: int
) -> None:
    rows = some_rows(columns, seed)
    names = list(rows[0])
    with (tmp_path / "orders.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    mapping = Mapping(name="shop", columns={name: name for name in names})
    batch = read_orders(tmp_path / "orders.csv", mapping=mapping).lines
    live = order_lines(posted(rows).customers, ZoneInfo("UTC"), until=parse_day("1998-01-01"))
    assert live.equals(batch.select(live.column_names))
