"""Blocks of whole customers become rows: of whatever is made of them, or of features, cutoff by cutoff."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import pyarrow as pa

from contracts.training import Outcome
from features.cleaning.account import Account
from features.cleaning.clean import Cleaned, Frame, clean
from features.kernel.declaration import Catalog
from features.kernel.history import History
from features.kernel.reference import References
from features.panel import each_cutoff
from features.spark.blocks import sliced, whole_groups
from features.spark.typing import KEY, from_wire

# (partition, block): the same whenever Spark runs a task again.
Place = tuple[int, int]
# By place, so that a task that Spark runs twice counts once.
Noted = dict[Place, dict[str, Any]]


class NotedParam:
    """How the notes of tasks come together on the driver (a Spark accumulator)."""

    def zero(self, value: Noted) -> Noted:
        """Return no notes."""
        return {}

    def addInPlace(self, one: Noted, other: Noted) -> Noted:
        """Add notes to others."""
        one.update(other)
        return one


@dataclass(frozen=True)
class Blocks:
    """What a worker needs to clean whole customers. optional: the optional columns of the typed rows."""

    frame: Frame
    optional: tuple[str, ...]
    rows: int

    def cleaned(self, batches: Iterator[pa.RecordBatch]) -> Iterator[Cleaned]:
        """Yield the customers of a partition, block by block, cleaned."""
        for rows in whole_groups(batches, KEY, rows=self.rows):
            yield clean(from_wire(rows, self.optional), self.frame)


@dataclass(frozen=True)
class EachBlock:
    """What a worker makes of each block of a partition: tables with the columns of `schema`.

    make: called with the block's place and the block, cleaned. batch_rows: passed on at once, at most.
    """

    blocks: Blocks
    schema: pa.Schema
    make: Callable[[Place, Cleaned], Iterable[pa.Table]]
    batch_rows: int = 10_000

    def rows(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a partition."""
        partition = task_number()
        for block, cleaned in enumerate(self.blocks.cleaned(batches)):
            for table in self.make((partition, block), cleaned):
                yield from sliced(table, self.schema, rows=self.batch_rows)


@dataclass(frozen=True)
class Work:
    """What a worker does to a block of customers that features are wanted of.

    catalog: features for which everything needed is there. notes: the accumulator.
    """

    days: tuple[int, ...]
    horizons: tuple[int, ...]
    observed_until: int
    catalog: Catalog
    references: Mapping[int, References] | None
    notes: Any

    @property
    def schema(self) -> pa.Schema:
        """The columns that are written."""
        outcomes = [f"outcome_{one.name}_{h}d" for h in self.horizons for one in fields(Outcome)]
        names = [*(one.name for one in self.catalog), *outcomes]
        return pa.schema(
            [("customer_id", pa.string()), ("cutoff", pa.date32()), *((name, pa.float64()) for name in names)]
        )

    def features(self, place: Place, cleaned: Cleaned) -> Iterator[pa.Table]:
        """Yield features (and outcomes) of a block, cutoff by cutoff."""
        rows = 0
        for table in self._tables(cleaned.lines):
            rows += table.num_rows
            yield table
        self.notes.add({place: _note(cleaned, rows)})

    def _tables(self, lines: pa.Table) -> Iterator[pa.Table]:
        if not lines.num_rows:
            return
        panels = each_cutoff(
            History.from_lines(lines), self.days, horizons=self.horizons, observed_until=self.observed_until,
            catalog=self.catalog, references=self.references,
        )  # fmt: skip
        for panel in panels:
            yield panel.to_arrow()


def task_number() -> int:
    """Return the number of the partition that this task works on, 0 outside Spark."""
    from pyspark import TaskContext

    context = TaskContext.get()
    return 0 if context is None else int(context.partitionId())


def total(noted: Noted) -> tuple[Account, pa.Table, int]:
    """Return the account of all blocks, one row for each flag, and how many rows of features there are."""
    notes = [noted[key] for key in sorted(noted)]
    flags = sum((Counter(one["flags"]) for one in notes), Counter[str]())
    names = pa.array([flag for flag, n in sorted(flags.items()) for _ in range(n)], pa.string())
    accounts = [Account.of_dict(one["account"]) for one in notes]
    return Account.total(accounts), pa.table({"flag": names}), sum(one["rows"] for one in notes)


def _note(cleaned: Cleaned, rows: int) -> dict[str, Any]:
    flags = Counter(cleaned.flags["flag"].to_pylist())
    return {"account": cleaned.account.to_dict(), "flags": dict(flags), "rows": rows}
