"""What a store must show before it is asked by others: every file whole, the first customers found either way."""

from __future__ import annotations

import json
from pathlib import Path

from contracts.errors import ArtifactError
from serving.disk import sha256_of
from serving.store import Store

GOLDEN_ROWS = 16


def check_store(home: Path) -> None:
    """Verify every file of a store and ask it for its first customers; ArtifactError if it is damaged."""
    manifest = json.loads((home / "manifest.json").read_text(encoding="utf-8"))
    for name, entry in manifest["files"].items():
        if sha256_of(home / name) != entry["sha256"]:
            raise ArtifactError(f"{name} is damaged (checksum)")
    ask_store(Store.open(home))


def ask_store(store: Store) -> None:
    """Compare the first customers, found by rank, with the same found by id; ArtifactError if they differ."""
    rows = store.ranking(limit=GOLDEN_ROWS)
    if len(rows) != min(GOLDEN_ROWS, store.count) or not rows:
        raise ArtifactError(f"it says {store.count} customers and answers {len(rows)} of the first")
    for row in rows:
        if store.customer(row["customer_id"]) != row:
            raise ArtifactError("a customer found by id has other scores than the same found by rank")
