"""The webhook `ranking.published`, signed by Standard Webhooks (https://www.standardwebhooks.com, version 1.0.0).

webhook-id          the same however often it is sent, so that a receiver acts once
webhook-timestamp   seconds since 1970 of this try
webhook-signature   `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`

The body says which ranking is there, never who is in it. A receiver that is gone is a warning: what was published stays
published. Redirects are not followed and proxies are not asked: it goes where the operator said, or nowhere.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

from contracts.errors import DataError, DeclarationError

TYPE = "ranking.published"
TOLERANCE_SECONDS = 300
TRIES = 3
TRY_SECONDS = 10.0
_PAUSES = (1.0, 4.0)
_PREFIX = "whsec_"
_LEAST_BYTES, _MOST_BYTES = 24, 64
_PASSES_BY = (408, 425, 429)
_GONE = 410

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Hook:
    """Where a webhook goes, and the secret that signs it."""

    url: str = field(repr=False)  # its query may hold a token
    key: bytes = field(repr=False)

    @staticmethod
    def of(url: str, secret: str | None) -> Hook:
        """Return the hook of an http(s) address and a `whsec_…` secret; DeclarationError if either is wrong."""
        if not secret:
            raise DeclarationError(
                "a webhook needs a secret that its receiver knows as well. Set REPURCHASE_WEBHOOK_SECRET=whsec_…"
            )
        _address(url)
        return Hook(url, key_of(secret))

    @property
    def place(self) -> str:
        """The host that it goes to, without path and query."""
        return _address(self.url).netloc


@dataclass(frozen=True)
class Delivery:
    """How sending ended. problem: None once it was received."""

    tries: int
    status: int | None
    problem: str | None


def key_of(secret: str) -> bytes:
    """Return the key of a `whsec_…` secret (24 to 64 bytes in base64); DeclarationError if it is none."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _LEAST_BYTES <= len(key) <= _MOST_BYTES:
        raise DeclarationError(
            f"the webhook secret must be {_PREFIX} and the base64 of {_LEAST_BYTES} to {_MOST_BYTES} random bytes. "
            f"Make one: echo {_PREFIX}$(openssl rand -base64 32)"
        )
    return key


