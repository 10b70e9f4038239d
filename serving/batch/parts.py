"""One part of a base: its scores without rank, its details and its counts, made from its history alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc

from campaigns import layers
from contracts.days import to_date
from contracts.tables import scores_schema
from features.kernel.buffers import as_numpy
from features.kernel.declaration import Catalog
from features.kernel.history import History
from models.bundle import Bundle
from serving.batch.details import details_of, write_details
from serving.batch.drift import Reference
from serving.batch.history import Forecast
from serving.disk import naming, sync
from serving.rank import VALID_DAYS, Scored, Scoring, scored_customers

# Columns that say the same of all customers: not in the parts.
SHARED = ("as_of", "model", "model_version", "currency", "scored_at", "valid_until")
# Columns that are known once all customers are.
LATER = ("rank", "percentile", *layers.NAMES)


@dataclass(frozen=True)
class PartMaker:
    """Makes parts of one run. reference: what drift is measured against; forecast: what is held against the orders."""

    bundle: Bundle
    scoring: Scoring
    catalog: Catalog
    with_details: bool
    reference: Reference | None = None
    forecast: Forecast | None = None

    @property
    def days(self) -> tuple[int, ...]:
        """The days that histories are asked for."""
        return (self.scoring.as_of, *(self.forecast.days if self.forecast else ()))

    def make(self, history: History, *, scores: Path, details: Path) -> dict[str, Any]:
        """Write a part's files and return what there is to note: customers, counts, CPU seconds of this thread."""
        clock = _Laps()
        scored = scored_customers(
            history, self.bundle, self.scoring, catalog=self.catalog, beside=layers.FEATURES
        )
        clock.lap("features and models")
        write_part(scores, scored.scores.select(part_schema(self.scoring.horizons).names))
        shared = shared_values(scored.scores)
        clock.lap("writing scores")
        if self.with_details:
            names = self.bundle.features
            write_details(details, details_of(history, scored.features, self.scoring.as_of, features=names))
        clock.lap("writing details")
        counts = self._counts(scored)
        finished = self.forecast.happened(history) if self.forecast else None
        clock.lap("counting")
        return {
            "customers": scored.scores.num_rows,
            "shared": shared,
            "drift": counts,
            "finished": finished,
            "cpu": clock.laps,
        }

    def _counts(self, scored: Scored) -> dict[str, list[int]] | None:
        if self.reference is None:
            return None
        found = {name: as_numpy(scored.scores[column]) for name, column in self.reference.scores.items()}
        return self.reference.counts({**scored.features.columns, **found})


def part_schema(horizons: tuple[int, ...]) -> pa.Schema:
    """Return the columns of a part: the scores without SHARED and LATER, and the features that layers read."""
    own = [field for field in scores_schema(horizons) if field.name not in (*SHARED, *LATER)]
    return pa.schema([*own, *(pa.field(name, pa.float64(), nullable=False) for name in layers.FEATURES)])


def write_part(path: Path, scores: pa.Table) -> None:
    """Write a part's scores aside, as one batch, and put them in place whole."""
    aside = path.with_name(f".{path.name}.writing")
    with naming(aside), ipc.new_file(str(aside), scores.schema) as writer:
        writer.write_table(scores.combine_chunks())
    sync(aside)
    aside.replace(path)


def mapped(path: Path) -> pa.Table:
    """Open a part's scores without reading them."""
    with pa.memory_map(str(path)) as file:
        return ipc.open_file(file).read_all()


def shared_values(scores: pa.Table) -> dict[str, str] | None:
    """Return the texts that all customers of a part share; None for a part without customers."""
    return {"model": scores["model"][0].as_py()} if scores.num_rows else None


def shared_columns(bundle: Bundle, scoring: Scoring, shared: Mapping[str, str]) -> dict[str, Any]:
    """Return the value of each of SHARED."""
    return {
        "as_of": to_date(scoring.as_of),
        "model": shared["model"],
        "model_version": bundle.version,
        "currency": bundle.manifest["currency"],
        "scored_at": scoring.scored_at.astimezone(UTC),
        "valid_until": to_date(scoring.as_of) + timedelta(days=VALID_DAYS),
    }


class _Laps:
    """The CPU seconds of this thread between one lap and the next; LightGBM's other threads are not in them."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self.laps: dict[str, float] = {}
        self._clock = clock
        self._since = clock()

    def lap(self, name: str) -> None:
        now = self._clock()
        self.laps[name] = now - self._since
        self._since = now
