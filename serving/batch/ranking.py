"""The order of all customers and their layers, from a few numbers of each: what no part can know by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from campaigns import layers
from campaigns.layers import Layers, layer_columns
from contracts.tables import scores_schema
from contracts.training import Floats
from features.kernel.buffers import as_arrow, as_numpy
from features.kernel.running import Ints
from serving.batch import history
from serving.batch.buckets import Buckets
from serving.batch.parts import SHARED, mapped
from serving.rank import Scoring, rank_order, ranked_by

# Where a customer's details lie: the part, and the row in its file; -1 where there are none.
PLACES = (pa.field("part", pa.int32(), nullable=False), pa.field("at", pa.int32(), nullable=False))
TENTHS = 10


@dataclass(frozen=True)
class Terms:
    """What turns expected value into profit: its share of the amount, and contacts per customer and year."""

    margin: float
    contact_cost: float


@dataclass
class Summary:
    """What is told of a ranking. tenths: by rank, each (customers, buyers, value); groups: by layer and name."""

    tenths: list[tuple[int, float, float]] = field(default_factory=list)
    groups: dict[str, dict[str, tuple[int, float]]] = field(default_factory=dict)

    def add(self, layer: str, names: Any, value: Floats) -> None:
        """Count some customers into their groups; names, value: (m,)."""
        found = self.groups.setdefault(layer, {})
        words, place = np.unique(names.astype(str), return_inverse=True)
        counts, sums = np.bincount(place), np.bincount(place, value)
        for word, count, worth in zip(words.tolist(), counts.tolist(), sums.tolist(), strict=True):
            before = found.get(word, (0, 0.0))
            found[word] = (before[0] + count, before[1] + worth)


@dataclass(frozen=True)
class Ranking:
    """The ranks of all customers of finished parts. starts: (parts + 1,); rank, percentile: (n,) in their order."""

    paths: Sequence[Path]
    scoring: Scoring
    terms: Terms
    starts: Ints
    rank: Ints
    percentile: Floats
    layers: Layers
    summary: Summary

    @staticmethod
    def of(paths: Sequence[Path], counts: Sequence[int], scoring: Scoring, terms: Terms) -> Ranking:
        """Rank the customers of parts with so many customers each; there is at least one."""
        starts = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)))
        numbers = _Numbers(paths, starts)
        value = numbers.read(_value(scoring))
        by = value if scoring.rank_by == "value" else numbers.read(ranked_by(scoring))
        order, percentiles = rank_order(by, numbers.ids_at)
        best_first = value[order]
        columns = {name: numbers.read(name)[order] for name in layers.OF_ALL}
        found = Layers.find(
            best_first * terms.margin,
            columns,
            horizon=scoring.rank_horizon,
            contact_cost=terms.contact_cost,
        )
        del columns
        chance = numbers.read(_chance(scoring))[order]
        rank, percentile = np.empty(len(order), dtype=np.int64), np.empty(len(order))
        rank[order], percentile[order] = np.arange(1, len(order) + 1), percentiles
        summary = Summary(_tenths(chance, best_first))
        return Ranking(paths, scoring, terms, starts, rank, percentile, found, summary)

    @property
    def customers(self) -> int:
        """How many there are."""
        return len(self.rank)

    @property
    def schema(self) -> pa.Schema:
        """The columns of the buckets: the scores without those that all share, and PLACES."""
        own = [one for one in scores_schema(self.scoring.horizons) if one.name not in SHARED]
        return pa.schema([*own, *PLACES])

    def fill(self, buckets: Buckets, slim: Path, *, with_details: bool) -> None:
        """Bring all rows into buckets, and write the few columns that comparisons need (history.COLUMNS) to `slim`."""
        with pq.ParquetWriter(slim, self._slim_schema, compression="lz4") as writer:
            for rows in self._parts(with_details):
                buckets.add(rows)
                writer.write_table(self._slim(rows))

    def rows(self, buckets: Buckets, shared: dict[str, Any]) -> Iterator[pa.Table]:
        """Yield the scores by rank as tables of contracts.tables.scores_schema with PLACES; shared: of SHARED."""
        schema = pa.schema([*scores_schema(self.scoring.horizons), *PLACES])
        for table in buckets.tables():
            n = table.num_rows
            columns = [
                pa.repeat(pa.scalar(shared[one.name], one.type), n) if one.name in shared else table[one.name]
                for one in schema
            ]
            yield pa.table(columns, schema=schema)

    def _parts(self, with_details: bool) -> Iterator[pa.Table]:
        """Yield each part's rows by rank, with everything that is known now."""
        for number, path in enumerate(self.paths):
            start, end = int(self.starts[number]), int(self.starts[number + 1])
            if end > start:
                yield self._part(mapped(path), number, slice(start, end), with_details)

    def _part(self, table: pa.Table, number: int, inside: slice, with_details: bool) -> pa.Table:
        rank, n = self.rank[inside], table.num_rows
        value = as_numpy(table[_value(self.scoring)])
        names = self.layers.of(value * self.terms.margin, layer_columns(table))
        at = np.arange(n, dtype=np.int32) if with_details else np.full(n, -1, dtype=np.int32)
        added = {
            "rank": as_arrow(rank, pa.int64()),
            "percentile": as_arrow(self.percentile[inside], pa.float64()),
            "part": as_arrow(np.full(n, number if with_details else -1, dtype=np.int32), pa.int32()),
            "at": as_arrow(at, pa.int32()),
        }
        for name, texts in names.items():
            added[name] = pa.array(texts, pa.string())
            self.summary.add(name, texts, value)
        columns = [added[one.name] if one.name in added else table[one.name] for one in self.schema]
        order = as_arrow(np.argsort(rank), pa.int64())
        return pa.table(columns, schema=self.schema).take(order).combine_chunks()

    @property
    def _slim_schema(self) -> pa.Schema:
        kinds = {one.name: one.type for one in self.schema}
        return pa.schema([(name, kinds.get(name, pa.float64())) for name in history.COLUMNS])

    def _slim(self, rows: pa.Table) -> pa.Table:
        found = {"p": _chance(self.scoring), "expected_value": _value(self.scoring)}
        return pa.table([rows[found.get(name, name)] for name in history.COLUMNS], schema=self._slim_schema)


