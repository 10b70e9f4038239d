"""What experiments/bench_api.py sends: the same histories as posted orders, and as features for MLflow's server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from contracts.days import parse_day, to_date
from contracts.tables import ORDER_LINES, REQUIRED_LINE_COLUMNS
from features.catalog import CATALOG
from features.kernel.history import History
from features.references import references_for
from models.bundle import Bundle

ORDERS = 20
SPAN_DAYS = 540
HISTORIES = 400
IDS = 20_000


@dataclass(frozen=True)
class Posted:
    """One history: the days and amounts of its orders, ascending."""

    customer_id: str
    days: tuple[int, ...]
    amounts: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the history as /v1/score takes it."""
        orders = [
            {"ordered_at": to_date(day).isoformat(), "amount": amount}
            for day, amount in zip(self.days, self.amounts, strict=True)
        ]
        return {"customer_id": self.customer_id, "orders": orders}


def histories(as_of: int, *, seed: int) -> list[Posted]:
    """Return HISTORIES histories of ORDERS orders in the SPAN_DAYS days up to as_of."""
    chance = np.random.default_rng(seed)
    found = []
    for number in range(HISTORIES):
        days = np.sort(as_of - chance.integers(0, SPAN_DAYS, ORDERS)).tolist()
        amounts = np.round(chance.gamma(2.0, 20.0, ORDERS), 2).tolist()
        found.append(Posted(f"p{number:05d}", tuple(days), tuple(amounts)))
    return found


def write_scores(file: Path, posted: Sequence[Posted], as_of: int, *, each: int) -> Path:
    """Write bodies of `each` histories for POST /v1/score."""
    bodies = [
        {"as_of": to_date(as_of).isoformat(), "customers": [one.as_json() for one in part]}
        for part in _parts(posted, each)
    ]
    return _written(file, "/v1/score", bodies)


def write_noop(file: Path, posted: Sequence[Posted], as_of: int, *, each: int) -> Path:
    """Write the same bodies for POST /v1/noop."""
    write_scores(file, posted, as_of, each=each)
    _, _, rest = file.read_text().partition("\n")
    file.write_text(f"/v1/noop\n{rest}")
    return file


def write_features(file: Path, posted: Sequence[Posted], as_of: int, bundle: Bundle, *, each: int) -> Path:
    """Write the features of the same histories for MLflow's POST /invocations: they are not part of its work."""
    columns = _features(posted, as_of, bundle)
    names = list(bundle.features)
    rows = list(zip(*(columns[name].tolist() for name in names), strict=True))
    params = {"horizon_days": 90.0, "as_of": to_date(as_of).isoformat()}
    bodies = [
        {
            "dataframe_split": {"columns": names, "data": [list(map(_json, row)) for row in part]},
            "params": params,
        }
        for part in _parts(rows, each)
    ]
    return _written(file, "/invocations", bodies)


def write_ids(file: Path, customers: int, *, seed: int) -> Path:
    """Write look-ups of IDS random customers of serving/bench_store.py's ranking."""
    numbers = np.random.default_rng(seed).integers(0, customers, IDS).tolist()
    file.write_text("".join(f"/v1/customers/C{number:09d}\n" for number in numbers))
    return file


def write_pages(file: Path, customers: int, *, seed: int) -> Path:
    """Write pages of 100 customers at random places of the ranking."""
    places = np.random.default_rng(seed).integers(0, customers - 100, 2_000).tolist()
    file.write_text("".join(f"/v1/ranking?limit=100&after={place}\n" for place in places))
    return file


def _features(posted: Sequence[Posted], as_of: int, bundle: Bundle) -> dict[str, np.ndarray]:
    history = History.from_lines(_lines(posted))
    references = references_for(bundle.references, history, as_of)
    wanted = CATALOG.pick(bundle.features)
    found = wanted.available(history.optional, references).compute(history, as_of, references=references)
    nothing = np.full(len(posted), np.nan)
    return {name: found.columns.get(name, nothing) for name in bundle.features}


def _lines(posted: Sequence[Posted]) -> pa.Table:
    rows = [
        {
            "customer_id": one.customer_id, "order_id": f"{one.customer_id}-{number:03d}", "line": 1,
            "ordered_at": np.datetime64(day, "D").astype("datetime64[us]").item(), "day": day, "amount": amount,
            "quantity": 1.0, "returned": False, "reverses": False, "cancelled_day": None,
        }
        for one in posted
        for number, (day, amount) in enumerate(zip(one.days, one.amounts, strict=True))
    ]  # fmt: skip
    schema = pa.schema([ORDER_LINES.field(name) for name in REQUIRED_LINE_COLUMNS])
    return pa.Table.from_pylist(rows, schema=schema)


def _parts(items: Sequence[Any], each: int) -> list[Sequence[Any]]:
    return [items[start : start + each] for start in range(0, len(items), each)]


def _json(value: float) -> float | None:
    return None if np.isnan(value) else value


def _written(file: Path, path: str, bodies: Sequence[dict[str, Any]]) -> Path:
    file.write_text("\n".join([path, *map(json.dumps, bodies)]) + "\n")
    return file


def day_of(bundle: Bundle) -> int:
    """Return the last day that the bundle knows."""
    return parse_day(bundle.manifest["as_of"])
