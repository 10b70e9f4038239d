"""What was predicted on earlier days, kept small, and held against what happened once the horizon is over.

OUT/history/2025-06-30.parquet: of that day's ranking at most MOST_KEPT customers, evenly by rank (every one of a small
base): who, where they stood, and what was expected of them in the main horizon.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.days import parse_day, to_date
from features.kernel.buffers import as_arrow, as_numpy, places_among
from features.kernel.history import History
from features.kernel.past import Past
from features.kernel.running import Ints
from features.panel import outcome_at
from features.shop.histories import PeopleHistory
from serving.disk import sync

MOST_KEPT = 20_000
MOST_DAYS = 400  # files of earlier days that are kept
TENTHS = 10
COLUMNS = ("customer_id", "rank", "percentile", "tier", "p", "expected_value")
SUMS = ("customers", "buyers", "value")
_FACTS = b"repurchase"


def kept_rows(rank: Ints, customers: int) -> Ints:
    """Return which of some ranks of a base are kept: all of a small base, else every k-th; (m,) places."""
    step = -(-customers // MOST_KEPT)
    return np.flatnonzero((rank - 1) % step == step // 2)


def keep(folder: Path, rows: pa.Table, *, facts: Mapping[str, Any]) -> None:
    """Keep a day's rows (COLUMNS).

    facts: as_of (ISO), horizon (days), model_version, model_as_of (ISO), customers of the whole base.
    """
    folder.mkdir(exist_ok=True)
    path = folder / f"{facts['as_of']}.parquet"
    aside = folder / f".{path.name}.writing"
    pq.write_table(rows.replace_schema_metadata({_FACTS: json.dumps(dict(facts))}), aside, compression="zstd")
    sync(aside)
    aside.replace(path)
    sync(folder)
    for old in sorted(folder.glob("*.parquet"))[:-MOST_DAYS]:
        old.unlink()


@dataclass(frozen=True)
class Forecast:
    """What was expected on `day` of the next `horizon` days, of some customers of a base of `customers`.

    in_sample: the model had learnt from days after `day`; what happened then is no test of it.
    """

    day: int
    horizon: int
    customers: int
    model_version: str
    in_sample: bool
    rows: pa.Table

    @staticmethod
    def finished(folder: Path, as_of: int) -> Forecast | None:
        """Read the latest forecast whose horizon is over by the end of `as_of`; None if there is none."""
        for path in sorted(folder.glob("*.parquet"), reverse=True):
            schema = pq.read_schema(path)
            facts = json.loads((schema.metadata or {}).get(_FACTS, b"{}"))
            if facts and parse_day(facts["as_of"]) + facts["horizon"] <= as_of:
                rows = pq.read_table(path, columns=list(COLUMNS))
                day, version = parse_day(facts["as_of"]), facts["model_version"]
                in_sample = parse_day(facts.get("model_as_of", facts["as_of"])) > day
                return Forecast(day, facts["horizon"], facts["customers"], version, in_sample, rows)
        return None

    @property
    def days(self) -> tuple[int, int]:
        """The day of the forecast, and the last of its horizon."""
        return self.day, self.day + self.horizon

    @cached_property
    def tenth(self) -> Ints:
        """The tenth of the ranking that each customer stood in, 0 the best; (n,)."""
        return (as_numpy(self.rows["rank"]) - 1) * TENTHS // self.customers

    def happened(self, history: History) -> dict[str, list[float]]:
        """Return by tenth how many of the forecast's customers a history holds, who bought, and for how much."""
        some = history if isinstance(history, PeopleHistory) else self._among(history)
        if not len(some.names):
            return {name: [0.0] * TENTHS for name in SUMS}
        some.prepare(self.days)
        past = Past(some, self.day)
        ids = some.names.ids.take(as_arrow(past.customers.astype(np.int64), pa.int64()))
        place = places_among(ids, self.rows["customer_id"])
        known = place >= 0
        outcome = outcome_at(some, past.customers[known], self.day, self.horizon)
        tenth = self.tenth[place[known]]
        sums = (np.ones(len(tenth)), outcome.bought, outcome.value)
        return {name: np.bincount(tenth, one, TENTHS).tolist() for name, one in zip(SUMS, sums, strict=True)}

    def report(self, parts: Iterable[Mapping[str, list[float]]]) -> dict[str, Any]:
        """Return what was expected of each tenth and what happened, from the sums of all parts."""
        found = {name: np.zeros(TENTHS) for name in SUMS}
        for part in parts:
            for name in SUMS:
                found[name] += np.array(part[name])
        expected = {
            "expected_buyers": np.bincount(self.tenth, as_numpy(self.rows["p"]), TENTHS),
            "expected_value": np.bincount(self.tenth, as_numpy(self.rows["expected_value"]), TENTHS),
            "customers": np.bincount(self.tenth, minlength=TENTHS),
        }
        columns = {**expected, "buyers": found["buyers"], "value": found["value"]}
        tenths = [
            {"tenth": k + 1, **{name: float(values[k]) for name, values in columns.items()}}
            for k in range(TENTHS)
        ]
        return {
            "as_of": to_date(self.day).isoformat(),
            "until": to_date(self.day + self.horizon).isoformat(),
            "horizon": self.horizon,
            "model_version": self.model_version,
            "in_sample": self.in_sample,
            "customers_ranked": self.customers,
            "customers_gone": int(self.rows.num_rows - found["customers"].sum()),
            "total": {name: float(values.sum()) for name, values in columns.items()},
            "tenths": tenths,
        }

    def _among(self, history: History) -> History:
        """Return the history of the forecast's customers alone: the rest costs nothing."""
        place = places_among(history.names.ids, self.rows["customer_id"])
        return history.of_customers(np.flatnonzero(place >= 0))
