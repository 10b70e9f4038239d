"""Several server processes behind one listening socket, looked after by a parent that only waits.

Each is a process of its own from the start (no fork: LightGBM's threads do not survive one) with its own copy of the
model; the operating system hands each connection to one of them.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from types import FrameType

logger = logging.getLogger("repurchase.serving")

SHARED_METRICS = "PROMETHEUS_MULTIPROC_DIR"
_TOO_EARLY_S = 10.0
_STOP_S = 30.0
_POLL_S = 0.2
_LOOK_S = 1.0


def run_workers(count: int, *, command: Sequence[str], listening: socket.socket) -> int:
    """Run so many processes of a command until SIGTERM or SIGINT; return the exit code.

    The command gets `--listen-fd N --parent PID`. One that ends later is started anew; one that ends within 10 seconds
    of its start ends them all, with its exit code. SIGHUP goes to all of them.
    """
    with tempfile.TemporaryDirectory(prefix="repurchase-metrics-") as shared:
        more = ("--listen-fd", str(listening.fileno()), "--parent", str(os.getpid()))
        workers = _Workers(count, [*command, *more], listening, shared)
        before = {one: signal.signal(one, workers.on_signal) for one in workers.SIGNALS}
        try:
            return workers.run()
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)
            workers.end()


def stop_without(parent: int) -> None:
    """Have this worker stop as if it was told to, once the parent (a process id) that looks after it is gone."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(_LOOK_S)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=look, name="parent", daemon=True).start()


class _Workers:
    SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def __init__(self, count: int, command: list[str], listening: socket.socket, shared: str) -> None:
        self._command, self._listening, self._shared = command, listening, shared
        self._stopping = False
        self._running = [self._started() for _ in range(count)]

    def run(self) -> int:
        while not self._stopping:
            for at, (process, since) in enumerate(self._running):
                code = process.poll()
                if code is None or self._stopping:
                    continue
                if time.monotonic() - since < _TOO_EARLY_S:
                    return code or 1
                logger.error("worker %d ended with %d; another one is started", process.pid, code)
                self._running[at] = self._started()
            time.sleep(_POLL_S)
        return max(self._waited_for())

    def end(self) -> None:
        """End whoever still runs."""
        self._tell(signal.SIGTERM)
        self._waited_for()

    def on_signal(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._tell(signal.SIGHUP)
        else:
            self._stopping = True
            self._tell(signal.SIGTERM)

    def _started(self) -> tuple[subprocess.Popen[bytes], float]:
        environment = {**os.environ, SHARED_METRICS: self._shared}
        process = subprocess.Popen(self._command, env=environment, pass_fds=(self._listening.fileno(),))
        return process, time.monotonic()

    def _tell(self, number: signal.Signals) -> None:
        for process, _ in self._running:
            if process.poll() is None:
                process.send_signal(number)

    def _waited_for(self) -> list[int]:
        end = time.monotonic() + _STOP_S
        for process, _ in self._running:
            try:
                process.wait(max(end - time.monotonic(), 0.0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        return [abs(process.returncode) for process, _ in self._running]
