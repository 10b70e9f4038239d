"""Published rankings as other jobs read them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import ArtifactError

Chosen = Callable[[pa.Schema, dict[str, Any]], Collection[str]]


def read_ranking(
    folder: Path, columns: Collection[str] | Chosen | None = None
) -> tuple[pa.Table, dict[str, Any]]:
    """Return the current scores of a published ranking, best first, and its manifest, once the checksums are right.

    columns: which (contracts.tables.scores_schema), a function that chooses them, or None for all. Raises ArtifactError
    if there is no ranking, or it is damaged or of another version.
    """
    from serving.disk import sha256_of
    from serving.shelf import current_home
    from serving.store import Store

    if folder.is_file():
        raise ArtifactError(f"{folder} is a file. Give the folder that `repurchase rank` published into.")
    home = current_home(folder)  # one store from beginning to end, whatever is published meanwhile
    store = Store.open(home)
    store.close()
    path, manifest = home / "scores.parquet", store.manifest
    if not path.is_file() or sha256_of(path) != manifest["files"][path.name]["sha256"]:
        raise ArtifactError(f"{path} is missing or damaged (checksum). Publish the ranking again.")
    with pq.ParquetFile(path) as file:
        wanted = columns(file.schema_arrow, manifest) if callable(columns) else columns
        return file.read(columns=None if wanted is None else sorted(wanted)), manifest
