"""A trial run in a process of its own, bounded in time and memory: what dies or hangs there hurts nobody here."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_MOST_SAID_BYTES = 64 * 2**10
# The child bounds itself before it imports anything: a hook between fork and exec is not safe beside other threads.
# No core file, no large file; sys.path: our rooms first, whatever stands in the working directory.
_BOUNDS = """
import resource, sys
memory, seconds, root = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
for which, most in (
    (resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds),
    (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 65536),
):
    hard = resource.getrlimit(which)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(which, (most, most))
sys.path.insert(0, root)
del sys.argv[1:4]
"""


def why_it_fails(code: str, *words: str | Path, seconds: int, memory_bytes: int) -> str | None:
    """Run Python code with words as sys.argv[1:] in a child process; return why it failed, or None.

    The child may take `seconds` (of wall time, and of CPU time should this process die meanwhile) and address
    `memory_bytes`. What it says last on standard error is the reason. It works with one thread, whose buffers
    need little address space.
    """
    command = [sys.executable, "-P", "-B", "-c", _BOUNDS + code, str(memory_bytes), str(seconds), str(ROOT)]
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
    with tempfile.TemporaryFile() as said:
        try:
            done = subprocess.run(
                [*command, *map(str, words)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said,
                env={**os.environ, **one_thread}, timeout=seconds, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"it took over {seconds} s"
        said.seek(0)
        lines = said.read(_MOST_SAID_BYTES).decode("utf-8", "replace").strip().splitlines()
    if done.returncode == 0:
        return None
    return _last(lines) or f"exit {done.returncode}"


def _last(lines: Sequence[str]) -> str:
    """Return the last line without the module of its error."""
    kind, mark, rest = (lines[-1] if lines else "").partition(": ")
    return f"{kind.rpartition('.')[2]}{mark}{rest}" if " " not in kind else f"{kind}{mark}{rest}"
