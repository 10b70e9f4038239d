from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from contracts.errors import DataError, DeclarationError
from serving.webhook import Delivery, Hook, announce, deliver, key_of, signature, verify

NOW = datetime(2026, 3, 1, 3, 15, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MANIFEST = {
    "sha256": "ab" * 32, "as_of": "2026-02-28", "rows": 3, "model_version": "0123456789ab",
    "valid_until": "2026-03-07", "shop": "not told",
}  # fmt: skip


@dataclass
class Receiver:
    """A real HTTP server that answers with the statuses given, one after the other."""

    statuses: list[int]
    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiving(*statuses: int, more: dict[str, str] | None = None) -> Iterator[Receiver]:
    receiver = Receiver(list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(receiver.statuses.pop(0))
            for name, value in (more or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_port}/hooks?shop=1"
        yield receiver
        server.shutdown()
        thread.join()


def sent(url: str, pauses: list[float] | None = None) -> Delivery:
    noted: list[float] = [] if pauses is None else pauses
    return announce(Hook.of(url, SECRET), MANIFEST, changed_rows=2, clock=lambda: NOW, pause=noted.append)


# ---------------------------------------------------------------- the signature
def test_the_specifications_own_vector_is_reproduced() -> None:
    made = signature(
        key_of(SECRET),
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_openssl_computes_the_same_signature() -> None:
    signed = b"msg_1.1772334900." + '{"größe":1}'.encode()
    command = ["openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"hexkey:{key_of(SECRET).hex()}"]
    encoded = ["openssl", "base64", "-A"]
    digest = subprocess.run([*command, "-binary"], input=signed, capture_output=True, check=True).stdout
    theirs = subprocess.run(encoded, input=digest, capture_output=True, check=True).stdout.decode()
    ours = signature(key_of(SECRET), message_id="msg_1", timestamp=1772334900, body='{"größe":1}'.encode())
    assert ours == f"v1,{theirs}"


def headers(
    changed: dict[str, str] | None = None, *, body: bytes = b"{}", secret: str = SECRET, at: datetime = NOW
) -> dict[str, str]:
    seconds = int(at.timestamp())
    made = signature(key_of(secret), message_id="msg_1", timestamp=seconds, body=body)
    plain = {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(seconds), "Webhook-Signature": made}
    return plain | (changed or {})


def test_what_was_signed_is_accepted_under_any_case_of_the_headers() -> None:
    verify(SECRET, headers(), b"{}", now=NOW)


def test_one_right_signature_among_others_is_enough() -> None:
    both = "v1a,AAAA v1,AAAA " + headers()["Webhook-Signature"]
    verify(SECRET, headers({"Webhook-Signature": both}), b"{}", now=NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_what_is_too_old_or_too_new_is_refused(seconds: int) -> None:
    with pytest.raises(DataError, match="over 300 s"):
        verify(SECRET, headers(at=NOW + timedelta(seconds=seconds)), b"{}", now=NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Id", "msg_2"), ("Timestamp", "1772334901"), ("Timestamp", "１"), ("Timestamp", "-1"),
        ("Timestamp", "9" * 400), ("Signature", "v1,AAAA"), ("Signature", ""), ("Signature", "v2,é"),
    ],
)  # fmt: skip
def test_a_changed_header_is_refused(name: str, value: str) -> None:
    with pytest.raises(DataError):
        verify(SECRET, headers({f"Webhook-{name}": value}), b"{}", now=NOW)


def test_a_changed_body_another_secret_and_a_missing_header_are_refused() -> None:
    other = "whsec_" + "QUJD" * 8
    for given, body in ((headers(), b"{ }"), (headers(secret=other), b"{}"), ({}, b"{}")):
        with pytest.raises(DataError):
            verify(SECRET, given, body, now=NOW)


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_short", "whsec_" + "QUJD" * 7 + "!", "whsec_" + "QUJD" * 22]
)
def test_a_secret_that_is_none_is_refused_and_not_told(secret: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        Hook.of("https://example.com/", secret)
    assert "QUJD" not in str(refused.value) and "whsec_" in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com", "file:///etc/passwd", "example.com", "http://", "https://a b/", "http://a/\r\nx: y",
        "http://user:pw@example.com/", "https://example.com:99999/", "https://example.com/#x", "https://exämple.com/",
    ],
)  # fmt: skip
def test_only_plain_http_addresses_are_taken(url: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        Hook.of(url, SECRET)
    assert "pw" not in str(refused.value)


def test_neither_the_secret_nor_the_address_is_shown() -> None:
    assert repr(Hook.of("https://example.com/?token=1", SECRET)) == "Hook()"


# ---------------------------------------------------------------- sending
def test_the_receiver_can_verify_what_was_sent() -> None:
    with receiving(204) as receiver:
        assert sent(receiver.url) == Delivery(1, 204, None)
    ((got, body),) = receiver.got
    verify(SECRET, got, body, now=NOW)
    assert got["content-type"] == "application/json" and got["webhook-id"] == "msg_" + "ab" * 16


def test_the_body_tells_the_ranking_and_nothing_else() -> None:
    with receiving(200) as receiver:
        sent(receiver.url)
    assert json.loads(receiver.got[0][1]) == {
        "type": "ranking.published",
        "timestamp": "2026-03-01T03:15:00.000Z",
        "data": {
            "version": "abababababab", "as_of": "2026-02-28", "rows": 3, "model_version": "0123456789ab",
            "valid_until": "2026-03-07", "changed_rows": 2,
        },
    }  # fmt: skip


def test_a_receiver_that_comes_back_gets_the_same_message_again() -> None:
    pauses: list[float] = []
    with receiving(503, 429, 200) as receiver:
        assert sent(receiver.url, pauses) == Delivery(3, 200, None)
    assert {got["webhook-id"] for got, _ in receiver.got} == {"msg_" + "ab" * 16}
    assert pauses == [1.0, 4.0]


def test_after_three_tries_it_is_left() -> None:
    with receiving(500, 500, 500) as receiver:
        done = sent(receiver.url)
    assert (done.tries, done.status, len(receiver.got)) == (3, 500, 3)
    assert done.problem is not None and done.problem.endswith("answered 500")


@pytest.mark.parametrize(("status", "words"), [(410, "wants no more"), (401, "401"), (302, "not followed")])
def test_a_refusal_is_final_and_a_redirect_is_not_followed(status: int, words: str) -> None:
    with receiving(200) as elsewhere, receiving(status, more={"location": elsewhere.url}) as receiver:
        done = sent(receiver.url)
    assert done.tries == 1 and words in (done.problem or "") and not elsewhere.got


def test_nobody_there_is_a_problem_and_no_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    done = sent(f"http://127.0.0.1:{port}/?token=secret")
    assert (done.tries, done.status, done.problem) == (3, None, f"127.0.0.1:{port}: Connection refused")


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_a_receiver_that_says_nonsense_or_hangs_up_is_a_problem(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answered, args=(listening, answer))
        thread.start()
        done = sent(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        thread.join()
    assert (done.tries, done.status) == (3, None)


def answered(listening: socket.socket, answer: bytes) -> None:
    for _ in range(3):
        connection, _ = listening.accept()
        with connection:
            connection.recv(65_536)
            connection.sendall(answer)


def test_a_receiver_that_drips_its_answer_holds_us_no_longer_than_the_limit() -> None:
    hook_time = 0.3
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threads = [threading.Thread(target=dripping, args=(listening,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        begun = time.monotonic()
        done = deliver(
            Hook.of(url, SECRET),
            b"{}",
            message_id="msg_1",
            clock=lambda: NOW,
            pause=lambda _: None,
            try_seconds=hook_time,
        )
        took = time.monotonic() - begun
        for thread in threads:
            thread.join()
    assert (done.tries, done.status) == (3, None) and took < 3 * hook_time + 0.5


def dripping(listening: socket.socket) -> None:
    """Send one letter of an endless header every 50 ms until the other side hangs up."""
    connection, _ = listening.accept()
    with connection:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
            while True:
                connection.sendall(b"a")
                time.sleep(0.05)
        except OSError:
            return
