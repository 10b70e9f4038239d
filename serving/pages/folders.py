"""What `repurchase diagnose` and `repurchase plan` wrote, read again when it changes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

from contracts.errors import ArtifactError

T = TypeVar("T")


class Folder(Generic[T]):
    """The last reading of a file in a folder, good as long as the file is the same."""

    def __init__(self, name: str, read: Callable[[Path], T]) -> None:
        self._name = name
        self._read = read
        self._last: tuple[Path, int, int, T] | None = None
        self._lock = threading.Lock()

    def of(self, folder: Path | None) -> T | None:
        """Return what stands in the folder, or None if it is not set or nothing was written yet."""
        if folder is None:
            return None
        path = folder / self._name
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ArtifactError(f"{path} cannot be read ({error.strerror}).") from error
        with self._lock:
            known = self._last
        if known is not None and known[:3] == (path, found.st_mtime_ns, found.st_ino):
            return known[3]
        made = self._read(path)
        with self._lock:
            self._last = (path, found.st_mtime_ns, found.st_ino, made)
        return made


def read_json(path: Path, *, command: str) -> dict[str, Any]:
    """Read a JSON object; ArtifactError with the command that writes it anew."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} is damaged. Run `{command}` again.") from error
    if not isinstance(found, dict):
        raise ArtifactError(f"{path} is damaged. Run `{command}` again.")
    return found
