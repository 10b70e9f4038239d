"""Keep native code from printing on standard output, where results go.

HiGHS 1.12 prints a line of its own there, whatever one asks (github.com/jump-dev/HiGHS.jl, issue 312).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

STDOUT = 1


@contextmanager
def native_output_dropped() -> Iterator[None]:
    """Drop what the process writes to standard output inside; only where there is a POSIX one."""
    kept = _kept()
    if kept is None:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    _flush()
    os.dup2(nowhere, STDOUT)
    try:
        yield
    finally:
        _flush()  # what C has buffered belongs to the inside
        os.dup2(kept, STDOUT)
        os.close(kept)
        os.close(nowhere)


def _kept() -> int | None:
    """Return a copy of standard output, None where there is none."""
    if os.name != "posix":
        return None
    try:
        return os.dup(STDOUT)
    except OSError:  # closed, as in some services
        return None


def _flush() -> None:
    if sys.stdout is not None:
        sys.stdout.flush()
    ctypes.CDLL(None).fflush(None)
