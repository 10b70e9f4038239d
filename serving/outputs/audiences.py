"""Audiences for other tools: what each takes, in the largest pieces that it takes.

Klaviyo  Bulk Import Profiles (developers.klaviyo.com, read 2026-11): one request body has at most 10,000 profiles and
         5 MB; a profile is found by external_id or email; null is not taken, so what is unknown is left out. Scores are
         properties under our own names. Importing subscribes nobody.
Braze    /users/track (braze.com/docs, read 2026-11): at most 75 attribute objects a request. Scores are custom
         attributes `repurchase_…`, since Braze has fields of its own (country, email, …); null clears an attribute.
         `_update_existing_only` keeps Braze from making profiles of ids that it does not know.
Meta     Customer File Custom Audience: CSV with EMAIL, PHONE (hashed) and EXTERN_ID.
Google   Customer Match (support.google.com/google-ads/answer/7476159, read 2026-11): CSV with Email, Phone (hashed).
"""

from __future__ import annotations

import csv
import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic_core import to_json

from contracts.errors import DeclarationError
from serving.outputs import hashes

MOST_PROFILES = 10_000
MOST_BYTES = 5_000_000
MOST_OBJECTS = 75
_BEFORE = b'{"data":{"type":"profile-bulk-import-job","attributes":{"profiles":{"data":['
_AFTER = b"]}}}}"
_ROWS = 5_000
_SAME_TIME = (1980, 1, 1, 0, 0, 0)  # in the archive: the same customers make the same bytes
_THEIRS = (("email", "email"), ("phone_number", "phone"))
Row = dict[str, Any]


class KlaviyoWriter:
    """Writes bodies of Klaviyo's bulk import: one as JSON, or any number as files of a zip archive."""

    def __init__(self, path: Path, *, packed: bool) -> None:
        self._path = path
        self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) if packed else None
        self._profiles: list[bytes] = []
        self._bytes = len(_BEFORE) + len(_AFTER)
        self._bodies = 0

    def write(self, table: pa.Table) -> None:
        """Add customers; DeclarationError if one body is not enough and the file is no archive."""
        for row in _rows(table):
            profile = to_json(_profile(row))
            if len(self._profiles) == MOST_PROFILES or self._bytes + len(profile) + 1 > MOST_BYTES:
                self._finish_body()
            self._profiles.append(profile)
            self._bytes += len(profile) + 1

    def close(self) -> None:
        """Write the last body."""
        try:
            if self._profiles or (self._archive is None and not self._bodies):
                self._finish_body()
        finally:
            if self._archive is not None:
                self._archive.close()

    def _finish_body(self) -> None:
        body = _BEFORE + b",".join(self._profiles) + _AFTER
        self._bodies += 1
        if self._archive is not None:
            entry = zipfile.ZipInfo(f"profiles-{self._bodies:05}.json", _SAME_TIME)
            self._archive.writestr(entry, body, zipfile.ZIP_DEFLATED)
        elif self._bodies > 1:
            raise DeclarationError(
                f"these are more customers than one request to Klaviyo takes ({MOST_PROFILES:,} profiles, "
                f"{MOST_BYTES / 1e6:g} MB). Let the file's name end with .zip: it then holds a file for each request."
            )
        else:
            self._path.write_bytes(body)
        self._profiles, self._bytes = [], len(_BEFORE) + len(_AFTER)


class BrazeWriter:
    """Writes bodies of Braze's /users/track, one a line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._objects: list[Row] = []

    def write(self, table: pa.Table) -> None:
        """Add customers."""
        for row in _rows(table):
            self._objects.append(_attributes(row))
            if len(self._objects) == MOST_OBJECTS:
                self._finish_line()

    def close(self) -> None:
        """Write the last line."""
        try:
            if self._objects:
                self._finish_line()
        finally:
            self._file.close()

    def _finish_line(self) -> None:
        self._file.write(to_json({"attributes": self._objects}, inf_nan_mode="null") + b"\n")
        self._objects = []


class HashedWriter:
    """Writes a CSV file of hashed addresses, and the id where the audience takes it."""

    def __init__(
        self,
        path: Path,
        *,
        header: Sequence[str],
        email: Callable[[str], str],
        phone: Callable[[str], str],
        with_id: bool,
    ) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._sheet = csv.writer(self._file)
        self._sheet.writerow(header)
        self._email, self._phone, self._with_id = email, phone, with_id

    def write(self, table: pa.Table) -> None:
        """Add customers (columns customer_id, email, phone)."""
        for row in _rows(table.select(["customer_id", "email", "phone"])):
            address, number = row["email"], row["phone"]
            hashed = (self._email(address) if address else "", self._phone(number) if number else "")
            self._sheet.writerow((*hashed, row["customer_id"]) if self._with_id else hashed)

    def close(self) -> None:
        """Hand everything to the operating system."""
        self._file.close()


def meta_writer(path: Path) -> HashedWriter:
    """Return a writer of Meta's customer file."""
    header = ("EMAIL", "PHONE", "EXTERN_ID")
    return HashedWriter(path, header=header, email=hashes.meta_email, phone=hashes.meta_phone, with_id=True)


def google_writer(path: Path) -> HashedWriter:
    """Return a writer of Google's customer match file."""
    header = ("Email", "Phone")
    return HashedWriter(
        path, header=header, email=hashes.google_email, phone=hashes.google_phone, with_id=False
    )


def _rows(table: pa.Table) -> Iterator[Row]:
    for batch in table.to_batches(max_chunksize=_ROWS):
        yield from batch.to_pylist()


def _profile(row: Row) -> Row:
    known = {name: value for name, value in row.items() if _is_known(value)}
    about = {"external_id": known.pop("customer_id")}
    about |= {theirs: known.pop(name) for theirs, name in _THEIRS if name in known}
    return {"type": "profile", "attributes": {**about, "properties": known}}


def _is_known(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and not math.isfinite(value))


def _attributes(row: Row) -> Row:
    address, number, own = row.pop("email", None), row.pop("phone", None), row.pop("customer_id")
    known: Row = {"external_id": own, "_update_existing_only": True}
    known |= {"email": address} if address else {}
    known |= {"phone": number} if number else {}
    return known | {f"repurchase_{name}": value for name, value in row.items()}
