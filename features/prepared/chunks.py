"""The files of one delivery: a chunk of typed rows for each partition, and the refused rows as they were written.

Each file's checksum stands in the manifest and is verified before anything reads the file: Arrow has none of its own,
and damaged offsets would end the process.
"""

from __future__ import annotations

import resource
import shutil
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from contracts.errors import ArtifactError
from features.cleaning.quarantine import read_quarantine
from features.kernel.buffers import as_arrow, as_numpy
from features.prepared.ingest import Intake, require_dates, row_schema
from features.prepared.overview import Overview

_OTHER_FILES = 200
# All that tells rows of one customer, or else rows that may be the same one, from others.
_TOGETHER = "coalesce(customer_id, order_id, ordered_at::VARCHAR, '')"


def rows_folder(folder: Path, number: int) -> Path:
    """Return where a delivery's chunks are."""
    return folder / "rows" / f"{number:04d}"


def refused_file(folder: Path, number: int) -> Path:
    """Return where a delivery's refused rows are."""
    return folder / "refused" / f"{number:04d}.parquet"


def write_chunks(intake: Intake, folder: Path, *, number: int, partitions: int) -> tuple[Overview, list[int]]:
    """Write one delivery; return its overview and the checksums of its chunks and, last, of its refused rows.

    Nothing is left behind if that fails.
    """
    rows, refused = rows_folder(folder, number), refused_file(folder, number)
    aside = rows.with_name(rows.name + ".part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    refused.parent.mkdir(exist_ok=True)
    try:
        overview, where = _scatter(intake, aside, partitions)
        require_dates(intake.con, intake.readings[0], overview)
        pq.write_table(read_quarantine(intake.con, intake.readings, where, numbered=True), refused)
        sums = [*(_sum_of(aside / _chunk(k)) for k in range(partitions)), _sum_of(refused)]
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        refused.unlink(missing_ok=True)
        raise
    aside.replace(rows)
    return overview, sums


def read_chunk(folder: Path, *, number: int, partition: int, checksum: int) -> pa.Table:
    """Return the typed rows of a delivery that are in one partition; ArtifactError if they are gone or damaged."""
    path = rows_folder(folder, number) / _chunk(partition)
    return _verified(path, checksum, lambda buffer: ipc.open_file(buffer).read_all())


def read_refused(folder: Path, *, number: int, checksum: int) -> pa.Table:
    """Return a delivery's refused rows, numbered; ArtifactError if they are gone or damaged."""
    return _verified(
        refused_file(folder, number), checksum, lambda buffer: pq.read_table(pa.BufferReader(buffer))
    )


def _chunk(partition: int) -> str:
    return f"{partition:04d}.arrow"


def _verified(path: Path, checksum: int, read: Callable[[pa.Buffer], pa.Table]) -> pa.Table:
    try:
        with pa.memory_map(str(path)) as file:
            buffer = file.read_buffer()
            if zlib.crc32(memoryview(buffer)) == checksum:
                return read(buffer)
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"{path} is gone or damaged ({error}). Prepare the orders again.") from None
    raise ArtifactError(f"{path} is damaged (checksum). Prepare the orders again.")


def _sum_of(path: Path) -> int:
    with pa.memory_map(str(path)) as file:
        return zlib.crc32(memoryview(file.read_buffer()))


def _scatter(intake: Intake, folder: Path, partitions: int) -> tuple[Overview, pa.Table]:
    """Write the typed rows into one file per partition; return their overview and which rows are refused."""
    schema = row_schema(intake.optional)
    overview, refused = Overview(), []
    part = f"(hash({_TOGETHER}) % {partitions})::SMALLINT AS part,"
    intake.con.execute("SET preserve_insertion_order = false")
    _allow_open_files(partitions)
    with ExitStack() as opened:
        # One batch is written while the next one is made.
        pool, writing = opened.enter_context(ThreadPoolExecutor(1)), None
        writers = [opened.enter_context(_writer(folder / _chunk(k), schema)) for k in range(partitions)]
        for reading in intake.readings:
            for batch in intake.batches(reading, part):
                rows = pa.Table.from_batches([batch])
                overview += Overview.of(rows)
                bad = np.flatnonzero(as_numpy(rows["reason"]) > 0)
                refused.append(
                    rows.select(["source", "source_row", "reason"]).take(as_arrow(bad, pa.int64()))
                )
                if writing is not None:
                    writing.result()
                writing = pool.submit(_write_parts, rows, writers)
        if writing is not None:
            writing.result()
    return overview, pa.concat_tables(refused)


def _write_parts(rows: pa.Table, writers: list[ipc.RecordBatchFileWriter]) -> None:
    part = as_numpy(rows["part"])
    rows = rows.drop_columns(["part"])
    if len(writers) > 1:
        order = np.argsort(part, kind="stable")
        rows, part = rows.take(as_arrow(order, pa.int64())), part[order]
    ends = np.searchsorted(part, np.arange(len(writers) + 1))
    for writer, start, end in zip(writers, ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        if end > start:
            writer.write_table(rows.slice(start, end - start))


def _writer(path: Path, schema: pa.Schema) -> ipc.RecordBatchFileWriter:
    return ipc.new_file(str(path), schema, options=ipc.IpcWriteOptions(compression="lz4"))


def _allow_open_files(count: int) -> None:
    """Raise this process's own limit of open files, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))
