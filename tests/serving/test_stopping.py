"""What a real server process does with clients who are slow, and how it stops."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from contracts.errors import ArtifactError
from serving.server import listening, require_free

pytestmark = pytest.mark.lab  # servers of its own: make test-lab

ROOT = Path(__file__).parents[2]
HEADER_S = 1.0
CODE = f"""
import sys, serving.server, serving.guarding.limits, pathlib
serving.server._HEADER_S = {HEADER_S}
from tests.serving.hostile_server import main
main(pathlib.Path(sys.argv[1]))
"""


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    port: int

    def get(self, path: str) -> HTTPResponse:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            return answer

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def lives(self) -> bool:
        return self.get("/health/live").status == 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    command = [sys.executable, "-c", CODE, str(tmp_path_factory.mktemp("server"))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Server(process, int(process.stdout.readline()))
        process.kill()


def test_pipelined_requests_are_answered_in_their_order(server: Server) -> None:
    with server.connected() as connection:
        line = b"GET /%s HTTP/1.1\r\nhost: shop\r\n%s\r\n"
        connection.sendall(line % (b"v2/health/live", b"") + line % (b"nowhere", b"connection: close\r\n"))
        text = b""
        while piece := connection.recv(65_536):
            text += piece
    assert text.index(b"200 OK") < text.index(b'{"live":true}') < text.index(b"404 Not Found")


def test_a_client_that_hangs_up_in_the_middle_of_its_answer_hurts_nobody(server: Server) -> None:
    for _ in range(20):
        with server.connected() as connection:
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nhost: shop\r\n\r\n")
    assert server.lives()


def test_many_kept_connections_are_fine(server: Server) -> None:
    connections = [HTTPConnection("127.0.0.1", server.port, timeout=10) for _ in range(100)]
    for each in connections * 2:
        each.request("GET", "/health/live")
        assert each.getresponse().read() == b'{"status":"live"}'
    for each in connections:
        each.close()


@pytest.mark.parametrize(
    ("before", "head"),
    [(b"", b""), (b"", b"GET / HTTP/1.1\r\nx: "), (b"GET /ping HTTP/1.1\r\nhost: shop\r\n\r\n", b"GET /")],
)
def test_a_header_that_never_ends_is_cut_off(server: Server, before: bytes, head: bytes) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(server.connected()) for _ in range(20)]
        for each in slow:
            if before:
                each.sendall(before)
                assert each.recv(65_536)
            each.sendall(head)
        started = time.monotonic()
        for each in slow:
            with suppress(ConnectionResetError):
                while each.recv(65_536):
                    pass
        assert HEADER_S / 2 < time.monotonic() - started < 8 and server.lives()


def test_a_taken_address_is_told() -> None:
    with listening("127.0.0.1", 0) as taken, pytest.raises(ArtifactError, match="Give another --port"):
        require_free("127.0.0.1", taken.getsockname()[1])


def test_told_to_stop_it_answers_what_is_in_flight_says_so_and_ends_with_0(server: Server) -> None:
    with ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(server.get, "/slow?seconds=1.5") for _ in range(8)]
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        ready = server.get("/health/ready")
        assert (ready.status, ready.headers["connection"]) == (503, "close")
        assert [each.result().status for each in slow] == [200] * 8
    assert server.process.wait(20) == 0
    with pytest.raises(ConnectionRefusedError):
        server.connected()