def signature(key: bytes, *, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the `v1` signature of one message."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def verify(
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: datetime,
    tolerance_seconds: int = TOLERANCE_SECONDS,
) -> None:
    """Check a received webhook; DataError if it is not from who knows the secret, or too old or too new.

    headers: names in any case. body: the bytes as they came, before any parsing. For receivers.
    """
    found = {name.lower(): value for name, value in headers.items()}
    try:
        message_id, sent, given = (found[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
    except KeyError as error:
        raise DataError(f"the webhook has no header {error.args[0]}.") from None
    if not (sent.isascii() and sent.isdigit() and len(sent) <= 12):
        raise DataError("the webhook's timestamp is no number of seconds.")
    if abs(now.timestamp() - int(sent)) > tolerance_seconds:
        raise DataError(f"the webhook was sent over {tolerance_seconds} s before or after now.")
    expected = signature(key_of(secret), message_id=message_id, timestamp=int(sent), body=body).encode()
    matches = [hmac.compare_digest(one.encode("utf-8", "replace"), expected) for one in given.split(" ")]
    if not any(matches):
        raise DataError("the webhook's signature is not right.")


def announcement(manifest: Mapping[str, Any], *, changed_rows: int | None, at: datetime) -> bytes:
    """Return the body about a published store: its facts, no customer. at: when it was published."""
    data = {
        "version": str(manifest["sha256"])[:12],
        "as_of": str(manifest["as_of"]),
        "rows": int(manifest["rows"]),
        "model_version": str(manifest["model_version"]),
        "valid_until": str(manifest["valid_until"]),
        "changed_rows": changed_rows,
    }
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps({"type": TYPE, "timestamp": moment, "data": data}, separators=(",", ":")).encode()


def announce(
    hook: Hook,
    manifest: Mapping[str, Any],
    *,
    changed_rows: int | None,
    clock: Clock,
    pause: Callable[[float], None] = time.sleep,
) -> Delivery:
    """Send `ranking.published` for a store's manifest; whatever happens is in the answer, nothing is raised.

    changed_rows: customers in scores_changed, None where there was no ranking before. At most 3 tries and 35 s.
    """
    body = announcement(manifest, changed_rows=changed_rows, at=clock())
    return deliver(hook, body, message_id=f"msg_{str(manifest['sha256'])[:32]}", clock=clock, pause=pause)


def deliver(
    hook: Hook,
    body: bytes,
    *,
    message_id: str,
    clock: Clock,
    pause: Callable[[float], None] = time.sleep,
    try_seconds: float = TRY_SECONDS,
) -> Delivery:
    """Post a signed body until it is received, refused for good, or tried often enough."""
    done = Delivery(0, None, None)
    for number in range(1, TRIES + 1):
        if number > 1:
            pause(_PAUSES[number - 2])
        headers = _headers(hook, body, message_id, clock())
        done = _judged(number, hook, _Try(hook, headers, body).within(try_seconds))
        if done.problem is None or (done.status is not None and not _may_pass(done.status)):
            break
    return done


def _headers(hook: Hook, body: bytes, message_id: str, now: datetime) -> dict[str, str]:
    timestamp = int(now.timestamp())
    return {
        "content-type": "application/json",
        "user-agent": "repurchase",
        "connection": "close",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(hook.key, message_id=message_id, timestamp=timestamp, body=body),
    }


def _judged(number: int, hook: Hook, outcome: int | str) -> Delivery:
    if isinstance(outcome, str):
        return Delivery(number, None, f"{hook.place}: {outcome}")
    if 200 <= outcome < 300:
        return Delivery(number, outcome, None)
    advice = {_GONE: ": it wants no more of them"}.get(outcome, "")
    moved = ": redirects are not followed" if 300 <= outcome < 400 else ""
    return Delivery(number, outcome, f"{hook.place} answered {outcome}{advice}{moved}")


def _may_pass(status: int) -> bool:
    return status >= 500 or status in _PASSES_BY


class _Try:
    """One try, in a thread of its own: neither a name server nor a receiver that drips can hold us longer."""

    def __init__(self, hook: Hook, headers: dict[str, str], body: bytes) -> None:
        self._address, self._headers, self._body = _address(hook.url), headers, body
        self._outcome: int | str = "no answer in time"
        self._connection: http.client.HTTPConnection | None = None

    def within(self, seconds: float) -> int | str:
        """Return the status of the answer, or why there is none."""
        thread = threading.Thread(target=self._run, args=(seconds,), name="webhook", daemon=True)
        thread.start()
        thread.join(seconds)
        outcome = "no answer in time" if thread.is_alive() else self._outcome
        if thread.is_alive() and self._connection is not None and self._connection.sock is not None:
            with suppress(OSError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)
        return outcome

    def _run(self, seconds: float) -> None:
        try:
            self._connection = _connection(self._address, seconds)
            path = self._address.path or "/"
            query = f"?{self._address.query}" if self._address.query else ""
            self._connection.request("POST", path + query, self._body, self._headers)
            self._outcome = self._connection.getresponse().status
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._outcome = _reason(error)
        finally:
            if self._connection is not None:
                self._connection.close()


def _connection(address: SplitResult, seconds: float) -> http.client.HTTPConnection:
    assert address.hostname is not None
    if address.scheme == "http":
        return http.client.HTTPConnection(address.hostname, address.port, timeout=seconds)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(address.hostname, address.port, timeout=seconds, context=context)


def _reason(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"no answer that could be read ({type(error).__name__})"


def _address(url: str) -> SplitResult:
    """Return the parts of an http(s) address; DeclarationError, without the address, if it is none."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fits = False
    if not fits or any(not "!" <= char <= "~" for char in url):
        raise DeclarationError("the webhook's address is no http(s) address. Write https://host/path.")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise DeclarationError("the webhook's address may hold no user, password or #fragment.")
    return parts
