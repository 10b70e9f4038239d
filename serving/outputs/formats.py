"""What an export can be written as."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from contracts.errors import DeclarationError, nearest
from serving.outputs.audiences import BrazeWriter, KlaviyoWriter, google_writer, meta_writer
from serving.outputs.writers import CsvWriter, JsonLinesWriter, ParquetWriter, Writer


@dataclass(frozen=True, kw_only=True)
class Opening:
    """How a file is begun: its columns, whether texts are made harmless, whether it is an archive of many files."""

    schema: pa.Schema
    excel_safe: bool = False
    packed: bool = False


@dataclass(frozen=True, kw_only=True)
class Format:
    """A kind of file.

    endings: of its name, the usual one first. addresses: where e-mail addresses and numbers go: `beside` (into a file
    of their own next to it), `inside`, or `needed` (it is nothing without them). audience: made for another tool, which
    gets few columns unless others are asked for; `fixed` ones get none of the scores.
    """

    name: str
    about: str
    endings: tuple[str, ...]
    media_type: str
    open: Callable[[Path, Opening], Writer]
    addresses: Literal["beside", "inside", "needed"] = "beside"
    audience: bool = False
    fixed: bool = False

    @property
    def name_ends(self) -> str:
        """How a file's name ends: `.csv`, and `-braze.jsonl` where the ending alone would not tell the kind."""
        usual = self.endings[0]
        return usual if usual == f".{self.name}" else f"-{self.name}{usual}"


def _csv(path: Path, how: Opening) -> Writer:
    return CsvWriter(path, how.schema, excel_safe=how.excel_safe)


_ALL = (
    Format(name="csv", about="CSV (RFC 4180)", endings=(".csv",), media_type="text/csv", open=_csv),
    Format(
        name="jsonl",
        about="JSON Lines",
        endings=(".jsonl", ".ndjson"),
        media_type="application/x-ndjson",
        open=lambda path, how: JsonLinesWriter(path, how.schema),
    ),
    Format(
        name="parquet",
        about="Parquet",
        endings=(".parquet",),
        media_type="application/vnd.apache.parquet",
        open=lambda path, how: ParquetWriter(path, how.schema),
    ),
    Format(
        name="klaviyo",
        about="Klaviyo, Bulk Import Profiles: an archive of request bodies",
        endings=(".zip", ".json"),
        media_type="application/zip",
        open=lambda path, how: KlaviyoWriter(path, packed=how.packed),
        addresses="inside",
        audience=True,
    ),
    Format(
        name="braze",
        about="Braze, /users/track: a request body a line",
        endings=(".jsonl", ".ndjson"),
        media_type="application/x-ndjson",
        open=lambda path, how: BrazeWriter(path),
        addresses="inside",
        audience=True,
    ),
    Format(
        name="meta",
        about="Meta custom audience: CSV of hashed addresses",
        endings=(".csv",),
        media_type="text/csv",
        open=lambda path, how: meta_writer(path),
        addresses="needed",
        audience=True,
        fixed=True,
    ),
    Format(
        name="google",
        about="Google customer match: CSV of hashed addresses",
        endings=(".csv",),
        media_type="text/csv",
        open=lambda path, how: google_writer(path),
        addresses="needed",
        audience=True,
        fixed=True,
    ),
    Format(
        name="generic",
        about="any tool: CSV with customer_id and few columns",
        endings=(".csv",),
        media_type="text/csv",
        open=_csv,
        addresses="inside",
        audience=True,
    ),
)
FORMATS: dict[str, Format] = {each.name: each for each in _ALL}


def format_named(name: str) -> Format:
    """Return a format; DeclarationError if there is none of this name."""
    if name not in FORMATS:
        raise DeclarationError(
            f"there is no format '{name}'{nearest(name, FORMATS) or '.'} Formats are {', '.join(FORMATS)}."
        )
    return FORMATS[name]
