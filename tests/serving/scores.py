"""Scores of customers who never were, for the tests of the store: no application, no model."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.tables import CURVE_KNOTS, PER_HORIZON, scores_schema

HORIZONS = (30, 90)
AS_OF = date(1998, 4, 1)
SCORED_AT = datetime(1998, 4, 1, 9, 30, tzinfo=UTC)
TIERS = ("gold", "silver", "bronze", None)
COUNTRIES = ("DE", "FR", "CH", "AT", "Ü", None)


def scores(*customer_ids: str, first_rank: int = 1, **columns: list[Any]) -> pa.Table:
    """Return a ranking of these customers, the first one best; columns: other values than the made-up ones."""
    rows = [row(each, first_rank + place) for place, each in enumerate(customer_ids)]
    for name, values in columns.items():
        for each, value in zip(rows, values, strict=True):
            each[name] = value
    return pa.Table.from_pylist(rows, schema=scores_schema(HORIZONS))


def row(customer_id: str, rank: int) -> dict[str, Any]:
    """Return the scores of the customer on this rank."""
    chance = 1.0 / (1.0 + rank / 7.0)
    per_horizon = {
        f"{name}_{h}d": chance * h / 90.0 * (1.0 if name.startswith(("p_", "expected_orders")) else 40.0)
        for name in PER_HORIZON
        for h in HORIZONS
    }
    return {
        "customer_id": customer_id,
        "as_of": AS_OF,
        "rank": rank,
        "percentile": 100.0 / math.sqrt(rank),
        "p_alive": chance,
        "clv": 3.0 * chance,
        "clv_lower": 0.0,
        "clv_upper": 9.0 * chance,
        "clv_variance": 4.0,
        "next_order_p10": None if rank % 3 == 0 else date(1998, 4, 1 + rank % 28),
        "tier": TIERS[rank % len(TIERS)],
        "segment": f"segment {rank % 5}",
        "lifecycle": "new" if rank % 2 else "loyal",
        "country": COUNTRIES[rank % len(COUNTRIES)],
        "confidence": ("high", "low")[rank % 2],
        "confidence_reason": "orders steadily",
        "recency_days": rank * 13 % 400,
        "frequency": rank % 9,
        "monetary_value": 10.0,
        "curve": [chance * knot / 365.0 for knot in CURVE_KNOTS],
        "model": "counting",
        "model_version": "v1",
        "currency": "EUR",
        "scored_at": SCORED_AT,
        "valid_until": date(1998, 4, 8),
        **per_horizon,
    }


def many(count: int, *, seed: int = 1, first_rank: int = 1, horizons: tuple[int, ...] = HORIZONS) -> pa.Table:
    """Return a ranking of many customers with random scores and ids, quickly made."""
    rng = np.random.default_rng(seed)
    schema = scores_schema(horizons)
    columns: dict[str, Any] = {field.name: _drawn(field, count, rng) for field in schema}
    ranks = np.arange(first_rank, first_rank + count)
    columns |= {"customer_id": _ids(ranks, rng), "rank": pa.array(ranks)}
    columns["percentile"] = pa.array(100.0 - np.arange(count) * 100.0 / count)
    columns["expected_value_90d"] = pa.array(np.sort(columns["expected_value_90d"])[::-1])
    return pa.table([columns[field.name] for field in schema], schema=schema)


def _ids(ranks: Any, rng: np.random.Generator) -> pa.Array:
    return pa.array([f"{number:x}" for number in (rng.permutation(len(ranks)) + ranks[0]) * 7_919])


def _drawn(field: pa.Field, count: int, rng: np.random.Generator) -> Any:
    fixed = row("a", 1).get(field.name)
    choices = {"tier": TIERS, "country": COUNTRIES, "segment": ("a", "b", "c"), "lifecycle": ("new", "loyal")}
    if field.name in choices:
        texts = choices[field.name]
        picked = pa.array(rng.integers(0, len(texts), count))
        return pa.array(texts, pa.string()).take(picked)
    if pa.types.is_floating(field.type):
        return rng.gamma(0.5, 0.4, count)
    if pa.types.is_list(field.type):
        knots = len(CURVE_KNOTS)
        starts = pa.array(np.arange(count + 1, dtype=np.int32) * knots)
        return pa.ListArray.from_arrays(starts, pa.array(rng.random(count * knots)))
    if pa.types.is_int32(field.type):
        return pa.array(rng.integers(0, 900, count), pa.int32())
    return pa.repeat(pa.scalar(fixed, field.type), count)
