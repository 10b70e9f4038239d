"""The audit log: one JSON line per request that was answered, and nothing personal in it.

time, key (its name), method, route (the template), status, rows, request_id, ms. Lines are appended with O_APPEND by
one writer per process, so that several processes may share a file; a file that was rotated away is left for the new
one within a second. A disk that takes nothing fails no request: it is counted, and logged once a minute.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from contracts.errors import ArtifactError

logger = logging.getLogger("repurchase.serving")

_LOOK_SECONDS = 1.0
_COMPLAIN_SECONDS = 60.0


class Audit:
    """An open audit log. on_failure is called for each line that could not be written."""

    def __init__(
        self, file: Path, *, on_failure: Callable[[], None], ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._file = file
        self._on_failure = on_failure
        self._ticks = ticks
        self._next_look = ticks() + _LOOK_SECONDS
        self._next_complaint = 0.0
        self._torn = False
        try:
            self._descriptor: int | None = _open(file)
        except OSError as error:
            raise ArtifactError(
                f"{file}: the audit log cannot be opened ({error.strerror}). Make its folder writable, or give another."
            ) from None

    def note(self, entry: Mapping[str, Any]) -> None:
        """Append one line; never raises for the disk's sake."""
        line = to_json(entry) + b"\n"
        try:
            self._follow_rotation()
            self._write(line)
        except OSError as error:
            self._on_failure()
            if self._ticks() >= self._next_complaint:
                self._next_complaint = self._ticks() + _COMPLAIN_SECONDS
                logger.error("the audit log cannot be written (%s): lines are lost", error.strerror)

    def close(self) -> None:
        """Close the file; a later line opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, line: bytes) -> None:
        if self._descriptor is None:
            self._descriptor = _open(self._file)
        if self._torn:
            line = b"\n" + line
        written = os.write(self._descriptor, line)
        self._torn = written not in (0, len(line))
        if written < len(line):
            raise OSError(errno.ENOSPC, "the disk took only a part of a line")

    def _follow_rotation(self) -> None:
        if self._ticks() < self._next_look:
            return
        self._next_look = self._ticks() + _LOOK_SECONDS
        if self._descriptor is None:
            return
        try:
            named = self._file.stat()
        except FileNotFoundError:
            named = None
        ours = os.fstat(self._descriptor)
        if named is None or (named.st_ino, named.st_dev) != (ours.st_ino, ours.st_dev):
            self.close()


def _open(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
