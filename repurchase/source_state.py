"""What tells one state of a command's inputs from another, without reading them whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from features.prepared.partitions import is_prepared
from features.prepared.store import Prepared
from features.reading.locations import find_files
from repurchase.orders_job import OrdersJob


def state_of_inputs(job: OrdersJob) -> dict[str, Any]:
    """Return plain values that change with the orders, their mapping, the as-of day or the other tables."""
    return {
        "orders": [state_of_source(name) for name in job.files],
        "map": job.mapping.read_bytes().hex() if job.mapping else "",
        "as_of": job.as_of,
        "other": [state_of_source(name) for name in job.other.names],
        "merges": job.other.merges,
    }


def state_of_source(name: str) -> Any:
    """Return what tells one state of a source from another: prepared orders by content, files by size and time."""
    if is_prepared(name):
        return Prepared.open(Path(name)).fingerprint
    paths = [path for item in find_files(name) for path in (item.path, *item.paths) if path is not None]
    files = [(str(path), path.stat()) for path in paths if path.is_file()]
    return [name, [(path, stat.st_size, stat.st_mtime_ns) for path, stat in files]]
