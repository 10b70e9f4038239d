"""Publish a ranking: tables of scores in, one immutable store out, swapped in by one rename.

Everything is written aside; whatever fails before the rename leaves the previous ranking as it was. Memory is bounded
by one of the tables given.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import ArtifactError, ContractError, DataError
from contracts.tables import scores_schema
from serving.disk import only_writer, sha256_of
from serving.stored.by_id import write_by_id
from serving.stored.details import FOLDER, part_name
from serving.stored.lookup_writer import BATCH_ROWS, LookupWriter
from serving.stored.manifest import Manifest, facts, main_horizon, plain, seal
from serving.stored.packed import PLACES
from serving.stored.ranked_tables import RankedTables, in_pieces
from serving.stored.shelf import Shelf, check_target

FORMATS = ("parquet", "csv", "jsonl")
_PIECE_ROWS = 2 * BATCH_ROWS  # written at once


class _Writer(Protocol):
    def write(self, table: pa.Table) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Beside:
    """What is published beside the scores. details: a folder of finished parts."""

    report: Mapping[str, Any] | None
    changed: Path | pa.Table | None
    details: Path | None


def publish(
    scores: pa.Table | Iterable[pa.Table],
    folder: Path,
    *,
    manifest: Mapping[str, Any],
    formats: Sequence[str] = ("parquet", "csv"),
    excel_safe: bool = False,
    report: Mapping[str, Any] | None = None,
    changed: Path | pa.Table | None = None,
    details: Path | None = None,
    keep: int = 2,
) -> Path:
    """Publish scores under `folder` in one step and return the new store's folder.

    scores: one table, or tables by rank one after the other; with the columns `part` and `at` where there are details.
    manifest: what the caller tells about the run (`ranked_by` names the main horizon, `model_as_of` the model's data);
    the store's own facts are added. formats: of the scores' files; Parquet is always written. changed, details: a file
    and a folder are moved in. keep: stores kept, this one among them.

    Raises DataError if there is nobody to publish, ContractError if the tables are not scores, ArtifactError if the
    folder cannot be written or another process is writing; the previous ranking then stays.
    """
    _check_asked(formats, keep)
    told, beside = plain(manifest), Beside(report, changed, details)
    check_target(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with only_writer(folder / ".lock"):
            tables = iter([scores] if isinstance(scores, pa.Table) else scores)
            home = _publish(tables, Shelf(folder, keep), told, beside, formats, excel_safe)
    except OSError as error:
        raise ArtifactError(
            f"{folder}: nothing was published ({error}). The previous ranking stays."
        ) from error
    _remove_given(beside)
    return home


def _check_asked(formats: Sequence[str], keep: int) -> None:
    if unknown := sorted(set(formats).difference(FORMATS)):
        raise ContractError(f"formats are {', '.join(FORMATS)}, not {unknown}")
    if keep < 1:
        raise ContractError(f"keep must be at least 1, not {keep}")


def _publish(
    tables: Iterator[pa.Table],
    shelf: Shelf,
    told: Manifest,
    beside: Beside,
    formats: Sequence[str],
    excel_safe: bool,
) -> Path:
    checked = RankedTables(tables)
    first = next(checked, None)
    if first is None:
        raise DataError("There is no customer to publish; the previous ranking stays.")
    fresh = shelf.begin()
    try:
        opened = _openers(fresh, checked.horizons, told, formats, excel_safe)
        _write_all(chain([first], checked), opened)
        _write_beside(fresh, beside)
        write_by_id(fresh / "by_id.arrow", _ids_of(fresh / "lookup.arrow"))
        _check_parts(fresh, checked.parts)
        entries = {**told, **facts(checked.contents, told)}
        _write_manifest(fresh, entries)
        return shelf.admit(fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _openers(
    fresh: Path, horizons: tuple[int, ...], told: Manifest, formats: Sequence[str], excel_safe: bool
) -> list[Callable[[], _Writer]]:
    """Return what opens each file that is written table by table; the look-up is the first."""
    from serving.outputs.writers import CsvWriter, JsonLinesWriter

    schema, horizon = scores_schema(horizons), main_horizon(horizons, told)
    opened: list[Callable[[], _Writer]] = [
        lambda: LookupWriter(fresh / "lookup.arrow", horizons=horizons, horizon=horizon),
        lambda: _Parquet(fresh / "scores.parquet", schema),
    ]
    if "csv" in formats:
        opened.append(lambda: CsvWriter(fresh / "scores.csv", schema, excel_safe=excel_safe))
    if "jsonl" in formats:
        opened.append(lambda: JsonLinesWriter(fresh / "scores.jsonl", schema))
    return opened


def _write_all(tables: Iterator[pa.Table], openers: Sequence[Callable[[], _Writer]]) -> None:
    """Write every table to all files, each file in a thread of its own."""
    with ExitStack() as stack:
        threads = stack.enter_context(ThreadPoolExecutor(len(openers)))
        writers = []
        for opened in openers:
            writers.append(opened())
            stack.callback(writers[-1].close)
        lookup, *others = writers
        for piece in in_pieces(tables, _PIECE_ROWS):
            scores = piece.drop_columns([name for name in PLACES if name in piece.column_names])
            running = [threads.submit(lookup.write, piece)]
            running += [threads.submit(writer.write, scores) for writer in others]
            wait(running)  # none may be closed while it still writes
            for done in running:
                done.result()


class _Parquet:
    """scores.parquet: row groups like the batches of lookup.arrow, so that a batch's rows are one row group."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        texts = [field.name for field in schema if not _is_number(field.type)]
        self._file = pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=texts)

    def write(self, table: pa.Table) -> None:
        self._file.write_table(table, row_group_size=BATCH_ROWS)

    def close(self) -> None:
        self._file.close()


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_list(kind) or pa.types.is_int64(kind))


