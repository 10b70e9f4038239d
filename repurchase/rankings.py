"""Published rankings as other jobs read them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from campaigns.base import Base
from contracts.days import to_date
from contracts.errors import ArtifactError, DataError
from features.kernel.buffers import places_among
from features.kernel.running import Ints

Chosen = Callable[[pa.Schema, dict[str, Any]], Collection[str]]


def read_ranking(
    folder: Path, columns: Collection[str] | Chosen | None = None
) -> tuple[pa.Table, dict[str, Any]]:
    """Return the current scores of a published ranking, best first, and its manifest, once the checksums are right.

    columns: which (contracts.tables.scores_schema), a function that chooses them, or None for all. Raises ArtifactError
    if there is no ranking, or it is damaged or of another version.
    """
    from serving.disk import sha256_of
    from serving.store import read_manifest
    from serving.stored.shelf import current_home

    if folder.is_file():
        raise ArtifactError(f"{folder} is a file. Give the folder that `repurchase rank` published into.")
    home = current_home(folder)  # one store from beginning to end, whatever is published meanwhile
    path, manifest = home / "scores.parquet", read_manifest(home)
    if not path.is_file() or sha256_of(path) != manifest["files"][path.name]["sha256"]:
        raise ArtifactError(f"{path} is missing or damaged (checksum). Publish the ranking again.")
    with pq.ParquetFile(path) as file:
        wanted = columns(file.schema_arrow, manifest) if callable(columns) else columns
        return file.read(columns=None if wanted is None else sorted(wanted)), manifest


def require_not_later(day: int, base: Base, *, what: str) -> None:
    """Raise DataError for a ranking of a day after the base's; what: that is made as of the base's day."""
    if day > base.as_of:
        raise DataError(
            f"the ranking is of {to_date(day)}, later than {to_date(base.as_of)}, the day of {what}: it knows what "
            "comes. Give a later --as-of, or a ranking of that day."
        )


def require_currency(manifest: Mapping[str, Any], base: Base) -> None:
    """Raise DataError for a ranking in another currency than the orders."""
    if manifest["currency"] != base.currency:
        raise DataError(
            f"the ranking is in {manifest['currency']}, the orders are in {base.currency}. Rank these orders."
        )


def places_in(scores: pa.Table, base: Base) -> Ints:
    """Return each customer's row in the scores, -1 for none; (C,). DataError if nobody has one."""
    place = places_among(base.sales.ids, scores["customer_id"])
    if not (place >= 0).any():
        raise DataError("none of these customers is in the ranking. Give the ranking of the same orders.")
    return place


def margin_of(manifest: Mapping[str, Any]) -> float:
    """Return the profit's share of the amount that the ranking's lifetime values were made with; 1 if none is told."""
    terms = manifest.get("clv") or {}
    return float(terms["margins"]["shop"] if terms.get("margins") else terms.get("margin", 1.0))
