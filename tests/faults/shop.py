"""A shop that is large enough to be stopped half-way: its files, and commands that are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.repurchase.front_door import command, environment

HEADER = "customer_id,order_id,ordered_at,amount,category"


def rows(first: int, count: int) -> list[str]:
    """Return order rows with numbers from `first`."""
    return [
        f"customer-{i * 7919 % 1999:05d},{i},2023-{1 + i % 12:02d}-{1 + i * 31 % 28:02d} 1{i % 10}:{i % 60:02d},"
        f"{i % 97}.{i % 10},{'abc'[i % 3]}"
        for i in range(first, first + count)
    ]


def orders(folder: Path, name: str, *, first: int = 0, count: int = 30_000) -> Path:
    """Write an order file."""
    path = folder / name
    path.write_text("\n".join([HEADER, *rows(first, count)]) + "\n")
    return path


def killed_when(folder: Path, ready: Callable[[], bool], *words: str | Path) -> bool:
    """Start a command and kill it with -9 as soon as `ready`; tell whether it was killed before its end."""
    with subprocess.Popen(
        command(*words), cwd=folder, env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        while process.poll() is None and not ready():
            time.sleep(0.001)
        process.kill()
    return process.returncode == -signal.SIGKILL


STOPPED = """
import os, signal, sys
from pathlib import Path
from repurchase import cli
whole, count = Path.replace, 0
number, when = int(sys.argv[1]), sys.argv[2]
def replace(self, target):
    global count
    count += 1
    if (count, when) == (number, "before"): os.kill(os.getpid(), signal.SIGKILL)
    done = whole(self, target)
    if (count, when) == (number, "after"): os.kill(os.getpid(), signal.SIGKILL)
    return done
Path.replace = replace
sys.argv = ["repurchase", *sys.argv[3:]]
cli.main()
"""


def killed_at_rename(folder: Path, number: int, when: str, *words: str | Path) -> bool:
    """Run a command that kills itself with -9 just before or after its rename of this number."""
    done = subprocess.run(
        [sys.executable, "-c", STOPPED, str(number), when, *map(str, words)],
        cwd=folder, env={**environment(folder), "PYTHONPATH": str(Path.cwd())}, capture_output=True, check=False,
    )  # fmt: skip
    return done.returncode == -signal.SIGKILL
