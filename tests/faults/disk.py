"""A disk that can be filled, or a limit on the size of files in its place."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.repurchase.front_door import Ended, command, environment

ROOM, LEFT = 48 << 20, 24 << 10


@contextmanager
def mounted(folder: Path) -> Iterator[bool]:
    """Mount a small disk on a folder for a while; yield False where that is not allowed."""
    words = ["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode:
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@dataclass(frozen=True)
class Disk:
    """A folder whose space can be taken away: by filling the disk, or by a limit on the size of files."""

    folder: Path
    mounted: bool

    @contextmanager
    def full(self) -> Iterator[None]:
        """Fill the disk for a while, but for a few bytes."""
        filler = self.folder / "filler"
        free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, free - LEFT)
        try:
            yield
        finally:
            filler.unlink(missing_ok=True)

    def run(self, where: Path, *words: str | Path, settings: Mapping[str, str] | None = None) -> Ended:
        """Run a command that finds no space."""
        if not self.mounted:
            return self._run(where, words, settings or {})
        with self.full():
            return self._run(where, words, settings or {})

    def _run(self, where: Path, words: tuple[str | Path, ...], settings: Mapping[str, str]) -> Ended:
        done = subprocess.run(
            command(*words), cwd=where, env={**environment(where), **settings}, capture_output=True, text=True,
            check=False, timeout=120, preexec_fn=None if self.mounted else _limited,
        )  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (LEFT, LEFT))
