"""Publish a generated ranking, to measure a store of any size: `python -m serving.bench_store --out FOLDER`.

The scores are drawn, not modelled: they have the columns, types and skew of a ranking and mean nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.days import to_date, to_day
from contracts.tables import CURVE_KNOTS, DEFAULT_HORIZONS, scores_schema
from serving.store import publish

_PIECE = 100_000
_AS_OF = to_day(datetime(1998, 6, 30))
_WORDS = {
    "tier": ("focus", "cultivate", "reduce"),
    "lifecycle": ("active", "at risk", "lapsed"),
    "segment": ("champions", "loyal", "new", "hibernating"),
    "country": ("DE", "AT", "FR", "NL", "PL"),
    "confidence": ("high", "medium", "low"),
}
_SAME = {
    "confidence_reason": "drawn",
    "model": "drawn",
    "model_version": "000000000000",
    "currency": "USD",  # the demo's, so that its model and this ranking are served together
}


def customer_id(place: int, customers: int) -> str:
    """Return the id of the customer at a rank, so that ids do not ascend with it."""
    return f"C{(place * 7_919 + 13) % customers:09d}"


def scores_of(customers: int, seed: int) -> Iterator[pa.Table]:
    """Yield a ranking in pieces, best first; customers: no multiple of 7,919."""
    chance = np.random.default_rng(seed)
    value = np.sort(chance.lognormal(2.0, 1.5, customers))[::-1]
    for start in range(0, customers, _PIECE):
        yield _piece(chance, value, start, min(start + _PIECE, customers))


def _piece(chance: np.random.Generator, value: np.ndarray, start: int, end: int) -> pa.Table:
    schema, rows, customers = scores_schema(DEFAULT_HORIZONS), end - start, len(value)
    p = chance.beta(0.8, 2.0, rows)
    columns: dict[str, Any] = {
        "customer_id": [customer_id(place, customers) for place in range(start, end)],
        "rank": np.arange(start + 1, end + 1),
        "percentile": 100.0 * (customers - np.arange(start, end)) / customers,
        "p_alive": p,
        "clv": value[start:end] * 2.5,
        "clv_lower": np.zeros(rows),
        "clv_upper": value[start:end] * 6.0,
        "clv_variance": value[start:end] ** 2,
        "recency_days": chance.integers(0, 500, rows).astype(np.int32),
        "frequency": chance.geometric(0.3, rows).astype(np.int32),
        "monetary_value": chance.lognormal(3.0, 0.7, rows),
    }
    hazard = -np.log1p(-np.minimum(p, 0.999))[:, None] * np.array(CURVE_KNOTS) / CURVE_KNOTS[-1]
    columns["curve"] = pa.FixedSizeListArray.from_arrays(
        pa.array((-np.expm1(-hazard)).ravel()), len(CURVE_KNOTS)
    ).cast(schema.field("curve").type)
    for h in DEFAULT_HORIZONS:
        share = h / DEFAULT_HORIZONS[-1]
        columns[f"p_repurchase_{h}d"] = p * share
        columns[f"expected_orders_{h}d"] = p * share * 2.0
        columns[f"expected_value_{h}d"] = value[start:end] * share
        columns[f"value_lower_{h}d"] = np.zeros(rows)
        columns[f"value_upper_{h}d"] = value[start:end] * share * 4.0
    columns |= {name: chance.choice(words, rows).tolist() for name, words in _WORDS.items()}
    columns |= {name: [word] * rows for name, word in _SAME.items()}
    columns |= _dates(rows)
    return pa.table([_array(columns[field.name], field) for field in schema], schema=schema)


def _dates(rows: int) -> dict[str, list[Any]]:
    day, at = to_date(_AS_OF), datetime(1998, 7, 1, 2, 0, tzinfo=UTC)
    named = {
        "as_of": day,
        "scored_at": at,
        "valid_until": day + timedelta(days=7),
        "next_order_p10": day + timedelta(days=9),
        "next_order_p50": day + timedelta(days=40),
        "next_order_p90": day + timedelta(days=200),
    }
    return {name: [one] * rows for name, one in named.items()}


def _array(values: Any, field: pa.Field) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values, field.type)


def main(arguments: list[str] | None = None) -> None:
    """Publish."""
    parser = argparse.ArgumentParser(prog="serving.bench_store", description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="The folder of the store.")
    asked = parser.parse_args(arguments)
    manifest = {"shop": "drawn", "horizon": 90, "rank_by": "value"}
    publish(
        pa.concat_tables(scores_of(asked.customers, asked.seed)).combine_chunks(),
        asked.out,
        manifest=manifest,
    )


if __name__ == "__main__":
    main()
