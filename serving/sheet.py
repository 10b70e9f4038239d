"""The scores as a CSV file (RFC 4180): CRLF line ends, quoted text, ISO dates and times."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv


class _CrlfFile:
    """A file that ends records with CRLF and leaves line ends inside quotes alone."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._quoted = False
        self.closed = False

    def write(self, data: pa.Buffer) -> int:
        """Write what Arrow hands over; a quote opens or closes text (a doubled one does both)."""
        parts = bytes(data).split(b'"')
        for at in range(int(self._quoted), len(parts), 2):
            parts[at] = parts[at].replace(b"\n", b"\r\n")
        self._quoted ^= len(parts) % 2 == 0
        return self._file.write(b'"'.join(parts))

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._file.flush()


def write_sheet(path: Path, scores: pa.Table) -> None:
    """Write scores as CSV, without the curve (it stands in the Parquet file)."""
    flat = scores.drop_columns(["curve"])
    at = flat.schema.get_field_index("scored_at")
    iso = pc.strftime(flat["scored_at"], "%Y-%m-%dT%H:%M:%SZ")
    flat = flat.set_column(at, "scored_at", iso)
    with path.open("wb") as file:
        pacsv.write_csv(flat, pa.PythonFile(_CrlfFile(file), mode="w"))
