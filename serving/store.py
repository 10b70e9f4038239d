"""The published store: one finished ranking as files, swapped in whole, opened read-only.

`publish` writes aside and swaps by one rename; whatever fails before that leaves the previous ranking as it
was. `Store.open` verifies the manifest and the look-up file before it answers from them.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.errors import ArtifactError, ContractError, DataError
from contracts.tables import CURVE_KNOTS, scores_schema
from serving.disk import only_writer, sha256_of
from serving.lookup import Lookup, Row, write_lookup
from serving.sheet import write_sheet
from serving.shelf import Shelf, check_target, current_home

__all__ = ["Store", "check_target", "publish"]

Manifest = dict[str, Any]
_FORMAT = 2
_ONE_PER_STORE = ("as_of", "currency", "model_version")
_TRIES = 3


def publish(scores: pa.Table, folder: Path, *, manifest: Manifest) -> Path:
    """Publish scores under `folder` in one step and return the new store's folder.

    `manifest` is what the caller wants to tell about the run; the store's own facts are added. Raises
    DataError if there is nobody to publish, ContractError if the table is not a scores table, ArtifactError
    if the folder cannot be written or another process is writing; the previous ranking then stays.
    """
    table, horizons = _checked(scores)
    facts = {**_plain(manifest), **_facts(table, horizons)}
    check_target(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with only_writer(folder / ".lock"):
            return _publish(table, Shelf(folder), facts)
    except (OSError, sqlite3.OperationalError) as error:
        raise ArtifactError(
            f"{folder}: nothing was published ({error}). The previous ranking stays."
        ) from error
    except sqlite3.IntegrityError as error:
        raise ContractError(f"the scores have a null or a repeated key ({error})") from error


def _publish(table: pa.Table, shelf: Shelf, facts: Manifest) -> Path:
    fresh = shelf.begin()
    try:
        pq.write_table(table, fresh / "scores.parquet", compression="zstd")
        write_sheet(fresh / "scores.csv", table)
        write_lookup(fresh / "lookup.sqlite", table)
        facts["files"] = {
            path.name: {"sha256": sha256_of(path), "bytes": path.stat().st_size}
            for path in sorted(fresh.iterdir())
        }
        facts["sha256"] = _seal(facts)
        (fresh / "manifest.json").write_text(json.dumps(facts, indent=2), encoding="utf-8")
        return shelf.admit(fresh)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _checked(scores: pa.Table) -> tuple[pa.Table, tuple[int, ...]]:
    """Return the scores sorted by rank with exactly the contract's columns, and their horizons."""
    found = (re.fullmatch(r"p_repurchase_(\d+)d", name) for name in scores.column_names)
    horizons = tuple(int(match[1]) for match in found if match)
    schema = scores_schema(horizons)
    if not horizons or set(schema.names) != set(scores.column_names):
        wrong = sorted(set(schema.names) ^ set(scores.column_names))
        raise ContractError(f"not a scores table: columns missing or unknown: {wrong}")
    if scores.num_rows == 0:
        raise DataError("There is no customer to publish; the previous ranking stays.")
    table = scores.select(schema.names).cast(schema)
    for field in schema:
        _check_column(table[field.name], field)
    return (table if _ascending(table["rank"]) else table.sort_by("rank")), horizons


def _check_column(column: pa.ChunkedArray, field: pa.Field) -> None:
    if column.null_count and not field.nullable:
        raise ContractError(f"scores: {field.name} has {column.null_count} nulls")
    if pa.types.is_floating(field.type) and not pc.all(pc.is_finite(column)).as_py():
        raise ContractError(f"scores: {field.name} has values that are not finite")
    if (
        pa.types.is_list(field.type)
        and pc.any(pc.not_equal(pc.list_value_length(column), len(CURVE_KNOTS))).as_py()
    ):
        raise ContractError(f"scores: {field.name} must have {len(CURVE_KNOTS)} knots")
    if field.name in _ONE_PER_STORE and pc.count_distinct(column).as_py() != 1:
        raise ContractError(f"scores: {field.name} must be the same for all customers of a ranking")


def _ascending(column: pa.ChunkedArray) -> bool:
    values = column.to_numpy()
    return bool((values[1:] > values[:-1]).all())


def _facts(table: pa.Table, horizons: tuple[int, ...]) -> Manifest:
    return {
        "format": _FORMAT,
        "rows": table.num_rows,
        "as_of": table["as_of"][0].as_py().isoformat(),
        "horizons": list(horizons),
        "curve_knots": list(CURVE_KNOTS),
        "currency": table["currency"][0].as_py(),
        "model_version": table["model_version"][0].as_py(),
        "scored_at": pc.max(table["scored_at"]).as_py().isoformat(),
        "valid_until": pc.min(table["valid_until"]).as_py().isoformat(),
    }


def _plain(manifest: Manifest) -> Manifest:
    """Return the manifest as JSON would read it back."""
    try:
        plain: Manifest = json.loads(json.dumps(manifest, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise ContractError(f"the manifest is not plain JSON: {error}") from error
    return plain


def _seal(manifest: Manifest) -> str:
    """Return the checksum of a manifest, without the checksum itself."""
    rest = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


class Store:
    """An open ranking. Reads are safe from many threads and outlive the files' removal."""

    def __init__(self, manifest: Manifest, lookup: Lookup) -> None:
        self.manifest = manifest
        self.count = int(manifest["rows"])
        self.version = str(manifest["sha256"])[:12]
        self.curve_knots = tuple(int(knot) for knot in manifest["curve_knots"])
        self._lookup = lookup

    @staticmethod
    def open(folder: Path) -> Store:
        """Open the current store of a folder; ArtifactError if missing, damaged or of another version."""
        for left in reversed(range(_TRIES)):
            home = current_home(folder)
            try:
                manifest = _read_manifest(home)
                _check_lookup(home, manifest)
                return Store(manifest, Lookup(home / "lookup.sqlite", horizons=tuple(manifest["horizons"])))
            except ArtifactError:
                # A writer may have swept this store between the link and the files.
                if left == 0 or current_home(folder) == home:
                    raise
        raise AssertionError("unreachable")

    def customer(self, customer_id: str) -> Row | None:
        """Return one customer's scores, or None if the id is not in the ranking."""
        return self._lookup.customer(customer_id) if _is_text(customer_id) else None

    def ranking(self, *, limit: int, after_rank: int = 0) -> list[Row]:
        """Return up to `limit` customers, best first, that come after a rank."""
        return self._lookup.ranking(limit=limit, after_rank=after_rank)

    def close(self) -> None:
        """Close the look-up file."""
        self._lookup.close()


def _is_text(value: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _read_manifest(home: Path) -> Manifest:
    path = home / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        version, seal, intact = manifest["format"], manifest["sha256"], _seal(manifest)
    except FileNotFoundError:
        raise ArtifactError(f"{home}: there is no published ranking. Run `repurchase rank` first.") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} is damaged. Publish the ranking again.") from error
    if version != _FORMAT:
        raise ArtifactError(f"{path} has store format {version}; this version reads {_FORMAT}.")
    if seal != intact:
        raise ArtifactError(f"{path} is damaged (checksum). Publish the ranking again.")
    return dict(manifest)


def _check_lookup(home: Path, manifest: Manifest) -> None:
    path = home / "lookup.sqlite"
    try:
        intact = sha256_of(path) == manifest["files"]["lookup.sqlite"]["sha256"]
    except OSError as error:
        raise ArtifactError(f"{path} is missing or unreadable. Publish the ranking again.") from error
    if not intact:
        raise ArtifactError(f"{path} is damaged (checksum). Publish the ranking again.")
