"""What lies behind one customer's scores: the features and the order days, read from the details of the run.

details/NNNNN.parquet holds the customers of one partition: customer_id, order_days, order_amounts and one column per
feature, in small row groups, so that one customer costs one row group. A part is verified when it is first read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from contracts.days import to_date
from contracts.errors import ArtifactError
from serving.disk import HeldFile

FOLDER = "details"
_FOOTERS = 8  # parts whose footer is kept: it takes 3 MB and 3 ms


@dataclass(frozen=True)
class Details:
    """One customer: the model's features (NaN where unknown), each order day and its amount, oldest first."""

    features: dict[str, float]
    order_days: list[date]
    order_amounts: list[float]


def part_name(part: int) -> str:
    """Return the name of a partition's file inside its store."""
    return f"{FOLDER}/{part:05d}.parquet"


class DetailFiles:
    """The details of an open store. Reads are safe from many threads."""

    def __init__(self, home: Path, files: dict[str, Any]) -> None:
        self._home, self._files = home, files
        self._held: dict[int, HeldFile] = {}
        self._footers: dict[int, pq.FileMetaData] = {}

    def read(self, customer_id: str, *, part: int, at: int) -> Details:
        """Return the details in a row of a part; ArtifactError if it is gone, damaged or another's."""
        row = self._row(part, at)
        if row.pop("customer_id") != customer_id:
            raise ArtifactError(
                f"{self._home / part_name(part)} is of another run. Publish the ranking again."
            )
        days, amounts = row.pop("order_days"), row.pop("order_amounts")
        return Details(
            features={name: math.nan if value is None else float(value) for name, value in row.items()},
            order_days=[to_date(day) for day in days],
            order_amounts=list(amounts),
        )

    def close(self) -> None:
        """Let go of the files."""
        self._held.clear()
        self._footers.clear()

    def _row(self, part: int, at: int) -> dict[str, Any]:
        file, start = self._file(part), 0
        footer = self._footer(part, file)
        for group in range(footer.num_row_groups):
            rows = footer.row_group(group).num_rows
            if at < start + rows:
                break
            start += rows
        # Not from threads: one row group is too little to share.
        with file.open() as source, pq.ParquetFile(source, metadata=footer) as reader:
            found = reader.read_row_group(group, use_threads=False).slice(at - start, 1)
        row: dict[str, Any] = found.to_pylist()[0]
        return row

    def _file(self, part: int) -> HeldFile:
        file = self._held.get(part)
        if file is None:
            file = self._held[part] = verified(self._home, part_name(part), self._files)
        return file

    def _footer(self, part: int, file: HeldFile) -> pq.FileMetaData:
        footer = self._footers.get(part)
        if footer is None:
            with file.open() as source:
                footer = pq.read_metadata(source)
            if len(self._footers) >= _FOOTERS:
                self._footers.clear()
            self._footers[part] = footer
        return footer


def verified(home: Path, name: str, files: dict[str, Any]) -> HeldFile:
    """Open a file of a store and compare its checksum; ArtifactError if it is gone or damaged."""
    path = home / name
    try:
        file = HeldFile(path)
    except FileNotFoundError:
        if home.exists():
            raise ArtifactError(f"{path} is missing. Publish the ranking again.") from None
        raise ArtifactError(
            f"{path} is gone: newer rankings were published since this one was opened. Open the current one."
        ) from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read ({error}). Publish the ranking again.") from error
    check_sum(file, name, files)
    return file


def check_sum(file: HeldFile, name: str, files: dict[str, Any]) -> None:
    """Raise ArtifactError if a file's content is not what the manifest says."""
    try:
        intact = file.sha256() == files[name]["sha256"]
    except (OSError, KeyError) as error:
        raise ArtifactError(f"{file.path} cannot be read. Publish the ranking again.") from error
    if not intact:
        raise ArtifactError(f"{file.path} is damaged (checksum). Publish the ranking again.")
