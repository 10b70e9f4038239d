"""One watched folder: what is new in it, and what of that has been looked at."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

Kind = Literal["store", "model"]
Opened = TypeVar("Opened")
State = tuple[tuple[str, int, int, int], ...]

# A folder that is being copied into changes meanwhile; one that stays as it is for so long is whole, or damaged.
SETTLED_SECONDS = 0.25


@dataclass
class Source(Generic[Opened]):
    """A folder in which newer models or rankings appear.

    home_of: the folder of the files just now. version_of: the version of the files in a home, None if it cannot be
    told. open: verify, try and open a home; raises whatever is wrong with it.
    """

    kind: Kind
    folder: Path
    home_of: Callable[[Path], Path]
    version_of: Callable[[Path], str | None]
    open: Callable[[Path], Opened]
    seen: State | None = None
    waiting: Opened | None = None

    def newer(self, served: str | None) -> Opened | None:
        """Return what is there, opened, unless it is served or this state of the files was looked at before.

        Raises what `open` raised, once for each state of the files; a folder that is missing, or that changes
        meanwhile, holds nothing new yet.
        """
        state = self._settled()
        if state is None or state == self.seen:
            return None
        self.seen, self.waiting = state, None
        home = self.home_of(self.folder)
        if self.version_of(home) == served:
            return None
        try:
            return self.open(home)
        except Exception:
            if self._state() == state:
                raise
            self.seen = None  # replaced or swept while we looked: look again
            return None

    def _settled(self) -> State | None:
        state = self._state()
        if state is None or state == self.seen:
            return state
        time.sleep(SETTLED_SECONDS)
        return state if self._state() == state else None

    def _state(self) -> State | None:
        """Return name, inode, size and time of every file; None where no manifest is, or it cannot be read just now."""
        try:
            home = self.home_of(self.folder)
            if not (home / "manifest.json").is_file():
                return None
            found = [(str(path), path.stat()) for path in sorted(home.rglob("*"))]
        except OSError:
            return None
        return tuple((name, one.st_ino, one.st_size, one.st_mtime_ns) for name, one in found)
