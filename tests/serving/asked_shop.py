"""A shop for the tests of the API: a ranking whose customers differ, with their orders, and the whole service."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from fastapi import FastAPI

from contracts.days import to_day
from serving.app import create_app
from serving.guarding.keys import KeyRing
from serving.settings import ServiceSettings
from serving.store import Store, publish
from tests.serving.shop import AS_OF, NOW, CountingScorer, ranking

TIERS = ("focus", "cultivate", "reduce")
COUNTRIES = ("DE", "FR", None)
FEATURES = ("recency_days", "orders")


def store_of(
    folder: Path, *customer_ids: str, orders: dict[str, list[tuple[str, float]]] | None = None
) -> Store:
    """Publish and open a ranking whose tiers, countries and stages go round; orders: the days and amounts of some."""
    table = ranking(*customer_ids)
    for name, words in (("tier", TIERS), ("country", COUNTRIES), ("lifecycle", ("new", "lost"))):
        values = [words[place % len(words)] for place in range(len(customer_ids))]
        table = table.set_column(table.column_names.index(name), name, pa.array(values, pa.string()))
    details = None
    if orders is not None:
        details = folder.with_name("details")
        write_orders(details, list(customer_ids), orders)
        told = [each in orders for each in customer_ids]
        places = pa.array([at if one else -1 for at, one in enumerate(told)], pa.int32())
        parts = pa.array([0 if one else -1 for one in told], pa.int32())
        table = table.append_column("part", parts).append_column("at", places)
    manifest = {"ranked_by": "expected_value_90d", "report": "test"}
    publish(table, folder, manifest=manifest, formats=("parquet",), details=details)
    return Store.open(folder)


def write_orders(folder: Path, customer_ids: list[str], orders: dict[str, list[tuple[str, float]]]) -> None:
    """Write one part of details."""
    told = [orders.get(each, []) for each in customer_ids]
    days = [[to_day(date.fromisoformat(day)) for day, _ in one] for one in told]
    table = pa.table(
        {
            "customer_id": customer_ids,
            "order_days": pa.array(days, pa.list_(pa.int32())),
            "order_amounts": pa.array(
                [[amount for _, amount in one] for one in told], pa.list_(pa.float64())
            ),
            **{name: pa.array([1.5] * len(customer_ids), pa.float32()) for name in FEATURES},
        }
    )
    folder.mkdir(parents=True)
    pq.write_table(table, folder / "00000.parquet", row_group_size=2_048)


def service(
    store: Store | None, *, keys: KeyRing | None = None, scorer: Any = None, **settings: Any
) -> FastAPI:
    """Return the whole service over a store."""
    return create_app(
        store=store,
        scorer=scorer or CountingScorer(),
        keys=keys,
        clock=lambda: NOW,
        settings=replace(ServiceSettings(), **settings),
    )


__all__ = ["AS_OF", "NOW", "service", "store_of"]
