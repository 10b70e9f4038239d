"""The published store: one finished ranking as files, swapped in whole, opened read-only.

`publish` (serving/stored/publishing.py) writes aside and swaps by one rename. `Store.open` verifies the manifest and
the files that it answers from; the others are verified when they are first read.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.days import parse_day
from contracts.errors import ArtifactError, ContractError, nearest
from contracts.tables import scores_schema
from features.kernel.buffers import as_arrow
from serving.disk import HeldFile
from serving.stored.by_id import ById
from serving.stored.details import FOLDER, DetailFiles, Details, check_sum
from serving.stored.lookup import Lookup, Row
from serving.stored.manifest import Manifest, read_manifest, version_of
from serving.stored.publishing import publish
from serving.stored.ranked_tables import in_pieces
from serving.stored.shelf import check_target, current_home, kept_homes
from serving.stored.where import Where

__all__ = ["Details", "Row", "Store", "Where", "check_target", "history", "publish", "read_manifest"]

_TRIES = 10
_OPENED = ("lookup.arrow", "by_id.arrow", "report.json")
_HELD = ("scores.parquet", "changed.parquet")
_BATCH_ROWS = 65_536
_EVERYBODY = Where()
_CLOSED = "This ranking was closed. Open the current one."


class Store:
    """An open ranking. Reads are safe from many threads and outlive the files' removal."""

    def __init__(self, home: Path, manifest: Manifest) -> None:
        files = manifest["files"]
        held = {name: _held(home, name) for name in (*_OPENED, *_HELD) if name in files}
        for name in _OPENED:
            if name in held:
                check_sum(held[name], name, files)
        self.home, self.manifest = home, manifest
        self.count = int(manifest["rows"])
        self.version = version_of(manifest)
        self.currency = str(manifest["currency"])
        self.horizon = int(manifest["horizon"])
        self.horizons = tuple(int(days) for days in manifest["horizons"])
        self.curve_knots = tuple(int(knot) for knot in manifest["curve_knots"])
        self.report: dict[str, Any] = _report(held)
        self._held, self._unverified = held, set(_HELD)
        self._has_details = any(name.startswith(f"{FOLDER}/") for name in files)
        self._details = DetailFiles(home, files)
        self._lookup: Lookup | None = Lookup(
            held["lookup.arrow"],
            ById(held["by_id.arrow"].map()),
            horizons=self.horizons,
            horizon=self.horizon,
            as_of=parse_day(manifest["as_of"]),
        )

    @staticmethod
    def open(folder: Path, version: str | None = None) -> Store:
        """Open the current store of a folder, or an older one that is kept, by its version.

        ArtifactError if missing, damaged or of another format.
        """
        for left in reversed(range(_TRIES)):
            home = current_home(folder) if version is None else _home_of(folder, version)
            try:
                return Store(home, read_manifest(home))
            except ArtifactError:
                # A writer may have swept this store between the link and the files.
                if left == 0 or version is not None or current_home(folder) == home:
                    raise
        raise AssertionError("unreachable")

    def customer(self, customer_id: str) -> Row | None:
        """Return one customer's scores, or None if the id is not in the ranking."""
        return self._looked_up.customer(customer_id)

    def customers(self, customer_ids: Sequence[str]) -> list[Row | None]:
        """Return many customers' scores in the order asked, None where the id is not in the ranking."""
        return [self._looked_up.customer(each) for each in customer_ids]

    def ranking(self, *, limit: int, after_rank: int = 0, where: Where = _EVERYBODY) -> list[Row]:
        """Return up to `limit` customers, best first, that come after a rank and meet the filter."""
        return self._looked_up.ranking(where, limit=limit, after_rank=after_rank)

    def count_of(self, where: Where) -> int:
        """Return how many customers meet the filter."""
        return self.count if where.is_all else self._looked_up.count_of(where)

    def ranks_until(self, rank: int, where: Where = _EVERYBODY) -> NDArray[np.int64]:
        """Return the ranks of the customers who meet the filter, from the best one to `rank`; (k,)."""
        return self._looked_up.ranks_until(where, rank)

    def table(
        self, where: Where = _EVERYBODY, columns: Collection[str] | None = None, limit: int | None = None
    ) -> pa.Table:
        """Return the scores of all customers who meet the filter, by rank.

        columns: in this order (contracts.tables.scores_schema); None for all. ContractError for an unknown one.
        """
        schema = self._schema(columns)
        found, left = [schema.empty_table()], self.count if limit is None else limit
        for table in self._tables(where, schema):
            found.append(table.slice(0, left))
            left -= found[-1].num_rows
            if left <= 0:
                break
        return pa.concat_tables(found)

    def batches(
        self, where: Where = _EVERYBODY, columns: Collection[str] | None = None, size: int = _BATCH_ROWS
    ) -> Iterator[pa.Table]:
        """Yield the same as tables of `size` customers, the last one perhaps shorter."""
        return in_pieces(self._tables(where, self._schema(columns)), size)

    def values(self) -> dict[str, list[str]]:
        """Return the texts that segment, tier, lifecycle, country and confidence take, sorted."""
        return self._looked_up.choices()

    def details(self, customer_id: str) -> Details | None:
        """Return a customer's features and orders; None if the id is unknown or the run kept no details.

        ArtifactError if the file is damaged, or gone because newer rankings took this store's place.
        """
        place = self._looked_up.details_at(customer_id) if self._has_details else None
        return None if place is None else self._details.read(customer_id, part=place[0], at=place[1])

    def changed(self) -> pa.Table | None:
        """Return who moved since the previous ranking; None if that was not published."""
        if "changed.parquet" not in self.manifest["files"]:
            return None
        with self._parquet("changed.parquet") as file:
            return file.read()

    def close(self) -> None:
        """Let go of the files, each when its last reader has ended; ArtifactError for who asks from now on."""
        self._lookup = None
        self._held = {}
        self._details.close()

    @property
    def _looked_up(self) -> Lookup:
        lookup = self._lookup
        if lookup is None:
            raise ArtifactError(_CLOSED)
        return lookup

    def _schema(self, columns: Collection[str] | None) -> pa.Schema:
        schema = scores_schema(self.horizons)
        if columns is None:
            return schema
        for name in columns:
            if name not in schema.names:
                raise ContractError(f"the scores have no column '{name}'{nearest(name, schema.names)}")
        return pa.schema([schema.field(name) for name in columns])

    def _tables(self, where: Where, schema: pa.Schema) -> Iterator[pa.Table]:
        """Yield the customers who meet the filter, from each row group that has some."""
        with self._parquet("scores.parquet") as file:
            for group, mask in self._looked_up.masks(where):
                if not mask.any():
                    continue
                table = file.read_row_group(group, columns=schema.names).select(schema.names).cast(schema)
                yield table if mask.all() else table.filter(as_arrow(mask, pa.bool_()))

    @contextmanager
    def _parquet(self, name: str) -> Iterator[pq.ParquetFile]:
        """Open a table that is held, verified once."""
        held = self._held.get(name)
        if held is None:
            raise ArtifactError(_CLOSED)
        if name in self._unverified:
            check_sum(held, name, self.manifest["files"])
            self._unverified.discard(name)
        with held.open() as source, pq.ParquetFile(source) as file:
            yield file


def history(folder: Path) -> list[Manifest]:
    """Return the manifests of the stores that are kept, oldest first.

    Those of another format, damaged, or swept meanwhile are left out. `Store.open(folder, version)` opens one by the
    first twelve digits of its sha256.
    """
    found = []
    for home in kept_homes(folder):
        try:
            found.append(read_manifest(home))
        except ArtifactError:
            continue
    return found


def _home_of(folder: Path, version: str) -> Path:
    for home in kept_homes(folder):
        try:
            if version_of(read_manifest(home)) == version:
                return home
        except ArtifactError:
            continue
    raise ArtifactError(f"{folder}: no store of version {version} is kept.")


def _held(home: Path, name: str) -> HeldFile:
    try:
        return HeldFile(home / name)
    except OSError as error:
        raise ArtifactError(f"{home / name} is missing or unreadable. Publish the ranking again.") from error


def _report(held: dict[str, HeldFile]) -> dict[str, Any]:
    if "report.json" not in held:
        return {}
    report: dict[str, Any] = json.loads(bytes(held["report.json"].map()))
    return report