@dataclass(frozen=True)
class _Numbers:
    """Columns of all parts, one after the other."""

    paths: Sequence[Path]
    starts: Ints

    def read(self, name: str) -> Floats:
        """Return a column of numbers; (n,)."""
        values = np.empty(int(self.starts[-1]))
        for number, path in enumerate(self.paths):
            start, end = int(self.starts[number]), int(self.starts[number + 1])
            if end > start:
                values[start:end] = as_numpy(mapped(path)[name])
        return values

    def ids_at(self, rows: Ints) -> pa.Array:
        """Return the ids of some customers, in the order in which they are asked for."""
        by_place = np.argsort(rows, kind="stable")
        ends = np.searchsorted(rows[by_place], self.starts[1:])
        found, start = [], 0
        for number, end in enumerate(ends.tolist()):
            if end > start:
                inside = rows[by_place[start:end]] - self.starts[number]
                ids = mapped(self.paths[number])["customer_id"].combine_chunks()
                found.append(ids.take(as_arrow(inside, pa.int64())))
            start = end
        back = np.empty(len(rows), dtype=np.int64)
        back[by_place] = np.arange(len(rows))
        return pa.concat_arrays(found).take(as_arrow(back, pa.int64()))


def _value(scoring: Scoring) -> str:
    return f"expected_value_{scoring.rank_horizon}d"


def _chance(scoring: Scoring) -> str:
    return f"p_repurchase_{scoring.rank_horizon}d"


def _tenths(chance: Floats, value: Floats) -> list[tuple[int, float, float]]:
    parts = np.array_split(np.arange(len(value)), min(TENTHS, len(value)))
    return [(len(part), float(chance[part].sum()), float(value[part].sum())) for part in parts]
