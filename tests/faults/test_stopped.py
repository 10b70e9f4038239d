"""SIGTERM with requests in flight: each is answered, then the process ends with 0."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from serving.store import publish
from tests.faults.models import write_model
from tests.faults.running import free_port, until
from tests.faults.test_swaps import ranking_of
from tests.repurchase.front_door import command, environment
from tests.serving.shop import histories, order

BODY = json.dumps(
    histories(**{f"c{i}": [order("2023-10-01"), order("2023-12-01")] for i in range(200)})
).encode()
HEAD = (
    b"POST /v1/score HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n" % len(BODY)
)


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run `repurchase serve` over a model and a ranking; yield the process and its port."""
    write_model(folder / "model")
    publish(ranking_of(0), folder / "ranking", manifest={})
    port = free_port()
    words = ("serve", "--store", "ranking", "--model", "model", "--no-keys", "--port", str(port))
    with subprocess.Popen(
        command(*words),
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            until(lambda: listening(port) or process.poll() is not None)
            yield process, port
        finally:
            process.kill()


def listening(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def read_all(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    parts = []
    while part := connection.recv(2**16):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    ("rounds", "requests"),
    [
        pytest.param(1, 8, id="1x8"),
        pytest.param(10, 40, marks=[pytest.mark.faults, pytest.mark.full], id="10x40"),
    ],
)
def test_requests_in_flight_are_answered(
    tmp_path: Path, rounds: int, requests: int, tell: Callable[[str], None]
) -> None:
    answered, codes = 0, []
    for number in range(rounds):
        (tmp_path / str(number)).mkdir()
        with served(tmp_path / str(number)) as (process, port), ExitStack() as stack:
            connections = [
                stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
                for _ in range(requests)
            ]
            for connection in connections:
                connection.sendall(HEAD + BODY[: len(BODY) // 2])
            time.sleep(0.3)  # their requests have begun: the bodies are awaited
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            assert not listening(port) or process.poll() is None
            for connection in connections:
                connection.sendall(BODY[len(BODY) // 2 :])
            answers = [read_all(connection) for connection in connections]
            answered += sum(one.startswith(b"HTTP/1.1 200") and one.endswith(b"}") for one in answers)
            codes.append(process.wait(30))
    tell(
        f"SIGTERM {rounds} times, {requests} requests in flight each: {answered} answered, exit codes {set(codes)}"
    )
    assert answered == rounds * requests and set(codes) == {0}


@pytest.mark.faults
def test_nobody_in_flight_and_an_idle_connection_do_not_hold_it_up(tmp_path: Path) -> None:
    with served(tmp_path) as (process, port), socket.create_connection(("127.0.0.1", port)) as idle:
        idle.sendall(b"GET /health/live HTTP/1.1\r\nhost: shop\r\n\r\n")
        assert idle.recv(2**16).startswith(b"HTTP/1.1 200")
        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0 and time.monotonic() - begun < 10
