"""Rows of many parts brought into rank order: each part's rows go to buckets of consecutive ranks, then each bucket is
sorted by itself. Memory is bounded by one bucket and one part."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc

from features.kernel.buffers import as_arrow, as_numpy

ROWS = 2**17
MOST = 400  # files that are open at once
_BUFFER = 2**17


class Buckets:
    """Files of rows with consecutive ranks in a folder of their own, open for writing inside `with`."""

    def __init__(self, folder: Path, schema: pa.Schema, *, customers: int, rows: int = ROWS) -> None:
        self._folder, self._schema = folder, schema
        self._rows = max(rows, -(-customers // MOST))
        self._customers = customers
        self._open = ExitStack()
        self._writers: list[ipc.RecordBatchStreamWriter] = []

    def __enter__(self) -> Self:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir()
        for number in range(self._count):
            file = self._open.enter_context(pa.OSFile(str(self._path(number)), "wb"))
            buffered = self._open.enter_context(pa.BufferedOutputStream(file, _BUFFER))
            self._writers.append(self._open.enter_context(ipc.new_stream(buffered, self._schema)))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def add(self, rows: pa.Table) -> None:
        """Add rows of a part with their column `rank`; ascending."""
        rank = as_numpy(rows["rank"])
        ends = np.searchsorted(rank, np.arange(1, self._count + 1) * self._rows, side="right")
        start = 0
        for writer, end in zip(self._writers, ends.tolist(), strict=True):
            if end > start:
                writer.write_table(rows.slice(start, end - start))
            start = end

    def tables(self) -> Iterator[pa.Table]:
        """Yield all rows by rank, one bucket after the other; a bucket's file is removed behind it."""
        for number in range(self._count):
            path = self._path(number)
            with pa.OSFile(str(path), "rb") as file:
                rows = ipc.open_stream(file).read_all()
            path.unlink()
            order = np.empty(rows.num_rows, dtype=np.int64)
            order[as_numpy(rows["rank"]) - 1 - number * self._rows] = np.arange(rows.num_rows)
            yield rows.take(as_arrow(order, pa.int64())).combine_chunks()

    @property
    def _count(self) -> int:
        return max(-(-self._customers // self._rows), 1)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:05d}.arrow"
