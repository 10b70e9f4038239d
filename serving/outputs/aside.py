"""Files that appear whole or not at all: written beside their place, synced, then renamed."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from serving.disk import sync

_ENDING = ".writing"


@contextmanager
def written_aside(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield an empty file beside `path`; it takes that name when the block ends, else `path` stays as it was.

    private: for the owner's eyes only. Files of the same name that killed runs left behind are removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _sweep(path)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_ENDING, dir=path.parent)
    fresh = Path(name)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        os.fchmod(descriptor, 0o600 if private else 0o644)
        yield fresh
        sync(fresh)
        fresh.replace(path)
        sync(path.parent)
    finally:
        fresh.unlink(missing_ok=True)
        os.close(descriptor)


def _sweep(path: Path) -> None:
    """Remove what killed runs left: files that nobody holds."""
    for left in path.parent.glob(f".{_literal(path.name)}.*{_ENDING}"):
        descriptor = os.open(left, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink(missing_ok=True)
        except BlockingIOError:
            continue  # somebody writes it now
        finally:
            os.close(descriptor)


def _literal(name: str) -> str:
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)
