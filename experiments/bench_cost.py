"""What a command costs: CPU and wall seconds, and the memory of its whole process tree (Linux: from /proc).

CPU is the user and system time of the process and of the children that it waited for. Memory is the largest
proportional set size of the tree, sampled, so that shared pages count once; a peak between two samples is caught where
it is one process's own, by its resident peak.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.05


@dataclass(frozen=True)
class Cost:
    """What one process tree used. cpu and wall in seconds, peak in GiB."""

    cpu: float
    wall: float
    peak: float
    code: int
    said: str


def measure(command: Sequence[str]) -> Cost:
    """Run a command to its end and return what its process tree used."""
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT)
        peak = Peak(child.pid)
        watcher = threading.Thread(target=peak.watch, daemon=True)
        watcher.start()
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - begun
        peak.over.set()
        watcher.join()
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        words = [
            one for one in said.read().decode(errors="replace").splitlines() if any(map(str.isalnum, one))
        ]
    cpu = used.ru_utime + used.ru_stime
    return Cost(cpu, wall, peak.bytes / 2**30, child.returncode, words[-1].strip() if words else "")


class Peak:
    """The largest memory of a process tree so far, sampled until `over` is set."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.bytes = 0
        self.over = threading.Event()

    def watch(self) -> None:
        """Sample; a look at a large process takes long, so the pause is at least ten times the look."""
        pause = SAMPLE_SECONDS
        while not self.over.wait(pause):
            begun = time.perf_counter()
            tree = list(_tree(self.pid))
            shared = sum(_kilobytes(pid, "smaps_rollup", "Pss:") for pid in tree)
            resident = max((_kilobytes(pid, "status", "VmHWM:") for pid in tree), default=0)
            self.bytes = max(self.bytes, 1024 * shared, 1024 * resident)
            pause = max(SAMPLE_SECONDS, 10 * (time.perf_counter() - begun))


def _tree(pid: int) -> Iterator[int]:
    """Yield a process and all processes that it or they have started and that still run."""
    yield pid
    with suppress(OSError):  # it has ended
        for task in list(Path(f"/proc/{pid}/task").iterdir()):
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def _kilobytes(pid: int, file: str, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:  # it has ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)
