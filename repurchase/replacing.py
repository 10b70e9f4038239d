"""Folders that a command writes whole: what may be replaced, and how the new one takes the old one's place."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import ArtifactError


def require_replaceable(out: Path, *, what: str, is_ours: Callable[[Path], bool]) -> None:
    """Refuse, before any work, a target that holds anything but `what` or cannot be written."""
    if out.is_symlink() or out.is_file() or (out.is_dir() and any(out.iterdir()) and not is_ours(out)):
        raise ArtifactError(f"{out} holds something that is no {what}. Give a new folder as --out.")
    if out.resolve() == Path.cwd() or out.is_mount():
        raise ArtifactError(f"{out} cannot be replaced as a whole. Give a folder inside it as --out.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent):
        pass  # it can be written


def is_of_kind(folder: Path, file: str, kind: str) -> bool:
    """Tell whether a JSON file of a folder says that we wrote it as this kind."""
    try:
        return bool(json.loads((folder / file).read_text(encoding="utf-8")).get("kind") == kind)
    except (OSError, ValueError, AttributeError):
        return False


def replace_folder(fresh: Path, out: Path, *, old: Path) -> None:
    """Put a finished folder in its place; an older one waits at `old`, and comes back if that fails."""
    if out.exists():
        out.rename(old)
    try:
        fresh.rename(out)
    except OSError:
        if old.exists():
            old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def written_whole(out: Path) -> Iterator[Path]:
    """Yield a new folder beside `out`; when its work is done it takes the place of `out`, else nothing changes.

    What a killed run left is cleared away first; if it was killed between the two renames, the older folder comes back.
    """
    fresh, old = (out.with_name(f".{out.name}.{which}") for which in ("fresh", "old"))
    if old.exists() and not out.exists():
        old.rename(out)
    for left in (fresh, old):
        shutil.rmtree(left, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        yield fresh
        replace_folder(fresh, out, old=old)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
