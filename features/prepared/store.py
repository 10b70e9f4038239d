"""Prepared partitions in a folder: made once, and a nightly delivery is added without rereading the past."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq

from contracts.errors import ArtifactError, DeclarationError
from features.cleaning.quarantine import quarantine_of, read_quarantine
from features.cleaning.rules import optional_columns
from features.kernel.buffers import as_arrow, as_numpy
from features.prepared.ingest import Intake, opened, require_dates, row_schema
from features.prepared.overview import Overview
from features.prepared.partitions import InMemory, Partitions, is_prepared
from features.reading.dates import DateStyle
from features.reading.mapping import Mapping
from features.reading.sources import find_files

FORMAT = 1
MANIFEST = "manifest.json"
ROWS_PER_PARTITION = 600_000
MOST_PARTITIONS = 2000
ROWS_IN_MEMORY = 3_000_000


@dataclass(frozen=True)
class Delivery:
    """One taking-in: its number, its sources (number, path, sha256), the rows that do not fit, and notes."""

    number: int
    sources: tuple[dict[str, Any], ...]
    malformed: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """Prepared partitions, opened."""

    folder: Path
    count: int
    mapping: Mapping
    given: bool  # the mapping was given, not recognised
    style: DateStyle
    overview: Overview
    deliveries: tuple[Delivery, ...]
    duckdb: str = field(default=duckdb.__version__)

    @staticmethod
    def create(
        source: str | Path | Sequence[str | Path],
        folder: Path,
        *,
        mapping: Mapping | None = None,
        partitions: int | None = None,
    ) -> Prepared:
        """Make prepared partitions of sources in a new or empty folder.

        partitions: by default as many as give each about 600,000 rows. Raises DataError for what cannot be read,
        ArtifactError if the folder holds something.
        """
        with opened(source, mapping=mapping) as intake:
            return Prepared.of(intake, folder, given=mapping is not None, partitions=partitions)

    @staticmethod
    def of(intake: Intake, folder: Path, *, given: bool, partitions: int | None = None) -> Prepared:
        """Make prepared partitions of opened sources; see `create`."""
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            if any(item.name not in ("lock", "rows", "refused") for item in folder.iterdir()):
                raise ArtifactError(f"{folder} is not empty. Give a new folder, or add to it with --append.")
            _sweep(folder, ())
            count = partitions or _wanted_partitions(intake)
            overview, delivery = _take_in(intake, folder, number=1, partitions=count)
            made = Prepared(folder, count, intake.mapping, given, intake.style, overview, (delivery,))
            made._write_manifest()
        return made

    @staticmethod
    def open(folder: Path) -> Prepared:
        """Open a folder of prepared partitions; ArtifactError if it is none or is damaged."""
        try:
            manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        except OSError as error:
            raise ArtifactError(
                f"{folder}: no prepared orders ({error.strerror}). Make them with `repurchase prepare`."
            ) from None
        except ValueError:
            raise ArtifactError(f"{folder}/{MANIFEST} is damaged. Prepare the orders again.") from None
        if manifest.get("format") != FORMAT:
            raise ArtifactError(
                f"{folder} has format {manifest.get('format')}; this version reads {FORMAT}. Prepare the orders again."
            )
        return Prepared._of_manifest(folder, manifest)

    def append(self, source: str | Path | Sequence[str | Path]) -> tuple[Prepared, tuple[str, ...]]:
        """Add a delivery without rereading the past; return the new state and the files that were there before.

        Columns and conventions are those of the first delivery. Raises DataError if the new sources do not fit them.
        """
        if self.duckdb != duckdb.__version__:
            raise ArtifactError(
                f"{self.folder} was made with duckdb {self.duckdb}; {duckdb.__version__} would put customers into "
                "other partitions. Prepare the orders again."
            )
        with _locked(self.folder):
            now = Prepared.open(self.folder)
            _sweep(self.folder, now.deliveries)
            new, known = now._sort_out(source)
            if not new:
                return now, known
            number = now.deliveries[-1].number + 1
            with opened(
                new,
                mapping=now.mapping if now.given else None,
                like=now.mapping,
                style=now.style,
                first_number=max(one["number"] for one in now.sources) + 1,
            ) as intake:
                overview, delivery = _take_in(intake, self.folder, number=number, partitions=now.count)
                mapping = _joined(now.mapping, intake.mapping)
            grown = replace(
                now, mapping=mapping, overview=now.overview + overview, deliveries=(*now.deliveries, delivery)
            )
            grown._write_manifest()
        return grown, known

    @property
    def optional(self) -> tuple[str, ...]:
        """The optional columns of the typed rows."""
        return optional_columns([self.mapping])

    @property
    def sources(self) -> tuple[dict[str, Any], ...]:
        """What is known of each source, by its number."""
        return tuple(source for delivery in self.deliveries for source in delivery.sources)

    @property
    def paths(self) -> tuple[str, ...]:
        """The sources' paths."""
        return tuple(source["path"] for source in self.sources)

    @property
    def malformed(self) -> int:
        """How many rows do not fit their header."""
        return sum(delivery.malformed for delivery in self.deliveries)

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say about the sources."""
        return tuple(note for delivery in self.deliveries for note in delivery.notes)

    @property
    def fingerprint(self) -> str:
        """The sha256 of what the manifest says: another state of the data is another fingerprint."""
        return hashlib.sha256(json.dumps(self._manifest(), sort_keys=True).encode()).hexdigest()

    def rows(self, partition: int) -> pa.Table:
        """Return the typed rows of one partition; ArtifactError if a file is gone or damaged."""
        schema = row_schema(self.optional)
        tables = [
            _with_columns(_read(self._rows_file(delivery.number, partition)), schema)
            for delivery in self.deliveries
        ]
        return pa.concat_tables(tables)

    def quarantine(self, refused: pa.Table, late: pa.Table) -> pa.Table:
        """Return the refused rows: as they were written where a row rule refused them, else as they were read."""
        files = [self.folder / "refused" / f"{delivery.number:04d}.parquet" for delivery in self.deliveries]
        written = pa.concat_tables([pq.read_table(file) for file in files], promote_options="default")
        paths = {one["number"]: one["path"] for one in self.sources}
        return quarantine_of(written, refused, late, paths=paths, mapping=self.mapping)

    def _rows_file(self, delivery: int, partition: int) -> Path:
        return self.folder / "rows" / f"{delivery:04d}" / f"{partition:04d}.arrow"

    def _sort_out(self, source: str | Path | Sequence[str | Path]) -> tuple[list[str], tuple[str, ...]]:
        """Return the sources that are new, and those whose very bytes were taken in before."""
        hashes = {one["sha256"] for one in self.sources if one["sha256"]}
        new: list[str] = []
        known: list[str] = []
        for file in find_files(source):
            seen = file.path is not None and _sha256(file.path) in hashes
            (known if seen else new).append(str(file))
        return new, tuple(known)

    def _manifest(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "duckdb": self.duckdb,
            "partitions": self.count,
            "mapping": self.mapping.to_dict(),
            "mapping_given": self.given,
            "dates": vars(self.style),
            "overview": self.overview.to_dict(),
            "deliveries": [vars(delivery) for delivery in self.deliveries],
        }

    def _write_manifest(self) -> None:
        aside = self.folder / (MANIFEST + ".part")
        with aside.open("w", encoding="utf-8") as file:
            json.dump(self._manifest(), file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self.folder / MANIFEST)

    @staticmethod
    def _of_manifest(folder: Path, manifest: dict[str, Any]) -> Prepared:
        deliveries = tuple(
            Delivery(one["number"], tuple(one["sources"]), one["malformed"], tuple(one["notes"]))
            for one in manifest["deliveries"]
        )
        return Prepared(
            folder,
            manifest["partitions"],
            Mapping.of_dict(manifest["mapping"]),
            manifest["mapping_given"],
            DateStyle(**manifest["dates"]),
            Overview.of_dict(manifest["overview"]),
            deliveries,
            manifest["duckdb"],
        )


def _joined(first: Mapping, other: Mapping) -> Mapping:
    """Return the first mapping with the columns that the other adds; DataError if they are not of one shop."""
    return replace(first, columns={**other.columns, **first.columns})


def _wanted_partitions(intake: Intake) -> int:
    return int(min(MOST_PARTITIONS, max(1, -(-intake.raw_rows // ROWS_PER_PARTITION))))


def _take_in(intake: Intake, folder: Path, *, number: int, partitions: int) -> tuple[Overview, Delivery]:
    """Write one delivery's rows and refused rows; return what it adds."""
    rows = folder / "rows" / f"{number:04d}"
    aside = rows.with_name(rows.name + ".part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    overview, refused = _scatter(intake, aside, partitions)
    require_dates(intake.con, intake.readings[0], overview)
    (folder / "refused").mkdir(exist_ok=True)
    quarantine = read_quarantine(intake.con, intake.sources, refused, numbered=True)
    pq.write_table(quarantine, folder / "refused" / f"{number:04d}.parquet")
    aside.replace(rows)
    sources = tuple(
        {"number": one.number, "path": one.path, "sha256": _sha256(Path(one.path))} for one in intake.sources
    )
    return overview, Delivery(number, sources, sum(intake.malformed.values()), intake.notes)


def _scatter(intake: Intake, folder: Path, partitions: int) -> tuple[Overview, pa.Table]:
    """Write the typed rows into one file per partition; return their overview and which rows are refused."""
    schema = row_schema(intake.optional)
    overview, refused = Overview(), []
    part = f"(hash(coalesce(customer_id, source_row::VARCHAR)) % {partitions})::SMALLINT AS part,"
    intake.con.execute("SET preserve_insertion_order = false")
    writers = [_writer(folder / f"{k:04d}.arrow", schema) for k in range(partitions)]
    try:
        for reading in intake.readings:
            for batch in intake.batches(reading, part):
                rows = pa.Table.from_batches([batch])
                overview += Overview.of(rows)
                bad = np.flatnonzero(as_numpy(rows["reason"]) > 0)
                refused.append(
                    rows.select(["source", "source_row", "reason"]).take(as_arrow(bad, pa.int64()))
                )
                _write_parts(rows, writers)
    finally:
        for writer in writers:
            writer.close()
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


def _read(path: Path) -> pa.Table:
    try:
        with pa.memory_map(str(path)) as file:
            return ipc.open_file(file).read_all()
    except (OSError, pa.ArrowException) as error:
        raise ArtifactError(f"{path} is gone or damaged ({error}). Prepare the orders again.") from None


def _with_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a delivery's rows with the columns that later deliveries brought, empty."""
    for column in schema:
        if column.name not in table.column_names:
            table = table.append_column(column, pa.nulls(table.num_rows, column.type))
    return table.select(schema.names)


def _sweep(folder: Path, deliveries: Sequence[Delivery]) -> None:
    """Remove what an interrupted delivery left behind."""
    named = {f"{delivery.number:04d}" for delivery in deliveries}
    for item in (folder / "rows").glob("*"):
        if item.name not in named:
            shutil.rmtree(item)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which ends with the process; ArtifactError if another one holds it."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ArtifactError(
                f"{folder} is being written by another process. Try again when it is done."
            ) from None
        yield


def _sha256(path: Path) -> str:
    """Return a file's sha256, empty for a source that is no file."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def partitions_of(
    source: str | Path | Sequence[str | Path],
    *,
    mapping: Mapping | None = None,
    until: int | None = None,
    folder: Path | None = None,
) -> Iterator[Partitions]:
    """Open a folder of prepared partitions, or raw sources: small ones in memory, large ones in `folder`.

    folder: where large sources are prepared (default: a temporary folder); if they already are, they stay.
    """
    if isinstance(source, str | Path):
        source = [source]
    if len(source) == 1 and is_prepared(source[0]):
        if mapping is not None:
            raise DeclarationError(f"{source[0]} was prepared with its own mapping. Leave --map out.")
        yield Prepared.open(Path(source[0]))
        return
    if folder is not None and is_prepared(folder):
        yield Prepared.open(folder)
        return
    with opened(source, mapping=mapping, until=until) as intake:
        if intake.raw_rows <= ROWS_IN_MEMORY:
            yield InMemory.of(intake)
            return
        with tempfile.TemporaryDirectory(prefix="repurchase-") as temporary:
            yield Prepared.of(intake, folder or Path(temporary) / "prepared", given=mapping is not None)
