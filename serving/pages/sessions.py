"""Who is signed in: random tokens in a cookie, and what they stand for in this process's memory."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from serving.guarding.keys import Key

LASTS = timedelta(hours=12)
MOST = 1_000
_BYTES = 32


@dataclass(frozen=True)
class Session:
    """A signed-in browser. key: what its API key may do, held against the key file at each request; csrf: see forms."""

    key: Key
    csrf: str = field(repr=False)
    until: datetime


@dataclass
class Sessions:
    """The sessions of one server process: at most MOST, the oldest gives way; each ends LASTS after it began.

    Only the SHA-256 of a token is kept. A restart signs everybody out; several worker processes do not share them.
    """

    clock: Callable[[], datetime]
    _open: OrderedDict[bytes, Session] = field(default_factory=OrderedDict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _secret: bytes = field(default_factory=lambda: secrets.token_bytes(_BYTES), repr=False)

    def begin(self, key: Key) -> str:
        """Open a session for a key and return its token: what the cookie holds."""
        token = secrets.token_urlsafe(_BYTES)
        session = Session(key, secrets.token_urlsafe(_BYTES), self.clock() + LASTS)
        with self._lock:
            self._open[_digest(token)] = session
            while len(self._open) > MOST:
                self._open.popitem(last=False)
        return token

    def of(self, token: str) -> Session | None:
        """Return the session of a token, or None if there is none or it is over."""
        with self._lock:
            session = self._open.get(_digest(token))
            if session is not None and session.until <= self.clock():
                del self._open[_digest(token)]
                return None
        return session

    def end(self, token: str) -> None:
        """Close a session."""
        with self._lock:
            self._open.pop(_digest(token), None)

    def form_token(self, nonce: str) -> str:
        """Return what the sign-in form must carry for the nonce in its cookie: no other site can know both."""
        return hmac.new(self._secret, nonce.encode(), hashlib.sha256).hexdigest()

    def __len__(self) -> int:
        return len(self._open)


def same(one: str, other: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
