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
import pyarrow as pa

from contracts.errors import ArtifactError, DeclarationError
from features.cleaning.quarantine import quarantine_of
from features.cleaning.rules import optional_columns
from features.prepared.chunks import read_chunk, read_refused, write_chunks
from features.prepared.ingest import Intake, opened, row_schema
from features.prepared.overview import Overview
from features.prepared.partitions import InMemory, Partitions, is_prepared
from features.reading.conventions import joined
from features.reading.dates import DateStyle
from features.reading.locations import Item, Named, find_items
from features.reading.mapping import Mapping

FORMAT = 1
MANIFEST = "manifest.json"
LOCK = "lock"
_OURS = {LOCK, "rows", "refused", MANIFEST + ".part"}
ROWS_PER_PARTITION = 400_000
MOST_PARTITIONS = 2000
ROWS_IN_MEMORY = 3_000_000


@dataclass(frozen=True)
class Delivery:
    """One taking-in: its number, its sources (number, path, sha256), the rows that do not fit, and notes.

    sums: the checksums of its chunks, one for each partition, and of its refused rows.
    """

    number: int
    sources: tuple[dict[str, Any], ...]
    sums: tuple[int, ...]
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
    lines_folder: Path | None = None  # where cleaned lines are kept

    @staticmethod
    def create(
        source: Named | Sequence[Named],
        folder: Path,
        *,
        mapping: Mapping | None = None,
        partitions: int | None = None,
    ) -> Prepared:
        """Make prepared partitions of sources in a new or empty folder.

        partitions: by default as many as give each about 400,000 rows. Raises DataError for what cannot be read,
        ArtifactError if the folder holds something.
        """
        _require_raw(source)
        _require_free(folder)
        with opened(source, mapping=mapping) as intake:
            return Prepared.of(intake, folder, given=mapping is not None, partitions=partitions)

    @staticmethod
    def of(intake: Intake, folder: Path, *, given: bool, partitions: int | None = None) -> Prepared:
        """Make prepared partitions of opened sources; see `create`."""
        _require_free(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            _require_free(folder)
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
            manifest = {"format": FORMAT}
        known = manifest.get("format") if isinstance(manifest, dict) else None
        if known != FORMAT:
            raise ArtifactError(
                f"{folder} has format {known}; this version reads {FORMAT}. Prepare the orders again."
            )
        if manifest.pop("sha256", None) != _digest(manifest):
            raise ArtifactError(f"{folder}/{MANIFEST} is damaged. Prepare the orders again.")
        return Prepared._of_manifest(folder, manifest)

    def append(self, source: Named | Sequence[Named]) -> tuple[Prepared, tuple[str, ...]]:
        """Add a delivery without rereading the past; return the new state and the files that were there before.

        Currency, shape and mapping are those of the first delivery. Raises DataError if the new sources do not fit.
        """
        _require_raw(source)
        if self.duckdb != duckdb.__version__:
            raise ArtifactError(
                f"{self.folder} was made with duckdb {self.duckdb}; {duckdb.__version__} would put customers into "
                "other partitions. Prepare the orders again."
            )
        with _locked(self.folder):
            now = Prepared.open(self.folder)
            _sweep(self.folder, now.deliveries)
            found = find_items(source)
            new, known = now._sort_out(found.items)
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
                mapping = _grown(now.mapping, intake)
                overview, delivery = _take_in(intake, self.folder, number=number, partitions=now.count)
            grown = replace(
                now,
                mapping=mapping,
                style=_known(now.style, intake.style),
                overview=now.overview + overview,
                deliveries=(*now.deliveries, replace(delivery, notes=(*found.notes, *delivery.notes))),
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
        return _digest(self._manifest())

    def rows(self, partition: int) -> pa.Table:
        """Return the typed rows of one partition; ArtifactError if a file is gone or damaged."""
        schema = row_schema(self.optional)
        tables = [
            _with_columns(
                read_chunk(self.folder, number=one.number, partition=partition, checksum=one.sums[partition]),
                schema,
            )
            for one in self.deliveries
        ]
        return pa.concat_tables(tables)

    def quarantine(self, refused: pa.Table, late: pa.Table) -> pa.Table:
        """Return the refused rows: as they were written where a row rule refused them, else as they were read."""
        tables = [
            read_refused(self.folder, number=one.number, checksum=one.sums[-1]) for one in self.deliveries
        ]
        written = pa.concat_tables(tables, promote_options="default")
        paths = {one["number"]: one["path"] for one in self.sources}
        return quarantine_of(written, refused, late, paths=paths, mapping=self.mapping)

    def _sort_out(self, items: Sequence[Item]) -> tuple[list[Item], tuple[str, ...]]:
        """Return the sources that are new, and those files whose very bytes were taken in before."""
        hashes = {one["sha256"] for one in self.sources if one["sha256"]}
        new: list[Item] = []
        known: list[str] = []
        for item in items:
            whole = item.kind == "file" and item.sheet is None
            if whole and _sha256(item) in hashes:
                known.append(str(item))
            else:
                new.append(item)
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
            content = self._manifest()
            json.dump({**content, "sha256": _digest(content)}, file)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(self.folder / MANIFEST)

    @staticmethod
    def _of_manifest(folder: Path, manifest: dict[str, Any]) -> Prepared:
        deliveries = tuple(
            Delivery(
                one["number"],
                tuple(one["sources"]),
                tuple(one["sums"]),
                one["malformed"],
                tuple(one["notes"]),
            )
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


def _grown(first: Mapping, intake: Intake) -> Mapping:
    """Return the mapping of earlier deliveries with what the new one adds; DataError if they are not of one shop."""
    names = ("what was prepared before", intake.sources[0].path)
    column = first.source_column or intake.mapping.source_column
    return replace(joined(first, intake.mapping, names=names), source_column=column)


def _known(first: DateStyle, other: DateStyle) -> DateStyle:
    """Return the earlier style of dates; whether day or month come first may be told by a later delivery."""
    return first if first.day_first is not None else replace(first, day_first=other.day_first)


def _wanted_partitions(intake: Intake) -> int:
    return int(min(MOST_PARTITIONS, max(1, -(-intake.raw_rows // ROWS_PER_PARTITION))))


def _take_in(intake: Intake, folder: Path, *, number: int, partitions: int) -> tuple[Overview, Delivery]:
    """Write one delivery's rows and refused rows; return what it adds."""
    overview, sums = write_chunks(intake, folder, number=number, partitions=partitions)
    sources = tuple(
        {"number": one.number, "path": one.path, "sha256": _sha256_of_file(Path(one.path))}
        for one in intake.sources
    )
    malformed = sum(intake.malformed.values())
    return overview, Delivery(number, sources, tuple(sums), malformed, intake.notes)


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


def _require_raw(source: Named | Sequence[Named]) -> None:
    """Refuse prepared orders where files are wanted."""
    for one in [source] if isinstance(source, str | Path | Item) else source:
        if not isinstance(one, Item) and is_prepared(one):
            raise DeclarationError(
                f"{one} holds prepared orders. Give it alone, or add the files to it: repurchase prepare FILES "
                f"--append {one}"
            )


def _require_free(folder: Path) -> None:
    """Refuse a folder that holds something; what an interrupted run of ours left there is nothing."""
    held = {item.name for item in folder.iterdir()} if folder.is_dir() else set()
    if held and not (LOCK in held and held <= _OURS):
        raise ArtifactError(f"{folder} is not empty. Give a new folder, or add to it with --append.")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which ends with the process; ArtifactError if another one holds it."""
    with (folder / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ArtifactError(
                f"{folder} is being written by another process. Try again when it is done."
            ) from None
        yield


def _sha256(item: Item) -> str:
    """Return a file's sha256, empty for what is no whole file."""
    whole = item.kind == "file" and item.sheet is None and item.path is not None
    return _sha256_of_file(item.path) if whole and item.path else ""


def _sha256_of_file(path: Path) -> str:
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest(manifest: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()


@contextmanager
def partitions_of(
    source: Named | Sequence[Named],
    *,
    mapping: Mapping | None = None,
    until: int | None = None,
    folder: Path | None = None,
) -> Iterator[Partitions]:
    """Open a folder of prepared partitions, or raw sources: small ones in memory, large ones in `folder`.

    folder: where large sources are prepared (default: a temporary folder); if they already are, they stay.
    """
    named = [source] if isinstance(source, str | Path | Item) else list(source)
    if len(named) == 1 and not isinstance(named[0], Item) and is_prepared(named[0]):
        if mapping is not None:
            raise DeclarationError(f"{named[0]} was prepared with its own mapping. Leave --map out.")
        made = Prepared.open(Path(named[0]))
        yield replace(made, lines_folder=made.folder / "lines")
        return
    _require_raw(named)
    if folder is not None and (folder / MANIFEST).is_file():
        yield replace(Prepared.open(folder), lines_folder=folder / "lines")
        return
    with opened(source, mapping=mapping, until=until) as intake:
        if intake.raw_rows <= ROWS_IN_MEMORY:
            yield InMemory.of(intake)
            return
        with tempfile.TemporaryDirectory(prefix="repurchase-") as temporary:
            made = Prepared.of(intake, folder or Path(temporary) / "prepared", given=mapping is not None)
            yield replace(made, lines_folder=made.folder / "lines")
