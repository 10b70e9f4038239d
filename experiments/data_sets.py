"""Real data that anybody has: what comes with packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from contracts.errors import ArtifactError


def cdnow_file() -> Path:
    """Return CDNOW's orders (23,570 customers, 69,659 orders, 1997-98) inside the lifetimes package."""
    # Found without importing lifetimes, which changes global options and warns.
    found = importlib.util.find_spec("lifetimes")
    if found is None or found.origin is None:
        raise ArtifactError("lifetimes is not installed; the demo's orders come with it. Run `make setup`.")
    return Path(found.origin).with_name("datasets") / "CDNOW_master.txt"
