"""Reference tables (features.kernel.population) fitted on everyone: each task adds up its customers, Spark the tasks.

The sums of the tasks are added in the order of their numbers, so that the same orders give the same table to the bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.kernel.buffers import as_arrow, as_numpy
from features.kernel.history import History
from features.kernel.population import DeclaredReference, Partial
from features.kernel.reference import Reference, References
from features.spark.blocks import sliced
from features.spark.customers import Blocks
from features.spark.typing import spark_types

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# place: of the declared reference; what: of the sum; part: the task that it comes from.
_SUMS = pa.schema(
    [
        ("place", pa.int32()), ("day", pa.int32()), ("what", pa.string()), ("key", pa.string()),
        ("part", pa.int32()), ("value", pa.float64()),
    ]
)  # fmt: skip
_BATCH = 50_000


@dataclass(frozen=True)
class Fitting:
    """What a worker adds up: these reference tables at the end of each of these days."""

    blocks: Blocks
    declared: tuple[DeclaredReference, ...]
    days: tuple[int, ...]

    def sums(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the sums over the customers of a partition."""
        from pyspark import TaskContext

        context = TaskContext.get()
        part = context.partitionId() if context is not None else 0
        found: dict[tuple[int, int, str], dict[str, float]] = {}
        for cleaned in self.blocks.cleaned(batches):
            if cleaned.lines.num_rows:
                self._add(found, History.from_lines(cleaned.lines))
        for (place, day, what), values in sorted(found.items()):
            yield from sliced(_rows(place, day, what, part, values), _SUMS, rows=_BATCH)

    def _add(self, found: dict[tuple[int, int, str], dict[str, float]], history: History) -> None:
        history.prepare(self.days)
        for place, one in enumerate(self.declared):
            for day in self.days:
                partial = one.partial(history, day)
                for what, values in partial.sums.items():
                    sums = found.setdefault((place, day, what), {})
                    for key, value in zip(partial.keys, values.tolist(), strict=True):
                        sums[key] = sums.get(key, 0.0) + value


def fitted(customers: DataFrame, fitting: Fitting) -> dict[int, References]:
    """Return the reference tables of each day. customers: the typed rows, partitioned by customer and sorted."""
    from pyspark.sql import functions as F

    def task(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return fitting.sums(batches)

    values = F.sort_array(F.collect_list(F.struct("part", "value")))
    added = F.aggregate(values, F.lit(0.0), lambda total, one: total + one["value"])
    found = (
        customers.mapInArrow(task, spark_types(_SUMS))
        .groupBy("place", "day", "what", "key")
        .agg(added.alias("value"))
        .orderBy("key")
        .toArrow()
    )
    return {day: References(dict(_tables(found, fitting.declared, day))) for day in fitting.days}


def wanted_references(
    declared: Iterable[DeclaredReference], needed: Sequence[str], present: Sequence[str]
) -> tuple[DeclaredReference, ...]:
    """Return those reference tables that some feature needs and whose key column is there."""
    return tuple(one for one in declared if one.name in needed and one.key in present)


def _tables(
    found: pa.Table, declared: Sequence[DeclaredReference], day: int
) -> Iterator[tuple[str, Reference]]:
    for place, one in enumerate(declared):
        some = found.filter(pc.and_(pc.equal(found["place"], place), pc.equal(found["day"], day)))
        names = sorted(set(some["what"].to_pylist()))
        parts = [some.filter(pc.equal(some["what"], name)) for name in names]
        keys = tuple(parts[0]["key"].to_pylist()) if parts else ()
        sums = {name: as_numpy(part["value"]) for name, part in zip(names, parts, strict=True)}
        yield one.name, one.fit([Partial(day, keys, sums)])


def _rows(place: int, day: int, what: str, part: int, values: dict[str, float]) -> pa.Table:
    n = len(values)
    return pa.table(
        [
            as_arrow(np.full(n, place, dtype=np.int32), pa.int32()),
            as_arrow(np.full(n, day, dtype=np.int32), pa.int32()),
            pa.array([what] * n, pa.string()),
            pa.array(list(values), pa.string()),
            as_arrow(np.full(n, part, dtype=np.int32), pa.int32()),
            as_arrow(np.array(list(values.values()), dtype=np.float64), pa.float64()),
        ],
        schema=_SUMS,
    )
