"""Generated shops of any size, with their truth: order lines as a shop would export them, events, and what is so.

    generate(World(lines=10_000_000), Path("world"), events=True, truth=True)

orders.parquet  order lines; 4 % of them come back some days later, as lines below zero under a new order id
events.parquet  e-mails sent, opened and clicked, visits, baskets filled and left
truth.parquet   each customer's rate, chance to leave, when they left, and expected orders of the next 90 days

Customers are made in blocks of about 500,000 lines, each from a generator seeded by (seed, block): no block depends
on another, memory is that of a few blocks, and a block is one row group, in the order of time. The same world gives
the same bytes, whatever the number of threads. How customers behave stands in worlds_customers, what they buy in
worlds_lines, what else they do in worlds_events.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from experiments.worlds_blocks import TRUTH, Block, Maker, World
from experiments.worlds_events import EVENTS
from experiments.worlds_lines import LINES

__all__ = ["Generated", "World", "generate"]
_DICTIONARY_BYTES = 1 << 23  # larger than the ids of a block


@dataclass(frozen=True)
class Generated:
    """What was written: the number of rows of each table, and the bytes of the order lines."""

    lines: int
    returns: int
    customers: int
    orders: int
    events: int
    bytes: int


def generate(
    world: World, out: Path, *, events: bool = False, truth: bool = False, threads: int = 2
) -> Generated:
    """Write a world's tables into the folder `out`; each appears whole, or not at all.

    threads: blocks made at a time, at some 300 MB each; the bytes do not depend on it.
    """
    out.mkdir(parents=True, exist_ok=True)
    asked = {"orders": True, "events": events, "truth": truth}
    schemas = {"orders": LINES, "events": EVENTS, "truth": TRUTH}
    tables = {name: schemas[name] for name, wanted in asked.items() if wanted}
    asides = {name: out / f".{name}.parquet.part" for name in tables}
    writers: dict[str, pq.ParquetWriter] = {}
    totals = np.zeros(5, dtype=np.int64)
    try:
        writers = {name: _writer(asides[name], schema) for name, schema in tables.items()}
        for block in _blocks(Maker.of(world), events=events, truth=truth, threads=threads):
            for name, table in (("orders", block.lines), ("events", block.events), ("truth", block.truth)):
                if table is not None:
                    writers[name].write_table(table, row_group_size=max(1, table.num_rows))
            counted = 0 if block.events is None else block.events.num_rows
            totals += (block.lines.num_rows, block.returns, block.customers, block.orders, counted)
        for writer in writers.values():
            writer.close()
        for name, aside in asides.items():
            aside.replace(out / f"{name}.parquet")
    finally:
        for writer in writers.values():
            writer.close()
        for aside in asides.values():
            aside.unlink(missing_ok=True)
    lines, returns, customers, orders, happened = map(int, totals)
    size = (out / "orders.parquet").stat().st_size
    return Generated(lines, returns, customers, orders, happened, size)


def _blocks(maker: Maker, *, events: bool, truth: bool, threads: int) -> Iterator[Block]:
    """Yield all blocks in their order, made by some threads, with few of them in memory."""
    waiting: deque[Future[Block]] = deque()
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        for number in range(maker.blocks):
            waiting.append(pool.submit(maker.block, number, events=events, truth=truth))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    times = ("ordered_at", "occurred_at")
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=[name for name in schema.names if name not in times],
        dictionary_pagesize_limit=_DICTIONARY_BYTES,
        store_schema=False,  # text is read back as plain text
    )