def _ids_of(lookup: Path) -> pa.ChunkedArray:
    with pa.memory_map(str(lookup)) as content:
        reader = pa.ipc.open_file(content)
        return pa.chunked_array(
            [reader.get_batch(number).column("customer_id") for number in range(reader.num_record_batches)]
        )


def _write_beside(fresh: Path, beside: Beside) -> None:
    if beside.report is not None:
        text = json.dumps(plain(beside.report), indent=2)
        (fresh / "report.json").write_text(text, encoding="utf-8")
    if isinstance(beside.changed, Path):
        _put(beside.changed, fresh / "changed.parquet")
    elif beside.changed is not None:
        pq.write_table(beside.changed, fresh / "changed.parquet", compression="zstd")
    if beside.details is not None:
        (fresh / FOLDER).mkdir()
        for path in beside.details.glob("*.parquet"):
            _put(path, fresh / FOLDER / path.name)


def _put(path: Path, target: Path) -> None:
    """Give a finished file a second name, or copy it where the disk knows no links."""
    try:
        target.hardlink_to(path)
    except OSError:
        shutil.copyfile(path, target)


def _remove_given(beside: Beside) -> None:
    """Remove what was moved into the store, now that it is published."""
    if isinstance(beside.changed, Path):
        beside.changed.unlink(missing_ok=True)
    if beside.details is not None:
        shutil.rmtree(beside.details, ignore_errors=True)


def _check_parts(fresh: Path, parts: Mapping[int, int]) -> None:
    """Refuse customers whose details are in no file; parts: the greatest row asked for, by part."""
    for part, last in parts.items():
        path = fresh / part_name(part)
        rows = pq.read_metadata(path).num_rows if path.is_file() else 0
        if last >= rows:
            raise ContractError(f"the scores name row {last} of {part_name(part)}, which has {rows} rows")


def _write_manifest(fresh: Path, entries: Manifest) -> None:
    paths = sorted(path for path in fresh.rglob("*") if path.is_file())
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        sums = list(threads.map(sha256_of, paths))
    entries["files"] = {
        path.relative_to(fresh).as_posix(): {"sha256": found, "bytes": path.stat().st_size}
        for path, found in zip(paths, sums, strict=True)
    }
    entries["sha256"] = seal(entries)
    (fresh / "manifest.json").write_text(json.dumps(entries, indent=2), encoding="utf-8")
