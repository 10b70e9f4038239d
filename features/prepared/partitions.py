"""Typed rows in hash partitions of customers: each partition holds whole customers and is cleaned by itself.

In memory for small sources (one partition), in a folder for large ones and for those that grow:

    manifest.json            mapping, conventions, sources, overview; says which deliveries count
    rows/0001/0000.arrow …   the typed rows of the first delivery, one Arrow file per partition
    refused/0001.parquet     its rows that a row rule refuses, as they were written

A delivery is written aside, put in its place, and counts from the moment at which the manifest names it: whoever
reads sees the deliveries before it or after it, never half of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from features.cleaning.clean import Frame
from features.cleaning.quarantine import read_quarantine
from features.prepared.ingest import Intake, frame_of, require_dates
from features.prepared.overview import Overview
from features.reading.mapping import Mapping


class Partitions(Protocol):
    """Typed rows of a shop, in partitions of whole customers."""

    @property
    def count(self) -> int:
        """How many partitions there are."""

    @property
    def mapping(self) -> Mapping:
        """The mapping that speaks for all sources."""

    @property
    def optional(self) -> tuple[str, ...]:
        """The optional columns of the typed rows."""

    @property
    def overview(self) -> Overview:
        """What cleaning must know of all rows together."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The sources' paths."""

    @property
    def malformed(self) -> int:
        """How many rows do not fit their header."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say about the sources."""

    @property
    def fingerprint(self) -> str:
        """What tells this state of the rows from others; empty where nothing is kept."""

    @property
    def lines_folder(self) -> Path | None:
        """Where cleaned lines are kept, None if they are not."""

    def rows(self, partition: int) -> pa.Table:
        """Return the typed rows of one partition."""

    def quarantine(self, refused: pa.Table, late: pa.Table) -> pa.Table:
        """Return the refused rows with their reason and where they stand; both tables as `clean` gives them."""


@dataclass(frozen=True)
class InMemory:
    """All typed rows of small sources, as one partition, while the sources are open."""

    intake: Intake
    table: pa.Table
    overview: Overview
    count: int = 1
    fingerprint: str = ""
    lines_folder: Path | None = None

    @staticmethod
    def of(intake: Intake) -> InMemory:
        """Type all rows; DataError if no date can be read."""
        table = intake.table()
        overview = Overview.of(table)
        require_dates(intake.con, intake.readings[0], overview)
        return InMemory(intake, table, overview)

    @property
    def mapping(self) -> Mapping:
        """The mapping that speaks for all sources."""
        return self.intake.mapping

    @property
    def optional(self) -> tuple[str, ...]:
        """The optional columns of the typed rows."""
        return self.intake.optional

    @property
    def paths(self) -> tuple[str, ...]:
        """The sources' paths."""
        return tuple(source.path for source in self.intake.sources)

    @property
    def malformed(self) -> int:
        """How many rows do not fit their header."""
        return sum(self.intake.malformed.values())

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say about the sources."""
        return self.intake.notes

    def rows(self, partition: int) -> pa.Table:
        """Return the typed rows."""
        assert partition == 0
        return self.table

    def quarantine(self, refused: pa.Table, late: pa.Table) -> pa.Table:
        """Return the refused rows as they were written."""
        return read_quarantine(self.intake.con, self.intake.readings, refused)


def order_span(rows: Partitions, *, until: int | None, now: datetime | None) -> tuple[int, int]:
    """Return the first and last day with a sale that is neither absurd nor after `until` or `now`."""
    first, last = frame(rows, until=until, now=now).bulk
    days = [day for day in rows.overview.sale_days if first <= day <= last]
    return (min(days), max(days)) if days else (first, last)


def frame(rows: Partitions, *, until: int | None, now: datetime | None) -> Frame:
    """Return what cleaning must know of all rows together."""
    return frame_of(rows.overview, rows.mapping, rows.optional, until=until, now=now, sources=len(rows.paths))


def is_prepared(path: str | Path) -> bool:
    """Tell whether a path is a folder of prepared partitions, be it unfinished or without its manifest."""
    folder = Path(path)
    return (folder / "rows").is_dir() and any((folder / name).is_file() for name in ("manifest.json", "lock"))
