"""A ranking that is made again and again: what it holds, and commands that die at a step of their writing."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from serving.store import Store
from serving.stored.shelf import current_home
from tests.faults.running import ROOT
from tests.repurchase.front_door import command, environment

# Every rename and every sync is a step: the moments at which what is on the disk changes its meaning.
DYING = """
import os, signal, sys
number, when, count = int(sys.argv[1]), sys.argv[2], 0
def dying(done):
    def step(*given, **named):
        global count
        count += 1
        if (count, when) == (number, "before"): os.kill(os.getpid(), signal.SIGKILL)
        answer = done(*given, **named)
        if (count, when) == (number, "after"): os.kill(os.getpid(), signal.SIGKILL)
        return answer
    return step
for name in ("replace", "rename", "fsync"):
    setattr(os, name, dying(getattr(os, name)))
sys.argv = ["repurchase", *sys.argv[3:]]
from repurchase import cli
try:
    cli.main()
finally:
    if number == 0: print("steps", count)
"""
# The front door with another clock: so many days before or after now.
SHIFTED = """
import sys
from datetime import timedelta
from contracts import days
real, shift = days.utc_now, timedelta(days=float(sys.argv[1]))
days.utc_now = lambda: real() + shift
sys.argv = ["repurchase", *sys.argv[2:]]
from repurchase import cli
cli.main()
"""


def scores(folder: Path) -> pa.Table:
    """Return the current ranking without the time at which it was made, having opened and asked it."""
    store = Store.open(folder)
    table = pq.read_table(current_home(folder) / "scores.parquet")
    rows = store.ranking(limit=store.count)
    assert [row["customer_id"] for row in rows] == table["customer_id"].to_pylist()
    assert store.customer(rows[-1]["customer_id"]) == rows[-1]
    return table.drop_columns(["scored_at"])


def differing(one: pa.Table, other: pa.Table) -> list[str]:
    """Return the columns in which two rankings differ."""
    names = dict.fromkeys([*one.column_names, *other.column_names])
    both = set(one.column_names) & set(other.column_names)
    return [name for name in names if name not in both or not one[name].equals(other[name])]


def driven(code: str, folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line through a driver."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], cwd=folder, check=False, capture_output=True, text=True,
        env={**environment(folder), "PYTHONPATH": str(ROOT)}, timeout=120,
    )  # fmt: skip


def killed_at_step(folder: Path, number: int, when: str, *words: str | Path) -> bool:
    """Run a command that dies before or after a step; tell whether it came so far."""
    return driven(DYING, folder, str(number), when, *words).returncode == -signal.SIGKILL


def steps_of(folder: Path, *words: str | Path) -> int:
    """Run a command to its end and return how many steps it has."""
    done = driven(DYING, folder, "0", "never", *words)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


def killed_after(folder: Path, seconds: float, *words: str | Path) -> bool:
    """Start a command and kill it after a while; tell whether it was still at work."""
    with subprocess.Popen(
        command(*words),
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        time.sleep(seconds)
        process.kill()
    return process.returncode == -signal.SIGKILL
