"""The lines of linked ids, kept on disk until all partitions have been seen."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc

from features.kernel.buffers import as_arrow
from features.shop.by_customer import among, filtered, plain_text, sorted_by_customer
from features.shop.identity import Identity


@dataclass
class SetAside:
    """One Arrow file for each partition, in which each block of people is one batch."""

    folder: Path
    identity: Identity
    files: list[Path] = field(default_factory=list)
    schema: pa.Schema | None = None

    def part(self, lines: pa.Table) -> tuple[pa.Table, pa.Table]:
        """Return the lines of ids that are linked to none, and those of the linked ids."""
        linked = among(lines["customer_id"], self.identity.ids)
        if not linked.any():
            return lines, lines.slice(0, 0)
        return filtered(lines, ~linked), filtered(lines, linked)

    def keep(self, lines: pa.Table) -> None:
        """Keep the lines of linked ids."""
        lines = plain_text(lines)
        self.schema = lines.schema
        if not lines.num_rows:
            return
        block = self.identity.block_of(lines["customer_id"].combine_chunks())
        order = np.argsort(block, kind="stable")
        ends = np.searchsorted(block[order], np.arange(self.identity.blocks + 1))
        lines = lines.take(as_arrow(order, pa.int64())).combine_chunks()
        path = self.folder / f"{len(self.files):04d}.arrow"
        options = ipc.IpcWriteOptions(compression="lz4")
        with ipc.new_file(str(path), lines.schema, options=options) as writer:
            for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
                for batch in lines.slice(start, end - start).to_batches() or [_nothing(lines.schema)]:
                    writer.write_batch(batch)
        self.files.append(path)

    def block(self, number: int) -> pa.Table:
        """Return the lines of one block of people, sorted by own id."""
        assert self.schema is not None, "no partition was kept"
        tables = [self.schema.empty_table()]
        for path in self.files:
            with pa.memory_map(str(path)) as file:
                tables.append(pa.Table.from_batches([ipc.open_file(file).get_batch(number)]))
        return sorted_by_customer(tables)


@contextmanager
def set_aside(identity: Identity) -> Iterator[SetAside]:
    """Open an empty folder for the lines of linked ids; it goes in the end."""
    with tempfile.TemporaryDirectory(prefix="repurchase-") as folder:
        yield SetAside(Path(folder), identity)


def _nothing(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(0, one.type) for one in schema], schema=schema)
