"""The servers that experiments/bench_api.py measures, and wrk: each a process of its own, on loopback.

The servers share one core and wrk has another, where there are two: so nobody is measured while it waits for wrk.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import ArtifactError

START_SECONDS = 90
STOP_SECONDS = 30
SCRIPT = Path(__file__).with_name("bench_api.lua")
_TICKS = os.sysconf("SC_CLK_TCK")
_CORES = sorted(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Load:
    """What wrk measured: requests per second, latencies in ms, and answers that were no success."""

    per_second: float
    p50: float
    p99: float
    requests: int
    failed: int


@dataclass(frozen=True)
class Running:
    """A running server."""

    name: str
    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """Return what the process and its children have used so far."""
        return sum(_ticks(pid) for pid in self._tree()) / _TICKS

    def memory(self) -> tuple[float, float]:
        """Return the largest process's resident peak so far, and what of it is no file: MB each (10^6 bytes)."""
        peaks = [(_status(pid, "VmHWM:"), _status(pid, "RssAnon:")) for pid in self._tree()]
        return max((peak for peak, _ in peaks), default=0.0), max((own for _, own in peaks), default=0.0)

    def _tree(self) -> Iterator[int]:
        pending = [self.pid]
        while pending:
            pid = pending.pop()
            yield pid
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                pending += map(int, children.read_text().split())


@contextmanager
def running(
    name: str, command: Sequence[str], *, port: int, ready: str, log: Path, env: Mapping[str, str]
) -> Iterator[Running]:
    """Start a server and wait until `ready` (a path) answers; stop it at the end. ArtifactError if it does not."""
    with log.open("wb") as said:
        process = subprocess.Popen(
            [*_pinned(0), *command],
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**os.environ, **env},
            start_new_session=True,
        )
    try:
        _wait(name, process, f"http://127.0.0.1:{port}{ready}", log)
        yield Running(name, process.pid, port)
    finally:
        _stop(process)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


def require_wrk() -> None:
    """Raise ArtifactError if wrk is not installed."""
    if shutil.which("wrk") is None:
        raise ArtifactError("wrk is not installed. Install it: apt-get install wrk (brew install wrk).")


def load(port: int, method: str, file: Path, *, key: str, connections: int, seconds: int) -> Load:
    """Send what a file holds for some seconds, each connection one request after the other."""
    command = [
        *_pinned(1), "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s",
        "-s", str(SCRIPT), f"http://127.0.0.1:{port}", "--", method, str(file), key,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 60, check=False)
    line = next((one for one in done.stdout.splitlines() if one.startswith("MEASURED ")), None)
    if line is None:
        raise ArtifactError(f"wrk measured nothing: {done.stderr.strip() or done.stdout.strip()}")
    found = json.loads(line.removeprefix("MEASURED "))
    return Load(
        found["requests"] / (found["microseconds"] / 1e6),
        found["p50"] / 1e3,
        found["p99"] / 1e3,
        found["requests"],
        found["refused"] + found["broken"],
    )


def _pinned(place: int) -> list[str]:
    if len(_CORES) < 2 or shutil.which("taskset") is None:
        return []
    return ["taskset", "-c", str(_CORES[place])]


def _wait(name: str, process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if _answers(url):
            return
        time.sleep(0.2)
    said = log.read_text(errors="replace").strip().splitlines()[-5:]
    raise ArtifactError(f"{name} did not start within {START_SECONDS} s: {' / '.join(said)}")


def _answers(url: str) -> bool:
    """Tell whether a server is up: it answers, or asks for a key."""
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return error.code in (401, 403)
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and whatever it has started."""
    for one in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, one)
        try:
            process.wait(STOP_SECONDS)
            return
        except subprocess.TimeoutExpired:
            continue


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has ended
        return 0
    return int(fields[11]) + int(fields[12])


def _status(pid: int, field: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has ended
        return 0.0
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(field)), 0.0)
