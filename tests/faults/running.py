"""A server process over a folder's ranking and model, with a watcher: `python -m tests.faults.running FOLDER`.

It prints its port, answers without keys until SIGTERM, and adds a line `kind result` to FOLDER/counted for each swap.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LONGEST_WAIT_S = 90.0


def serve(folder: Path) -> None:
    """Serve a folder's ranking and model until SIGTERM, as where only the serving group is installed."""
    _import_lightgbm_alone()
    from contracts.days import utc_now
    from models.bundle import load_bundle
    from serving.app import create_app
    from serving.live_scorer import LiveScorer
    from serving.server import server
    from serving.store import Store
    from serving.swap.watch import Watcher

    def open_scorer(home: Path) -> LiveScorer:
        return LiveScorer(load_bundle(home), utc_now)

    def count(kind: str, result: str) -> None:
        with (folder / "counted").open("a") as file:
            file.write(f"{kind} {result}\n")

    app = create_app(
        store=Store.open(folder / "ranking") if (folder / "ranking").exists() else None,
        scorer=open_scorer(folder / "model"),
        keys=None,
        clock=utc_now,
    )
    watcher = Watcher(
        app.state.service, store=folder / "ranking", bundle=folder / "model", every=3600.0,
        open_scorer=open_scorer, count=count,
    )  # fmt: skip
    watcher.on_hangup()
    watcher.start()
    running = server(app, host="127.0.0.1", port=0)
    threading.Thread(target=_tell_port, args=(running, folder), daemon=True).start()
    running.run()
    watcher.stop()


def _import_lightgbm_alone() -> None:
    """Import LightGBM without pandas and scikit-learn, which it imports where they are installed."""
    absent: dict[str, Any] = {"pandas": None, "sklearn": None}
    sys.modules.update(absent)
    import models.boosters  # noqa: F401

    for name in absent:
        del sys.modules[name]


def _tell_port(running: Any, folder: Path) -> None:
    while not running.started:
        time.sleep(0.01)
    aside = folder / ".port"
    aside.write_text(str(running.servers[0].sockets[0].getsockname()[1]))
    aside.replace(folder / "port")


@dataclass(frozen=True)
class Server:
    """A running server process, seen from outside."""

    folder: Path
    process: subprocess.Popen[bytes]
    port: int

    def ask(self, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and JSON of one request on a connection of its own."""
        with self.connection() as connection:
            return asked(connection, path, body)

    @contextmanager
    def connection(self) -> Iterator[http.client.HTTPConnection]:
        """Yield a connection that is kept alive."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            yield connection
        finally:
            connection.close()

    @property
    def alive(self) -> bool:
        """Whether the process lives and answers."""
        return self.process.poll() is None and self.ask("/health/live")[0] == 200

    @property
    def counted(self) -> list[str]:
        """The swaps so far, as `kind result`."""
        path = self.folder / "counted"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def resident_mb(self) -> float:
        """The resident memory."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    @property
    def open_files(self) -> int:
        """How many files and connections it holds open, and files of rankings it has mapped."""
        mapped = Path(f"/proc/{self.process.pid}/maps").read_text().count("/ranking/stores/")
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir())) + mapped

    def look(self, *, counts: int) -> None:
        """Have the watcher look, until so many more swaps are counted."""
        wanted = len(self.counted) + counts
        self.process.send_signal(signal.SIGHUP)
        if not until(lambda: len(self.counted) >= wanted or self.process.poll() is not None):
            raise AssertionError(f"{counts} swaps were not counted: {self.counted[-4:]}")


def asked(connection: http.client.HTTPConnection, path: str, body: Any = None) -> tuple[int, Any]:
    """Return status and JSON of one request."""
    data = None if body is None else json.dumps(body)
    headers = {} if body is None else {"content-type": "application/json"}
    connection.request("GET" if body is None else "POST", path, data, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def until(reached: Callable[[], bool], *, seconds: float = LONGEST_WAIT_S) -> bool:
    """Wait until something is reached; tell whether it was."""
    end = time.monotonic() + seconds
    while not reached() and time.monotonic() < end:
        time.sleep(0.01)
    return reached()


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Serve a folder's ranking and model in a process of its own."""
    (folder / "port").unlink(missing_ok=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (
        (folder / "server.log").open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-m", "tests.faults.running", str(folder)],
            cwd=ROOT, env=environment, stdout=log, stderr=log,
        ) as process,
    ):  # fmt: skip
        try:
            until(lambda: (folder / "port").exists() or process.poll() is not None)
            if process.poll() is not None:
                raise AssertionError((folder / "server.log").read_text()[-2000:])
            yield Server(folder, process, int((folder / "port").read_text()))
        finally:
            with suppress(ProcessLookupError):
                process.kill()


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
