"""Small rankings for the tests of exports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from contracts.tables import CURVE_KNOTS, PER_HORIZON, scores_schema
from serving.store import Store, publish

HORIZONS = (30, 90)


def ranking(*customer_ids: str, **columns: Sequence[Any]) -> pa.Table:
    """Return a ranking of these customers, the first one best; columns: values of theirs."""
    rows = [_row(own, place) for place, own in enumerate(customer_ids)]
    for name, values in columns.items():
        for row, value in zip(rows, values, strict=True):
            row[name] = value
    return pa.Table.from_pylist(rows, schema=scores_schema(HORIZONS))


def _row(own: str, place: int) -> dict[str, Any]:
    return {
        **{f"{name}_{h}d": (h + place) / 700 for name in PER_HORIZON for h in HORIZONS},
        "customer_id": own,
        "as_of": date(1998, 4, 1),
        "rank": place + 1,
        "percentile": 100.0 - place / 100,
        "p_alive": 0.5,
        "clv": 12.5,
        "clv_lower": 0.0,
        "clv_upper": 40.0,
        "clv_variance": 100.0,
        "tier": "focus" if place % 2 == 0 else None,
        "confidence": "high",
        "confidence_reason": "orders steadily",
        "recency_days": place,
        "frequency": 0,
        "monetary_value": 10.0,
        "curve": [knot / 1000 for knot in CURVE_KNOTS],
        "model": "counting",
        "model_version": "v1",
        "currency": "USD",
        "scored_at": datetime(1998, 7, 1, 9, 30, tzinfo=UTC),
        "valid_until": date(1998, 4, 8),
    }


def store(folder: Path, *customer_ids: str, **columns: Sequence[Any]) -> Store:
    """Publish a ranking and open it."""
    publish(
        ranking(*customer_ids, **columns), folder / "ranking", manifest={"ranked_by": "expected_value_90d"}
    )
    return Store.open(folder / "ranking")
