"""A small real shop for the serving tests: a scorer that counts days, a ranking, an application."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
from fastapi import FastAPI

from contracts.days import parse_day, to_date
from contracts.tables import CURVE_KNOTS, PER_HORIZON, scores_schema
from serving.app import create_app
from serving.guarding.keys import KeyRing, new_key
from serving.live import Scorer
from serving.store import Store, publish

Row = dict[str, Any]
NOW = datetime(1998, 7, 1, 9, 30, tzinfo=UTC)
AS_OF = parse_day("1998-04-01")
HORIZONS = (30, 90)


def rate(days: int, recency_days: int) -> float:
    """Return P(order within `days`) of a customer who buys once in (100 + recency) days."""
    return 1.0 - math.exp(-days / (100.0 + recency_days))


def score_row(customer_id: str, recency_days: int, *, as_of: int, horizons: tuple[int, ...]) -> Row:
    """Return one row of the scores table."""
    per_horizon = {
        f"{name}_{h}d": rate(h, recency_days) * (1.0 if name.startswith(("p_", "expected_orders")) else 10.0)
        for name in PER_HORIZON
        for h in horizons
    }
    return {
        "customer_id": customer_id,
        "as_of": to_date(as_of),
        "rank": 1,
        "percentile": 100.0,
        "p_alive": 0.5,
        "clv": 12.5,
        "clv_lower": 0.0,
        "clv_upper": 40.0,
        "clv_variance": 100.0,
        "confidence": "high",
        "confidence_reason": "orders steadily",
        "recency_days": recency_days,
        "frequency": 0,
        "monetary_value": 10.0,
        "curve": [rate(knot, recency_days) for knot in CURVE_KNOTS],
        "model": "counting",
        "model_version": "v1",
        "currency": "USD",
        "scored_at": NOW,
        "valid_until": to_date(as_of + 7),
        **per_horizon,
    }


@dataclass(frozen=True)
class CountingScorer:
    """Scores a history by the days since its last order."""

    horizons: tuple[int, ...] = HORIZONS
    default_as_of: int = AS_OF
    currency: str = "USD"
    timezone: str = "Europe/Berlin"
    model_version: str = "v1"

    def score(self, lines: pa.Table, *, as_of: int, horizons: tuple[int, ...]) -> pa.Table:
        """Return scores of the customers with an order up to as_of."""
        last: dict[str, int] = {}
        for line in lines.to_pylist():
            gone = line["cancelled_day"] is not None and line["cancelled_day"] <= as_of
            if line["day"] <= as_of and not line["returned"] and not gone:
                last[line["customer_id"]] = line["day"]
        rows = [score_row(each, as_of - day, as_of=as_of, horizons=horizons) for each, day in last.items()]
        return pa.Table.from_pylist(rows, schema=scores_schema(horizons))

    def card(self) -> dict[str, object]:
        """Return the card."""
        return {"model": "counting", "auc": 0.5}


def ranking(*customer_ids: str) -> pa.Table:
    """Return a ranking of these customers, the first one best."""
    rows = [
        score_row(each, 10 * place, as_of=AS_OF, horizons=HORIZONS)
        | {"rank": place + 1, "percentile": 100.0 - place}
        for place, each in enumerate(customer_ids)
    ]
    return pa.Table.from_pylist(rows, schema=scores_schema(HORIZONS))


def open_store(folder: Path, *customer_ids: str) -> Store:
    """Publish a ranking and open it."""
    publish(ranking(*customer_ids), folder, manifest={"shop": "test"})
    return Store.open(folder)


def make_key(folder: Path) -> tuple[str, KeyRing]:
    """Return a fresh key and the ring that accepts it."""
    key = new_key(folder / "keys.json", "test")
    return key, KeyRing.load(folder / "keys.json")


def make_app(
    store: Store | None = None, keys: KeyRing | None = None, scorer: Scorer | None = None
) -> FastAPI:
    """Return the application over the counting scorer."""
    return create_app(store=store, scorer=scorer or CountingScorer(), keys=keys, clock=lambda: NOW)


def order(ordered_at: str, amount: float = 10.0, **more: Any) -> dict[str, Any]:
    """Return one posted order."""
    return {"ordered_at": ordered_at, "amount": amount, **more}


def histories(**orders_by_customer: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a request body for these customers."""
    return {"customers": [{"customer_id": each, "orders": all_} for each, all_ in orders_by_customer.items()]}


@dataclass(frozen=True)
class Client:
    """Calls the application without a network."""

    app: FastAPI
    key: str | None = None

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Send a GET."""
        return self.send("GET", path, **more)

    def score(self, body: Row, **more: Any) -> httpx.Response:
        """Post histories."""
        return self.send("POST", "/v1/score", json=body, **more)

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send any request."""
        return asyncio.run(self._send(method, path, **more))

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.key}"} if self.key else {}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://shop", headers=headers) as client:
            return await client.request(method, path, **more)
