"""Reference tables (features.references) fitted on everyone: workers add up their blocks, Spark adds up the blocks.

The sums of the blocks are added in the order of their places, so that the same orders give the same table to the bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning.clean import Cleaned
from features.kernel.buffers import as_arrow, as_numpy
from features.kernel.history import History
from features.kernel.population import DeclaredReference, Partial, Population
from features.kernel.reference import Reference, References
from features.kernel.running import Floats
from features.references import MOST_KEYS
from features.spark.customers import Place

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# place: of the declared table; what: of the sum; part: the block that it comes from.
SUMS = pa.schema(
    [
        ("place", pa.int32()), ("day", pa.int32()), ("what", pa.string()), ("key", pa.string()),
        ("part", pa.int64()), ("value", pa.float64()),
    ]
)  # fmt: skip
_LINES = ""  # the name of a sum that no function gives: the lines of each key
_BLOCKS = 2**20  # more than a task has
BATCH_ROWS = 50_000


@dataclass(frozen=True)
class Fitting:
    """What a worker adds up: these reference tables at the end of each of these days."""

    declared: tuple[DeclaredReference, ...]
    days: tuple[int, ...]

    def sums(self, place: Place, cleaned: Cleaned) -> Iterator[pa.Table]:
        """Yield the sums (SUMS) over the customers of a block."""
        partition, block = place
        if cleaned.lines.num_rows:
            history = History.from_lines(cleaned.lines)
            history.prepare(self.days)
            yield from self._tables(history, partition * _BLOCKS + block)

    def _tables(self, history: History, part: int) -> Iterator[pa.Table]:
        for place, one in enumerate(self.declared):
            for day in self.days:
                partial = one.partial(history, day)
                lines = _lines_of(history, day, one.key, partial.keys)
                for what, values in {**partial.sums, _LINES: lines}.items():
                    yield _rows(place, day, what, part, partial.keys, values)


def fitted(sums: DataFrame, fitting: Fitting) -> dict[int, References]:
    """Return the reference tables of each day. sums: SUMS of all blocks."""
    from pyspark.sql import functions as F

    values = F.sort_array(F.collect_list(F.struct("part", "value")))
    added = F.aggregate(values, F.lit(0.0), lambda total, one: total + one["value"])
    found = sums.groupBy("place", "day", "what", "key").agg(added.alias("value")).toArrow()
    return {
        day: References(
            {one.name: _table(found, place, one, day) for place, one in enumerate(fitting.declared)}
        )
        for day in fitting.days
    }


def _table(found: pa.Table, place: int, declared: DeclaredReference, day: int) -> Reference:
    """Make one table of its sums: kept are, as on one machine, the keys with the most lines."""
    some = found.filter(pc.and_(pc.equal(found["place"], place), pc.equal(found["day"], day)))
    lines = _sum(some, _LINES)
    names = sorted(set(some["what"].to_pylist()) - {_LINES})
    if not lines:
        return Reference(day, (), np.zeros(0))
    keys = sorted(lines)
    sums = {name: np.array([one[key] for key in keys]) for name in names for one in [_sum(some, name)]}
    table = declared.fit([Partial(day, tuple(keys), sums)])
    order = np.argsort([-lines[key] for key in keys], kind="stable")[:MOST_KEYS]
    most = {keys[i] for i in order}
    kept = [i for i, key in enumerate(table.keys) if key in most]
    return Reference(day, tuple(table.keys[i] for i in kept), table.values[kept])


def _sum(found: pa.Table, what: str) -> dict[str, float]:
    some = found.filter(pc.equal(found["what"], what))
    return dict(zip(some["key"].to_pylist(), as_numpy(some["value"]).tolist(), strict=True))


def _lines_of(history: History, day: int, key: str, keys: tuple[str, ...]) -> Floats:
    population = Population(history, day, key)
    lines = dict(zip(population.keys, population.lines().tolist(), strict=True))
    return np.array([lines[one] for one in keys], dtype=np.float64)


def _rows(place: int, day: int, what: str, part: int, keys: tuple[str, ...], values: Floats) -> pa.Table:
    n = len(keys)
    return pa.table(
        [
            as_arrow(np.full(n, place, dtype=np.int32), pa.int32()),
            as_arrow(np.full(n, day, dtype=np.int32), pa.int32()),
            pa.array([what] * n, pa.string()),
            pa.array(list(keys), pa.string()),
            as_arrow(np.full(n, part, dtype=np.int64), pa.int64()),
            as_arrow(np.asarray(values, dtype=np.float64), pa.float64()),
        ],
        schema=SUMS,
    )
