"""Hostile bodies against a real server in a process of its own, over sockets, on every endpoint that takes a body."""

from __future__ import annotations

import gzip
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.serving.hostile import GOOD, HOSTILE, VALID

pytestmark = pytest.mark.lab  # servers of its own: make test-lab

ROOT = Path(__file__).parents[2]
SECONDS = 2.0
GROWTH_MIB = 400
HEAVY = 200_000
JSON = {"content-type": "application/json"}


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen[str]
    port: int

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, float]:
        before = self.cpu_seconds()
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        # A body that is refused by its length may still be on its way: the answer is there all the same.
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        found = answer.status, answer.read(), self.cpu_seconds() - before
        connection.close()
        return found

    def cpu_seconds(self) -> float:
        """Return what the server has worked so far: other processes' load does not count."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def get(self, path: str) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        assert answer.status == 200, path
        content = answer.read()
        connection.close()
        return content

    def mib(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)
        assert found is not None
        return int(found[1]) / 1024

    def is_well(self) -> bool:
        return b"live" in self.get("/health/live")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    command = [sys.executable, "-m", "tests.serving.hostile_server", str(tmp_path_factory.mktemp("hostile"))]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Server(process, int(process.stdout.readline()))
        process.terminate()
        assert process.wait(30) == 0


def posts(server: Server) -> list[str]:
    paths = json.loads(server.get("/openapi.json"))["paths"]
    return [path.replace("{name}", "repurchase") for path, methods in paths.items() if "post" in methods]


def refused(server: Server, path: str, body: bytes, headers: dict[str, str]) -> None:
    status, content, seconds = server.post(path, body, headers)
    assert 400 <= status < 500, (path, status, content)
    assert json.loads(content)["status"] == status and len(content) < 5_000
    assert b"secret" not in content and b"jane" not in content
    assert seconds < SECONDS, path


def test_there_are_endpoints_and_bodies_enough(server: Server) -> None:
    assert {"/v1/score", "/invocations", "/v2/models/repurchase/infer"} <= set(posts(server))
    assert len(HOSTILE) >= 80


@pytest.mark.parametrize("name", [name for name, body in HOSTILE.items() if len(body) < HEAVY])
def test_a_hostile_body_gets_a_4xx_quickly_on_every_endpoint(server: Server, name: str) -> None:
    for path in posts(server):
        refused(server, path, HOSTILE[name], JSON)


@pytest.mark.parametrize("name", [name for name, body in HOSTILE.items() if len(body) >= HEAVY])
def test_a_heavy_body_gets_a_4xx_within_two_seconds_and_bounded_memory(server: Server, name: str) -> None:
    before = server.mib("VmRSS")
    for path in ("/v1/score", "/invocations"):
        refused(server, path, HOSTILE[name], JSON)
    assert server.mib("VmRSS") - before < GROWTH_MIB and server.is_well()


@pytest.mark.parametrize("name", VALID)
def test_what_only_looks_hostile_is_answered(server: Server, name: str) -> None:
    status, content, seconds = server.post("/v1/score", VALID[name], JSON)
    assert status == 200, content
    answer = json.loads(content)
    assert len(answer["scores"]) + len(answer["not_scored"]) == 1 and seconds < SECONDS


BOMB = gzip.compress(b"[" * 30_000_000)
CODED = {
    "a gzip bomb": (BOMB, {**JSON, "content-encoding": "gzip"}),
    "a gzip bomb without its name": (BOMB, JSON),
    "brotli": (b"\x1b\x00\x00", {**JSON, "content-encoding": "br"}),
    "two codings": (BOMB, {**JSON, "content-encoding": "gzip, gzip"}),
    "parts": (b"--x\r\n\r\nsecret\r\n--x--", {"content-type": "multipart/form-data; boundary=x"}),
    "a form": (b"customers=secret", {"content-type": "application/x-www-form-urlencoded"}),
    "XML": (b'<!DOCTYPE a [<!ENTITY b "secret">]><a>&b;</a>', {"content-type": "application/xml"}),
    "plain text": (GOOD, {"content-type": "text/plain"}),
    "36 MB": (b"[" * 36_000_000, JSON),
}


@pytest.mark.parametrize("name", CODED)
def test_what_is_no_plain_json_of_a_bearable_size_is_refused(server: Server, name: str) -> None:
    body, headers = CODED[name]
    for path in posts(server) if len(body) < HEAVY else ["/v1/score"]:
        refused(server, path, body, headers)


def said(server: Server, head: bytes, piece: bytes, times: int) -> bytes:
    """Send a head and pieces of a body until the server has enough; return its answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(head)
            for _ in range(times):
                connection.sendall(piece)
        return connection.recv(4_096)


CHUNK = b"10000\r\n" + b" " * 65_536 + b"\r\n"
START = b"POST /v1/score HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n"
RAW = {
    "an endless body in chunks": (START + b"transfer-encoding: chunked\r\n\r\n", CHUNK, 2_000, b"413"),
    "an endless header": (b"GET / HTTP/1.1\r\nx-secret: ", b"a" * 65_536, 100, b"400"),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"", 0, b"400"),
    "two lengths": (START + b"content-length: 1\r\ncontent-length: 2\r\n\r\n1", b"", 0, b"400"),
    "a chunk that is none": (START + b"transfer-encoding: chunked\r\n\r\nsecret\r\n", b"", 0, b"400"),
    "a length that is none": (START + b"content-length: -1\r\n\r\n", b"", 0, b"400"),
}


@pytest.mark.parametrize("name", RAW)
def test_what_is_wrong_on_the_wire_is_refused(server: Server, name: str) -> None:
    head, piece, times, status = RAW[name]
    before = server.cpu_seconds()
    answer = said(server, head, piece, times)
    assert answer.startswith(b"HTTP/1.1 " + status) and b"secret" not in answer
    assert server.cpu_seconds() - before < SECONDS and server.is_well()


def test_after_all_that_it_answers_and_has_not_grown(server: Server) -> None:
    status, content, _ = server.post("/v1/score", GOOD, JSON)
    assert status == 200 and json.loads(content)["scores"]
    assert server.is_well() and server.mib("VmHWM") < 1_500
